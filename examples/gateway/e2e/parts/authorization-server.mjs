// Authorization server of the end-to-end suites: npm oidc-provider 9, loopback only.
//
// Anonymous dynamic registration, PKCE for everybody, resource indicators with JWT access tokens
// (RFC 9068), `iss` in authorization responses (RFC 9207), refresh tokens for `offline_access`.
// Nobody has to type: each interaction is answered at once, the user is the request's `login_hint`
// (alice when there is none) and consents to everything that was asked.
//
//   AS_PORT       port on 127.0.0.1 (required)
//   AS_TOKEN_TTL  life of access tokens in seconds (default 300)
//   AS_REFRESH=always      refresh tokens also without `offline_access`
//   AS_CLIENT_SCOPE=any    a client may later ask for more than the `scope` that it registered with
//
// `POST /__mint` takes {"claims": {…}, "header": {…}} and answers a token signed with this server's
// own key. With it a suite gets tokens that no honest flow gives: expired ones, foreign audiences.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

const port = Number(process.env.AS_PORT);
const ttl = Number(process.env.AS_TOKEN_TTL ?? 300);
const issuer = `http://127.0.0.1:${port}`;

const people = {
  alice: { email: 'alice@example.test', groups: ['mcp-readers', 'eng'] },
  bob: { email: 'bob@example.test', groups: ['mcp-readers'] },
};
const resourceScopes = ['mcp:read', 'mcp:write'];

const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' };
jwk.kid = await calculateJwkThumbprint(jwk);

const provider = new Provider(issuer, {
  clients: [],
  jwks: { keys: [jwk] },
  cookies: { keys: ['only-for-tests'] },
  scopes: ['openid', 'offline_access', ...resourceScopes],
  claims: { openid: ['sub'] },
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
  pkce: { required: () => true },
  ttl: {
    AccessToken: ttl, AuthorizationCode: 60, Grant: 3600, IdToken: 300,
    Interaction: 300, RefreshToken: 3600, Session: 3600,
  },
  rotateRefreshToken: true,
  issueRefreshToken: (_ctx, client, code) =>
    client.grantTypeAllowed('refresh_token') && (process.env.AS_REFRESH === 'always' || code.scopes.has('offline_access')),
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  extraTokenClaims: (_ctx, token) => people[token.accountId],
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        audience: resource,
        scope: resourceScopes.join(' '),
        accessTokenFormat: 'jwt',
        accessTokenTTL: ttl,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});
provider.on('grant.success', (ctx) => console.log('granted', ctx.oidc.params.grant_type, ctx.oidc.client.clientName));
provider.on('server_error', (_ctx, error) => console.error('server_error', error));
provider.on('authorization.error', (_ctx, error) => console.error('authorization.error', error));
provider.on('grant.error', (_ctx, error) => console.error('grant.error', error));
provider.on('registration_create.error', (_ctx, error) => console.error('registration.error', error));

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const { params, prompt, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  const answer = { login: { accountId: params.login_hint ?? 'alice' } };
  if (prompt.name === 'consent') {
    const grant = (grantId && await provider.Grant.find(grantId))
      || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(resource, scopes.join(' '));
    }
    answer.consent = { grantId: await grant.save() };
  }
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, answer, { mergeWithLastSubmission: true }));
});

const answerOf = provider.callback();
async function read(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return JSON.parse(text);
}
async function mint(req, res) {
  const { claims, header } = await read(req);
  const token = await new SignJWT({ iss: issuer, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: jwk.kid, typ: 'at+jwt', ...header })
    .sign(privateKey);
  res.end(token);
}
createServer((req, res) => {
  console.log(req.method, req.url.split('?')[0]);
  const failed = (error) => { res.statusCode = 400; res.end(String(error)); };
  if (req.method === 'POST' && req.url === '/__mint') {
    mint(req, res).catch(failed);
  } else if (req.method === 'POST' && req.url === '/reg' && process.env.AS_CLIENT_SCOPE === 'any') {
    read(req).then(({ scope, ...client }) => { req.body = client; answerOf(req, res); }).catch(failed);
  } else {
    answerOf(req, res);
  }
}).listen(port, '127.0.0.1', () => console.log(`ready ${issuer}`));
