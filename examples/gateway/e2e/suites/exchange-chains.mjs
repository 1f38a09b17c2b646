// Exchanges that need more than one request and one bearer token: delegation, proofs of possession, an ID-JAG across two
// servers, a plan by the caller's claims, and the block of spec.backend.tokenExchange.
import { mkdirSync, writeFileSync } from 'node:fs';
import { decodeJwt, exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { until } from '../lib/harness.mjs';
import { AGENT_SECRET, SECRET, TOOL, clientToken, guarded, hasLab, lab, secretsOf } from '../lib/lab.mjs';
import { Person, connect } from '../lib/oauth.mjs';
import { call, post } from '../lib/raw.mjs';

const CLIENT = `clientAuth: {clientId: gateway, clientSecret: '${SECRET}'}`;
const indent = (text, by) => text.trim().split('\n').map((line) => `${' '.repeat(by)}${line}`).join('\n');

const route = ({ path, issuer, audience, auth, backend }) => `
    - name: ${path.slice(1)}
      matches: [{path: {exact: ${path}}}]
      policies:
        mcpAuthentication:
          issuer: ${issuer}
          audiences: ['${audience}']
          jwks: {url: ${issuer}/jwks}
          resourceMetadata: {resource: '${audience}', scopesSupported: [openid, 'mcp:read', 'mcp:write']}
        backendAuth:
${indent(auth, 10)}
      backends:
      - mcp: {targets: [{name: tool, mcp: {host: ${backend}/mcp}}]}`;

export default async function chains(t) {
  if (!hasLab(t)) return;
  t.step('starting two authorization servers, a token service that binds, servers behind them, and a gateway');
  // A client that signs who it is: the server has the public key, the gateway the file with the private one.
  const pair = await generateKeyPair('ES256', { extractable: true });
  writeFileSync(`${t.logs}/gateway-key.pem`, await exportPKCS8(pair.privateKey), { mode: 0o600 });
  const signing = {
    client_id: 'gateway-key', token_endpoint_auth_method: 'private_key_jwt', redirect_uris: [], response_types: [],
    grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'],
    jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'gateway-1', use: 'sig', alg: 'ES256' }] },
  };
  const as = await t.must('the authorization server starts', () =>
    lab(t, 'rfc8693', { name: 'as', env: { EXTRA_CLIENTS: JSON.stringify([signing]) } }));
  const ras = await t.must('that of the resource starts, and trusts the first', () =>
    lab(t, 'rfc8693', { name: 'resource-as', env: { TRUSTED_ISSUERS: as.url } }));
  const upstream = await t.must('the server starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  const guard = await t.must('its guard starts', () => guarded(t, upstream, [as, ras]));
  const boundPort = await t.freePort();
  const bound = await t.must('the server that wants proofs starts', () => t.node('bound', 'bound', {
    env: { BOUND_PORT: String(boundPort), BOUND_TO: upstream.url, BOUND_ISSUER: as.url, BOUND_AUDIENCE: TOOL },
  }));
  bound.url = `http://127.0.0.1:${boundPort}`;

  // Who acts: files that somebody keeps up to date.
  const actors = {};
  for (const [name, secret] of [['gateway', SECRET], ['agent', AGENT_SECRET]]) {
    actors[name] = await t.must(`${name} has a token of its own`, () => clientToken(as, name, secret, TOOL));
    writeFileSync(`${t.logs}/${name}.token`, `${actors[name]}\n`);
  }
  // A Secret as Kubernetes mounts it.
  const folder = `${t.logs}/secrets`;
  mkdirSync(`${folder}/lab-token-exchange`, { recursive: true });
  const secret = {
    type: 'oauth', app_id: 'lab', client_id: 'gateway', client_secret: SECRET, authorize_url: `${as.url}/auth`,
    access_token_url: `${as.url}/token`, scopes: 'mcp:read', redirect_uri: 'http://127.0.0.1/age/elicitations',
  };
  for (const [key, value] of Object.entries(secret)) writeFileSync(`${folder}/lab-token-exchange/${key}`, value);

  const exchange = (more) => `oauthTokenExchange:\n  host: ${as.url}\n  path: /token\n  audiences: ['${TOOL}']\n${indent(more, 2)}`;
  const entry = (scopes) => indent(exchange(`scopes: [${scopes}]\n${CLIENT}`), 2).slice(2);
  const actor = (name) => `actorToken: {file: '${t.logs}/${name}.token', tokenType: accessToken}`;
  // `more` in the middle of `clientAuth`.
  const signed = (more) => `clientAuth: {clientId: gateway-key, method: privateKeyJwt, ${more}}`;
  const own = `signingKeyFile: '${t.logs}/gateway-key.pem'`;
  // Another key under the same name.
  const stranger = await generateKeyPair('ES256', { extractable: true });
  writeFileSync(`${t.logs}/stranger.pem`, await exportPKCS8(stranger.privateKey), { mode: 0o600 });
  const gateway = await t.must('the gateway starts', () => t.gateway((port) => {
    const audience = `http://127.0.0.1:${port}/mcp`;
    const at = (path, auth, backend = guard.url) => route({ path, issuer: as.url, audience, auth, backend });
    return `binds:\n- port: ${port}\n  listeners:\n  - routes:${[
      at('/mcp', exchange(`scopes: ['mcp:read']\n${CLIENT}`)),
      at('/delegated', `${exchange(`scopes: ['mcp:read']\n${CLIENT}\n${actor('gateway')}`)}\nissuedToken: {actor: {sub: gateway}, withinSubject: true}`),
      at('/not-allowed-to-act', exchange(`scopes: ['mcp:read']\n${CLIENT}\n${actor('agent')}`)),
      at('/nobody-acts', `${exchange(`scopes: ['mcp:read']\n${CLIENT}`)}\nissuedToken: {actor: required}`),
      at('/must-not-act', `${exchange(`scopes: ['mcp:read']\n${CLIENT}\n${actor('gateway')}`)}\nissuedToken: {actor: forbidden}`),
      at('/ceiling', `${exchange(`scopes: ['mcp:read', 'mcp:write']\n${CLIENT}`)}\nissuedToken: {scopeCeiling: ['mcp:read']}`),
      at('/by-claim', `byCaller:\n- when: {claims: {groups: eng}}\n  ${entry("'mcp:read', 'mcp:write'")}\n- ${entry("'mcp:read'")}`),
      at('/for-engineers', `byCaller:\n- when: {claims: {groups: eng}}\n  ${entry("'mcp:read'")}`),
      at('/bound', `oauthTokenExchange:\n  host: ${bound.url}\n  path: /token\n  audiences: ['${TOOL}']\n  scopes: ['mcp:read']\n  dpop: true\n  ${CLIENT}`, bound.url),
      at('/not-bound', exchange(`scopes: ['mcp:read']\ndpop: true\n${CLIENT}`), bound.url),
      at('/signed', exchange(`scopes: ['mcp:read']\n${signed(`${own}, kid: gateway-1, alg: ES256, assertionAudience: ${as.url}`)}`)),
      at('/signed-for-endpoint', exchange(`scopes: ['mcp:read', 'mcp:write']\n${signed(own)}`)),
      at('/signed-by-stranger', exchange(`scopes: ['mcp:read']\n${signed(`signingKeyFile: '${t.logs}/stranger.pem', kid: gateway-1`)}`)),
      at('/unadvertised', exchange(`scopes: ['mcp:unheard']\n${CLIENT}`)),
      at('/seed', `tokenExchange:\n  elicitation: {secretName: lab-token-exchange}\n  audiences: ['${TOOL}']`),
    ].join('')}\ntokenExchange: {enabled: true, secrets: '${folder}'}\n`;
  }));
  const url = (path) => `${gateway.url}${path}`;
  const whoami = (path, token) => post(url(path), token, call('whoami'));
  const people = {};
  for (const login of ['alice', 'bob']) {
    people[login] = new Person(login, { scope: 'openid mcp:read mcp:write' });
    await t.must(`${login} connects`, () => connect(url('/mcp'), people[login]).then(({ client }) => client.close()));
  }
  const { alice, bob } = people;
  const last = async (server = guard) => (await server.seen()).filter(({ status }) => status === 200).at(-1);
  bound.seen = async () => (await fetch(`${bound.url}/__seen`)).json();
  const says = (pattern) => gateway.text().split('\n').some((line) => pattern.test(line));

  t.step('row_020 who acts for whom');
  t.equal('delegation is allowed by may_act', (await whoami('/delegated', alice.token)).status, 200);
  const { claims } = await last();
  t.equal('row_262_267 the user is the subject, the gateway acts', { sub: claims.sub, act: claims.act },
    { sub: 'alice', act: { iss: as.url, sub: 'gateway' } });
  t.check('it does not outlive the user', claims.exp <= decodeJwt(alice.token).exp);
  t.equal('an actor that the user did not allow', (await whoami('/not-allowed-to-act', alice.token)).status, 401);
  t.check('the log has it', says(/not-allowed-to-act.*subject_refused/));
  t.equal('row_077 an actor is required and there is none', (await whoami('/nobody-acts', alice.token)).status, 502);
  t.check('the log says what is missing', says(/nobody-acts.*does not name the actor/));
  t.equal('row_077 an actor is forbidden and there is one', (await whoami('/must-not-act', alice.token)).status, 502);
  t.equal('row_215 more scope than the ceiling', (await whoami('/ceiling', alice.token)).status, 502);
  t.check('the log says so', says(/ceiling.*beyond the ceiling/));

  t.step('a plan by claim');
  t.equal('an engineer', (await whoami('/by-claim', alice.token)).status, 200);
  t.equal('gets what engineers get', (await last()).claims.scope, 'mcp:read mcp:write');
  t.equal('everybody else', (await whoami('/by-claim', bob.token)).status, 200);
  t.equal('gets less', (await last()).claims.scope, 'mcp:read');
  t.equal('where there is no plan for him, there is no token', (await whoami('/for-engineers', bob.token)).status, 403);

  t.step('mcp_d10 tokens that are bound to a key of the gateway');
  const first = await whoami('/bound', alice.token);
  t.equal('a call with proofs, after both servers asked for a nonce', first.status, 200);
  const shown = await last(bound);
  t.check('as DPoP, and not as bearer', shown.authorizations[0].startsWith('DPoP '), shown.authorizations);
  const wanted = async () => (await bound.seen()).filter(({ status }) => status === 401).length;
  const before = await wanted();
  for (let i = 0; i < 3; i += 1) await whoami('/bound', alice.token);
  t.equal('a nonce is remembered', await wanted(), before);
  t.equal('one exchange for all of them', await (await fetch(`${bound.url}/__count`)).json(), 1);
  t.equal('the token alone is worth nothing there', (await post(`${bound.url}/mcp`, undefined, call('whoami'), {
    headers: ['Authorization', shown.authorizations[0]] })).status, 401);
  t.equal('a server that ignores the proof', (await whoami('/not-bound', alice.token)).status, 502);
  t.check('the log says that it would be anybody’s', says(/not-bound.*not bound to the DPoP key/));

  t.step('a client that signs who it is (private_key_jwt)');
  t.equal('for the issuer, with the name of the key', (await whoami('/signed', alice.token)).status, 200);
  const bySigned = (await last()).claims;
  t.equal('the token is for that client', { sub: bySigned.sub, client: bySigned.client_id }, { sub: 'alice', client: 'gateway-key' });
  t.equal('for the token endpoint, without', (await whoami('/signed-for-endpoint', alice.token)).status, 200);
  t.equal('another key is nobody: 500', (await whoami('/signed-by-stranger', alice.token)).status, 500);
  t.check('the log says that the client was refused', says(/signed-by-stranger.*client_refused/));

  t.step('row_060 the block of spec.backend.tokenExchange with a mounted Secret');
  t.equal('it exchanges', (await whoami('/seed', alice.token)).status, 200);
  const { sub, aud, scope } = (await last()).claims;
  t.equal('for the user, for the tool, with the scope of the Secret', { sub, aud, scope }, { sub: 'alice', aud: TOOL, scope: 'mcp:read' });

  t.step('mcp_d8 an ID-JAG across two servers, for a user who comes with his ID token');
  const identity = alice.tokens().id_token;
  const clientId = decodeJwt(identity).aud;
  const leg = (server) => `{host: '${server.url}', path: /token, ${CLIENT}}`;
  const chain = (more = '') => `crossAppAccess:
  identityProvider: ${leg(as)}
  resourceAuthorizationServer: ${leg(ras)}
  audience: ${ras.url}
  resources: ['${TOOL}']
  scopes: ['mcp:read']${more}
issuedToken: {audiences: ['${TOOL}'], subjectClaim: sub}`;
  const second = await t.must('a gateway for it starts', () => t.gateway((port) => {
    const at = (path, auth) => route({ path, issuer: as.url, audience: clientId, auth, backend: guard.url });
    const named = (config) => config.replaceAll(`resource: '${clientId}'`, `resource: 'http://127.0.0.1:${port}/mcp'`);
    const own = chain().replaceAll(ras.url, as.url).replace(`audience: ${as.url}`, `audience: ${ras.url}`)
      .replace("resourceAuthorizationServer: {host: '" + as.url + "', path: /token", "resourceAuthorizationServer: {host: '" + as.url + "', path: /token?x=1");
    return named(`binds:\n- port: ${port}\n  listeners:\n  - routes:${at('/mcp', chain())}${at('/itself', own)}\n`);
  }, { name: 'gateway-chain' }));
  const chained = await post(`${second.url}/mcp`, identity, call('whoami'));
  t.equal('the call gets through', chained.status, 200);
  const jagged = (await last()).claims;
  t.equal('with a token of the second server, for the same user', { iss: jagged.iss, sub: jagged.sub, aud: jagged.aud, scope: jagged.scope },
    { iss: ras.url, sub: 'alice', aud: TOOL, scope: 'mcp:read' });
  t.equal('and again, from the cache', (await post(`${second.url}/mcp`, identity, call('whoami'))).status, 200);
  const itself = await post(`${second.url}/itself`, identity, call('whoami'));
  t.equal('a server does not redeem its own ID-JAG, and no login helps', itself.status, 500);
  await ras.stop();
  const other = new Person('bob', { scope: 'openid mcp:read mcp:write' });
  other.secrets.client = alice.secrets.client; // the same client: ID tokens are for it
  await t.must('bob logs in with it', () => connect(url('/mcp'), other).then(({ client }) => client.close()));
  const gone = await post(`${second.url}/mcp`, other.tokens().id_token, call('whoami'));
  t.equal('the second server is down: 503', [gone.status, Number(gone.headers['retry-after']) >= 1], [503, true]);

  t.step('what is known before the first request');
  await t.attempt('row_107 the log says what the provider does not advertise, before anybody asked for it', () =>
    until('that line', () => says(/exchange plan `unadvertised`.*does not advertise the scope `mcp:unheard`/)));
  t.check('and nothing of what it does', !says(/exchange plan `(delegated|bound|seed)`.*advertise/));

  t.step('secrets');
  const inbound = [alice.token, bob.token, identity, other.tokens().id_token, other.token];
  const reached = JSON.stringify([(await guard.seen()), await bound.seen(), await upstream.seen()].flat()
    .filter(({ headers }) => headers?.['x-direct'] === undefined));
  t.check('row_259 no inbound token and no actor’s reached a server behind', ![...inbound, ...Object.values(actors)].some((token) => reached.includes(token)));
  const log = gateway.text() + second.text();
  const privateKey = (await exportPKCS8(pair.privateKey)).split('\n')[1];
  const secrets = [...secretsOf([...inbound, ...Object.values(actors)]), SECRET, AGENT_SECRET, privateKey];
  t.check('attack_112 no token and no secret in the logs', !secrets.some((one) => log.includes(one)));
}
