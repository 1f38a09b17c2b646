// The same day with every official client: log in, list, call, step up to a further scope, refresh.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import * as v1 from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js';
import * as v2 from '@modelcontextprotocol/client';
import { decodeJwt } from 'jose';
import { until } from './harness.mjs';
import { Person, REDIRECT_URI } from './oauth.mjs';
import { call, post } from './raw.mjs';

const run = promisify(execFile);
export const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const MCP = '2.3.0'; // PyPI mcp

// Who may call what: everybody all but ADMIN, and WRITE only with a further scope.
export const [READ, WRITE, ADMIN] = ['test_simple_text', 'test_header_parameter', 'test_error_handling'];
export const RULE = `mcp.tool.name != "${ADMIN}" && (mcp.tool.name != "${WRITE}" || hasScope("mcp:write"))`;
const ARGUMENTS = { region: 'north' };

const SDK1 = { Client: v1.Client, Transport: TransportV1, Unauthorized: UnauthorizedV1, options: {} };
const SDK2 = (mode) => ({
  Client: v2.Client, Transport: v2.StreamableHTTPClientTransport, Unauthorized: v2.UnauthorizedError,
  options: { versionNegotiation: { mode } },
});

/** How many there are. */
export const CLIENTS = 13;

/**
 * All of them at once: what they wait for is the same, a token that expires. `refreshed(name)` tells whether the
 * authorization server has seen it; with `documents` those of the newest era bring a client ID metadata document.
 */
export async function everyClient(t, { url, refreshed, documents, of = '' }) {
  const python = await t.must(`the Python SDK ${MCP} is installed`, () => pythonSdk());
  const rust = process.env.E2E_RUST_CLIENT; // built by run.sh
  const at = { url, refreshed, documents };
  const suffix = (label) => `${label}${of}`;
  await Promise.all([
    // 1.x refreshes where it should ask for more, and gives up: with a refresh token it cannot step up.
    typescript(t, suffix('TypeScript 1.x'), { sdk: SDK1, refreshes: false, stepsUp: true }, at),
    typescript(t, suffix('TypeScript 1.x with refresh token'), { sdk: SDK1, refreshes: true, stepsUp: false, modern: true }, at),
    typescript(t, suffix('TypeScript 2.x legacy'), { sdk: SDK2('legacy'), version: '2025-11-25', refreshes: true, stepsUp: true }, at),
    typescript(t, suffix('TypeScript 2.x auto'), { sdk: SDK2('auto'), version: '2026-07-28', refreshes: true, stepsUp: true, modern: true }, at),
    typescript(t, suffix('TypeScript 2.x pinned'), { sdk: SDK2({ pin: '2026-07-28' }), version: '2026-07-28', refreshes: true, stepsUp: true, modern: true }, at),
    ...['legacy', 'auto', '2026-07-28'].map((mode) => program(t, suffix(`Python ${mode}`), python, [here('../parts/python_client.py')], mode, at)),
    ...['legacy', 'auto', '2026-07-28'].map((mode) => program(t, suffix(`Rust ${mode}`), rust, [], mode, at)),
    ...['legacy', 'modern'].map((era) => inspector(t, suffix(`Inspector ${era}`), era, at)),
  ]);
}

const listing = (t, label, names) => t.check(`${label}: lists tools, without the one that nobody may call`,
  names?.includes(READ) && names.length > 20 && !names.includes(ADMIN), names);

async function typescript(t, label, { sdk, version, refreshes, stepsUp, modern }, { url, documents }) {
  const { Client, Transport, Unauthorized, options } = sdk;
  const person = new Person('alice', { name: label, refreshes, document: modern && documents?.url(label) });
  let transport;
  const open = async () => {
    const client = new Client({ name: label, version: '1.0.0' }, options);
    transport = new Transport(new URL(url), { authProvider: person });
    await client.connect(transport);
    return client;
  };
  /** What an application does: log in when the SDK says so, then the same again. */
  const loggedIn = (action) => action().catch(async (error) => {
    if (!(error instanceof Unauthorized)) throw error;
    const { searchParams } = person.visits.at(-1).answered;
    await transport.finishAuth(Client === v2.Client ? searchParams : searchParams.get('code'));
    return action();
  });
  const use = async (client, name) => {
    const { isError, content } = await client.callTool({ name, arguments: ARGUMENTS });
    if (isError) throw new Error(JSON.stringify(content));
    return content;
  };

  const client = await t.attempt(`${label}: logs in and connects`, () => loggedIn(open));
  if (!client) return;
  if (person.clientMetadataUrl) {
    t.equal(`${label}: is known by its metadata document`, person.visits[0].asked.searchParams.get('client_id'), person.clientMetadataUrl);
  }
  if (version) t.equal(`${label}: speaks ${version}`, client.getNegotiatedProtocolVersion(), version);
  const before = await t.attempt(`${label}: tools/list answers`, () => client.listTools());
  listing(t, label, before?.tools.map((tool) => tool.name));
  await t.attempt(`${label}: calls a tool`, () => use(client, READ));
  t.equal(`${label}: one login so far, for the scopes of the challenge`,
    [person.visits.length, scopes(person.visits[0].asked).includes('mcp:read'), scopes(person.visits[0].asked).includes('mcp:write')],
    [1, true, false]);

  if (stepsUp) {
    await t.attempt(`${label}: steps up where a tool needs more, and calls it`, () => loggedIn(() => use(client, WRITE)));
    t.equal(`${label}: by one login more, which asks for the scope of the challenge`,
      [person.visits.length, scopes(person.visits.at(-1).asked).includes('mcp:write'), decodeJwt(person.token).scope.split(' ').includes('mcp:write')],
      [2, true, true]);
    const again = await t.attempt(`${label}: connects anew with the token it has`, open);
    const after = await t.attempt(`${label}: tools/list answers again`, () => again.listTools());
    t.check(`${label}: now the list has the tool`, after?.tools.some((tool) => tool.name === WRITE), after?.tools.map((tool) => tool.name));
    await again?.close();
  }
  if (refreshes) {
    const [token, visits] = [person.token, person.visits.length];
    await t.attempt(`${label}: the gateway refuses the token when it has expired`, () => refused(url, token));
    await t.attempt(`${label}: the call after that answers`, () => use(client, READ));
    t.equal(`${label}: with a refreshed token, without a login`, [person.token !== token, person.visits.length], [true, visits]);
  }
  await client.close();
}

const scopes = (asked) => (asked.searchParams.get('scope') ?? '').split(' ');
/** Token life and the gateway's tolerance for clocks have to pass. */
const refused = (url, token) => until('401 for an expired token',
  async () => (await post(url, token, call(READ))).status === 401, { timeout: 60_000, every: 500 });

/** A client that is a program of its own and tells its steps as lines of JSON. */
async function program(t, label, command, args, mode, { url, refreshed, documents }) {
  const name = label.replaceAll(' ', '-').toLowerCase();
  const part = await t.part(name, command, args, {
    env: {
      CLIENT_URL: url, CLIENT_MODE: mode, CLIENT_REDIRECT: REDIRECT_URI, CLIENT_NAME: label, CLIENT_READ: READ, CLIENT_WRITE: WRITE,
      CLIENT_BROWSER: here('../parts/browser.sh'), BROWSER_NODE: process.execPath, BROWSER_STAY: '1',
      ...(documents && mode !== 'legacy' && { CLIENT_DOCUMENT: documents.url(label) }),
    },
  });
  await t.attempt(`${label}: runs to its end`, async () => {
    const end = await part.end({ timeout: 90_000 });
    if (end !== 'status 0') throw new Error(`ended with ${end}`);
  });
  const steps = Object.fromEntries(part.text().split('\n').filter((line) => line.startsWith('{"step"'))
    .map((line) => JSON.parse(line)).map(({ step, value }) => [step, value]));
  listing(t, label, steps.listed);
  t.equal(`${label}: calls a tool`, steps.read, true);
  t.check(`${label}: steps up where a tool needs more, asks for the scope of the challenge, and calls it`,
    steps['stepped up'] === true && steps.required?.split(' ').includes('mcp:write') && steps.wrote === true, steps);
  t.check(`${label}: refreshes its token by itself, and goes on`,
    steps.refreshed === true && refreshed(label), steps);
  if (documents && mode !== 'legacy') {
    t.check(`${label}: is known by its metadata document`, documents.asked.some((path) => documents.url(label).endsWith(path)), documents.asked);
  }
}

export async function pythonSdk() {
  const home = `${process.env.E2E_PACKAGES}-mcp-${MCP}`;
  if (!existsSync(`${home}/.whole`)) {
    await run('python3', ['-m', 'venv', '--clear', home]);
    await run(`${home}/bin/python`, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '10',
      '-r', here('../parts/python_client.txt')]);
    await run('touch', [`${home}/.whole`]);
  }
  return `${home}/bin/python`;
}

/** The CLI of the MCP Inspector. Each command is a process; between them its own store keeps the tokens. */
async function inspector(t, label, era, { url, documents }) {
  const name = label.replaceAll(' ', '-').toLowerCase();
  const home = `${t.logs}/${name}`;
  mkdirSync(home, { recursive: true });
  const cli = `${process.env.E2E_PACKAGES}/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js`;
  const env = {
    HOME: home, MCP_INSPECTOR_SECRET_STORE: 'file', MCP_AUTO_OPEN_ENABLED: 'true',
    MCP_OAUTH_CALLBACK_URL: `http://127.0.0.1:${await t.freePort()}/oauth/callback`,
    BROWSER: here('../parts/browser.sh'), BROWSER_NODE: process.execPath, BROWSER_LOG: `${home}/visits`,
  };
  const tool = (tool_name) => ['--method', 'tools/call', '--tool-name', tool_name, '--tool-arg', `region=${ARGUMENTS.region}`];
  const document = documents && era === 'modern' ? ['--client-metadata-url', documents.url(label)] : [];
  let count = 0;
  const command = async (...args) => {
    count += 1;
    const part = await t.part(`${name}-${count}`, process.execPath,
      [cli, '--cli', '--server-url', url, '--transport', 'http', '--protocol-era', era, '--format', 'json', '--quiet', ...document, ...args],
      { env, input: 'y\n' }); // to whether it may step up
    const end = await part.end({ timeout: 60_000 });
    const line = part.text().split('\n').findLast((text) => /^\{"(result|error)"/.test(text));
    if (end !== 'status 0' || !line) throw new Error(`${end}: ${part.text().slice(-500)}`);
    return JSON.parse(line).result;
  };
  const visits = () => (existsSync(`${home}/visits`) ? readFileSync(`${home}/visits`, 'utf8').split('\n').filter(Boolean) : []);

  const listed = await t.attempt(`${label}: logs in and lists`, () => command('--method', 'tools/list'));
  if (!listed) return;
  const names = listed.tools.map((each) => each.name);
  listing(t, label, names);
  await t.attempt(`${label}: calls a tool with the token of its store`, () => command('--stored-auth-only', ...tool(READ)));
  t.equal(`${label}: one login`, visits().length, 1);
  if (document.length > 0) {
    t.equal(`${label}: is known by its metadata document`, new URL(visits()[0]).searchParams.get('client_id'), document[1]);
  }
  // With a refresh token in its store it refreshes instead of asking for more, and gives up.
  const outcome = await command(...tool(WRITE)).then(() => 'called', (error) => String(error.message));
  t.check(`${label}: is told what a tool needs more, and steps up or gives up`,
    outcome === 'called' || /AUTHORIZED without authorization code/.test(outcome), () => outcome);
  const token = JSON.stringify(JSON.parse(readFileSync(`${home}/.mcp-inspector/secrets.json`, 'utf8'))).match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/)?.[0];
  const before = visits().length;
  t.check(`${label}: its store has the token`, token !== undefined);
  await t.attempt(`${label}: the gateway refuses the token when it has expired`, () => refused(url, token));
  await t.attempt(`${label}: the next command refreshes it and answers`, () => command('--stored-auth-only', ...tool(READ)));
  t.equal(`${label}: without a login`, visits().length, before);
}
