// The gateway without `provider`: clients are sent to Keycloak, and register, log in and refresh there.
import { decodeJwt } from 'jose';
import { atKeycloak, audience, clientsOf, grant, realm, user } from '../../lib/keycloak.mjs';
import { Person, challenge, connect } from '../../lib/oauth.mjs';
import { call, post } from '../../lib/raw.mjs';

const REALM = 'direct';
const DESK = { client_id: 'desk', client_secret: 'desk-secret', username: 'alice', password: 'alice-password', grant_type: 'password' };

const route = ({ name, issuer, at, scope, to, audiences = [at(`/${name}`)] }) => `
    - name: ${name}
      matches: [{path: {exact: /${name}}}, {path: {exact: /.well-known/oauth-protected-resource/${name}}}]
      policies:
        mcpAuthentication:
          issuer: ${issuer}
          audiences: [${audiences}]
          resourceMetadata: {resource: ${at(`/${name}`)}, scopesSupported: [${scope}]}
      backends:
      - mcp: {targets: [{name: upstream, mcp: {host: ${to}/mcp}}]}`;

export async function direct(t, { kc, upstream }) {
  t.step('Keycloak names itself: a realm, and a gateway before a server');
  // The resource is in the realm, the realm in the configuration: the port comes first.
  const port = await t.freePort();
  const at = (path) => `http://127.0.0.1:${port}${path}`;
  const issuer = await t.must('an administrator makes a realm', () => realm(kc, REALM, {
    scopes: { 'mcp:invoke': [audience(at('/mcp'), { custom: true })], 'mcp:bare': [], 'desk:use': [audience('desk')] },
    clients: [{ clientId: 'desk', secret: 'desk-secret', publicClient: false, directAccessGrantsEnabled: true, standardFlowEnabled: false }],
    hosts: ['127.0.0.1'],
  }));
  const of = (name, scope, more) => route({ name, issuer, at, scope, to: upstream.url, ...more });
  const routes = [of('mcp', 'mcp:invoke'), of('bare', 'mcp:bare'), of('desk', 'desk:use', { audiences: ['desk'] })];
  const gateway = await t.must('the gateway starts', () =>
    t.gateway(() => `binds:\n- port: ${port}\n  listeners:\n  - routes:${routes.join('')}\n`, { name: 'gateway-direct', port }));

  t.step('discovery');
  const metadata = await (await fetch(at('/.well-known/oauth-protected-resource/mcp'))).json();
  t.equal('row_146 the metadata names Keycloak', metadata.authorization_servers, [issuer]);
  for (const path of ['', '/mcp']) {
    const answer = await fetch(at(`/.well-known/oauth-authorization-server${path}`));
    t.equal(`row_146 the gateway has no metadata of an authorization server at ${path || 'the root'}`, answer.status, 404);
  }

  t.step('the official client registers, alice logs in and consents');
  const alice = user('alice');
  const { client } = await t.must('row_152 alice connects', () => connect(at('/mcp'), alice));
  const registered = (await clientsOf(kc, REALM)).find(({ clientId }) => clientId === alice.clientInformation().client_id);
  t.equal('row_154 Keycloak knows the client, which nobody but itself has registered',
    { public: registered?.publicClient, asks: registered?.consentRequired, to: registered?.redirectUris },
    { public: true, asks: true, to: [alice.redirectUrl] });
  const { asked } = alice.visits[0];
  t.equal('row_155 she was sent there with PKCE, the resource and the scope of the metadata',
    ['code_challenge_method', 'resource', 'scope'].map((name) => asked.searchParams.get(name)), ['S256', at('/mcp'), 'mcp:invoke']);
  const claims = decodeJwt(alice.token);
  t.equal('row_086 the audience mapper makes the token one for this server', { iss: claims.iss, aud: claims.aud }, { iss: issuer, aud: at('/mcp') });
  const { content } = await client.callTool({ name: 'whoami', arguments: {} });
  t.equal('row_158 the call is answered, and the server behind saw no token', JSON.parse(content[0].text).authorization, undefined);
  t.check('row_142 the keys are where Keycloak\'s metadata says', gateway.text().includes(`${issuer}/protocol/openid-connect/certs`), () => gateway.text());
  await client.close();

  const first = alice.token;
  alice.saveTokens({ ...alice.tokens(), access_token: `${first.slice(0, -8)}AAAAAAAA` });
  await t.attempt('a token that does not pass any more is refreshed, without a login', () => connect(at('/mcp'), alice).then(({ client: c }) => c.close()));
  t.check('it is another one', decodeJwt(alice.token).jti !== claims.jti && alice.visits.length === 1, alice.visits.length);

  t.step('what Keycloak does not let in');
  const mallory = new Person('alice', { fill: atKeycloak('alice', 'not-her-password') });
  const failed = await connect(at('/mcp'), mallory).then(() => 'connected', (error) => error.message);
  t.check('a wrong password leads back to the form', /^no way on from .*login-actions/.test(failed) && mallory.token === undefined, failed);
  const foreign = await fetch(`${issuer}/clients-registrations/openid-connect`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ client_name: 'elsewhere', redirect_uris: ['https://elsewhere.example/callback'] }),
  });
  t.equal('anonymous registration is for trusted hosts only', foreign.status, 403);

  t.step('without the mapper');
  const bare = user('alice');
  await t.attempt('row_086 the client is refused with a fresh token', () => connect(at('/bare'), bare).then(
    () => Promise.reject(new Error('connected')), (error) => { if (!/401/.test(error.message)) throw error; }));
  t.equal('that has no audience', decodeJwt(bare.token).aud, undefined);
  await refused('row_086 without an audience', '/bare', bare.token, new RegExp(`\`aud\` is absent, expected \`${at('/bare')}\`.*audience mapper`));
  const desk = await grant(issuer, { ...DESK, scope: 'openid' });
  t.equal('what Keycloak gives to a client that somebody made by hand', decodeJwt(desk.access_token).aud, 'account');
  await refused('row_086 with Keycloak\'s own audience', '/bare', desk.access_token, new RegExp(`\`aud\` is \`account\`, expected \`${at('/bare')}\`.*audience mapper`));

  t.step('audiences that are client ids, and tokens that are not access tokens');
  const used = await grant(issuer, { ...DESK, scope: 'openid desk:use' });
  t.equal('row_089 the audience may be a client\'s id', (await post(at('/desk'), used.access_token, call('whoami'))).status, 200);
  t.equal('an ID token has that audience, too', decodeJwt(used.id_token).aud, 'desk');
  await refused('an ID token', '/desk', used.id_token, /`typ` is `ID`/);
  await refused('a refresh token', '/desk', used.refresh_token, /token refused/);

  async function refused(what, path, token, line) {
    const from = gateway.text().length;
    const answer = await post(at(path), token, call('whoami'));
    const said = challenge(answer.headers['www-authenticate']);
    t.equal(`${what}: refused`, { status: answer.status, error: said.error }, { status: 401, error: 'invalid_token' });
    t.check(`${what}: the log says why`, line.test(gateway.text().slice(from)), () => gateway.text().slice(from));
  }
}
