// A client on the official TypeScript SDK 1.x, whose `auth` does the whole authorization, for the conformance suite's
// client mode: what our own client is compared with. The suite's reference client is built on the same SDK and comes
// with the suite's repository only, not with its package. `conformance-reference-2.mjs` is the same on the SDK 2.x. The
// suite starts this with the URL of its server as last argument.
//
//   MCP_CONFORMANCE_CONTEXT  from the suite: the client's credentials, if any
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const MAX_ATTEMPTS = 3;
const server = new URL(process.argv.at(-1));
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const redirectUrl = 'http://localhost:3000/callback';

/** What the SDK asks its user for, kept in memory. */
class Provider {
  redirectUrl = redirectUrl;
  clientMetadataUrl = 'https://conformance-test.local/client-metadata.json';
  clientMetadata = {
    client_name: 'mcp-auth e2e reference',
    redirect_uris: [redirectUrl],
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };

  client = context.client_id && { ...context, redirect_uris: [redirectUrl] };

  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.held; }
  saveTokens(tokens) { this.held = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }

  /** The user, who agrees at once. */
  async redirectToAuthorization(url) {
    const answer = await fetch(url, { redirect: 'manual' });
    this.code = new URL(answer.headers.get('location')).searchParams.get('code');
  }
}

const provider = new Provider();

/** `fetch` that logs in, or steps up, after a refusal. */
async function authorized(url, init = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const headers = new Headers(init.headers);
    const { access_token: token } = provider.tokens() ?? {};
    if (token) headers.set('authorization', `Bearer ${token}`);
    const answer = await fetch(url, { ...init, headers });
    if (![401, 403].includes(answer.status)) return answer;
    if (attempt === MAX_ATTEMPTS) throw new Error(`${answer.status} after ${attempt} attempts`);
    const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(answer);
    const options = { serverUrl: server, resourceMetadataUrl, scope, fetchFn: fetch };
    if (await auth(provider, options) === 'REDIRECT') await auth(provider, { ...options, authorizationCode: provider.code });
  }
}

const client = new Client({ name: 'mcp-auth-e2e-reference', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(server, { fetch: authorized }));
const { tools } = await client.listTools();
for (const { name } of tools) await client.callTool({ name, arguments: {} });
await client.close();
