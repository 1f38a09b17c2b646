// A person at a browser, and the OAuth side of a headless MCP client.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';

// Nothing listens there: the redirect to it is read, not followed.
export const REDIRECT_URI = 'http://127.0.0.1:7/callback';

/** Follows redirects from `url`, with cookies, up to the redirect URI; gives that last address. */
export async function browse(url) {
  const cookies = new Map();
  let at = new URL(url);
  for (let hop = 0; hop < 20; hop += 1) {
    const response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    const page = await response.text();
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const cut = pair.indexOf('=');
      if (pair.slice(cut + 1) === '') cookies.delete(pair.slice(0, cut));
      else cookies.set(pair.slice(0, cut), pair.slice(cut + 1));
    }
    const location = response.headers.get('location');
    if (!location) throw new Error(`no way on from ${at}: ${response.status} ${page.slice(0, 300)}`);
    at = new URL(location, at);
    if (at.href.startsWith(REDIRECT_URI)) return at;
  }
  throw new Error(`too many redirects from ${url}`);
}

/** An OAuthClientProvider of the official SDK that keeps everything in memory and notes what happened. */
export class Person {
  constructor(login, { scope, resource } = {}) {
    this.login = login;
    this.scope = scope;
    this.wantedResource = resource;
    this.visits = []; // {asked, answered}: address of each authorization request, and where it led
    this.secrets = {};
    if (resource) this.validateResourceURL = async () => new URL(resource);
  }

  get redirectUrl() { return REDIRECT_URI; }

  get clientMetadata() {
    return {
      client_name: 'mcp-auth e2e',
      application_type: 'native',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
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

  codeVerifier() { return this.secrets.verifier; }

  saveCodeVerifier(verifier) { this.secrets.verifier = verifier; }

  async redirectToAuthorization(url) {
    const asked = new URL(url);
    asked.searchParams.set('login_hint', this.login);
    this.visits.push({ asked, answered: await browse(asked) });
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
