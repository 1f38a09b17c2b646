// Real token exchanges: the lab's authorization server (npm oidc-provider with RFC 8693) in three degrees of strictness,
// the gateway, and a server behind it that takes only tokens of its own.
import { decodeJwt } from 'jose';
import { until } from '../lib/harness.mjs';
import { SECRET, TOOL, WEIRD, guarded, hasLab, lab } from '../lib/lab.mjs';
import { Person, connect } from '../lib/oauth.mjs';
import { call, post } from '../lib/raw.mjs';


/** One route: whose tokens it takes, and how it exchanges them. */
const route = ({ path, issuer, resource, exchange, guard }) => `
    - name: ${path.slice(1)}
      matches: [{path: {exact: ${path}}}]
      policies:
        mcpAuthentication:
          issuer: ${issuer}
          audiences: [${resource}]
          jwks: {url: ${issuer}/jwks}
          resourceMetadata: {resource: ${resource}, scopesSupported: [openid, mcp:read]}
        backendAuth:
          oauthTokenExchange:
            host: ${issuer}
            path: /token
${exchange.map((line) => `            ${line}`).join('\n')}
      backends:
      - mcp: {targets: [{name: tool, mcp: {host: ${guard}/mcp}}]}`;

const client = (id, secret, method = 'clientSecretBasic') =>
  `clientAuth: {clientId: ${id}, clientSecret: '${secret}', method: ${method}}`;

export default async function exchange(t) {
  if (!hasLab(t)) return;
  t.step('starting three authorization servers, a server with a guard before it, and a gateway');
  const [as, keycloak, okta] = await t.must('the authorization servers start', () =>
    Promise.all(['rfc8693', 'keycloak', 'okta'].map((profile) => lab(t, profile))));
  const upstream = await t.must('the server starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  const guard = await t.must('its guard starts', () => guarded(t, upstream, [as, keycloak, okta]));
  const to = { guard: guard.url };
  const wants = [`audiences: [${TOOL}]`, 'scopes: [mcp:read]'];
  const gateway = await t.must('the gateway starts', () => t.gateway((port) => {
    const at = (path) => `http://127.0.0.1:${port}${path}`;
    const of = (server, path, lines, resource = at('/mcp')) =>
      route({ path, issuer: server.url, resource, exchange: lines, ...to });
    return `binds:\n- port: ${port}\n  listeners:\n  - routes:${[
      of(as, '/mcp', [...wants, client('gateway', SECRET)]),
      of(as, '/post', [...wants, client('gateway-post', WEIRD, 'clientSecretPost')]),
      of(as, '/weird', [...wants, client('gateway-weird', WEIRD)]),
      of(as, '/wrong-secret', [...wants, client('gateway', 'wrong-secret-canary')]),
      of(as, '/unknown-target', ['audiences: [http://unknown.test/mcp]', 'scopes: [mcp:read]', client('gateway', SECRET)]),
      of(as, '/no-scope', [`audiences: [${TOOL}]`, 'scopes: [mcp:write]', client('gateway', SECRET)]),
      of(keycloak, '/keycloak', ['provider: keycloak', ...wants, client('gateway', SECRET)], at('/keycloak')),
      of(okta, '/okta', ['provider: okta', `audiences: [${TOOL}]`, 'scopes: [openid, mcp:read]', client('gateway', SECRET)], at('/okta')),
      of(okta, '/okta-plain', [`audiences: [${TOOL}]`, 'scopes: [openid, mcp:read]', client('gateway', SECRET)], at('/okta')),
    ].join('')}\n`;
  }));
  const url = (path) => `${gateway.url}${path}`;
  t.check('T5 it says at start what Keycloak will refuse',
    /they also need `gateway`; add an audience mapper/.test(gateway.text()), () => gateway.text());

  t.step('people log in with the official client, and use the server behind');
  const people = {};
  for (const login of ['alice', 'bob']) {
    const person = new Person(login, { scope: 'openid mcp:read' });
    people[login] = person;
    const { client: connected } = await t.must(`${login} connects`, () => connect(url('/mcp'), person));
    const { content } = await connected.callTool({ name: 'whoami', arguments: {} });
    const shown = JSON.parse(content[0].text).authorization?.replace('Bearer ', '') ?? '';
    const claims = shown ? decodeJwt(shown) : {};
    t.equal(`row_079 ${login}: the server gets a token for itself, of the same user`,
      { iss: claims.iss, aud: claims.aud, sub: claims.sub, scope: claims.scope },
      { iss: as.url, aud: TOOL, sub: login, scope: 'mcp:read' });
    t.check(`row_077 ${login}: whether there is an actor is the provider's decision: none here`, claims.act === undefined, claims);
    t.check(`${login}: it does not outlive the token that it was exchanged for`, claims.exp <= decodeJwt(person.token).exp, claims);
    await connected.close();
  }
  const { alice, bob } = people;
  const tokens = async () => (await guard.seen()).filter(({ claims }) => claims).map(({ claims }) => claims.jti);
  t.equal('row_267 one exchange for each user, whatever they call', new Set(await tokens()).size, 2);

  t.step('each server takes its own tokens only');
  const direct = await post(`${guard.url}/mcp`, alice.token, call('whoami'), { headers: ['X-Direct', '1'] });
  t.equal('row_078 the inbound token is refused by the server behind', direct.status, 401);
  const issued = (await guard.seen()).find(({ claims }) => claims?.sub === 'alice').authorizations[0].replace('Bearer ', '');
  t.equal('the issued token is refused by the gateway', (await post(url('/mcp'), issued, call('whoami'))).status, 401);

  t.step('clients of the gateway at the provider');
  for (const path of ['/post', '/weird']) {
    t.equal(`row_062 ${path}: a secret with special characters`, (await post(url(path), alice.token, call('whoami'))).status, 200);
  }

  t.step('a token that the server behind refuses');
  const before = (await tokens()).at(-1);
  const mine = async () => (await guard.seen()).filter(({ claims }) => claims?.sub === 'bob').at(-1)?.claims.jti;
  const old = await mine();
  await fetch(`${guard.url}/__revoke?${old}`, { method: 'POST' });
  await until('another token being asked for', async () => (await post(url('/mcp'), bob.token, call('whoami'))).status === 200);
  t.check('a token that was revoked is replaced by one more exchange', (await mine()) !== old && before !== undefined);
  const refused = (await guard.seen()).filter(({ why }) => why === 'revoked');
  t.check('the server behind saw it refused, and the client did not see its 401', refused.length > 0, refused);

  t.step('what providers refuse, and what is said of it');
  const other = { keycloak: new Person('alice', { scope: 'openid mcp:read' }), okta: new Person('alice', { scope: 'openid mcp:read' }) };
  await connect(url('/keycloak'), other.keycloak).catch(() => {});
  await t.must('okta: alice connects', () => connect(url('/okta'), other.okta).then(({ client: c }) => c.close()));
  t.check('keycloak: alice has a token', other.keycloak.token !== undefined);
  const table = [
    ['row_062 a wrong secret', '/wrong-secret', alice.token, 500, /wrong-secret.*invalid_client/],
    ['an unknown target', '/unknown-target', alice.token, 500, /unknown-target.*invalid_target/],
    ['a scope that the user does not have', '/no-scope', alice.token, 500, /no-scope.*invalid_scope/],
    ['row_088 keycloak, the gateway is missing from the audience', '/keycloak', other.keycloak.token, 500, /keycloak.*audience/i],
    ['okta without its profile: a scope that it refuses', '/okta-plain', other.okta.token, 500, /okta-plain.*invalid_scope/],
  ];
  for (const [what, path, token, status, line] of table) {
    const answer = await post(url(path), token, call('whoami'));
    t.equal(`${what}: status`, answer.status, status);
    t.equal(`${what}: the client is told nothing of it`, answer.json?.error?.message, 'internal error');
    t.check(`${what}: the log says what to do`, gateway.text().split('\n').some((text) => line.test(text)), () => gateway.text().slice(-3000));
  }
  t.equal('row_082 row_102 okta with its profile: that scope is left out',
    (await post(url('/okta'), other.okta.token, call('whoami'))).status, 200);

  t.step('row_025 one provider goes away, the others go on');
  const late = new Person('bob', { scope: 'openid mcp:read' });
  await connect(url('/okta'), late).then(({ client: c }) => c.close());
  const unseen = new Person('bob', { scope: 'openid mcp:read' });
  await connect(url('/keycloak'), unseen).catch(() => {});
  await keycloak.stop();
  const gone = await until('the failure of a moment ago being forgotten', async () => {
    const answer = await post(url('/keycloak'), unseen.token, call('whoami'));
    return answer.status === 500 ? undefined : answer;
  }, { timeout: 30_000, every: 500 });
  t.equal('its users are told to come again', gone.status, 503);
  t.check('with a time', Number(gone.headers['retry-after']) >= 1, gone.headers);
  t.check('and without a challenge: their tokens are good', gone.headers['www-authenticate'] === undefined, gone.headers);
  t.equal('users of another provider notice nothing', (await post(url('/okta'), late.token, call('whoami'))).status, 200);

  t.step('secrets');
  const inbound = [alice, bob, other.keycloak, other.okta, late, unseen].map((person) => person.token);
  const seen = (await guard.seen()).filter(({ headers }) => headers['x-direct'] === undefined);
  const reached = JSON.stringify([seen, await upstream.seen()]);
  t.check('row_259 no inbound token reached the server behind, in any header', seen.length > 0 && !inbound.some((token) => reached.includes(token)));
  t.check('row_260 each request has exactly one Authorization', seen.every(({ authorizations }) => authorizations.length === 1));
  const log = gateway.text();
  const secrets = [...inbound.flatMap((token) => token.split('.').slice(1)), issued, SECRET, WEIRD, 'wrong-secret-canary'];
  t.check('attack_112 no token and no secret in the log', log.length > 0 && !secrets.some((secret) => log.includes(secret)));
}
