// The OAuth side of a headless MCP client.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { browse as follow } from './browse.mjs';

// Nothing listens there: the redirect to it is read, not followed.
export const REDIRECT_URI = 'http://127.0.0.1:7/callback';

export const browse = (url, options) => follow(url, REDIRECT_URI, options);

/** An OAuthClientProvider of the official SDK that keeps everything in memory and notes what happened. */
export class Person {
  constructor(login, { scope, resource, name = 'mcp-auth e2e', refreshes = true, document, fill } = {}) {
    this.login = login;
    this.fill = fill; // what to do with a page, where it is more than to allow what is asked
    this.scope = scope;
    this.name = name; // of the client
    this.refreshes = refreshes;
    this.wantedResource = resource;
    if (document) this.clientMetadataUrl = document; // instead of a registration
    this.visits = []; // {asked, answered}: address of each authorization request, and where it led
    this.secrets = {};
    if (resource) this.validateResourceURL = async () => new URL(resource);
  }

  get redirectUrl() { return REDIRECT_URI; }

  get clientMetadata() {
    return {
      client_name: this.name,
      application_type: 'native',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', ...(this.refreshes ? ['refresh_token'] : [])],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...(this.scope && { scope: this.scope }),
    };
  }

  state() { return (this.secrets.state = crypto.randomUUID()); }

  clientInformation() { return this.secrets.client; }

  saveClientInformation(client) { this.secrets.client = client; }

  tokens() { return this.secrets.tokens; }

  saveTokens(tokens) { this.secrets.tokens = tokens; }

  // SDK 2.x checks with it who answered.
  discoveryState() { return this.secrets.discovery; }

  saveDiscoveryState(state) { this.secrets.discovery = state; }

  // What the server has refused: the SDK begins anew without it.
  invalidateCredentials(what) {
    const of = { tokens: ['tokens'], client: ['client'], verifier: ['verifier'], discovery: ['discovery'] };
    for (const name of of[what] ?? Object.values(of).flat()) delete this.secrets[name];
  }

  codeVerifier() { return this.secrets.verifier; }

  saveCodeVerifier(verifier) { this.secrets.verifier = verifier; }

  async redirectToAuthorization(url) {
    const asked = new URL(url);
    asked.searchParams.set('login_hint', this.login);
    this.visits.push({ asked, answered: await browse(asked, { fill: this.fill }) });
  }

  get token() { return this.secrets.tokens?.access_token; }
}

/** Connects as `person` the way a user's client does: 401, log in, hand the code over, connect again. */
export async function connect(url, person) {
  const open = async () => {
    const client = new Client({ name: 'mcp-auth-e2e', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: person });
    try {
      await client.connect(transport);
    } catch (error) {
      await transport.close();
      error.transport = transport;
      throw error;
    }
    return { client, transport };
  };
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const { answered } = person.visits.at(-1) ?? {};
    const code = answered?.searchParams.get('code');
    if (!code) throw new Error(`no code came back: ${answered}`);
    await error.transport.finishAuth(code);
    return open();
  }
}

/** The challenge of a WWW-Authenticate header: {scheme, resource_metadata, scope, error, …}. */
export function challenge(header) {
  const [, scheme, rest] = /^(\S+)\s*(.*)$/s.exec(header ?? '') ?? [];
  const found = { scheme };
  for (const [, name, quoted, plain] of (rest ?? '').matchAll(/([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))/g)) {
    found[name.toLowerCase()] = quoted ?? plain;
  }
  return found;
}
