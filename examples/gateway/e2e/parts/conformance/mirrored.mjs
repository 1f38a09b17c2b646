// A request whose standard headers say what its body says, whatever they said when it arrived.
import { catalogue } from './catalogue.mjs';

const SOURCE = {
  'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri',
  'tasks/get': 'taskId', 'tasks/update': 'taskId', 'tasks/cancel': 'taskId',
};
const encoded = (value) => (/^[\x20-\x7e]*$/.test(value) && value === value.trim() && !value.startsWith('=?base64?')
  ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`);

const declared = new Map(); // tool name -> [[argument, header]]
function headersOf(tool) {
  if (!declared.has(tool)) {
    const properties = catalogue({}).toolInputSchemaJson(tool)?.properties ?? {};
    declared.set(tool, Object.entries(properties)
      .filter(([, schema]) => schema['x-mcp-header']).map(([argument, schema]) => [argument, schema['x-mcp-header']]));
  }
  return declared.get(tool);
}

export function mirrored(request, message, body) {
  const version = message?.params?._meta?.['io.modelcontextprotocol/protocolVersion'];
  if (request.method !== 'POST' || version === undefined) return request;
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()]) if (/^(mcp-param-|mcp-name$)/.test(name)) headers.delete(name);
  headers.set('mcp-protocol-version', version);
  headers.set('mcp-method', message.method);
  const name = message.params[SOURCE[message.method]];
  if (typeof name === 'string') headers.set('mcp-name', encoded(name));
  if (message.method === 'tools/call') {
    for (const [argument, header] of headersOf(name)) {
      const value = message.params.arguments?.[argument];
      if (value !== undefined && value !== null) headers.set(`mcp-param-${header}`, encoded(String(value)));
    }
  }
  return new Request(request.url, { method: 'POST', headers, body, signal: request.signal });
}
