// A client on the official TypeScript SDK 2.x for the conformance suite's client mode: what our own client is compared with
// in the newest wire version and in the extensions, which the SDK 1.x does not have. The suite starts this with the URL of
// its server as last argument.
//
//   MCP_CONFORMANCE_CONTEXT           from the suite: the client's credentials, if any
//   MCP_CONFORMANCE_PROTOCOL_VERSION  from the suite: the version of MCP to speak
import {
  Client, ClientCredentialsProvider, CrossAppAccessProvider, DpopSession, PrivateKeyJwtProvider, StreamableHTTPClientTransport,
  UnauthorizedError, requestJwtAuthorizationGrant,
} from '@modelcontextprotocol/client';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const MAX_LOGINS = 3;
const server = new URL(process.argv.at(-1));
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const redirectUrl = 'http://localhost:3000/callback';

/** A user who agrees at once, and what the SDK keeps. */
class User {
  redirectUrl = redirectUrl;
  clientMetadataUrl = 'https://conformance-test.local/client-metadata.json';
  clientMetadata = {
    client_name: 'mcp-auth e2e reference',
    redirect_uris: [redirectUrl],
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };

  kept = { client: context.client_id && { ...context, redirect_uris: [redirectUrl] } };

  clientInformation() { return this.kept.client; }
  saveClientInformation(client) { this.kept.client = client; }
  tokens() { return this.kept.tokens; }
  saveTokens(tokens) { this.kept.tokens = tokens; }
  codeVerifier() { return this.kept.verifier; }
  saveCodeVerifier(verifier) { this.kept.verifier = verifier; }
  discoveryState() { return this.kept.discovery; }
  saveDiscoveryState(state) { this.kept.discovery = state; }
  invalidateCredentials(scope) {
    for (const kind of scope === 'all' ? ['client', 'tokens', 'verifier', 'discovery'] : [scope]) delete this.kept[kind];
  }

  async redirectToAuthorization(url) {
    const answer = await fetch(url, { redirect: 'manual' });
    this.answered = new URL(answer.headers.get('location')).searchParams;
  }
}

/** A user whose client proves possession of a key, where the server asks for it. */
class BoundUser extends User {
  session = DpopSession.create();
  dpop() { return this.session; }
}

/** A workload: its own token is the assertion. */
class Workload extends User {
  redirectUrl = undefined;
  clientMetadataUrl = undefined;
  clientMetadata = { redirect_uris: [], grant_types: [JWT_BEARER], token_endpoint_auth_method: 'none' };
  kept = { client: { client_id: context.client_id } };
  prepareTokenRequest() { return new URLSearchParams({ grant_type: JWT_BEARER, assertion: context.valid_jwt }); }
}

async function provider() {
  const { client_id: clientId, client_secret: clientSecret } = context;
  if (context.idp_id_token) {
    const grant = ({ authorizationServerUrl: audience, resourceUrl: resource, scope }) => requestJwtAuthorizationGrant({
      tokenEndpoint: context.idp_token_endpoint, audience, resource, scope, idToken: context.idp_id_token, clientId: context.idp_client_id,
    });
    return new CrossAppAccessProvider({ clientId, clientSecret, assertion: async (asked) => (await grant(asked)).jwtAuthGrant });
  }
  if (context.valid_jwt) return new Workload();
  if (context.private_key_pem) {
    return new PrivateKeyJwtProvider({ clientId, privateKey: context.private_key_pem, algorithm: context.signing_algorithm });
  }
  // The SDK has one class for a client with a user, another for one without: the first challenge does not tell which.
  if (context.name?.startsWith('auth/client-credentials')) return new ClientCredentialsProvider({ clientId, clientSecret });
  const { headers } = await fetch(server, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  return /^DPoP /.test(headers.get('www-authenticate') ?? '') ? new BoundUser() : new User();
}

const mode = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION >= '2026-07-28' ? 'auto' : 'legacy';
const authProvider = await provider();

/** Does `use` on a connection, and again after each login that it takes. */
async function withLogins(use) {
  for (let login = 0; ; login += 1) {
    const client = new Client({ name: 'mcp-auth-e2e-reference', version: '1.0.0' }, { versionNegotiation: { mode } });
    const transport = new StreamableHTTPClientTransport(server, { authProvider });
    try {
      await client.connect(transport);
      return await use(client);
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || login === MAX_LOGINS - 1) throw error;
      await transport.finishAuth(authProvider.answered);
      authProvider.invalidateCredentials?.('discovery'); // the next challenge may be of a server that has moved
    } finally {
      await client.close();
    }
  }
}

await withLogins(async (client) => {
  const { tools } = await client.listTools();
  for (const { name } of tools) await client.callTool({ name, arguments: {} });
});
