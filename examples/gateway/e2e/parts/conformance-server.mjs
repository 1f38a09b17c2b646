// MCP server that the official conformance suite measures: official SDK 2.x, loopback only. It speaks
// 2026-07-28 without sessions and the older versions with sessions, at one address.
//
//   UP_PORT                    port on 127.0.0.1 (required)
//   UP_HEADERS=unchecked       the server does not look at MCP-Protocol-Version, Mcp-Method, Mcp-Name and
//                              Mcp-Param-*, as a server of which only the body counts
//
// What it offers (`conformance/catalogue.mjs`) is what the suite's scenarios ask of a server.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import {
  WebStandardStreamableHTTPServerTransport, createMcpHandler, isLegacyRequest, localhostAllowedHostnames,
  hostHeaderValidationResponse, originValidationResponse, localhostAllowedOrigins,
} from '@modelcontextprotocol/server';
import { catalogue } from './conformance/catalogue.mjs';
import { Events } from './conformance/events.mjs';
import { mirrored } from './conformance/mirrored.mjs';

const port = Number(process.env.UP_PORT);
const unchecked = process.env.UP_HEADERS === 'unchecked';
const onerror = (error) => console.error('server error:', error.message);

const sessions = new Map(); // id -> transport
const modern = createMcpHandler(() => catalogue({ changed }), { legacy: 'reject', onerror });
const changed = {
  tools: () => modern.notify.toolsChanged(),
  prompts: () => modern.notify.promptsChanged(),
};

const refusal = (status, code, message) => Response.json({ jsonrpc: '2.0', id: null, error: { code, message } }, { status });

/** 2025-03-26 to 2025-11-25: one transport and one server per session. */
async function legacy(request, message) {
  const id = request.headers.get('mcp-session-id');
  if (id) {
    return sessions.get(id)?.handleRequest(request, { parsedBody: message }) ?? refusal(404, -32001, 'Session not found');
  }
  if (message?.method !== 'initialize') return refusal(400, -32000, 'A session is needed: initialize first');
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new Events(),
    retryInterval: 500,
    onsessioninitialized: (session) => { sessions.set(session, transport); },
    onsessionclosed: (session) => { sessions.delete(session); },
  });
  await catalogue({ changed }).connect(transport);
  return transport.handleRequest(request, { parsedBody: message });
}

async function answer(request, body) {
  const strange = hostHeaderValidationResponse(request, localhostAllowedHostnames())
    ?? originValidationResponse(request, localhostAllowedOrigins());
  if (strange) return strange;
  if (new URL(request.url).pathname !== '/mcp') return refusal(404, -32601, 'Not here');
  let message;
  try { message = JSON.parse(body); } catch { /* the handlers answer for it */ }
  const seen = unchecked ? mirrored(request, message, body) : request;
  return await isLegacyRequest(seen.clone()) ? legacy(seen, message) : modern.fetch(seen);
}

createServer(async (req, res) => {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  try {
    const response = await answer(new Request(`http://127.0.0.1:${port}${req.url}`, {
      method: req.method,
      headers: Object.entries(req.headers).map(([name, value]) => [name, String(value)]),
      signal: gone.signal,
      ...(body.length && { body }),
    }), body.toString());
    const credential = req.headers.authorization === undefined ? '' : 'with Authorization';
    console.log(req.method, req.url, response.status, credential, body.toString().slice(0, 200));
    res.writeHead(response.status, Object.fromEntries(response.headers));
    res.flushHeaders();
    for await (const chunk of response.body ?? []) res.write(chunk);
  } catch (error) {
    if (!gone.signal.aborted) onerror(error);
  }
  res.end();
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}/mcp`));
