// The official conformance suite: a server of ours direct and through the gateway, check by check.
import { against, compare, expectedFailures, failed, measure, passed, table, why } from '../lib/conformance.mjs';

// Both requirement sets of the suite against a server that validates headers itself, and the newer one against
// one that does not: there the gateway does it for the server.
const RUNS = [
  { name: '2025-11-25', requirements: '2025-11-25', atLeast: 80 },
  { name: '2026-07-28', requirements: '2026-07-28', atLeast: 120 },
  { name: '2026-07-28 headers unchecked', requirements: '2026-07-28', headers: 'unchecked', atLeast: 120, gains: 'http-header-validation/' },
];

const config = ({ as, resource, upstream }) => (port) => `\
binds:
- port: ${port}
  listeners:
  - routes:
    - matches:
      - path:
          exact: /mcp
      - path:
          exact: /.well-known/oauth-protected-resource/mcp
      policies:
        mcpAuthentication:
          mode: strict
          issuer: ${as}
          audiences: [${resource}]
          jwks:
            url: ${as}/jwks
          resourceMetadata:
            resource: ${resource}
        mcpAuthorization:
          rules:
          - 'jwt.sub == "conformance"'
      backends:
      - mcp:
          targets:
          - name: upstream
            mcp:
              host: ${upstream}
`;

export default async function conformance(t) {
  const as = await t.must('the authorization server starts', () => t.authorizationServer());
  const rows = [['run', 'direct passed', 'failed', 'gateway passed', 'failed', 'gained', 'lost']];
  const setups = new Map();
  for (const run of RUNS) rows.push(await serverRun(t, { as, run, setups }));
  for (const line of table(rows).split('\n')) t.step(line);
}

/** A server, the gateway before it, and what gives the suite's requests a token. */
async function chain(t, { as, headers }) {
  const name = headers ? `server-${headers}` : 'server';
  const upstream = await t.upstream({ name, part: 'conformance-server', env: { ...(headers && { UP_HEADERS: headers }) } });
  const front = await t.freePort();
  const resource = `http://127.0.0.1:${front}/mcp`;
  const gateway = await t.gateway(config({ as: as.url, resource, upstream: `${upstream.url}/mcp` }), { name: `gateway-of-${name}` });
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
  const gated = await measure(t, `gateway-${log}`, server(through));

  t.check(`${name}: the server passes at least ${run.atLeast} checks direct`, passed(plain).length >= run.atLeast, `${passed(plain).length}`);
  const { unexpected, stale } = against(expectedFailures(name), failed(plain).map(({ key }) => key));
  t.check(`${name}: nothing fails direct but what is expected to`, unexpected.length === 0,
    () => unexpected.map((key) => `${key}: ${why(plain, key)}`).join('\n'));
  t.check(`${name}: every failure that is expected direct is there`, stale.length === 0, stale.join('\n'));

  const { lost, gained } = compare(plain, gated);
  t.check(`${name}: no check is lost through the gateway`, lost.length === 0,
    () => lost.map((key) => `lost: ${key}\n      ${why(gated, key)}`).join('\n'));
  if (run.gains) {
    const open = [...plain.values()].filter(({ key, status }) => key.startsWith(run.gains) && ['FAILURE', 'WARNING'].includes(status));
    t.check(`${name}: direct, ${run.gains}* does not all pass`, open.length > 0);
    t.check(`${name}: through the gateway, ${run.gains}* passes`, open.every(({ key }) => gained.includes(key)),
      () => open.filter(({ key }) => !gained.includes(key)).map(({ key }) => `${key}: ${why(gated, key)}`).join('\n'));
  }
  for (const key of gained) t.step(`gained: ${key}`);
  return [name, passed(plain).length, failed(plain).length, passed(gated).length, failed(gated).length, gained.length, lost.length];
}
