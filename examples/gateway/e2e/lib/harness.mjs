// What a suite gets as `t`: checks, parts (processes with a log), free ports, the gateway.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';

const TAIL = 4000; // characters of each part's log printed when a check fails

/** Thrown by `must…`: what follows in the suite would make no sense. */
export class Abort extends Error {}

const alive = (group) => {
  try { process.kill(-group, 0); return true; } catch { return false; }
};
const signal = (group, name) => {
  try { process.kill(-group, name); } catch { /* gone already */ }
};

/** Polls `probe` until it answers something true; throws after `timeout` milliseconds. */
export async function until(what, probe, { timeout = 20_000, every = 25 } = {}) {
  const end = performance.now() + timeout;
  for (;;) {
    const answer = await probe();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${timeout} ms`);
    await new Promise((resolve) => { setTimeout(resolve, every); });
  }
}

class Part {
  constructor(suite, name, command, args, options) {
    this.name = name;
    this.log = `${suite.logs}/${name}.log`;
    this.printed = 0;
    const out = openSync(this.log, 'a');
    // A group of its own, so that whatever the part starts ends with it.
    this.child = spawn(command, args, {
      cwd: options.cwd ?? suite.logs,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', out, out],
      detached: true,
    });
    closeSync(out);
    this.child.stdin?.on('error', () => {}).end(options.input); // it may end without reading
    this.child.on('error', (error) => { this.failure = error; });
    this.child.on('exit', (code, sig) => { this.ended = sig ?? `status ${code}`; });
    // run.sh ends these groups if this process cannot do it any more.
    if (this.child.pid) appendFileSync(`${suite.logs}/.groups`, `${this.child.pid}\n`);
  }

  text(from = 0) {
    const size = statSync(this.log).size - from;
    if (size <= 0) return '';
    const bytes = Buffer.alloc(size);
    const file = openSync(this.log, 'r');
    try { readSync(file, bytes, 0, size, from); } finally { closeSync(file); }
    return bytes.toString('utf8');
  }

  /** Waits until the log matches `pattern` and gives the match. */
  line(pattern, options) {
    return until(`${this.name} printing ${pattern}`, () => {
      const match = pattern.exec(this.text());
      if (match) return match;
      if (this.failure) throw new Error(`${this.name} did not start: ${this.failure.message}`);
      if (this.ended) throw new Error(`${this.name} ended (${this.ended}) before printing ${pattern}`);
      return undefined;
    }, options);
  }

  /** Waits until the process has ended by itself and gives how: `status 0`, or a signal. */
  end(options) {
    return until(`${this.name} ending by itself`, () => {
      if (this.failure) throw new Error(`${this.name} did not start: ${this.failure.message}`);
      return this.ended;
    }, options);
  }

  async stop({ grace = 5_000 } = {}) {
    const group = this.child.pid;
    if (!group) return;
    const gone = () => !alive(group);
    signal(group, 'SIGTERM');
    try {
      await until(`${this.name} ending`, gone, { timeout: grace });
    } catch {
      signal(group, 'SIGKILL');
      await until(`${this.name} being killed`, gone, { timeout: 5_000 });
    }
  }

  printTail() {
    const fresh = this.text(this.printed);
    this.printed += Buffer.byteLength(fresh);
    if (fresh.trim() === '') return;
    const shown = fresh.length > TAIL ? `…${fresh.slice(-TAIL)}` : fresh;
    console.log(`    --- ${this.log}`);
    for (const line of shown.trimEnd().split('\n')) console.log(`    | ${line}`);
  }
}

export class Suite {
  constructor(name, logs) {
    this.name = name;
    this.logs = logs;
    this.long = process.env.E2E_LONG === '1';
    this.gatewayBinary = process.env.MCP_AUTH_GATEWAY_BIN;
    this.passed = 0;
    this.failed = 0;
    this.parts = [];
    this.ports = new Set();
    this.started = performance.now();
    mkdirSync(logs, { recursive: true });
  }

  /** A progress line. */
  step(message) {
    const seconds = ((performance.now() - this.started) / 1000).toFixed(1);
    console.log(`[${this.name} ${seconds}s] ${message}`);
  }

  /** One check. `detail` is shown when it fails: anything, or a function that gives it. */
  check(name, ok, detail) {
    if (ok) {
      this.passed += 1;
      console.log(`ok   ${name}`);
      return true;
    }
    this.failed += 1;
    const value = typeof detail === 'function' ? detail() : detail;
    console.log(`FAIL ${name}`);
    if (value !== undefined) {
      const text = typeof value === 'string' ? value : value instanceof Error ? value.stack : JSON.stringify(value);
      for (const line of String(text).slice(0, TAIL).split('\n')) console.log(`    ${line}`);
    }
    for (const part of this.parts) part.printTail();
    return false;
  }

  equal(name, actual, expected) {
    return this.check(name, isDeepStrictEqual(actual, expected), () =>
      `expected ${JSON.stringify(expected)}\n     but got ${JSON.stringify(actual)}`);
  }

  /** A check that passes if `action` does not throw; gives what it gave. */
  async attempt(name, action) {
    try {
      const value = await action();
      this.check(name, true);
      return value;
    } catch (error) {
      this.check(name, false, error);
      return undefined;
    }
  }

  /** As `attempt`, and the suite ends here if it throws. */
  async must(name, action) {
    const before = this.failed;
    const value = await this.attempt(name, action);
    if (this.failed > before) throw new Abort(name);
    return value;
  }

  /** A free port below the range from which the kernel takes ports of outgoing connections. */
  async freePort() {
    for (let i = 0; i < 200; i += 1) {
      const port = 20_000 + Math.floor(Math.random() * 12_000);
      if (this.ports.has(port)) continue;
      const free = await new Promise((resolve) => {
        const probe = createServer();
        probe.once('error', () => resolve(false));
        probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
      });
      if (free) {
        this.ports.add(port);
        return port;
      }
    }
    throw new Error('no free port');
  }

  /** Starts a process and waits until its log matches `ready`. */
  async part(name, command, args, { env, cwd, input, ready, timeout } = {}) {
    if (this.closing) throw new Abort(`${name} is not started: the suite has ended`);
    const part = new Part(this, name, command, args, { env, cwd, input });
    this.parts.push(part);
    if (ready) await part.line(ready, { timeout });
    return part;
  }

  /** Starts `parts/FILE.mjs`. */
  node(name, file, { env, ready = /^ready .*$/m, timeout } = {}) {
    const hook = fileURLToPath(new URL('resolve.mjs', import.meta.url));
    const script = fileURLToPath(new URL(`../parts/${file}.mjs`, import.meta.url));
    return this.part(name, process.execPath, ['--import', hook, script], { env, ready, timeout });
  }

  async authorizationServer({ name = 'authorization-server', env = {} } = {}) {
    const port = await this.freePort();
    const part = await this.node(name, 'authorization-server', { env: { ...env, AS_PORT: String(port) } });
    part.url = `http://127.0.0.1:${port}`;
    return part;
  }

  async upstream({ name = 'upstream', part: file = 'upstream', env = {} } = {}) {
    const port = await this.freePort();
    const part = await this.node(name, file, { env: { ...env, UP_PORT: String(port) } });
    part.url = `http://127.0.0.1:${port}`;
    part.seen = async () => (await fetch(`${part.url}/__seen`)).json();
    return part;
  }

  /** A Redis of its own, without persistence. */
  async redis({ name = 'redis', port, password } = {}) {
    const own = port ?? await this.freePort();
    const part = await this.part(name, process.env.E2E_REDIS, ['--port', String(own), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...(password ? ['--requirepass', password] : [])],
      { ready: /Ready to accept connections/ });
    part.port = own;
    part.url = `redis://127.0.0.1:${own}`;
    return part;
  }

  /** Writes the config that `config(port)` gives and starts the gateway with it on a free port. */
  async gateway(config, { name = 'gateway', env, port: own } = {}) {
    const port = own ?? await this.freePort();
    const file = `${this.logs}/${name}.yaml`;
    writeFileSync(file, config(port));
    const part = await this.part(name, this.gatewayBinary, ['-f', file], {
      env,
      ready: new RegExp(`listening on http://127\\.0\\.0\\.1:${port}\\b`),
    });
    part.url = `http://127.0.0.1:${port}`;
    part.port = port;
    return part;
  }

  async close() {
    this.closing = true;
    const results = await Promise.allSettled(this.parts.map((part) => part.stop()));
    for (const result of results) if (result.status === 'rejected') this.check('every part ends', false, result.reason);
    if (this.parts.every((part) => !part.child.pid || !alive(part.child.pid))) rmSync(`${this.logs}/.groups`, { force: true });
  }
}
