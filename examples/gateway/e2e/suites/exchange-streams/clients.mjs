// Official clients with a token that somebody gave them: list, call with progress, end. Their notifications of progress
// come one by one, each released by a request of the client itself.
import * as v1 from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as v2 from '@modelcontextprotocol/client';
import { here, pythonSdk } from '../../lib/real-clients.mjs';

const MODERN = '2026-07-28';
const TOOLS = ['measure', 'read_thing', 'steps', 'write_thing'];
const OF_BOB = TOOLS.filter((name) => name !== 'write_thing');

export async function everySdk(t, world) {
  t.step('official clients');
  const python = await t.must('the Python SDK is installed', () => pythonSdk());
  const rust = process.env.E2E_RUST_CLIENT; // built by run.sh
  await t.must('the client on the Rust SDK is there', () => { if (!rust) throw new Error('E2E_RUST_CLIENT names no program'); });
  const negotiated = (mode) => ({ Client: v2.Client, Transport: v2.StreamableHTTPClientTransport, options: { versionNegotiation: { mode } } });
  await Promise.all([
    typescript(t, world, 'TypeScript 1.x', { Client: v1.Client, Transport: TransportV1 }),
    typescript(t, world, 'TypeScript 2.x legacy', negotiated('legacy')),
    typescript(t, world, 'TypeScript 2.x auto', { ...negotiated('auto'), version: MODERN }),
    typescript(t, world, 'TypeScript 2.x pinned', { ...negotiated({ pin: MODERN }), version: MODERN }),
    ...['legacy', 'auto', MODERN].flatMap((mode) => [
      program(t, world, `Python ${mode}`, python, [here('../parts/python_streams.py')], mode),
      program(t, world, `Rust ${mode}`, rust, ['streams'], mode),
    ]),
  ]);
  t.equal('bob had one token in all of them', new Set((await world.of('bob')).filter(({ headers }) => headers['x-client']).map(({ claims }) => claims.jti)).size, 1);
}

/** What the server saw of a client, by a header that it sends. */
const seenOf = async (world, label) => (await world.guard.seen()).filter(({ headers }) => headers['x-client'] === label);

/** A session is opened, used by one user and deleted; without one there is nothing of that. */
async function ends(t, world, label, isModern) {
  const seen = await seenOf(world, label);
  const deleted = seen.filter(({ http, status }) => http === 'DELETE' && status === 200).length;
  const ids = new Set(seen.map(({ headers }) => headers['mcp-session-id']).filter(Boolean));
  t.equal(`${label}: ${isModern ? 'has no session' : 'ends its session'}`, [ids.size, deleted], isModern ? [0, 0] : [1, 1]);
}

async function typescript(t, world, label, { Client, Transport, options, version }) {
  const headers = { Authorization: `Bearer ${world.people.bob.token}`, 'X-Client': label };
  const client = new Client({ name: label, version: '1.0.0' }, options);
  const transport = new Transport(new URL(world.url()), { requestInit: { headers } });
  const connected = await t.attempt(`${label}: connects`, async () => { await client.connect(transport); return true; });
  if (!connected) return;
  if (version) t.equal(`${label}: speaks ${version}`, client.getNegotiatedProtocolVersion(), version);
  const listed = await t.attempt(`${label}: lists`, () => client.listTools());
  t.equal(`${label}: what its user may call`, listed?.tools.map(({ name }) => name).sort(), OF_BOB);
  const [key, told] = [`sdk-${label}`.replaceAll(' ', '-'), []];
  const onprogress = ({ progress }) => {
    told.push(progress);
    world.release(key).catch(() => {});
  };
  const call = { name: 'steps', arguments: { key, count: 3 } };
  const result = await t.attempt(`${label}: calls a tool that takes three steps`, () =>
    (Client === v2.Client ? client.callTool(call, { onprogress, timeout: 20_000 }) : client.callTool(call, undefined, { onprogress, timeout: 20_000 })));
  t.equal(`${label}: and is told of each`, [told, result?.content[0].text], [[1, 2, 3], '3 steps']);
  if (!version) await t.attempt(`${label}: ends the session`, () => transport.terminateSession());
  await client.close();
  await ends(t, world, label, version === MODERN);
}

/** A client that is a program of its own and tells its steps as lines of JSON. */
async function program(t, world, label, command, args, mode) {
  const name = label.replaceAll(' ', '-').toLowerCase();
  const part = await t.part(name, command, args, { env: {
    CLIENT_URL: world.url(), CLIENT_MODE: mode, CLIENT_NAME: label, CLIENT_TOKEN: world.people.bob.token,
    CLIENT_KEY: name, CLIENT_RELEASE: `${world.upstream.url}/__release?${name}`,
  } });
  await t.attempt(`${label}: runs to its end`, async () => {
    const end = await part.end({ timeout: 60_000 });
    if (end !== 'status 0') throw new Error(`ended with ${end}`);
  });
  const said = Object.fromEntries(part.text().split('\n').filter((line) => line.startsWith('{"step"'))
    .map((line) => JSON.parse(line)).map(({ step, value }) => [step, value]));
  t.equal(`${label}: lists, calls a tool that takes three steps, and is told of each`,
    [said.listed?.sort(), said.progress, said.result], [OF_BOB, [1, 2, 3], '3 steps']);
  await ends(t, world, label, mode !== 'legacy');
}
