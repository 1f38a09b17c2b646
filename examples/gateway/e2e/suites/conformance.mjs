// The official conformance suite: a server of ours direct and through the gateway, check by check; then a real
// client at the suite's own servers, direct and through the gateway.
import { fileURLToPath } from 'node:url';
import { against, compare, expectedFailures, failed, judged, measure, passed, table, why } from '../lib/conformance.mjs';
import { browse } from '../lib/browse.mjs';
import { Client } from '../lib/by-hand.mjs';
import { facadeConfig, gatewayConfig } from '../lib/gateway.mjs';
import { send } from '../lib/raw.mjs';

// Both requirement sets of the suite against a server that validates headers itself, and the newer one against
// one that does not: there the gateway does it for the server.
const RUNS = [
  { name: '2025-11-25', requirements: '2025-11-25', atLeast: 80 },
  { name: '2026-07-28', requirements: '2026-07-28', atLeast: 120 },
  { name: '2026-07-28 headers unchecked', requirements: '2026-07-28', headers: 'unchecked', atLeast: 120, gains: ['http-header-validation/', 'tasks-request-headers/', 'server-stateless/'] },
];

const CLIENT_SCENARIOS = [
  'http-standard-headers', 'http-custom-headers', 'http-invalid-tool-headers', 'request-metadata', 'sep-2322-client-request-state',
];
const CLIENT = ['resolve.mjs', '../parts/conformance-client.mjs'].map((file) => fileURLToPath(new URL(`../lib/${file}`, import.meta.url)));

export default async function conformance(t) {
  const as = await t.must('the authorization server starts', () => t.authorizationServer());
  const rows = [['run', 'direct passed', 'failed', 'gateway passed', 'failed', 'gained', 'lost']];
  const setups = new Map();
  for (const run of RUNS) rows.push(await serverRun(t, { as, run, setups }));
  for (const scenario of CLIENT_SCENARIOS) rows.push(await clientRun(t, { as, scenario }));
  rows.push(await authorizationRun(t, { as }));
  for (const line of table(rows).split('\n')) t.step(line);
}

/** A server, the gateway before it, and what gives the suite's requests a token. */
async function chain(t, { as, headers }) {
  const name = headers ? `server-${headers}` : 'server';
  const upstream = await t.upstream({ name, part: 'conformance-server', env: { ...(headers && { UP_HEADERS: headers }) } });
  const front = await t.freePort();
  const resource = `http://127.0.0.1:${front}/mcp`;
  const gateway = await t.gateway(gatewayConfig({ as: as.url, resource, upstream: `${upstream.url}/mcp` }), { name: `gateway-of-${name}` });
  const token = await mint(as, resource);
  await t.node(`forward-to-${name}`, 'forward', { env: { FORWARD_PORT: String(front), FORWARD_TO: gateway.url, FORWARD_TOKEN: token } });
  return { direct: `${upstream.url}/mcp`, through: resource, gateway };
}

async function mint(as, audience) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: 'conformance', aud: audience, client_id: 'conformance', scope: 'mcp:read mcp:write', iat: now, exp: now + 3600, jti: crypto.randomUUID() };
  const response = await fetch(`${as.url}/__mint`, { method: 'POST', body: JSON.stringify({ claims }) });
  if (!response.ok) throw new Error(await response.text());
  return response.text();
}

async function serverRun(t, { as, run, setups }) {
  const { name, requirements, headers } = run;
  t.step(`server mode, ${name}`);
  if (!setups.has(headers)) setups.set(headers, await t.must(`${name}: server, gateway and forward start`, () => chain(t, { as, headers })));
  const { direct, through } = setups.get(headers);
  const log = name.replaceAll(' ', '-');
  const server = (url) => ['server', '--url', url, '--requirements', requirements];
  const plain = await measure(t, `direct-${log}`, server(direct));
  let gated = await measure(t, `gateway-${log}`, server(through));
  const first = compare(plain, gated).lost;
  if (first.length > 0) {
    // Some scenarios give a stream less than a second: on a busy machine a check is lost that is there the next time.
    gated = await measure(t, `gateway-${log}-2`, server(through));
    const again = first.filter((key) => !compare(plain, gated).lost.includes(key));
    if (again.length > 0) t.step(`lost at first, not at the second run: ${again.join(', ')}`);
  }

  t.check(`${name}: the server passes at least ${run.atLeast} checks direct`, passed(plain).length >= run.atLeast, `${passed(plain).length}`);
  const { unexpected, stale } = against(expectedFailures(name), failed(plain).map(({ key }) => key));
  t.check(`${name}: nothing fails direct but what is expected to`, unexpected.length === 0,
    () => unexpected.map((key) => `${key}: ${why(plain, key)}`).join('\n'));
  t.check(`${name}: every failure that is expected direct is there`, stale.length === 0, stale.join('\n'));

  const { lost, gained } = compare(plain, gated);
  t.check(`${name}: no check is lost through the gateway`, lost.length === 0,
    () => lost.map((key) => `lost: ${key}\n      ${why(gated, key)}`).join('\n'));
  for (const start of run.gains ?? []) {
    const open = judged(plain).filter(({ key, status }) => key.startsWith(start) && status !== 'SUCCESS');
    t.check(`${name}: direct, not all of ${start} passes`, open.length > 0);
    const missing = open.filter(({ key }) => !gained.includes(key));
    t.check(`${name}: through the gateway, all of ${start} passes`, missing.length === 0,
      () => missing.map(({ key }) => `${key}\n      ${why(gated, key)}`).join('\n'));
  }
  if (requirements === '2026-07-28') {
    t.equal(`${name}: a list that everybody may cache is private to the user behind the gateway`,
      await Promise.all([direct, through].map(cacheScope)), ['public', 'private']);
  }
  for (const key of gained) t.step(`gained: ${key}`);
  return [name, passed(plain).length, failed(plain).length, passed(gated).length, failed(gated).length, gained.length, lost.length];
}

async function cacheScope(url) {
  const { json } = await send(url, {
    method: 'POST',
    headers: [
      'Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream',
      'MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'tools/list',
    ],
    body: JSON.stringify({
      jsonrpc: '2.0', id: 1, method: 'tools/list',
      params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} } },
    }),
  });
  return json?.result?.cacheScope;
}

/** The suite's own server, with and without the gateway between it and the client. */
async function clientRun(t, { as, scenario }) {
  t.step(`client mode, ${scenario}`);
  const [hook, script] = CLIENT;
  const args = ['client', '--command', `${process.execPath} --import ${hook} ${script}`, '--scenario', scenario, '--spec-version', '2026-07-28'];
  const direct = await clientMeasure(t, `client-direct-${scenario}`, args);
  const port = await t.freePort();
  const through = await clientMeasure(t, `client-gateway-${scenario}`, args, {
    CLIENT_GATEWAY: t.gatewayBinary,
    CLIENT_GATEWAY_PORT: String(port),
    CLIENT_GATEWAY_TOKEN: await mint(as, `http://127.0.0.1:${port}/mcp`),
    CLIENT_GATEWAY_ISSUER: as.url,
    CLIENT_GATEWAY_FILES: t.logs,
  });
  const { unexpected } = against([], failed(direct).map(({ key }) => key));
  t.check(`${scenario}: direct, checks pass and none fails`, passed(direct).length > 0 && unexpected.length === 0,
    () => unexpected.map((key) => `${key}: ${why(direct, key)}`).join('\n'));
  const differs = (one, other) => judged(one).filter(({ key, status }) => other.get(key)?.status !== status).map(({ key }) => key);
  const different = [...new Set([...differs(direct, through), ...differs(through, direct)])];
  t.check(`${scenario}: through the gateway every check ends as it does direct`, different.length === 0,
    () => different.map((key) => `${key}\n      direct ${why(direct, key)}\n      gateway ${why(through, key)}`).join('\n'));
  const { lost, gained } = compare(direct, through);
  return [scenario, passed(direct).length, failed(direct).length, passed(through).length, failed(through).length, gained.length, lost.length];
}

/** The suite as a client of the gateway as authorization server; a person logs in where it says. */
async function authorizationRun(t, { as }) {
  t.step('authorization server mode');
  const upstream = await t.upstream({ name: 'behind-the-facade' });
  const gateway = await t.must('a gateway that is an authorization server starts', () => t.gateway(
    facadeConfig({ as: as.url, upstream: `${upstream.url}/mcp`, keyFile: `${t.logs}/facade.key` }), { name: 'facade' }));
  const port = await t.freePort();
  const redirect_uris = [`http://127.0.0.1:${port}/callback`];
  const client = new Client(gateway.url);
  await t.must('a client registers', () => client.register({ redirect_uris }));
  const args = ['authorization', '--url', gateway.url, '--client-id', client.id, '--resource', `${gateway.url}/mcp`, '--port', String(port)];
  const run = await measure(t, 'authorization', args, {
    meanwhile: async (part) => {
      const [asked] = await part.line(/^http\S+\/authorize\?\S+$/m, { timeout: 60_000 });
      await fetch(await browse(asked, redirect_uris[0]));
    },
  });
  const bad = judged(run).filter(({ status }) => status !== 'SUCCESS');
  t.check('authorization server mode: every check passes, none is skipped', run.size >= 3 && passed(run).length === run.size,
    () => [...run.values()].map(({ key, status, message }) => `${status} ${key} ${message}`).join('\n'));
  return ['authorization server', '-', '-', passed(run).length, bad.length, '-', '-'];
}

/** Under load the suite's server has been seen to report no check at all: up to three times, and said. */
async function clientMeasure(t, name, args, env) {
  for (let attempt = 1; ; attempt += 1) {
    const run = await measure(t, attempt === 1 ? name : `${name}-${attempt}`, args, { env });
    if (passed(run).length + failed(run).length > 0 || attempt === 3) return run;
    t.step(`${name}: no checks reported, once more`);
  }
}
