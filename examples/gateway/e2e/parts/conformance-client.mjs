// A client that the conformance suite measures: official SDK 2.x. The suite starts it with the URL of its own
// server as last argument; it uses all that this server offers, and then ends.
//
//   CLIENT_GATEWAY         the gateway's program; then the client talks to a gateway before that server
//   CLIENT_GATEWAY_PORT    its port
//   CLIENT_GATEWAY_TOKEN   the client's access token
//   CLIENT_GATEWAY_ISSUER  who issued it
//   CLIENT_GATEWAY_FILES   folder for its configuration
//   MCP_CONFORMANCE_CONTEXT  from the suite: the tool calls that it wants
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { gatewayConfig } from '../lib/gateway.mjs';

const { CLIENT_GATEWAY: program, CLIENT_GATEWAY_PORT: port, CLIENT_GATEWAY_TOKEN: token } = process.env;
const server = process.argv.at(-1);
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');

async function gateway() {
  const file = `${process.env.CLIENT_GATEWAY_FILES}/client-${port}.yaml`;
  const resource = `http://127.0.0.1:${port}/mcp`;
  writeFileSync(file, gatewayConfig({ as: process.env.CLIENT_GATEWAY_ISSUER, resource, upstream: server })(port));
  const child = spawn(program, ['-f', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  process.on('exit', () => child.kill('SIGKILL'));
  const log = [];
  await new Promise((resolve, reject) => {
    const read = (chunk) => {
      process.stderr.write(chunk);
      log.push(chunk);
      if (Buffer.concat(log).includes('listening on')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => reject(new Error(`the gateway ended with ${code}`)));
  });
  return { url: resource, stop: async () => { child.kill(); await once(child, 'exit'); } };
}

/** One use of the server. What fails is the suite's to judge: the next is done all the same. */
async function use(what, action) {
  try {
    const answer = await action();
    console.log(what, JSON.stringify(answer).slice(0, 200));
    return answer;
  } catch (error) {
    console.log(what, 'failed:', error.message);
    return undefined;
  }
}

const between = program && await gateway();
if (between) {
  const { status } = await fetch(between.url, { method: 'POST' });
  if (status !== 401) throw new Error(`there should be a gateway at ${between.url}: ${status}`);
}
const client = new Client({ name: 'e2e-conformance-client', version: '1.0.0' }, {
  versionNegotiation: { mode: 'auto' },
  capabilities: { elicitation: {}, sampling: {}, roots: {} },
});
client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { confirmed: true } }));
await client.connect(new StreamableHTTPClientTransport(new URL(between ? between.url : server), {
  requestInit: token ? { headers: { authorization: `Bearer ${token}` } } : {},
}));
console.log('version', client.getNegotiatedProtocolVersion());

const { tools = [] } = await use('tools/list', () => client.listTools()) ?? {};
const calls = context.toolCalls ?? tools.map(({ name }) => ({ name, arguments: {} }));
for (const call of calls) await use(call.name, () => client.callTool(call));
const { resources = [] } = await use('resources/list', () => client.listResources()) ?? {};
for (const { uri } of resources) await use(uri, () => client.readResource({ uri }));
const { prompts = [] } = await use('prompts/list', () => client.listPrompts()) ?? {};
for (const { name } of prompts) await use(name, () => client.getPrompt({ name }));
await client.close();
await between?.stop?.();
process.exit(0);
