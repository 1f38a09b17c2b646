// The tools, resources and prompts that the scenarios of the conformance suite name.
import { randomBytes } from 'node:crypto';
import { McpServer, completable, createRequestStateCodec } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { content } from './content.mjs';
import { input } from './input.mjs';
import { resources } from './resources.mjs';
import { words } from './samples.mjs';
import { tasks } from './tasks.mjs';

const state = createRequestStateCodec({ key: randomBytes(32) });

/** A new server. `changed` is what tools call that change a list. */
export function catalogue({ changed }) {
  const mcp = new McpServer({ name: 'e2e-conformance', version: '1.0.0' }, {
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
    },
    cacheHints: { 'tools/list': { ttlMs: 60_000, cacheScope: 'public' } },
    requestState: { verify: state.verify },
  });
  content(mcp, { changed });
  input(mcp, { state });
  resources(mcp);
  tasks(mcp);
  prompts(mcp);
  return mcp;
}

const user = (content) => ({ role: 'user', content });

function prompts(mcp) {
  mcp.registerPrompt('test_simple_prompt', { description: 'One fixed message' },
    () => ({ messages: [user({ type: 'text', text: words.prompt })] }));
  mcp.registerPrompt('test_prompt_with_arguments', {
    description: 'Repeats its two arguments',
    argsSchema: z.object({
      arg1: completable(z.string().describe('First'), (value) => ['paris', 'park', 'party'].filter((word) => word.startsWith(value))),
      arg2: z.string().describe('Second'),
    }),
  }, ({ arg1, arg2 }) => ({ messages: [user({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` })] }));
  mcp.registerPrompt('test_prompt_with_embedded_resource', {
    description: 'Embeds a resource',
    argsSchema: z.object({ resourceUri: z.string().describe('URI of the resource') }),
  }, ({ resourceUri }) => ({
    messages: [
      user({ type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: words.embedded } }),
      user({ type: 'text', text: 'Please process the embedded resource above.' }),
    ],
  }));
  mcp.registerPrompt('test_prompt_with_image', { description: 'Shows an image' }, () => ({
    messages: [
      user({ type: 'image', data: words.png, mimeType: 'image/png' }),
      user({ type: 'text', text: 'Please analyze the image above.' }),
    ],
  }));
}
