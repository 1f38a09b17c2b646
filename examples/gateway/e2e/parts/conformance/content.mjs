// Tools that answer, report on their way, or change a list.
import { setTimeout as pause } from 'node:timers/promises';
import { fromJsonSchema } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { words } from './samples.mjs';

export const text = (value) => ({ type: 'text', text: value });
export const says = (...content) => ({ content });
const nothing = z.object({});
const image = { type: 'image', data: words.png, mimeType: 'image/png' };

export function content(mcp, { changed }) {
  const tool = (name, description, run, inputSchema = nothing) => mcp.registerTool(name, { description, inputSchema }, run);

  // First, because the suite calls the first tool of the list without arguments.
  tool('test_simple_text', 'A line of text', async () => says(text(words.simple)));
  tool('test_image_content', 'An image', async () => says(image));
  tool('test_audio_content', 'A sound', async () => says({ type: 'audio', data: words.wav, mimeType: 'audio/wav' }));
  tool('test_embedded_resource', 'An embedded resource', async () => says({
    type: 'resource', resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: words.resource },
  }));
  tool('test_multiple_content_types', 'Text, image and resource', async () => says(text(words.mixed), image, {
    type: 'resource',
    resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' },
  }));
  tool('test_error_handling', 'Fails', async () => { throw new Error(words.failure); });

  tool('test_tool_with_logging', 'Logs three times', async (_, { mcpReq }) => {
    await mcpReq.log('info', 'Tool execution started');
    await pause(50);
    await mcpReq.log('info', 'Tool processing data');
    await pause(50);
    await mcpReq.log('info', 'Tool execution completed');
    return says(text('logged'));
  });
  tool('test_logging_tool', 'Logs once', async (_, { mcpReq }) => {
    await mcpReq.log('info', 'only who asks for a level reads this');
    return says(text('logged'));
  });
  tool('test_tool_with_progress', 'Reports progress', async (_, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progress > 0) await pause(50);
      if (progressToken !== undefined) {
        await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      }
    }
    return says(text('done'));
  });
  tool('test_reconnection', 'Ends its stream and answers on the next', async (_, { http }) => {
    http?.closeSSE?.();
    await pause(100);
    return says(text('reconnected'));
  });

  tool('test_trigger_tool_change', 'Says that the list of tools changed', async () => {
    changed.tools();
    return says(text('changed'));
  });
  tool('test_trigger_prompt_change', 'Says that the list of prompts changed', async () => {
    changed.prompts();
    return says(text('changed'));
  });

  tool('test_header_parameter', 'An argument that is mirrored in a header', async ({ region }) => says(text(`region ${region}`)),
    fromJsonSchema({
      type: 'object',
      properties: { region: { type: 'string', description: 'Mirrored in Mcp-Param-Region', 'x-mcp-header': 'Region' } },
      required: ['region'],
    }));
  tool('json_schema_2020_12_tool', 'An input schema with the words of JSON Schema 2020-12', async () => says(text('ok')),
    fromJsonSchema(manyWords));
}

const manyWords = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};
