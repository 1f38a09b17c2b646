// Official client, real authorization server and real MCP server, the gateway between them.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, exportSPKI, importJWK } from 'jose';
import { clientDocuments } from '../lib/client-documents.mjs';
import { facadeConfig, gatewayConfig } from '../lib/gateway.mjs';
import { until } from '../lib/harness.mjs';
import { hasLab, labServer } from '../lib/lab.mjs';
import { Person, REDIRECT_URI, browse, challenge, connect } from '../lib/oauth.mjs';
import { call, post, send } from '../lib/raw.mjs';
import { CLIENTS, RULE, everyClient } from '../lib/real-clients.mjs';

const SCOPES = ['openid', 'mcp:read', 'mcp:write'];
const TOOLS = ['admin_thing', 'read_thing', 'whoami', 'write_thing'];

// What an administrator would write: alice may call everything, everybody else all but write_thing.
// The metadata at the root, for clients that look only there, is served without being among the matches.
const config = (issuer, upstream) => (port) => `\
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
        cors:
          allowOrigins: ['*']
          allowHeaders: [mcp-protocol-version, content-type, authorization]
          exposeHeaders: [Mcp-Session-Id, WWW-Authenticate]
        mcpAuthentication:
          mode: strict
          issuer: ${issuer}
          audiences: [http://127.0.0.1:${port}/mcp]
          jwks:
            url: ${issuer}/jwks
          resourceMetadata:
            resource: http://127.0.0.1:${port}/mcp
            scopesSupported: [${SCOPES.join(', ')}]
            bearerMethodsSupported: [header]
        mcpAuthorization:
          rules:
          - 'jwt.sub == "alice" || mcp.tool.name != "write_thing"'
      backends:
      - mcp:
          targets:
          - name: upstream
            mcp:
              host: ${upstream}/mcp
`;

const names = ({ tools }) => tools.map((tool) => tool.name).sort();
const said = (result) => JSON.parse(result.content[0].text);
const brief = (response) => ({ status: response.status, challenge: response.headers['www-authenticate'], text: response.text.slice(0, 500) });

export default async function clients(t) {
  t.step('starting the authorization server, two upstreams (SSE, JSON) and a gateway before each');
  const as = await t.must('the authorization server starts', () => t.authorizationServer());
  const [sse, json] = await t.must('the upstreams start', () => Promise.all([
    t.upstream({ name: 'upstream-sse' }),
    t.upstream({ name: 'upstream-json', env: { UP_JSON: '1' } }),
  ]));
  const [gateway, jsonGateway] = await t.must('the gateways start', () => Promise.all([
    t.gateway(config(as.url, sse.url), { name: 'gateway-sse' }),
    t.gateway(config(as.url, json.url), { name: 'gateway-json' }),
  ]));
  const url = `${gateway.url}/mcp`;

  t.step('discovery without a token');
  await discovery(t, { as, gateway, upstream: sse, url });

  const people = {};
  for (const [mode, at, upstream] of [['SSE', gateway, sse], ['JSON', jsonGateway, json]]) {
    for (const login of ['alice', 'bob']) {
      t.step(`${login}, upstream answers ${mode}`);
      const person = new Person(login);
      await session(t, { person, mode, as, upstream, url: `${at.url}/mcp` });
      people[`${login} ${mode}`] = person;
    }
  }

  const tokens = { alice: people['alice SSE'].token, bob: people['bob SSE'].token };
  t.step('streams');
  await streams(t, { upstream: sse, url, person: people['bob SSE'] });
  t.step('sessions of the upstream');
  await sessions(t, { as });
  t.step('tokens that must not pass');
  await badTokens(t, { as, upstream: sse, url, alice: tokens.alice });
  t.step('messages that must not pass');
  await smuggling(t, { upstream: sse, url, ...tokens });

  for (const [mode, upstream] of [['SSE', sse], ['JSON', json]]) {
    const seen = await upstream.seen();
    t.check(`${mode}: the upstream saw requests, and none with an Authorization header`,
      seen.length > 0 && seen.every(({ headers }) => !('authorization' in headers)),
      () => seen.filter(({ headers }) => 'authorization' in headers));
    const leaked = Object.values(people).map((person) => person.token);
    t.check(`${mode}: no token reached the upstream in any other way`,
      !leaked.some((token) => JSON.stringify(seen).includes(token)), 'a token is in /__seen');
  }

  t.step('every official client: log in, list, call, step up, refresh');
  await realClients(t);
  t.step('the same where the gateway is their authorization server');
  await throughFacade(t);
}

/** Tokens live for three seconds, and clients may ask for more scopes than they registered with. */
async function realClients(t) {
  const as = await t.must('an authorization server with short-lived tokens starts', () => t.authorizationServer({
    name: 'short-lived-authorization-server',
    env: { AS_TOKEN_TTL: '3', AS_REFRESH: 'always', AS_CLIENT_SCOPE: 'any' },
  }));
  const upstream = await t.must('a server that speaks every version starts',
    () => t.upstream({ name: 'every-version', part: 'conformance-server' }));
  const gateway = await t.must('the gateway before it starts', () => t.gateway((port) => gatewayConfig({
    as: as.url, upstream: `${upstream.url}/mcp`, resource: `http://127.0.0.1:${port}/mcp`, rule: RULE, scopes: ['openid', 'mcp:read'],
  })(port), { name: 'gateway-every-version' }));
  await everyClient(t, { url: `${gateway.url}/mcp`, refreshed: (name) => as.text().includes(`granted refresh_token ${name}\n`) });
  t.check('the server saw their calls, and no Authorization header',
    upstream.text().includes('test_simple_text') && !upstream.text().includes('with Authorization'));
}

/**
 * Behind the gateway once the lab's provider, with access tokens of the gateway's own that live for three seconds; once a
 * provider whose own tokens do, passed through. With documents of clients, and with registrations. When all clients have
 * logged in, the gateways are started anew: what was used is in Redis, everything else is sealed.
 */
async function throughFacade(t) {
  const short = await t.must('a provider with short-lived tokens starts', () => t.authorizationServer({
    name: 'facade-short-lived', env: { AS_TOKEN_TTL: '3', AS_REFRESH: 'always', AS_CLIENT_SCOPE: 'any' },
  }));
  const redis = await t.must('Redis starts', () => t.redis());
  const documents = await t.must('metadata documents of clients are published', () => clientDocuments(t));
  const key = `${t.logs}/own-tokens.pem`;
  execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key], { stdio: 'pipe' });
  const lab = hasLab(t) && await t.must('the lab\'s provider starts', () => labServer(t));
  const upstream = await t.must('a server that speaks every version starts', () => t.upstream({ name: 'facade-every-version', part: 'conformance-server' }));
  const runs = [
    ['passes tokens through', short, [], ' through the facade', undefined],
    ...(lab ? [['gives its own tokens', lab, ['parameters: {prompt: consent}', `tokens: {own: {keyFile: ${key}, lifetime: 3s}}`], ' through the facade before the lab', documents]] : []),
  ];
  await Promise.all(runs.map(async ([what, as, server, of, published]) => {
    const name = `gateway-that-${what.replaceAll(' ', '-')}`;
    const front = await t.freePort();
    const issuer = `http://127.0.0.1:${front}`;
    const config = facadeConfig({
      as: as.url, upstream: `${upstream.url}/mcp`, issuer, resource: `${issuer}/mcp`, keyFile: `${t.logs}/${name}.key`, rule: RULE,
      server: ['scopes: [offline_access]', ...server], state: [`store: {redis: {url: '${redis.url}'}}`],
      outbound: [`caFiles: [${documents.authority}]`, 'allowClientDocuments: [127.0.0.0/8]'],
    });
    const first = await t.must(`the gateway that ${what} starts`, () => t.gateway(config, { name }));
    await t.node(`front-of-${name}`, 'forward', { env: { FORWARD_PORT: String(front), FORWARD_TO: first.url } });
    const gateways = [first];
    const log = () => gateways.map((gateway) => gateway.text()).join('');
    const restart = async () => {
      await until('every client being logged in', () => [...log().matchAll(/event="tokens_issued"/g)].length >= CLIENTS, { timeout: 120_000 });
      await first.stop();
      gateways.push(await t.must(`the gateway that ${what} is started anew in between`, () => t.gateway(config, { name: `${name}-anew`, port: first.port })));
    };
    // The audit log names the client; one with a document is known by its URL.
    const refreshed = (label) => log().split('\n').filter((line) => line.includes('event="refreshed"'))
      .some((line) => line.includes(`client_name="${label}"`) || line.includes(`client="${documents.url(label)}"`));
    await Promise.all([restart(), everyClient(t, { url: `${issuer}/mcp`, refreshed, documents: published, of })]);
    const registered = (gateway) => gateway.text().split('\n').filter((line) => line.includes('event="registered"'))
      .map((line) => /client_name="([^"]*)"/.exec(line)?.[1]);
    const before = registered(first);
    t.equal(`nobody has registered again at the gateway that ${what}`, registered(gateways.at(-1)).filter((label) => before.includes(label)), []);
  }));
  t.check('the server saw their calls, and no Authorization header',
    upstream.text().includes('test_simple_text') && !upstream.text().includes('with Authorization'));
}

async function discovery(t, { as, gateway, upstream, url }) {
  const metadataUrl = `${gateway.url}/.well-known/oauth-protected-resource/mcp`;
  const requests = {
    POST: () => post(url, undefined, call('whoami')),
    GET: () => send(url, { headers: ['Accept', 'text/event-stream'] }),
    DELETE: () => send(url, { method: 'DELETE', headers: ['Mcp-Session-Id', 'nobody'] }),
  };
  for (const [method, request] of Object.entries(requests)) {
    const response = await request();
    t.equal(`${method} without a token: 401`, response.status, 401);
    const found = challenge(response.headers['www-authenticate']);
    t.equal(`${method} without a token: the challenge is Bearer and names the metadata`,
      { scheme: found.scheme, resource_metadata: found.resource_metadata },
      { scheme: 'Bearer', resource_metadata: metadataUrl });
    t.check(`${method} without a token: the challenge asks for scopes of the resource`,
      found.scope?.split(' ').every((scope) => SCOPES.includes(scope)) && found.scope.includes('mcp:read'), () => brief(response));
    t.check(`${method} without a token: the challenge names no error`, response.status === 401 && !('error' in found), () => brief(response));
  }

  const garbage = await post(url, 'not-a-token', call('whoami'));
  const found = challenge(garbage.headers['www-authenticate']);
  t.equal('a bad token: 401 with error="invalid_token"', [garbage.status, found.error], [401, 'invalid_token']);
  t.equal('a bad token: the challenge still names the metadata', found.resource_metadata, metadataUrl);
  const inQuery = await post(`${url}?access_token=abc`, undefined, call('whoami'));
  t.equal('a token in the query string counts as none: 401', inQuery.status, 401);

  for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
    const response = await send(`${gateway.url}${path}`);
    t.check(`${path}: 200 and JSON`,
      response.status === 200 && /^application\/json\b/.test(response.headers['content-type'] ?? ''), () => brief(response));
    t.equal(`${path}: resource is the URL of the server`, response.json?.resource, url);
    t.equal(`${path}: authorization_servers names the issuer`, response.json?.authorization_servers, [as.url]);
    t.equal(`${path}: scopes and bearer methods as configured`,
      [response.json?.scopes_supported, response.json?.bearer_methods_supported], [SCOPES, ['header']]);
  }

  const origin = ['Origin', 'http://localhost:6274'];
  const preflight = await send(url, {
    method: 'OPTIONS',
    headers: [...origin, 'Access-Control-Request-Method', 'POST',
      'Access-Control-Request-Headers', 'authorization,content-type,mcp-protocol-version'],
  });
  const allowed = (preflight.headers['access-control-allow-headers'] ?? '').toLowerCase().split(/\s*,\s*/);
  t.check('a preflight needs no token and allows the headers of a browser client',
    [200, 204].includes(preflight.status) && preflight.headers['access-control-allow-origin'] !== undefined
      && ['authorization', 'content-type', 'mcp-protocol-version'].every((name) => allowed.includes(name)),
    () => ({ ...brief(preflight), headers: preflight.headers }));
  const fromPage = await post(url, undefined, call('whoami'), { headers: origin });
  const exposed = (fromPage.headers['access-control-expose-headers'] ?? '').toLowerCase().split(/\s*,\s*/);
  t.check('a page may read the challenge of a 401',
    fromPage.status === 401 && exposed.includes('www-authenticate') && fromPage.headers['access-control-allow-origin'] !== undefined,
    () => ({ ...brief(fromPage), headers: fromPage.headers }));

  t.equal('none of these requests reached the upstream', await upstream.seen(), []);
}

async function session(t, { person, mode, as, upstream, url }) {
  const { login } = person;
  const label = `${login}, ${mode}`;
  const { client, transport } = await t.must(`${label}: the SDK gets in by itself: 401, metadata, registration, PKCE, token`,
    () => connect(url, person));
  const { asked, answered } = person.visits[0];
  t.check(`${label}: registered dynamically`, typeof person.clientInformation()?.client_id === 'string');
  t.equal(`${label}: one visit to the authorization server, with S256 and the resource`,
    [person.visits.length, asked.origin, asked.searchParams.get('code_challenge_method'), asked.searchParams.getAll('resource')],
    [1, as.url, 'S256', [url]]);
  t.equal(`${label}: state and iss come back`, [answered.searchParams.get('state'), answered.searchParams.get('iss')],
    [person.secrets.state, as.url]);
  const claims = decodeJwt(person.token);
  t.equal(`${label}: a JWT access token for this resource and user`,
    [decodeProtectedHeader(person.token).typ, claims.iss, [claims.aud].flat(), claims.sub, claims.scope.split(' ').sort()],
    ['at+jwt', as.url, [url], login, ['mcp:read', 'mcp:write']]);

  const may = login === 'alice' ? TOOLS : TOOLS.filter((name) => name !== 'write_thing');
  const listed = await t.attempt(`${label}: tools/list answers`, () => client.listTools());
  t.equal(`${label}: lists ${may.length} tools`, listed && names(listed), may);
  const who = await t.attempt(`${label}: whoami answers`, async () => said(await client.callTool({ name: 'whoami', arguments: {} })));
  t.check(`${label}: whoami shows no Authorization header`, who && !('authorization' in who), who);
  const read = await t.attempt(`${label}: read_thing answers`,
    async () => said(await client.callTool({ name: 'read_thing', arguments: { id: 'seven' } })));
  t.equal(`${label}: read_thing's answer comes through`, read, { read: 'seven' });

  const before = (await upstream.seen()).length;
  if (login === 'alice') {
    const wrote = await t.attempt(`${label}: write_thing answers`,
      async () => said(await client.callTool({ name: 'write_thing', arguments: { value: 'x1' } })));
    t.equal(`${label}: write_thing's answer comes through`, wrote, { wrote: 'x1' });
    t.equal(`${label}: the upstream saw the call once`,
      (await upstream.seen()).slice(before).flatMap(({ tools }) => tools), ['write_thing']);
  } else {
    const refusal = await client.callTool({ name: 'write_thing', arguments: { value: 'x2' } }).catch((error) => error);
    t.check(`${label}: the SDK sees write_thing refused with 403`, refusal instanceof Error && refusal.code === 403,
      () => `${refusal} ${JSON.stringify(refusal)}`);
    const raw = await post(url, person.token, call('write_thing', { value: 'x3' }, 'id-42'));
    t.check(`${label}: the refusal is a JSON-RPC error to the call's id`,
      raw.status === 403 && raw.json?.jsonrpc === '2.0' && raw.json.id === 'id-42'
        && Number.isInteger(raw.json.error?.code) && typeof raw.json.error.message === 'string' && !('result' in raw.json),
      () => brief(raw));
    t.equal(`${label}: the upstream never saw the calls`, (await upstream.seen()).slice(before), []);
  }
  await transport.close();
  await client.close();
}

async function streams(t, { upstream, url, person }) {
  const sse = await post(url, person.token, call('whoami'));
  t.check('an event stream of the upstream stays one',
    sse.status === 200 && /^text\/event-stream\b/.test(sse.headers['content-type'] ?? '')
      && sse.messages.some((message) => message.id === 1 && message.result), () => ({ ...brief(sse), headers: sse.headers }));

  const { client, transport } = await connect(url, person);
  t.equal('a new connection uses the tokens it has: no second login', person.visits.length, 1);
  let early;
  const progress = new Promise((resolve) => { early = resolve; });
  const key = crypto.randomUUID();
  const pending = client.callTool({ name: 'read_thing', arguments: { id: 'held', hold: key } }, undefined,
    { onprogress: early, timeout: 30_000 });
  pending.catch(() => {});
  const deadline = new Promise((resolve) => { setTimeout(resolve, 10_000).unref(); });
  const first = await Promise.race([progress, deadline, pending.catch(() => undefined)]);
  t.check('a notification comes through before the answer exists', first?.progress === 1, first ?? 'nothing within 10 s');
  await fetch(`${upstream.url}/__release?${key}`, { method: 'POST' });
  const answer = await t.attempt('then the answer comes', async () => said(await pending));
  t.equal('and it is the right one', answer, { read: 'held' });
  await transport.close();
}

async function sessions(t, { as }) {
  const upstream = await t.must('an upstream with sessions starts', () => t.upstream({ name: 'upstream-sessions', env: { UP_SESSIONS: '1' } }));
  const gateway = await t.must('and a gateway', () => t.gateway(config(as.url, upstream.url), { name: 'gateway-sessions' }));
  const url = `${gateway.url}/mcp`;
  const people = { alice: new Person('alice'), bob: new Person('bob') };
  const open = async (login) => t.must(`${login} opens a session`, () => connect(url, people[login]));
  const alice = await open('alice');
  const bob = await open('bob');
  const ids = [alice, bob].map(({ transport }) => transport.sessionId);
  const seen = await upstream.seen();
  const own = [...new Set(seen.map(({ headers }) => headers['mcp-session-id']).filter((id) => id !== undefined))];
  t.check('the clients have ids, and not those of the upstream',
    ids.every((id) => id?.startsWith('s1.')) && own.length === 2 && !own.some((id) => ids.includes(id)), { ids, own });

  for (const [login, { client, transport }, id] of [['alice', alice, ids[0]], ['bob', bob, ids[1]]]) {
    const read = await t.attempt(`${login} calls in the session`,
      async () => said(await client.callTool({ name: 'read_thing', arguments: { id: login } })));
    t.equal(`${login} gets the answer, and the id stays`, [read, transport.sessionId], [{ read: login }, id]);
  }

  const ask = (login, method, id) => {
    const headers = ['Authorization', `Bearer ${people[login].token}`, 'Mcp-Session-Id', id, 'Mcp-Protocol-Version', '2025-11-25'];
    return method === 'POST' ? post(url, people[login].token, call('read_thing'), { headers: ['Mcp-Session-Id', id] })
      : send(url, { method, headers: [...headers, 'Accept', 'text/event-stream'] });
  };
  const direct = await post(`${upstream.url}/mcp`, undefined, call('read_thing'), { headers: ['Mcp-Session-Id', own[0]] });
  t.check('control: the upstream lets everybody in who knows its id', direct.messages.some(({ result }) => result), () => brief(direct));
  const before = (await upstream.seen()).length;
  for (const method of ['POST', 'GET', 'DELETE']) {
    for (const [what, id] of [['of alice', ids[0]], ['of the upstream itself', own[0]], ['cut short', ids[1].slice(0, -1)]]) {
      const response = await ask('bob', method, id);
      t.equal(`bob, ${method} with an id ${what}: 404 and a JSON-RPC error`,
        [response.status, response.json?.error?.code], [404, -32001]);
    }
  }
  t.equal('none of these reached the upstream', (await upstream.seen()).slice(before), []);

  const mine = await ask('alice', 'POST', ids[0]);
  t.equal('alice is still in: 200, the same id, a stream that is not to be buffered',
    [mine.status, mine.headers['mcp-session-id'], mine.headers['x-accel-buffering']], [200, ids[0], 'no']);
  await t.attempt('alice ends the session', () => alice.transport.terminateSession());
  t.equal('then it is gone', (await ask('alice', 'POST', ids[0])).status, 404);
  t.equal('and that of bob is not', (await ask('bob', 'POST', ids[1])).status, 200);
  for (const { client } of [alice, bob]) await client.close();
}

async function badTokens(t, { as, upstream, url, alice }) {
  const mint = async (claims, header) => {
    const response = await fetch(`${as.url}/__mint`, { method: 'POST', body: JSON.stringify({ claims, header }) });
    if (!response.ok) throw new Error(await response.text());
    return response.text();
  };
  const now = Math.floor(Date.now() / 1000);
  const good = { ...decodeJwt(alice), iat: now, exp: now + 300 };
  const control = await post(url, await mint({ ...good, jti: 'control' }), call('whoami'));
  t.equal('control: a token minted with honest claims passes', control.status, 200);
  const lower = await post(url, undefined, call('whoami'), { headers: ['authorization', `bearer ${alice}`] });
  t.equal('control: the scheme is case-insensitive', lower.status, 200);

  t.step('a token of the same server for another resource, by the whole flow');
  const stray = await elsewhere(as, `${upstream.url}/mcp`);
  t.equal('control: that token is for the upstream', [decodeJwt(stray.access_token).aud, decodeJwt(stray.access_token).sub],
    [`${upstream.url}/mcp`, 'alice']);
  const opaque = await elsewhere(as, undefined);
  const other = await t.authorizationServer({ name: 'other-authorization-server' });
  const foreign = await (await fetch(`${other.url}/__mint`, { method: 'POST', body: JSON.stringify({ claims: good, header: { kid: decodeProtectedHeader(alice).kid } }) })).text();
  const impostor = await (await fetch(`${other.url}/__mint`, { method: 'POST', body: JSON.stringify({ claims: { ...good, iss: other.url } }) })).text();

  const { keys: [jwk] } = await (await fetch(`${as.url}/jwks`)).json();
  const base64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const [head, body, signature] = alice.split('.');
  const confused = `${base64({ alg: 'HS256', typ: 'at+jwt', kid: jwk.kid })}.${base64(good)}`;
  const pem = await exportSPKI(await importJWK(jwk, 'RS256', { extractable: true }));
  const flipped = Buffer.from(signature, 'base64url');
  flipped[flipped.length >> 1] ^= 1;

  const before = (await upstream.seen()).length;
  const refused = {
    'of the same server for another resource': stray.access_token,
    'whose audience is the origin': await mint({ ...good, aud: new URL(url).origin }),
    'whose audience only begins like ours': await mint({ ...good, aud: `${url}/more` }),
    'without an audience': await mint({ ...good, aud: undefined }),
    'that expired an hour ago': await mint({ ...good, iat: now - 7200, exp: now - 3600 }),
    'without an expiry': await mint({ ...good, exp: undefined }),
    'that begins in an hour': await mint({ ...good, nbf: now + 3600, exp: now + 7200 }),
    'of another issuer in our issuer\'s name': foreign,
    'of another issuer for our resource': impostor,
    'with a tampered signature': `${head}.${body}.${flipped.toString('base64url')}`,
    'with tampered claims': `${head}.${base64({ ...good, sub: 'root' })}.${signature}`,
    'without a signature': `${head}.${body}.`,
    'with alg none': `${base64({ alg: 'none', typ: 'at+jwt' })}.${base64(good)}.`,
    'with an HMAC made with the public key': `${confused}.${createHmac('sha256', pem).update(confused).digest('base64url')}`,
    'that is an ID token': opaque.id_token,
    'that is opaque': opaque.access_token,
  };
  for (const [what, token] of Object.entries(refused)) {
    const response = await post(url, token, call('whoami'));
    t.check(`a token ${what}: 401, invalid_token`,
      response.status === 401 && challenge(response.headers['www-authenticate']).error === 'invalid_token', () => brief(response));
  }
  t.equal('none of these reached the upstream', (await upstream.seen()).slice(before), []);
}

/** Tokens of alice for `resource` (or for none) by registration, PKCE and code, without the gateway. */
async function elsewhere(as, resource) {
  const metadata = await (await fetch(`${as.url}/.well-known/openid-configuration`)).json();
  const person = new Person('alice');
  const registered = await (await fetch(metadata.registration_endpoint, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(person.clientMetadata),
  })).json();
  const verifier = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url');
  const forResource = resource ? { resource } : {};
  const answered = await browse(`${metadata.authorization_endpoint}?${new URLSearchParams({
    client_id: registered.client_id, redirect_uri: REDIRECT_URI, response_type: 'code', scope: resource ? 'openid mcp:read mcp:write' : 'openid',
    code_challenge: digest, code_challenge_method: 'S256', state: 's', ...forResource,
  })}`);
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', client_id: registered.client_id, redirect_uri: REDIRECT_URI,
      code: answered.searchParams.get('code'), code_verifier: verifier, ...forResource,
    }),
  });
  const tokens = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(tokens));
  return tokens;
}

async function smuggling(t, { upstream, url, alice, bob }) {
  const write = call('write_thing', { value: 'smuggled' }, 2);
  const direct = await post(`${upstream.url}/mcp`, undefined, [call('read_thing'), write]);
  t.check('control: the upstream itself runs what a batch holds',
    direct.messages.some((message) => message.id === 2 && message.result), () => brief(direct));

  const before = (await upstream.seen()).length;
  const reached = async () => (await upstream.seen()).slice(before).filter(({ body }) => /write_thing|smuggled/.test(body));
  const refused = (name, response, status) => t.check(name,
    status ? response.status === status : response.status >= 400 && response.status < 500, () => brief(response));

  const answers = ({ messages }) => messages.map(({ id, error }) => [id, error?.code]).sort();
  const batches = { version: '2025-03-26' };
  t.equal('bob: in a batch, read_thing is answered and write_thing refused, each by its id',
    answers(await post(url, bob, [call('read_thing'), write], batches)), [[1, undefined], [2, -32003]]);
  t.equal('bob: in a batch of one, write_thing is refused',
    answers(await post(url, bob, [write], batches)), [[2, -32003]]);
  refused('bob: later versions have no batches: 400', await post(url, bob, [call('read_thing'), write]), 400);
  const twice = (inner) => `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{${inner},"arguments":{"value":"smuggled"}}}`;
  for (const [what, body] of Object.entries({
    'name twice in params, the harmless one first': twice('"name":"read_thing","name":"write_thing"'),
    'name twice in params, the harmless one last': twice('"name":"write_thing","name":"read_thing"'),
    'name twice in params, once in an escaped spelling': twice('"name":"read_thing","n\\u0061me":"write_thing"'),
    'params twice': `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read_thing"},"params":${JSON.stringify(write.params)}}`,
    'method twice': `{"jsonrpc":"2.0","id":2,"method":"ping","method":"tools/call","params":${JSON.stringify(write.params)}}`,
    'something after the message': `${JSON.stringify(call('read_thing'))}${JSON.stringify(write)}`,
    'a byte order mark before the message': `\u{feff}${JSON.stringify(write)}`,
  })) {
    refused(`bob: ${what}: 400`, await post(url, bob, body), 400);
  }
  refused('bob: write_thing with its name escaped is refused: 403',
    await post(url, bob, twice('"name":"write\\u005fthing"')), 403);
  refused('bob: write_thing as a notification is refused', await post(url, bob, { ...write, id: undefined }));
  refused('bob: write_thing with a harmless name in the headers is refused',
    await post(url, bob, write, { headers: ['Mcp-Method', 'tools/call', 'Mcp-Name', 'read_thing'] }));

  const both = (first, second) => post(url, undefined, write, {
    headers: ['Authorization', `Bearer ${first}`, 'Authorization', `Bearer ${second}`],
  });
  for (const [what, first, second] of [['alice then bob', alice, bob], ['bob then alice', bob, alice], ['the same token', alice, alice]]) {
    refused(`Authorization twice, ${what}: 400`, await both(first, second), 400);
  }
  t.equal('none of it reached the upstream', await reached(), []);
}
