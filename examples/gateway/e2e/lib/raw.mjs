// Requests written by hand, for what no well-behaved client sends.
import { request } from 'node:http';

const ACCEPT = ['Accept', 'application/json, text/event-stream'];

/** `headers` is a flat list [name, value, …], sent as it is. Gives {status, headers, text, json, messages}. */
export function send(url, { method = 'GET', headers = [], body } = {}) {
  const { host } = new URL(url);
  const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  return new Promise((resolve, reject) => {
    const req = request(url, {
      method,
      headers: ['Host', host, ...headers, ...length],
      agent: false,
      signal: AbortSignal.timeout(20_000),
    }, (res) => {
      const chunks = [];
      res.on('error', reject);
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        let json;
        try { json = JSON.parse(text); } catch { /* an event stream, or nothing */ }
        resolve({ status: res.statusCode, headers: res.headers, text, json, messages: messages(res, text, json) });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

function messages(res, text, json) {
  if (!/^text\/event-stream/.test(res.headers['content-type'] ?? '')) return json === undefined ? [] : [json].flat();
  return text.split(/\r?\n\r?\n/)
    .map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n'))
    .filter((data) => data.trim() !== '')
    .map((data) => JSON.parse(data));
}

/** POSTs `body` (text, or a value to write as JSON) as an MCP client of `version` would. */
export function post(url, token, body, { headers = [], version = '2025-11-25' } = {}) {
  return send(url, {
    method: 'POST',
    headers: [
      'Content-Type', 'application/json', ...ACCEPT, 'Mcp-Protocol-Version', version,
      ...(token === undefined ? [] : ['Authorization', `Bearer ${token}`]), ...headers,
    ],
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export const call = (name, args = {}, id = 1) =>
  ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });
