// MCP server behind the gateway: official SDK, Streamable HTTP, loopback only.
//
//   UP_PORT   port on 127.0.0.1 (required)
//   UP_JSON=1 answers with application/json instead of text/event-stream
//   UP_SESSIONS=1 has sessions, and lets everybody in who knows the id, as the SDK does
//
// Tools: whoami (the headers of its request), read_thing, write_thing, admin_thing. `read_thing` with
// `hold: KEY` first sends a progress notification, then waits for `POST /__release?KEY`: a client that
// gets the notification before the release knows that nothing on the way collects the stream.
// `GET /__seen` lists every request that came to /mcp: {http, headers, repeated, methods, tools, body}.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

const port = Number(process.env.UP_PORT);
const asJson = process.env.UP_JSON === '1';
const withSessions = process.env.UP_SESSIONS === '1';
const sessions = new Map(); // id -> transport
const seen = [];
const held = new Map(); // key -> function that releases the call

const text = (value) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] });
function server(headers) {
  const mcp = new McpServer({ name: 'e2e-upstream', version: '1.0.0' });
  mcp.registerTool('whoami', { description: 'The headers of this request', inputSchema: {} }, async () => text(headers));
  mcp.registerTool('read_thing', {
    description: 'Reads a thing',
    inputSchema: { id: z.string().optional(), hold: z.string().optional() },
  }, async ({ id, hold }, extra) => {
    if (hold !== undefined) {
      const released = new Promise((resolve) => { held.set(hold, resolve); });
      const progressToken = extra._meta?.progressToken;
      if (progressToken !== undefined) {
        await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
      }
      await released;
    }
    return text({ read: id ?? 'nothing' });
  });
  mcp.registerTool('write_thing', { description: 'Writes a thing', inputSchema: { value: z.string().optional() } },
    async ({ value }) => text({ wrote: value ?? 'nothing' }));
  mcp.registerTool('admin_thing', { description: 'Administers a thing', inputSchema: {} }, async () => text({ admin: true }));
  return mcp;
}

function note(req, body) {
  let message;
  try { message = JSON.parse(body); } catch { /* kept as text below */ }
  const messages = Array.isArray(message) ? message : message ? [message] : [];
  const names = req.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  seen.push({
    http: req.method,
    headers: req.headers,
    repeated: names.filter((name, i) => names.indexOf(name) !== i),
    methods: messages.map((m) => m?.method),
    tools: messages.map((m) => m?.params?.name).filter((name) => name !== undefined),
    body,
  });
  return message;
}

async function inSession(req, res, message) {
  const id = req.headers['mcp-session-id'];
  let transport = sessions.get(id);
  if (transport === undefined) {
    if (id !== undefined) return res.writeHead(404).end();
    transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (opened) => sessions.set(opened, transport),
      onsessionclosed: (closed) => sessions.delete(closed),
      enableJsonResponse: asJson,
    });
    await server({}).connect(transport);
  }
  return transport.handleRequest(req, res, message);
}

createServer(async (req, res) => {
  const json = (status, value) => {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(value));
  };
  const [path, query] = req.url.split('?');
  if (path === '/__seen') return json(200, seen);
  if (path === '/__release') {
    held.get(query)?.();
    return json(held.delete(query) ? 200 : 404, {});
  }
  let body = '';
  for await (const chunk of req) body += chunk;
  const message = note(req, body);
  console.log(req.method, req.url, body.slice(0, 200));
  if (path !== '/mcp') return json(404, {});
  if (withSessions) return inSession(req, res, message);
  if (req.method !== 'POST') return json(405, {});
  if (message === undefined) return json(400, {});
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: asJson });
  const mcp = server(req.headers);
  res.on('close', () => { transport.close(); mcp.close(); });
  await mcp.connect(transport);
  await transport.handleRequest(req, res, message);
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}/mcp`));
