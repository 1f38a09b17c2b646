// Requests written by hand, for what no well-behaved client sends.
import { request } from 'node:http';
import { until } from './harness.mjs';

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
  return events(text);
}

/** The messages of an event stream. */
const events = (text) => text.split(/\r?\n\r?\n/)
  .map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5)).join('\n'))
  .filter((data) => data.trim() !== '')
  .map((data) => JSON.parse(data));

/** An answer that is read while it comes. */
class Stream {
  constructor(req, res) {
    Object.assign(this, { req, status: res.statusCode, headers: res.headers, text: '', read: 0 });
    res.setEncoding('utf8');
    res.on('data', (text) => { this.text += text; });
    res.on('error', () => {});
    res.on('end', () => { this.ended = 'whole'; });
    res.on('close', () => { this.ended ??= 'cut'; });
  }

  /** The whole messages that have come so far. */
  get messages() {
    return events(this.text.slice(0, Math.max(this.text.lastIndexOf('\n\n'), this.text.lastIndexOf('\r\n\r\n')) + 1));
  }

  /** Waits for the next message. */
  next() {
    return until('the next message of a stream', () => {
      const message = this.messages[this.read];
      if (message) this.read += 1;
      else if (this.ended) throw new Error(`the stream is over (${this.ended}) after ${this.text.slice(-500)}`);
      return message;
    });
  }

  /** Waits until it is over and gives how: `whole`, or `cut` in the middle. */
  end(options) { return until('the end of a stream', () => this.ended, options); }

  /** Goes away. */
  close() { this.req.destroy(); }
}

/**
 * As `send`, and answers as soon as the header of the answer is there, with a stream; `begun` is told the request before,
 * so that it can be destroyed.
 */
export function open(url, { method = 'GET', headers = [], body, begun } = {}) {
  const { host } = new URL(url);
  const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  return new Promise((resolve, reject) => {
    const req = request(url, { method, headers: ['Host', host, ...headers, ...length], agent: false });
    req.on('error', reject);
    req.on('response', (res) => resolve(new Stream(req, res)));
    begun?.(req);
    req.end(body);
  });
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
