// One user in a session, of both eras, message by message; then two users at the same time.
import { until } from '../../lib/harness.mjs';
import { call, open, send } from '../../lib/raw.mjs';
import { Session, modern, steps } from '../../lib/session.mjs';

/** Reads a stream of `steps`: each message is there before the next one can be. */
async function oneByOne(t, world, what, stream, key, count) {
  t.check(`${what}: the answer is an event stream`, stream.status === 200 && /^text\/event-stream/.test(stream.headers['content-type']), stream.headers);
  for (let step = 1; step <= count; step += 1) {
    const { params } = await stream.next();
    t.equal(`${what}: progress ${step} is there before ${step + 1} is sent`, [params?.progress, params?.progressToken, stream.messages.length], [step, key, step]);
    await world.release(key);
  }
  const last = await stream.next();
  t.equal(`${what}: then the result, and the stream is over`, [last.result?.content?.[0].text, await stream.end()], [`${count} steps`, 'whole']);
}

export async function sessions(t, world) {
  const { alice } = world.people;
  for (const version of ['2025-06-18', '2025-11-25']) {
    t.step(`a session of ${version}`);
    const session = new Session(world.url(), alice.token, { version, told: (answer) => world.told.push(answer) });
    const [first, second] = await session.open();
    t.equal(`${version}: initialize answers as a stream, notifications/initialized is taken`,
      [first.status, first.headers['content-type'], first.messages[0]?.result?.protocolVersion, second.status], [200, 'text/event-stream', version, 202]);
    const { opened } = (await world.of('alice')).findLast((entry) => entry.opened);
    t.check(`${version}: the client's session id is not the server's`, session.id?.startsWith('s1.') && !session.id.includes(opened), session.id);
    const own = await session.listen();
    t.equal(`${version}: GET opens the stream of the session`, [own.status, own.headers['content-type'], own.ended], [200, 'text/event-stream', undefined]);
    t.check(`${version}: the server says something in it`, await world.tell(`notify?${opened}`));
    t.equal(`${version}: it comes while the stream is open`, [(await own.next()).params?.data, own.ended], [`for ${opened}`, undefined]);
    const key = `legacy-${version}`;
    await oneByOne(t, world, version, await session.stream(steps(key, 3)), key, 3);
    const deleted = await session.close();
    t.equal(`${version}: DELETE ends the session, and its stream`, [deleted.status, await own.end()], [200, 'whole']);
    t.equal(`${version}: then the session is gone`, (await session.post(call('read_thing'))).status, 404);
    const mine = (await world.of('alice')).filter(({ headers }) => headers['mcp-session-id'] === opened);
    t.equal(`${version}: every request of it came with one token, which is the server's own`,
      [new Set(mine.map(({ http }) => http)), new Set(mine.map(({ claims }) => claims.jti)).size], [new Set(['POST', 'GET', 'DELETE']), 1]);
  }

  t.step('2026-07-28, which has no sessions');
  const ask = async (method, params, more) => {
    const answer = await open(world.url(), modern(alice.token, method, params, more));
    world.told.push(answer);
    return answer;
  };
  const key = 'modern';
  await oneByOne(t, world, '2026-07-28', await ask('tools/call', { name: 'steps', arguments: { key, count: 3 } }, { meta: { progressToken: key } }), key, 3);
  const subscription = await ask('subscriptions/listen', { notifications: { toolsListChanged: true } }, { id: 'sub' });
  t.equal('2026-07-28: a subscription is acknowledged', [subscription.status, (await subscription.next()).method], [200, 'notifications/subscriptions/acknowledged']);
  await world.tell('changed');
  t.equal('2026-07-28: and tells of a change while it is open', [(await subscription.next()).method, subscription.ended], ['notifications/tools/list_changed', undefined]);
  subscription.close();
  await t.attempt('2026-07-28: who goes away ends it at the server, too', () => until('the end of the subscription', async () =>
    (await world.of('alice')).some(({ headers, closed }) => headers['mcp-method'] === 'subscriptions/listen' && closed === 'cut')));
  t.equal('all of that was one exchange', (await world.exchanges('alice')).length, 1);

  await twoUsers(t, world);
}

async function twoUsers(t, world) {
  t.step('two users at the same time');
  const open = async (login) => {
    const session = new Session(world.url(), world.people[login].token, { told: (answer) => world.told.push(answer) });
    await session.open();
    const { opened } = (await world.of(login)).findLast((entry) => entry.opened);
    return { login, session, opened, own: await session.listen() };
  };
  const both = await Promise.all(['alice', 'bob'].map(open));
  const [alice, bob] = both;
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => {
    const { login, session } = both[i % 2];
    return session.post(call('measure', { text: login.repeat(i) }, `${login}-${i}`)).then((answer) => [login.length * i, `${login}-${i}`, answer]);
  }));
  t.check('forty calls are answered, each to who asked it', answers.every(([length, id, { messages: [message] }]) =>
    message.id === id && message.result.content[0].text === String(length)), () => answers.map(([, , { text }]) => text).join('\n'));
  for (const { opened, own } of both) {
    await world.tell(`notify?${opened}`);
    t.equal('a message for one session comes in its stream', (await own.next()).params?.data, `for ${opened}`);
  }
  t.equal('and in no other', both.map(({ own }) => own.messages.length), [1, 1]);

  const before = (await world.guard.seen()).length;
  const stranger = new Session(world.url(), bob.session.token, { told: (answer) => world.told.push(answer) });
  stranger.id = alice.session.id;
  t.equal("bob in alice's session, by POST, GET and DELETE: 404",
    [(await stranger.post(call('read_thing'))).status, (await stranger.listen()).status, (await stranger.close()).status], [404, 404, 404]);
  t.equal('none of that reached the server behind', (await world.guard.seen()).length, before);

  const seen = (await world.guard.seen()).filter(({ claims }) => claims);
  const users = new Map();
  for (const { headers, opened, claims } of seen) {
    const id = opened ?? headers['mcp-session-id'];
    if (id) users.set(id, (users.get(id) ?? new Set()).add(claims.sub));
  }
  t.check('row_267 at the server, each session has seen tokens of one user', users.size >= 4 && [...users.values()].every((of) => of.size === 1), () => [...users]);
  t.equal('the sessions are their owners’', both.map(({ opened }) => [...users.get(opened)]), [['alice'], ['bob']]);
  for (const { login, session, own } of both) {
    t.equal(`${login} ends his session`, [(await session.close()).status, await own.end()], [200, 'whole']);
    t.equal(`${login} had one token`, new Set((await world.of(login)).map(({ claims }) => claims.jti)).size, 1);
  }

  t.step('row_260 what comes with the credential');
  const twice = ['Authorization', `Bearer ${alice.session.token}`];
  const refused = await send(world.url(), { method: 'POST', headers: ['Content-Type', 'application/json', ...twice, ...twice], body: JSON.stringify(call('read_thing')) });
  t.equal('row_260 two Authorization headers are refused', refused.status, 400);
  const copies = ['Proxy-Authorization', `Bearer ${bob.session.token}`, 'X-Forwarded-Access-Token', bob.session.token, 'X-Mark', 'copies'];
  const copied = await send(world.url(), modern(bob.session.token, 'tools/call', { name: 'read_thing', arguments: {} }, { headers: copies }));
  t.equal('copies of the token in other headers are no obstacle', copied.status, 200);
  const marked = (await world.of('bob')).find(({ headers }) => headers['x-mark'] === 'copies');
  t.check('row_260 and do not reach the server', marked.authorizations.length === 1 && !('x-forwarded-access-token' in marked.headers) && !('proxy-authorization' in marked.headers), marked);
}
