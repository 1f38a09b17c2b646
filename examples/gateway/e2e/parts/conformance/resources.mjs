// Resources, a template, and subscriptions of the older versions.
import { ResourceTemplate } from '@modelcontextprotocol/server';
import { words } from './samples.mjs';

export function resources(mcp) {
  const fixed = (name, uri, mimeType, body) => mcp.registerResource(name, uri, { description: `The ${name}`, mimeType },
    async () => ({ contents: [{ uri, mimeType, ...body }] }));
  fixed('static text', 'test://static-text', 'text/plain', { text: words.staticText });
  fixed('static image', 'test://static-binary', 'image/png', { blob: words.png });
  fixed('watched text', 'test://watched-resource', 'text/plain', { text: 'Watched.' });
  mcp.registerResource('data by number', new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'Data for a number', mimeType: 'application/json' }, async (uri, { id }) => ({
      contents: [{
        uri: uri.href,
        mimeType: 'application/json',
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
      }],
    }));

  const watched = new Set();
  mcp.server.setRequestHandler('resources/subscribe', async ({ params }) => {
    watched.add(params.uri);
    return {};
  });
  mcp.server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    watched.delete(params.uri);
    return {};
  });
}
