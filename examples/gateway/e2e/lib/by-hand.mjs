// A client of an authorization server, written by hand: for what no SDK lets one see or do.
import { REDIRECT_URI, browse } from './oauth.mjs';

export const json = async (url, init) => {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
};
export const form = (url, fields, headers) => json(url, { method: 'POST', headers, body: new URLSearchParams(fields) });
const s256 = async (text) => Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64url');

/** A client written by hand: registers, and logs in as `login` with `browse`'s options. */
export class Client {
  constructor(issuer) { this.issuer = issuer; }

  async register(extra = {}) {
    const { status, body } = await json(`${this.issuer}/register`, {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [REDIRECT_URI], client_name: 'by hand', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], ...extra }),
    });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    this.id = body.client_id;
    return body;
  }

  async address(extra = {}) {
    this.verifier = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
    return new URL(`${this.issuer}/authorize?${new URLSearchParams({
      client_id: this.id, redirect_uri: REDIRECT_URI, response_type: 'code', scope: 'mcp:read', state: 'of the client',
      code_challenge: await s256(this.verifier), code_challenge_method: 'S256', login_hint: 'alice', ...extra,
    })}`);
  }

  code(answered) { return { grant_type: 'authorization_code', client_id: this.id, redirect_uri: REDIRECT_URI, code: answered.searchParams.get('code'), code_verifier: this.verifier }; }

  token(fields) { return form(`${this.issuer}/token`, fields); }

  refresh(token) { return this.token({ grant_type: 'refresh_token', client_id: this.id, refresh_token: token }); }

  async login(extra) {
    const { status, body } = await this.token(this.code(await browse(await this.address(extra))));
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  }
}
