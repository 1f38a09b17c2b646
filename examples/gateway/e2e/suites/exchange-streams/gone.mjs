// Clients that go away: in the middle of a stream, of an exchange, of a renewal. What they began ends once, and what came
// of an exchange is used by whoever asks next.
import { until } from '../../lib/harness.mjs';
import { call, open } from '../../lib/raw.mjs';
import { Session, modern, steps } from '../../lib/session.mjs';

export async function gone(t, world) {
  const { alice, grace, heidi, ivan, judy } = world.people;
  const told = (answer) => world.told.push(answer);
  const marked = (mark) => ({ headers: ['X-Mark', mark] });
  const closed = (mark) => until(`the server seeing ${mark} closed`, async () =>
    (await world.guard.seen()).find(({ headers, closed: how }) => headers['x-mark'] === mark && how === 'cut'));

  t.step('a client goes away in the middle of a stream');
  const session = new Session(world.url(), alice.token, { told });
  await session.open();
  const streams = {
    'gone-get': await session.listen(marked('gone-get')),
    'gone-post': await session.stream(steps('gone', 2), marked('gone-post')),
    'gone-modern': await open(world.url(), modern(alice.token, 'tools/call', { name: 'steps', arguments: { key: 'gone-modern', count: 2 } },
      { meta: { progressToken: 'gone-modern' }, ...marked('gone-modern') })),
  };
  await streams['gone-post'].next();
  await streams['gone-modern'].next();
  for (const [mark, stream] of Object.entries(streams)) {
    stream.close();
    await t.attempt(`${mark}: the server sees it`, () => closed(mark));
  }
  t.equal('the session is still there', (await session.post(call('read_thing'))).status, 200);
  t.equal('and a new stream of it opens', (await session.listen()).status, 200);
  t.equal('DELETE ends it', (await session.close()).status, 200);

  t.step('clients go away in the middle of an exchange');
  const gate = (what) => fetch(`${world.gate.url}/__${what}`, { method: 'POST' });
  /** Sends requests that wait for the gate, and goes away. */
  const leave = async (login, begin, exchanges) => {
    const requests = [];
    const begun = (req) => { requests.push(req); };
    const answers = begin(begun).map((answer) => answer.then(() => 'answered', () => 'gone'));
    await until(`${login}'s exchange being under way`, async () => (await world.exchanges(login)).length === exchanges);
    // All of them have been sent by now; that they wait shows when none is answered.
    await until('their requests being sent', () => requests.every((req) => req.socket?.bytesWritten > 0));
    for (const req of requests) req.destroy();
    return Promise.all(answers);
  };
  const read = (token, begun) => open(world.url(), { ...modern(token, 'tools/call', { name: 'read_thing', arguments: {} }), begun });
  const next = async (login, token, exchanges) => {
    const ended = await until(`${login}'s exchange ending`, async () => {
      const all = await world.exchanges(login);
      return all.at(-1).gone !== undefined && all;
    });
    t.equal(`${login}: the exchange is not cut off`, ended.map(({ status, gone: left }) => [status, left]), Array(exchanges).fill([200, false]));
    const answer = await read(token);
    await answer.end();
    t.equal(`${login}: who asks next has its token, without another exchange`, [answer.status, (await world.exchanges(login)).length], [200, exchanges]);
  };
  await gate('hold');
  t.equal('heidi goes away', await leave('heidi', (begun) => [read(heidi.token, begun)], 1), ['gone']);
  t.equal('ivan goes away, twenty times', new Set(await leave('ivan', (begun) => Array.from({ length: 20 }, () => read(ivan.token, begun)), 1)), new Set(['gone']));
  // One of two who wait for the same exchange stays.
  const stays = read(grace.token);
  await leave('grace', (begun) => [read(grace.token, begun)], 1);
  await gate('release');
  await next('heidi', heidi.token, 1);
  await next('ivan', ivan.token, 1);
  t.equal('grace, who waited for an exchange that another client of hers had left, is answered', (await stays).status, 200);
  await next('grace', grace.token, 1);

  t.step('a client goes away in the middle of a renewal');
  const jti = await world.aged('judy');
  await fetch(`${world.guard.url}/__revoke?${jti}`, { method: 'POST' });
  await gate('hold');
  t.equal('judy goes away', await leave('judy', (begun) => [read(judy.token, begun)], 2), ['gone']);
  await gate('release');
  await next('judy', judy.token, 2);
  t.check('judy: with the new token', (await world.of('judy')).at(-1).claims.jti !== jti);
}

/** Nothing is left: each exchange ended, each stream too, and the gateway stops by itself with nothing under way. */
export async function stops(t, world) {
  t.step('what is left at the end');
  await t.attempt('every stream at the server is closed', () => until('that', async () =>
    (await world.guard.seen()).every(({ closed }) => closed)));
  const asked = await world.gate.seen();
  t.check('every exchange has ended, and nobody left one', asked.length > 0 && asked.every(({ status, gone: left }) => status === 200 && left === false), asked);
  const log = world.gateway.text();
  t.equal('the gateway says so of each, once', [...log.matchAll(/token exchanged.*plan="?(mcp|any-scope|elsewhere)\b/g)].length
    + [...log.matchAll(/plan="?(mcp|any-scope|elsewhere)"?.*token exchanged/g)].length, asked.length);
  process.kill(world.gateway.child.pid, 'SIGTERM');
  t.equal('the gateway stops by itself', await world.gateway.end(), 'status 0');
  t.check('with nothing under way, and without a panic', !/had a request under way|panicked|task failed/.test(world.gateway.text()));
}
