// The gateway as authorization server before the lab's provider, which sends `iss`: what it says of itself, restarts,
// parallel refreshes, two replicas with one Redis, and what is refused.
import { decodeJwt } from 'jose';
import { decide } from '../lib/browse.mjs';
import { Client, form, json } from '../lib/by-hand.mjs';
import { facadeConfig } from '../lib/gateway.mjs';
import { until } from '../lib/harness.mjs';
import { hasLab, labServer } from '../lib/lab.mjs';
import { Person, REDIRECT_URI, browse, challenge, connect } from '../lib/oauth.mjs';
import { call, post } from '../lib/raw.mjs';

const GRACE = 2; // seconds
const SERVER = ['scopes: [offline_access]', 'parameters: {prompt: consent}', `lifetimes: {grace: ${GRACE}s}`];

export default async function facade(t) {
  if (!hasLab(t)) return;
  const as = await t.must('the provider starts', () => labServer(t));
  const upstream = await t.must('an MCP server starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  const setup = { as: as.url, upstream: `${upstream.url}/mcp`, server: SERVER };
  await documents(t, setup);
  await restarts(t, setup);
  await replicas(t, setup);
}

async function documents(t, setup) {
  t.step('what it says of itself');
  const gateway = await t.must('a gateway starts', () => t.gateway(facadeConfig({ ...setup, keyFile: `${t.logs}/documents.key` }), { name: 'documents' }));
  const issuer = gateway.url;
  const unauthorized = await post(`${issuer}/mcp`, undefined, call('whoami'));
  const { resource_metadata: place } = challenge(unauthorized.headers['www-authenticate']);
  const resource = await json(place);
  t.equal('row_120 the resource names the gateway as its authorization server',
    [resource.body.resource, resource.body.authorization_servers], [`${issuer}/mcp`, [issuer]]);
  for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
    const { status, body, headers } = await json(`${issuer}${path}`, { headers: { origin: 'https://app.example' } });
    const own = Object.entries(body).filter(([name]) => /(_endpoint|^jwks_uri)$/.test(name)).map(([, url]) => url);
    t.equal(`row_140 ${path}: issuer, endpoints and keys are the gateway's`,
      [status, body.issuer, own.length >= 4 && own.every((url) => url.startsWith(issuer))], [200, issuer, true]);
    t.equal(`${path}: PKCE, iss, registration by document and by request are offered`,
      [body.code_challenge_methods_supported, body.authorization_response_iss_parameter_supported, body.client_id_metadata_document_supported, typeof body.registration_endpoint],
      [['S256'], true, true, 'string']);
    t.equal(`${path}: scripts of every origin may read it`, headers.get('access-control-allow-origin'), '*');
    const elsewhere = await json(`http://localhost:${gateway.port}${path}`);
    t.check(`${path}: asked at another host, it is not there`, elsewhere.status === 404, elsewhere);
  }

  t.step('who is not known, and who has not shown that it is who it says');
  const client = new Client(issuer);
  await t.must('a client registers', () => client.register());
  for (const id of ['nobody', 's1.AAAA', `${client.id.slice(0, -2)}AA`]) {
    const { status, body } = await form(`${issuer}/token`, { grant_type: 'refresh_token', client_id: id, refresh_token: 'x' });
    t.equal(`the token endpoint does not know ${id.slice(0, 12)}: invalid_client, so that it registers again`, [status, body.error], [401, 'invalid_client']);
    const page = await fetch(`${issuer}/authorize?${new URLSearchParams({ client_id: id, redirect_uri: REDIRECT_URI, response_type: 'code' })}`, { redirect: 'manual' });
    t.equal('and the authorization endpoint shows a page, redirecting nobody', [page.status, page.headers.get('location')], [400, null]);
  }
  const astray = await fetch(await client.address({ redirect_uri: 'http://127.0.0.1:7/other' }), { redirect: 'manual' });
  t.equal('mcp_c7 another redirect URI: a page, redirecting nobody', [astray.status, astray.headers.get('location')], [400, null]);
  for (const [what, extra, error] of [
    ['without PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['with PKCE plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['for another resource', { resource: 'http://127.0.0.1:9/mcp' }, 'invalid_target'],
  ]) {
    const answered = await browse(await client.address(extra));
    t.equal(`${what}: ${error}, with state and iss`,
      ['error', 'state', 'iss', 'code'].map((name) => answered.searchParams.get(name)), [error, 'of the client', issuer, null]);
  }
  const answered = await t.must('a login leads back', async () => browse(await client.address()));
  t.equal('the answer names the issuer (RFC 9207)', answered.searchParams.get('iss'), issuer);
  const wrong = await client.token({ ...client.code(answered), code_verifier: 'A'.repeat(43) });
  t.equal('a code without its verifier: invalid_grant', [wrong.status, wrong.body.error], [400, 'invalid_grant']);
  const right = await client.token(client.code(answered));
  t.equal('and it is still good for who has it', right.status, 200);
  t.equal('not to be stored', right.headers.get('cache-control'), 'no-store');
  t.equal('the token is the provider\'s, for the resource', [decodeJwt(right.body.access_token).iss, decodeJwt(right.body.access_token).aud], [setup.as, `${issuer}/mcp`]);
  const again = await client.token(client.code(answered));
  t.equal('attack_099 a code used twice: invalid_grant', [again.status, again.body.error], [400, 'invalid_grant']);
  const after = await client.refresh(right.body.refresh_token);
  t.equal('and what it gave ends', [after.status, after.body.error], [400, 'invalid_grant']);

  const tokens = await t.must('another login', () => client.login());
  const revoked = await form(`${issuer}/revoke`, { client_id: client.id, token: tokens.refresh_token });
  const dead = await client.refresh(tokens.refresh_token);
  t.equal('a refresh token that was revoked is refused', [revoked.status, dead.status, dead.body.error], [200, 400, 'invalid_grant']);
  const denied = await browse(await client.address(), { fill: decide('deny') });
  t.equal('who says no leads back with access_denied', ['error', 'iss'].map((name) => denied.searchParams.get(name)), ['access_denied', issuer]);
  t.check('attack_112 no token and no code in the log', ![tokens.access_token.split('.')[2], tokens.refresh_token, answered.searchParams.get('code')]
    .some((secret) => gateway.text().includes(secret)));
}

async function restarts(t, setup) {
  t.step('the gateway is started anew in between');
  const config = facadeConfig({ ...setup, keyFile: `${t.logs}/restarts.key` });
  let count = 0;
  let gateway;
  const start = async (port) => {
    count += 1;
    gateway = await t.must(`start ${count}`, () => t.gateway(config, { name: `restart-${count}`, port }));
    return gateway;
  };
  const { port } = await start();
  const restart = async () => { await gateway.stop(); await start(port); };
  const url = `${gateway.url}/mcp`;

  const person = new Person('alice');
  const first = await t.must('a client on the official SDK registers, logs in and connects', () => connect(url, person));
  await first.client.close();
  const [id, token] = [person.secrets.client.client_id, person.token];
  await restart();
  const second = await t.attempt('after a restart it connects with what it has', () => connect(url, person));
  await second?.client.close();
  t.equal('without a login', person.visits.length, 1);
  person.secrets.tokens.access_token = 'no-longer-good';
  const third = await t.attempt('its refresh token of before is good', () => connect(url, person));
  await third?.client.close();
  t.equal('for a new token, still without a login', [person.visits.length, person.token !== token], [1, true]);
  person.secrets.tokens = undefined;
  const fourth = await t.attempt('and a further login', () => connect(url, person));
  await fourth?.client.close();
  t.equal('needs no new registration', [person.visits.length, person.secrets.client.client_id], [2, id]);

  const client = new Client(gateway.url);
  await client.register();
  const answered = await t.attempt('a login goes on when the gateway is started anew while the page of consent is open',
    async () => browse(await client.address(), { fill: async (forms) => { await restart(); return decide('allow')(forms); } }));
  t.equal('and ends with tokens', (await client.token(client.code(answered))).status, 200);

  t.step('three refreshes at once with the same refresh token, and one that comes too late');
  await parallel(t, client, 'one replica');
}

/** Three at once, then one with what they gave, then the old one after its time. */
async function parallel(t, client, where) {
  const { refresh_token: token } = await t.must(`${where}: a login`, () => client.login());
  const three = await Promise.all([1, 2, 3].map(() => client.refresh(token)));
  t.equal(`${where}: three parallel refreshes all succeed`, three.map(({ status }) => status), [200, 200, 200]);
  t.equal(`${where}: with one answer`, new Set(three.map(({ body }) => body.access_token)).size, 1);
  const next = await client.refresh(three[2].body.refresh_token);
  t.equal(`${where}: the session is alive`, next.status, 200);
  const late = await until('the time of grace passing', async () => {
    const answer = await client.refresh(token);
    return answer.status !== 200 && answer;
  }, { timeout: 15_000, every: 500 });
  t.equal(`${where}: attack_104 the used token comes again later: refused`, [late.status, late.body.error], [400, 'invalid_grant']);
  const ended = await client.refresh(next.body.refresh_token);
  t.equal(`${where}: and the session has ended with it`, [ended.status, ended.body.error], [400, 'invalid_grant']);
}

async function replicas(t, setup) {
  t.step('two replicas with one Redis, each request at the other one');
  const redis = await t.must('Redis starts', () => t.redis());
  const front = await t.freePort();
  const issuer = `http://127.0.0.1:${front}`;
  const state = ['replicas: 2', `store: {redis: {url: '${redis.url}'}}`];
  const keyFile = `${t.logs}/replicas.key`;
  const config = (more) => facadeConfig({ ...setup, issuer, resource: `${issuer}/mcp`, keyFile, ...more });
  // The first start of one replica makes the key: several need one that is there.
  const alone = await t.gateway(config({}), { name: 'makes-the-key' });
  await alone.stop();
  const gateways = await t.must('two gateways start', () => Promise.all(['a', 'b'].map((name) => t.gateway(config({ state }), { name: `replica-${name}` }))));
  await t.node('balance', 'forward', { env: { FORWARD_PORT: String(front), FORWARD_TO: gateways.map(({ url }) => url).join(',') } });

  const person = new Person('bob');
  const { client: connected } = await t.must('a client on the official SDK registers, logs in and connects', () => connect(`${issuer}/mcp`, person));
  const { content } = await connected.callTool({ name: 'whoami', arguments: {} });
  t.check('and calls', content.length > 0, content);
  await connected.close();
  const client = new Client(issuer);
  await client.register();
  await parallel(t, client, 'two replicas');
  const answered = await browse(await client.address());
  const both = await Promise.all([1, 2].map(() => client.token(client.code(answered))));
  t.equal('attack_099 a code at both replicas at once: one of them gives tokens', both.map(({ status }) => status).sort(), [200, 400]);

  t.step('Redis goes away, and comes again');
  const tokens = await t.must('a login', () => client.login());
  await redis.stop();
  const down = await client.refresh(tokens.refresh_token);
  t.equal('what cannot be recorded does not happen: 503', [down.status, down.body.error], [503, 'temporarily_unavailable']);
  t.check('the log says what is missing', gateways.some((gateway) => /redis/i.test(gateway.text())));
  t.equal('tokens are checked as before', (await post(`${issuer}/mcp`, tokens.access_token, call('whoami'))).status, 200);
  await t.must('Redis starts anew', () => t.redis({ name: 'redis-anew', port: redis.port }));
  const up = await until('the replicas finding it again', async () => {
    const answer = await client.refresh(tokens.refresh_token);
    return answer.status === 200 && answer;
  }, { timeout: 30_000, every: 300 });
  t.equal('and the session goes on', up.status, 200);
}
