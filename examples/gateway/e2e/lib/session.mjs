// MCP by hand, of both eras: a session (up to 2025-11-25), and requests without one (2026-07-28).
import { open, send } from './raw.mjs';

const ACCEPT = ['Accept', 'application/json, text/event-stream'];
const json = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const bearer = (token) => ['Authorization', `Bearer ${token}`];

/** A session at `url` of whoever has `token`, which may be replaced. `told` is told every answer; `also` are headers. */
export class Session {
  constructor(url, token, { version = '2025-11-25', told = () => {}, also = [] } = {}) {
    Object.assign(this, { url, token, version, told, also });
  }

  get headers() {
    return [...ACCEPT, ...bearer(this.token), ...this.also, ...(this.id ? ['Mcp-Protocol-Version', this.version, 'Mcp-Session-Id', this.id] : [])];
  }

  /** `initialize` and `notifications/initialized`; gives both answers. */
  async open() {
    const { version: protocolVersion } = this;
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 'by hand', version: '1' } };
    const first = await this.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    this.id = first.headers['mcp-session-id'];
    return [first, await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' })];
  }

  async post(message, { headers = [] } = {}) {
    const answer = await send(this.url, { method: 'POST', headers: ['Content-Type', 'application/json', ...this.headers, ...headers], body: json(message) });
    this.told(answer);
    return answer;
  }

  /** A POST whose answer is read while it comes. */
  async stream(message, { headers = [], begun } = {}) {
    const answer = await open(this.url, {
      method: 'POST', headers: ['Content-Type', 'application/json', ...this.headers, ...headers], body: json(message), begun,
    });
    this.told(answer);
    return answer;
  }

  /** The stream of the session itself. */
  async listen({ headers = [], begun } = {}) {
    const answer = await open(this.url, { headers: [...this.headers, ...headers], begun });
    this.told(answer);
    return answer;
  }

  async close() {
    const answer = await send(this.url, { method: 'DELETE', headers: this.headers });
    this.told(answer);
    return answer;
  }
}

const MODERN = '2026-07-28';
const NAMES = 'io.modelcontextprotocol/';

/** A request of 2026-07-28: {headers, body}, for `send` and `open`. */
export function modern(token, method, params = {}, { id = 1, meta = {}, headers = [] } = {}) {
  const _meta = {
    [`${NAMES}protocolVersion`]: MODERN, [`${NAMES}clientCapabilities`]: {}, [`${NAMES}clientInfo`]: { name: 'by hand', version: '1' }, ...meta,
  };
  const named = params.name === undefined ? [] : ['Mcp-Name', params.name];
  return {
    method: 'POST',
    headers: ['Content-Type', 'application/json', ...ACCEPT, ...bearer(token), 'Mcp-Protocol-Version', MODERN, 'Mcp-Method', method, ...named, ...headers],
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
  };
}

/** A call of the tool `steps` of streaming-server.mjs. */
export const steps = (key, count, id = key) => ({
  jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'steps', arguments: { key, count }, _meta: { progressToken: key } },
});
