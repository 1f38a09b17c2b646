// Standard token exchange: a token for the server behind, as configs/token-exchange.yaml asks for it, and every reason
// for which Keycloak gives none.
import { decodeJwt } from 'jose';
import { exampleConfig } from '../../lib/gateway.mjs';
import { audience, realm, user } from '../../lib/keycloak.mjs';
import { connect } from '../../lib/oauth.mjs';
import { call, post } from '../../lib/raw.mjs';

const REALM = 'acme';
const MAIN = '/records/mcp';
// Below the resource: clients that follow the specification take its metadata for this path, too.
const LATE = `${MAIN}/late`;
const SECRET = 'gateway-secret-with-enough-entropy-0123456789';

const confidential = (clientId, exchanges, more) => ({
  clientId, secret: SECRET, publicClient: false, standardFlowEnabled: false,
  attributes: { 'standard.token.exchange.enabled': String(exchanges) }, ...more,
});

/** A route that takes the same tokens as the example's and asks for the exchange in another way. */
const route = ({ path, issuer, at, guard, client = 'gateway', secret = SECRET, to = ['records'], scopes = ['mcp:invoke'] }) => `\
    - name: ${path.slice(1)}
      matches: [{path: {exact: ${path}}}]
      policies:
        mcpAuthentication:
          issuer: ${issuer}
          resourceMetadata: {resource: ${at(MAIN)}, scopesSupported: [mcp:invoke]}
        backendAuth:
          oauthTokenExchange:
            host: ${new URL(issuer).host}
            path: ${new URL(issuer).pathname}/protocol/openid-connect/token
            provider: keycloak
            audiences: [${to}]
            scopes: [${scopes}]
            clientAuth: {clientId: ${client}, clientSecret: '${secret}'}
      backends:
      - mcp: {targets: [{name: records, mcp: {host: ${guard}/mcp}}]}
`;

export async function exchange(t, { kc, upstream }) {
  t.step('token exchange: a realm, a server that takes tokens for itself only, and a gateway');
  const port = await t.freePort();
  const at = (path) => `http://127.0.0.1:${port}${path}`;
  const issuer = await t.must('an administrator makes a realm', () => realm(kc, REALM, {
    scopes: {
      'mcp:invoke': [audience(at(MAIN), { custom: true }), audience('gateway'), audience('plain')],
    },
    clients: [
      confidential('records', false),
      confidential('other', false),
      confidential('gateway', true, { protocolMappers: [audience('records')] }),
      confidential('stranger', true),
      confidential('plain', false),
    ],
    hosts: ['127.0.0.1'],
  }));
  const guard = await t.must('its guard starts', () => guarded(t, { upstream, issuer }));
  const of = (path, more) => route({ path, issuer, at, guard: guard.url, ...more });
  const config = [
    exampleConfig('token-exchange.yaml', [
      ['port: 3000', `port: ${port}`],
      ['http://localhost:3000', `http://127.0.0.1:${port}`],
      ['https://keycloak.acme.io', new URL(issuer).origin],
      ['keycloak.acme.io:443', new URL(issuer).host],
      ['            policies:\n              backendTLS: {}\n', ''],
      ['change-me', SECRET],
      ['http://records.internal:8080', guard.url],
    ]),
    of('/stranger', { client: 'stranger' }),
    of('/plain', { client: 'plain' }),
    of('/unknown', { to: ['http://records.test/mcp'] }),
    of('/other', { to: ['other'] }),
    of('/scope', { scopes: ['mcp:invoke', 'records:write'] }),
    of('/secret', { secret: 'wrong-secret-canary' }),
    of('/nobody', { client: 'nobody' }),
    of(LATE),
  ].join('');
  const gateway = await t.must('the gateway starts with the example configuration', () => t.gateway(() => config, { name: 'gateway-exchange', port }));

  t.step('people log in at Keycloak and use the server behind');
  const people = {};
  for (const login of ['alice', 'bob']) {
    const person = user(login);
    people[login] = person;
    const { client } = await t.must(`${login} connects`, () => connect(at(MAIN), person));
    const { content } = await client.callTool({ name: 'whoami', arguments: {} });
    const theirs = decodeJwt(person.token);
    const got = decodeJwt(JSON.parse(content[0].text).authorization.replace('Bearer ', ''));
    t.equal(`row_079 ${login}: the server gets a token for itself alone, of the same user, asked for by the gateway`,
      { iss: got.iss, aud: got.aud, sub: got.sub, azp: got.azp }, { iss: issuer, aud: 'records', sub: theirs.sub, azp: 'gateway' });
    t.check(`row_066 ${login}: with the scope that was asked for`, got.scope.split(' ').includes('mcp:invoke'), got);
    await client.close();
  }
  const { alice, bob } = people;
  const issued = new Set((await guard.seen()).map(({ claims }) => claims.jti));
  t.equal('row_267 one exchange for each user, whatever they call', issued.size, 2);
  const direct = await post(`${guard.url}/mcp`, alice.token, call('whoami'), { headers: ['X-Direct', '1'] });
  t.equal('row_078 the inbound token is refused by the server behind', direct.status, 401);
  const [first] = await guard.seen();
  const back = await post(at(MAIN), first.authorizations[0].replace('Bearer ', ''), call('whoami'));
  t.equal('the issued token is refused by the gateway', back.status, 401);

  t.step('what Keycloak refuses, and what is said of it');
  const table = [
    ['row_088 the client is missing from the audience of the user\'s token', '/stranger', 'not_in_subject_audience', /add an audience mapper with included client audience `stranger`/],
    ['row_087 exchange is not switched on for the client', '/plain', 'exchange_not_enabled', /is off for the client `plain`: switch it on/],
    ['row_089 the audience is a URL and not a client', '/unknown', 'audience_unknown', /`http:\/\/records\.test\/mcp` is not the id of a client/],
    ['the audience is a client that no mapper names', '/other', 'audience_not_available', /would not have the audience `other`.*Add an audience mapper/],
    ['a scope that the client does not have', '/scope', 'scope_refused', /`mcp:invoke records:write` is not a client scope of `gateway`/],
    ['row_062 a wrong secret', '/secret', 'client_refused', /the secret or key of `gateway` is not accepted/],
    ['row_062 an unknown client', '/nobody', 'client_refused', /`nobody`/],
  ];
  for (const [what, path, id, advice] of table) {
    const before = (await guard.seen()).length;
    const answer = await post(at(path), alice.token, call('whoami'));
    t.equal(`${what}: the client is told nothing of it`, [answer.status, answer.json?.error?.message], [500, 'internal error']);
    const line = gateway.text().split('\n').find((text) => text.includes(`plan="${path.slice(1)}"`));
    t.check(`${what}: the log says what to do`, line?.includes(`id="${id}"`) && advice.test(line), () => line ?? gateway.text().slice(-3000));
    t.equal(`${what}: the server behind is not reached`, (await guard.seen()).length, before);
  }

  t.step('an administrator ends a session');
  const [{ id }] = await kc.admin('GET', `/${REALM}/users?username=bob&exact=true`);
  await kc.admin('POST', `/${REALM}/users/${id}/logout`);
  const ended = bob.token;
  const over = await post(at(LATE), ended, call('whoami'));
  t.check('its token is not exchanged any more: the client has to log in again', over.status === 401 && /invalid_token/.test(over.headers['www-authenticate']), over);
  // Its refresh token is of that session.
  await t.attempt('and it does', () => connect(at(LATE), bob).then(({ client }) => client.close()));
  t.check('with a new token', bob.token !== ended && bob.visits.length === 2, bob.visits.length);

  t.step('secrets');
  const inbound = [alice.token, ended, bob.token];
  const seen = (await guard.seen()).filter(({ headers }) => headers['x-direct'] === undefined);
  const reached = JSON.stringify([seen, await upstream.seen()]);
  const signatures = inbound.map((token) => token.split('.')[2]);
  t.check('row_259 no inbound token reached the server behind, in any header', seen.length > 0 && !signatures.some((each) => reached.includes(each)));
  t.check('row_260 each request has exactly one Authorization', seen.every(({ authorizations }) => authorizations.length === 1));
  const secrets = [...inbound, first.authorizations[0]].flatMap((token) => token.split('.').slice(1)).concat(SECRET, 'wrong-secret-canary');
  t.check('attack_112 no token and no secret in the log', !secrets.some((secret) => gateway.text().includes(secret)));
}

async function guarded(t, { upstream, issuer }) {
  const port = await t.freePort();
  const part = await t.node('guard', 'guard', {
    env: {
      GUARD_PORT: String(port), GUARD_TO: upstream.url, GUARD_AUDIENCE: 'records', GUARD_ISSUERS: issuer,
      GUARD_KEYS: '/protocol/openid-connect/certs',
    },
  });
  part.url = `http://127.0.0.1:${port}`;
  part.seen = async () => (await fetch(`${part.url}/__seen`)).json();
  return part;
}
