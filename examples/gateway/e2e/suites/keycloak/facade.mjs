// The gateway with `provider: keycloak`: to clients it is the authorization server, and people log in at Keycloak.
import { decodeJwt } from 'jose';
import { exampleConfig } from '../../lib/gateway.mjs';
import { atKeycloak, audience, clientsOf, realm, trust } from '../../lib/keycloak.mjs';
import { Person, challenge, connect } from '../../lib/oauth.mjs';
import { call, post } from '../../lib/raw.mjs';

const REALM = 'mcp';
const SECRET = 'shared-secret-with-enough-entropy-0123456789';
const WRONG = 'wrong-secret-canary-0123456789';
const SCOPES = { mcp: 'mcp:invoke', bare: 'mcp:bare' };

/** Somebody who decides on our page of consent and then logs in at Keycloak. `pages` has where each page was. */
function user(login, { decision = 'allow', ...options } = {}) {
  const pages = [];
  const keycloak = atKeycloak(login);
  const fill = (forms, page) => {
    pages.push(page.url);
    const ours = forms.find(({ buttons }) => buttons.some(({ name }) => name === 'decision'));
    return ours ? { ...ours, fields: { ...ours.fields, decision } } : keycloak(forms, page);
  };
  return Object.assign(new Person(login, { ...options, fill }), { pages });
}

const config = ({ port, origin, issuer, to, keys, client = [] }) => `\
state: {keyFile: ${keys}}
binds:
- port: ${port}
  listeners:
  - routes:${Object.entries(SCOPES).map(([name, scope]) => `
    - name: ${name}
      matches: [{path: {exact: /${name}}}, {path: {exact: /.well-known/oauth-protected-resource/${name}}}]
      policies:
        mcpAuthentication:
          issuer: ${issuer}
          provider: {keycloak: {}}
${client.map((line) => `          ${line}\n`).join('')}\
          resourceMetadata: {resource: ${origin}/${name}, scopesSupported: [${scope}]}
      backends:
      - mcp: {targets: [{name: upstream, mcp: {host: ${to}/mcp}}]}`).join('')}
`;

const ask = async (url, body, headers) => {
  const response = await fetch(url, { method: 'POST', headers, body });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
};
const form = (url, fields) => ask(url, new URLSearchParams(fields));
const register = (origin) => ask(`${origin}/register`,
  JSON.stringify({ client_name: 'by hand', redirect_uris: ['http://127.0.0.1:7/callback'], token_endpoint_auth_method: 'none' }),
  { 'Content-Type': 'application/json' });

export async function facade(t, { kc, upstream }) {
  t.step('the gateway as the authorization server in front of Keycloak');
  const ports = [await t.freePort(), await t.freePort(), await t.freePort()];
  const [origin, sharedOrigin, exampleOrigin] = ports.map((port) => `http://127.0.0.1:${port}`);
  const issuer = await t.must('an administrator makes a realm', () => realm(kc, REALM, {
    settings: { revokeRefreshToken: true, refreshTokenMaxReuse: 0 },
    scopes: {
      'mcp:invoke': [origin, sharedOrigin].map((each) => audience(`${each}/mcp`, { custom: true })),
      'mcp:bare': [],
      'read:all': [audience(`${exampleOrigin}/mcp`, { custom: true })],
    },
    clients: [{ clientId: 'shared', secret: SECRET, publicClient: false, redirectUris: [`${sharedOrigin}/callback`] }],
    hosts: ['127.0.0.1'],
  }));
  const start = (name, port, more) => t.must(`${name} starts`, () => t.gateway(
    () => config({ port, issuer, to: upstream.url, keys: `${t.logs}/${port}.key`, ...more }), { name, port }));
  const gateway = await start('gateway-facade', ports[0], { origin });

  const alice = await registered(t, { kc, issuer, origin, gateway });
  await refreshes(t, { origin, alice });
  await refusals(t, { kc, origin, gateway });

  t.step('the gateway is started again');
  await gateway.stop();
  const again = await start('gateway-facade-again', ports[0], { origin });
  alice.saveTokens({ ...alice.tokens(), access_token: 'forgotten' });
  await t.attempt('row_143 alice goes on with her refresh token and her client', () => connect(`${origin}/mcp`, alice).then(({ client }) => client.close()));
  t.equal('without a login', alice.visits.length, 1);

  await revocation(t, { kc, origin, alice });
  const people = await shared(t, {
    kc, issuer, origin: sharedOrigin,
    start: (name, secret) => start(name, ports[1], { origin: sharedOrigin, client: ['clientId: shared', `clientSecret: ${secret}`] }),
  });

  t.step('the example configuration, with its key address that Keycloak does not have');
  await t.must('row_151 it starts', () => t.gateway((port) => exampleConfig('keycloak-provider.yaml', [
    ['port: 3000', `port: ${port}`],
    ['http://localhost:3000', exampleOrigin],
    ['http://localhost:7080', kc.url],
    ['127.0.0.1:4200', new URL(upstream.url).host],
  ]), { name: 'gateway-example', port: ports[2] }));
  await t.attempt('row_151 alice connects and calls', async () => {
    const { client } = await connect(`${exampleOrigin}/mcp`, user('alice'));
    await client.callTool({ name: 'whoami', arguments: {} });
    await client.close();
  });

  const logs = t.parts.filter(({ name }) => /^gateway-(?:facade|shared|wrong)/.test(name)).map((part) => part.text()).join('');
  const secrets = [alice, ...people].flatMap(({ secrets: { tokens } }) => [tokens.access_token.split('.')[2], tokens.refresh_token]).concat(SECRET, WRONG);
  t.check('attack_112 no token and no secret in the logs', logs.length > 0 && !secrets.some((secret) => !secret || logs.includes(secret)));
}

/** Everybody has a client of their own at Keycloak, which the gateway registers there. */
async function registered(t, { kc, issuer, origin, gateway }) {
  t.step('discovery');
  const resource = await (await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).json();
  t.equal('row_120 the metadata of the resource names the gateway', resource.authorization_servers, [origin]);
  const documents = await Promise.all(['oauth-authorization-server', 'openid-configuration'].map(async (name) => (await fetch(`${origin}/.well-known/${name}`)).json()));
  for (const document of documents) {
    const endpoints = Object.entries(document).filter(([name]) => /_(?:endpoint|uri)$/.test(name)).map(([, url]) => new URL(url).origin);
    t.equal('row_139 row_140 its own metadata is the gateway\'s, with all endpoints', [document.issuer, ...new Set(endpoints)], [origin, origin]);
  }

  t.step('the official client registers, alice consents at the gateway and logs in at Keycloak');
  const before = (await clientsOf(kc, REALM)).length;
  const alice = user('alice');
  const { client } = await t.must('row_152 alice connects', () => connect(`${origin}/mcp`, alice));
  const theirs = (await clientsOf(kc, REALM)).filter(({ clientId }) => clientId !== 'shared');
  t.equal('row_144 her client was registered at Keycloak, for the gateway\'s callback only', [before, theirs.map(({ redirectUris }) => redirectUris)], [1, [[`${origin}/callback`]]]);
  t.check('row_154 and knows nothing of it', alice.clientInformation().client_id !== theirs[0].clientId);
  t.equal('she saw our page first, then the login, then Keycloak\'s own consent', alice.pages.map((url) => url.origin), [origin, new URL(issuer).origin, new URL(issuer).origin]);
  const sent = alice.pages[1].searchParams;
  const { asked } = alice.visits[0];
  t.equal('to Keycloak goes our own login: callback and PKCE', [sent.get('redirect_uri'), sent.get('code_challenge_method')], [`${origin}/callback`, 'S256']);
  t.check('not the client\'s', ['code_challenge', 'state', 'client_id'].every((name) => sent.get(name) && sent.get(name) !== asked.searchParams.get(name)), () => `${sent}`);
  const { answered } = alice.visits[0];
  t.equal('row_157 the code came with our `iss`', answered.searchParams.get('iss'), origin);

  const claims = decodeJwt(alice.token);
  t.equal('row_143 the token is Keycloak\'s, with the audience of the mapper', [claims.iss, claims.aud.includes(`${origin}/mcp`), claims.azp], [issuer, true, theirs[0].clientId]);
  t.check('the refresh token is the gateway\'s', alice.tokens().refresh_token.split('.').length !== 3);
  const { content } = await client.callTool({ name: 'whoami', arguments: {} });
  t.equal('row_158 the call is answered, and the server behind saw no token', JSON.parse(content[0].text).authorization, undefined);
  await client.close();
  t.check('row_142 the keys are where Keycloak\'s preset says', gateway.text().includes(`source=${issuer}/protocol/openid-connect/certs`), () => gateway.text());
  return alice;
}

async function refreshes(t, { origin, alice }) {
  t.step('refresh');
  const jti = () => decodeJwt(alice.token).jti;
  const first = jti();
  alice.saveTokens({ ...alice.tokens(), access_token: 'forgotten' });
  await t.attempt('a client without a good token refreshes it', () => connect(`${origin}/mcp`, alice).then(({ client }) => client.close()));
  t.check('it is another one, without a login', jti() !== first && alice.visits.length === 1, alice.visits.length);
  // Keycloak takes a refresh token once, and ends the session when it comes again.
  const refresh = () => form(`${origin}/token`, { grant_type: 'refresh_token', refresh_token: alice.tokens().refresh_token, client_id: alice.clientInformation().client_id });
  const three = await Promise.all([refresh(), refresh(), refresh()]);
  t.equal('three at once succeed, all of them', three.map(({ status }) => status), [200, 200, 200]);
  alice.saveTokens({ ...alice.tokens(), ...three[2].body });
  const next = await refresh();
  t.equal('and leave the session alive', next.status, 200);
  alice.saveTokens({ ...alice.tokens(), ...next.body });
  t.equal('the token of that passes', (await post(`${origin}/mcp`, alice.token, call('whoami'))).status, 200);
}

async function refusals(t, { kc, origin, gateway }) {
  t.step('what is refused');
  const unwilling = user('alice', { decision: 'deny' });
  await connect(`${origin}/mcp`, unwilling).catch(() => {});
  const { answered } = unwilling.visits[0] ?? {};
  t.equal('who does not consent is sent back with `access_denied`, and does not get to Keycloak',
    [answered?.searchParams.get('error'), answered?.searchParams.get('iss'), unwilling.pages.length], ['access_denied', origin, 1]);

  const bare = user('alice');
  await connect(`${origin}/bare`, bare).then(({ client }) => client.close()).catch(() => {});
  const from = gateway.text().length;
  const answer = await post(`${origin}/bare`, bare.token, call('whoami'));
  t.equal('row_086 without an audience mapper: refused', [answer.status, challenge(answer.headers['www-authenticate']).error], [401, 'invalid_token']);
  t.check('row_086 and the log names the audience and the mapper',
    new RegExp(`\`aud\` is absent, expected \`${origin}/bare\`.*audience mapper`).test(gateway.text().slice(from)), () => gateway.text().slice(from));

  await trust(kc, REALM, ['elsewhere.example']);
  const [before, known] = [gateway.text().length, (await clientsOf(kc, REALM)).length];
  const asked = await register(origin);
  t.equal('a client is not registered where Keycloak does not trust the host of the gateway', [asked.status, asked.body.error], [500, 'server_error']);
  t.check('and the log says which policy that is', /the provider does not register a client.*status 403.*`Trusted Hosts`/.test(gateway.text().slice(before)), () => gateway.text().slice(before));
  t.equal('nothing was registered', (await clientsOf(kc, REALM)).length, known);
  await trust(kc, REALM, ['127.0.0.1']);
}

async function revocation(t, { kc, origin, alice }) {
  t.step('revocation');
  const [{ id }] = await kc.admin('GET', `/${REALM}/users?username=alice&exact=true`);
  const { sid } = decodeJwt(alice.token);
  const alive = async () => (await kc.admin('GET', `/${REALM}/users/${id}/sessions`)).some((session) => session.id === sid);
  t.check('alice has a session at Keycloak', await alive());
  const { refresh_token } = alice.tokens();
  const { client_id } = alice.clientInformation();
  t.equal('the client gives its refresh token back', (await form(`${origin}/revoke`, { token: refresh_token, client_id })).status, 200);
  t.check('that ends the session at Keycloak, too', !(await alive()));
  const after = await form(`${origin}/token`, { grant_type: 'refresh_token', refresh_token, client_id });
  t.equal('and the refresh token is good for nothing', [after.status, after.body.error], [400, 'invalid_grant']);
}

/** All clients are one at Keycloak. */
async function shared(t, { kc, issuer, origin, start }) {
  t.step('one client at Keycloak for everybody');
  const before = (await clientsOf(kc, REALM)).length;
  const wrong = await start('gateway-wrong-secret', WRONG);
  const early = user('alice');
  await connect(`${origin}/mcp`, early).catch(() => {});
  t.equal('with a wrong secret nobody gets in', [early.visits[0]?.answered.searchParams.get('error'), early.token], ['server_error', undefined]);
  t.check('and the log has Keycloak\'s error', /the provider refuses a request of ours.*protocol\/openid-connect\/token.*401.*`unauthorized_client`/.test(wrong.text()), () => wrong.text());
  await wrong.stop();

  await start('gateway-shared', SECRET);
  const people = [user('alice', { name: 'one client' }), user('bob', { name: 'another client' })];
  for (const person of people) {
    const { client } = await t.must(`${person.login} connects`, () => connect(`${origin}/mcp`, person));
    await client.close();
    t.equal(`${person.login} was asked by the gateway, because Keycloak cannot tell the clients apart`, person.pages.map((url) => url.origin), [origin, new URL(issuer).origin]);
    t.equal(`${person.login} has a token of the one client`, decodeJwt(person.token).azp, 'shared');
  }
  t.equal('nothing was registered at Keycloak', (await clientsOf(kc, REALM)).length, before);
  t.check('they are two clients of the gateway', people[0].clientInformation().client_id !== people[1].clientInformation().client_id);
  const stolen = await form(`${origin}/token`, {
    grant_type: 'refresh_token', refresh_token: people[1].tokens().refresh_token, client_id: people[0].clientInformation().client_id,
  });
  t.equal('neither can use the other\'s refresh token', [stolen.status, stolen.body.error], [400, 'invalid_grant']);
  return people;
}
