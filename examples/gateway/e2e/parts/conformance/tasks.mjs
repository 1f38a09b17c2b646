// The tasks extension (SEP-2663): tools whose result comes later, asked for with tasks/get. The SDK has no
// server side of it; its tools may answer with a task, and its methods may be handled.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  MissingRequiredClientCapabilityError, ProtocolError, ProtocolErrorCode, acceptedContent, inputRequired,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { says, text } from './content.mjs';

const EXTENSION = 'io.modelcontextprotocol/tasks';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const LIFE = 600_000; // milliseconds

const running = new Map(); // id -> Task: every server of this process sees every task

class Task {
  constructor(work) {
    this.id = randomUUID();
    this.created = new Date().toISOString();
    this.stop = new AbortController();
    this.set({ status: 'working' });
    running.set(this.id, this);
    setTimeout(() => running.delete(this.id), LIFE).unref();
    work(this).then(
      (result) => this.settle({ status: 'completed', result }),
      (error) => this.settle({ status: 'failed', error: { code: -32603, message: error.message } }),
    );
  }

  set(state) { Object.assign(this, { state, updated: new Date().toISOString() }); }

  get settled() { return ['completed', 'failed', 'cancelled'].includes(this.state.status); }

  settle(state) { if (!this.settled) this.set(state); }

  cancel() {
    this.settle({ status: 'cancelled' });
    this.stop.abort();
  }

  /** Waits until the client has answered all of `requests`; gives the answers. */
  input(requests) {
    const answers = {};
    const pending = { ...requests };
    this.set({ status: 'input_required', inputRequests: pending });
    return new Promise((resolve) => {
      this.answer = (responses) => {
        for (const [key, response] of Object.entries(responses)) {
          if (!(key in pending)) continue;
          answers[key] = response;
          delete pending[key];
        }
        if (Object.keys(pending).length > 0 || this.settled) return;
        this.set({ status: 'working' });
        resolve(answers);
      };
    });
  }

  /** What a call is answered with. */
  get promise() {
    const { id: taskId, state: { status }, created: createdAt, updated: lastUpdatedAt } = this;
    return { taskId, status, createdAt, lastUpdatedAt, ttlMs: LIFE, pollIntervalMs: 100 };
  }

  /** What tasks/get is answered with. */
  get details() { return { ...this.promise, ...this.state }; }
}

const declared = (mcpReq) => mcpReq.envelope?.[CAPABILITIES]?.extensions?.[EXTENSION] !== undefined;
const form = (message) => inputRequired.elicit({ message, requestedSchema: z.object({ confirm: z.boolean() }) });

export function tasks(mcp) {
  mcp.server.registerCapabilities({ extensions: { [EXTENSION]: {} } });

  /** A tool that answers with a task where the client knows tasks, and with the result where it does not. */
  const tool = (name, description, work, inputSchema = z.object({})) => mcp.registerTool(name, { description, inputSchema },
    async (args, { mcpReq }) => {
      if (!declared(mcpReq)) return work(args, { stop: new AbortController() });
      return { resultType: 'task', ...new Task((task) => work(args, task)).promise };
    });
  mcp.registerTool('greet', { description: 'Greets at once', inputSchema: z.object({ name: z.string() }) },
    async ({ name }) => says(text(`Hello, ${name}!`)));
  tool('slow_compute', 'Takes its time', async ({ seconds, label }, { stop }) => {
    await pause(seconds * 1000, undefined, { signal: stop.signal, ref: false });
    return says(text(`${label ?? 'it'} took ${seconds} s`));
  }, z.object({ seconds: z.number().min(0).max(600), label: z.string().optional() }));
  tool('failing_job', 'Fails as a tool fails', async () => ({ ...says(text('the job failed')), isError: true }));
  tool('protocol_error_job', 'Fails as a server fails', async () => { throw new Error('the server failed'); });
  tool('confirm_delete', 'Asks before it deletes', async ({ filename }, task) => {
    const answers = await task.input({ confirm: form(`Delete ${filename}?`) });
    return says(text(acceptedContent(answers, 'confirm')?.confirm ? `deleted ${filename}` : `kept ${filename}`));
  }, z.object({ filename: z.string() }));
  tool('multi_input', 'Asks two things at once', async (_, task) => {
    const answers = await task.input({ first: form('First?'), second: form('Second?') });
    return says(text(`answers: ${Object.keys(answers).sort().join(' ')}`));
  });
  mcp.registerTool('test_tool_with_task', { description: 'Asks, then works', inputSchema: z.object({}) }, async (_, { mcpReq }) => {
    const answer = acceptedContent(mcpReq.inputResponses, 'user_name');
    if (!answer) {
      const requestedSchema = z.object({ name: z.string() });
      return inputRequired({ inputRequests: { user_name: inputRequired.elicit({ message: 'What is your name?', requestedSchema }) } });
    }
    return { resultType: 'task', ...new Task(async () => says(text(`Hello, ${answer.name}!`))).promise };
  });

  const params = z.looseObject({ taskId: z.string() });
  const method = (name, answer) => mcp.server.setRequestHandler(name, { params }, async ({ taskId }, { mcpReq }) => {
    if (!declared(mcpReq)) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [EXTENSION]: {} } } });
    const task = running.get(taskId);
    if (!task) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown task');
    return answer(task, mcpReq) ?? {};
  });
  method('tasks/get', (task) => task.details);
  method('tasks/update', (task, { inputResponses }) => { task.answer?.(inputResponses ?? {}); });
  method('tasks/cancel', (task) => { task.cancel(); });
}
