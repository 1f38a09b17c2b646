// Tools and a prompt that need something from the client before they can answer. They are written once, as
// multi-round-trip handlers (2026-07-28); for older versions the SDK asks the client by requests of its own.
import { acceptedContent, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { says, text } from './content.mjs';

const name = z.object({ name: z.string() });
const ok = z.object({ ok: z.boolean() });
const color = z.object({ color: z.string() });
const user = (line) => [{ role: 'user', content: text(line) }];
const ask = (message, requestedSchema) => inputRequired.elicit({ message, requestedSchema });
const sample = (line, maxTokens = 100) => inputRequired.createMessage({ messages: user(line), maxTokens });
const sampled = (responses, key) => {
  const view = inputResponse(responses, key);
  return view.kind === 'sampling' ? [view.result.content].flat().map((part) => part.text).join(' ') : undefined;
};
const rooted = (responses, key) => {
  const view = inputResponse(responses, key);
  return view.kind === 'roots' ? view.roots.map((root) => root.uri).join(' ') : undefined;
};

export function input(mcp, { state }) {
  /** `run` answers with a result, or with the inputs it still needs. */
  const tool = (title, run, inputSchema = z.object({})) => mcp.registerTool(title, { description: `Asks the client: ${title}`, inputSchema },
    async (args, { mcpReq }) => run(mcpReq.inputResponses, { args, mcpReq }));
  const needs = (inputRequests, requestState) => inputRequired({ inputRequests, ...(requestState && { requestState }) });

  tool('test_sampling', (given, { args }) => {
    const line = sampled(given, 'line');
    return line === undefined ? needs({ line: sample(args.prompt) }) : says(text(`LLM response: ${line}`));
  }, z.object({ prompt: z.string() }));
  const form = (title, key, message, requestedSchema, inputSchema) => tool(title, (given, { args }) => {
    const view = inputResponse(given, key);
    if (view.kind !== 'elicit') return needs({ [key]: inputRequired.elicit({ message: message ?? args.message, requestedSchema }) });
    return says(text(`Elicitation completed: action=${view.action}, content=${JSON.stringify(view.content ?? {})}`));
  }, inputSchema);
  form('test_elicitation', 'answer', undefined, {
    type: 'object',
    properties: {
      username: { type: 'string', description: "User's response" },
      email: { type: 'string', description: "User's email address" },
    },
    required: ['username', 'email'],
  }, z.object({ message: z.string() }));
  form('test_elicitation_sep1034_defaults', 'answer', 'Anything else?', defaults);
  form('test_elicitation_sep1330_enums', 'answer', 'Which?', choices);

  tool('test_input_required_result_elicitation', (given) => {
    const answer = acceptedContent(given, 'user_name', name);
    return answer ? says(text(`Hello, ${answer.name}!`)) : needs({ user_name: ask('What is your name?', name) });
  });
  tool('test_input_required_result_sampling', (given) => {
    const line = sampled(given, 'capital_question');
    return line === undefined ? needs({ capital_question: sample('What is the capital of France?') }) : says(text(line));
  });
  tool('test_input_required_result_list_roots', (given) => {
    const roots = rooted(given, 'client_roots');
    return roots === undefined ? needs({ client_roots: inputRequired.listRoots() }) : says(text(`Roots: ${roots}`));
  });
  const confirmed = (title) => tool(title, async (given, { mcpReq }) => {
    const known = mcpReq.requestState();
    if (known?.of === title && acceptedContent(given, 'confirm', ok)) return says(text('state-ok'));
    return needs({ confirm: ask('Please confirm', ok) }, await state.mint({ of: title }));
  });
  confirmed('test_input_required_result_request_state');
  confirmed('test_input_required_result_tampered_state');
  tool('test_input_required_result_multiple_inputs', async (given) => {
    const answer = acceptedContent(given, 'user_name', name);
    const [greeting, roots] = [sampled(given, 'greeting'), rooted(given, 'client_roots')];
    if (answer && greeting !== undefined && roots !== undefined) return says(text(`${greeting}, ${answer.name}! ${roots}`));
    return needs({
      user_name: ask('What is your name?', name),
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    }, await state.mint({ of: 'multiple' }));
  });
  tool('test_input_required_result_multi_round', async (given, { mcpReq }) => {
    const known = mcpReq.requestState();
    const second = known && acceptedContent(given, 'step2', color);
    if (second) return says(text(`${known.name} likes ${second.color}`));
    const first = acceptedContent(given, 'step1', name);
    if (known && first) return needs({ step2: ask('Step 2: What is your favorite color?', color) }, await state.mint(first));
    return needs({ step1: ask('Step 1: What is your name?', name) }, await state.mint({ step: 1 }));
  });
  tool('test_input_required_result_capabilities', (_, { mcpReq }) => {
    const can = mcpReq.envelope?.['io.modelcontextprotocol/clientCapabilities'] ?? {};
    return needs({
      ...(can.elicitation && { name: ask('What is your name?', name) }),
      ...(can.sampling && { line: sample('Say something') }),
      ...(can.roots && { roots: inputRequired.listRoots() }),
    });
  });
  tool('test_streaming_elicitation', (given) => (
    acceptedContent(given, 'name', name) ? says(text('thanks')) : needs({ name: ask('What is your name?', name) })));
  tool('test_missing_capability', (given) => {
    const line = sampled(given, 'line');
    return line === undefined ? needs({ line: sample('Say something') }) : says(text(line));
  });

  mcp.registerPrompt('test_input_required_result_prompt', { description: 'Asks for its context' }, async ({ mcpReq }) => {
    const context = z.object({ context: z.string() });
    const answer = acceptedContent(mcpReq.inputResponses, 'user_context', context);
    if (answer) return { messages: user(`Context: ${answer.context}`) };
    return needs({ user_context: ask('What context should the prompt use?', context) });
  });
}

const defaults = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
};

const titled = (noun) => [1, 2, 3].map((n) => ({ const: `value${n}`, title: `${['First', 'Second', 'Third'][n - 1]} ${noun}` }));
const choices = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled('Option') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
  },
};
