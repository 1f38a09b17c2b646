// MCP server whose streams go on when they are told to: official SDK 2.x, event streams only, loopback only. It speaks
// 2026-07-28 without sessions and the older versions with sessions. It looks at no credential but in `write_thing`, which
// reads the scope of its request's token: whoever checks tokens stands in front.
//
//   UP_PORT   port on 127.0.0.1 (required)
//
// Tools: `steps` ({key, count}) tells progress and waits for `POST /__release?KEY`, `count` times, then answers;
// `read_thing`; `write_thing` needs `mcp:write`; `measure` ({text}) answers with the length.
// `POST /__notify?SESSION` sends a log message on the stream of a session, `POST /__changed` tells subscribers that the
// tools changed. `GET /__state` tells {sessions, bodies}: the sessions that are open, the length of each POST to /mcp.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { McpServer, WebStandardStreamableHTTPServerTransport, createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import { decodeJwt } from 'jose';
import { z } from 'zod';

const port = Number(process.env.UP_PORT);
const sessions = new Map(); // id -> {mcp, transport}
const held = new Map(); // key -> function that lets `steps` go on
const bodies = [];
const says = (text) => ({ content: [{ type: 'text', text: String(text) }] });

function server() {
  const mcp = new McpServer({ name: 'e2e-streaming', version: '1.0.0' }, { capabilities: { tools: { listChanged: true }, logging: {} } });
  const tool = (name, inputSchema, run) => mcp.registerTool(name, { description: name, inputSchema: z.object(inputSchema) }, run);
  tool('steps', { key: z.string(), count: z.number() }, async ({ key, count }, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (let progress = 1; progress <= count; progress += 1) {
      const released = new Promise((resolve) => { held.set(key, resolve); });
      await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: count } });
      await released;
    }
    return says(`${count} steps`);
  });
  tool('read_thing', {}, async () => says('read'));
  tool('write_thing', {}, async (_, { http }) => {
    const token = http.req.headers.get('authorization')?.replace('Bearer ', '') ?? '';
    if (!decodeJwt(token).scope?.split(' ').includes('mcp:write')) throw new Error('the token has no mcp:write');
    return says('written');
  });
  tool('measure', { text: z.string() }, async ({ text }) => says(text.length));
  return mcp;
}

const modern = createMcpHandler(server, { legacy: 'reject', onerror: (error) => console.error('server error:', error.message) });

async function legacy(request, message) {
  const id = request.headers.get('mcp-session-id');
  const known = sessions.get(id);
  if (known) return known.transport.handleRequest(request, { parsedBody: message });
  if (id) return new Response(null, { status: 404 });
  const mcp = server();
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (session) => { sessions.set(session, { mcp, transport }); },
    onsessionclosed: (session) => { sessions.delete(session); },
  });
  await mcp.connect(transport);
  return transport.handleRequest(request, { parsedBody: message });
}

/** What a test tells the server, and asks of it; `undefined` for what is none of this. */
async function told(path, query) {
  switch (path) {
    case '/__release': {
      const release = held.get(query);
      held.delete(query);
      release?.();
      return release !== undefined;
    }
    case '/__notify': {
      const session = sessions.get(query);
      await session?.mcp.server.notification({ method: 'notifications/message', params: { level: 'info', data: `for ${query}` } });
      return session !== undefined;
    }
    case '/__changed':
      modern.notify.toolsChanged();
      return true;
    case '/__state':
      return { sessions: [...sessions.keys()], bodies };
    default:
      return undefined;
  }
}

createServer(async (req, res) => {
  const [path, query] = req.url.split('?');
  const answer = await told(path, query);
  if (answer !== undefined) return res.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  if (path !== '/mcp') return res.writeHead(404).end();
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  try {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (req.method === 'POST') bodies.push(body.length);
    console.log(req.method, req.url, body.toString().slice(0, 200));
    const request = new Request(`http://127.0.0.1:${port}${req.url}`, {
      method: req.method, headers: Object.entries(req.headers).map(([name, value]) => [name, String(value)]), signal: gone.signal,
      ...(body.length && { body }),
    });
    let message;
    try { message = JSON.parse(body); } catch { /* the handlers answer for it */ }
    const response = await isLegacyRequest(request.clone()) ? await legacy(request, message) : await modern.fetch(request);
    res.writeHead(response.status, Object.fromEntries(response.headers));
    res.flushHeaders();
    if (!response.body) return res.end();
    const stream = Readable.fromWeb(response.body);
    stream.on('error', () => res.destroy());
    res.on('close', () => stream.destroy());
    return stream.pipe(res);
  } catch (error) {
    if (!gone.signal.aborted) console.error('server error:', error.message);
    return res.destroy();
  }
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}/mcp`));
