// The server behind refuses a token in the middle of a session: one renewal, and the session goes on. A server that
// refuses every token gets no storm of exchanges, and the client a 502.
import { call } from '../../lib/raw.mjs';
import { Session } from '../../lib/session.mjs';

const MIB = 1024 * 1024;
const LONGEST = 4 * MIB;

/** A call of `measure` that is as long as this, altogether. */
function sized(bytes) {
  const empty = JSON.stringify(call('measure', { text: '' })).length;
  return JSON.stringify(call('measure', { text: 'x'.repeat(bytes - empty) }));
}

export async function renewal(t, world, sessions) {
  const { carol, dave, erin, frank } = sessions;
  const jti = async (login) => (await world.of(login)).at(-1).claims.jti;
  const revoke = (id) => fetch(`${world.guard.url}/__revoke?${id}`, { method: 'POST' });
  const refusals = async (mark) => (await world.guard.seen()).filter(({ headers, status }) => headers['x-mark'] === mark && status === 401);
  const marked = (mark) => ({ headers: ['X-Mark', mark] });

  t.step('a token is revoked in the middle of a session');
  for (const login of ['carol', 'dave', 'erin', 'frank']) await world.aged(login);
  const own = await carol.session.listen();
  const old = await jti('carol');
  await revoke(old);
  const answers = await Promise.all(Array.from({ length: 24 }, (_, i) => carol.session.post(call('read_thing', {}, `carol-${i}`), marked('post'))));
  t.equal('twenty-four POSTs at once: each is answered, and the session is the same',
    answers.map(({ status, headers, messages: [message] }) => [status, headers['mcp-session-id'] === carol.session.id, message?.id, message?.result?.content[0].text]),
    answers.map((_, i) => [200, true, `carol-${i}`, 'read']));
  t.check('POST: the client sees nothing of it', answers.every(({ headers }) => !('www-authenticate' in headers)));
  t.equal('POST: one exchange more', (await world.exchanges('carol')).length, 2);
  t.check('POST: the server refused the old token', (await refusals('post')).length >= 1);
  const renewed = await jti('carol');
  t.check('POST: and then got another', renewed !== old);
  await world.tell(`notify?${carol.opened}`);
  t.equal('the stream that was opened with the old token goes on', [(await own.next()).params?.data, own.ended], [`for ${carol.opened}`, undefined]);
  await carol.session.post(call('read_thing'));
  t.equal('the next request has the new token, and no exchange', [await jti('carol'), (await world.exchanges('carol')).length], [renewed, 2]);
  t.equal('it ends as it should', [(await carol.session.close()).status, await own.end()], [200, 'whole']);

  const before = await jti('dave');
  await revoke(before);
  const stream = await dave.session.listen(marked('get'));
  t.equal('GET: the stream opens', [stream.status, stream.headers['content-type']], [200, 'text/event-stream']);
  await world.tell(`notify?${dave.opened}`);
  t.equal('GET: and is that of the session', (await stream.next()).params?.data, `for ${dave.opened}`);
  t.equal('GET: with one renewal', [(await refusals('get')).length, (await world.exchanges('dave')).length, (await jti('dave')) !== before], [1, 2, true]);
  t.equal('DELETE ends it', [(await dave.session.close()).status, await stream.end()], [200, 'whole']);

  t.step('long messages');
  const last = await jti('erin');
  await revoke(last);
  const largest = sized(LONGEST);
  const long = await erin.session.post(largest, marked('long'));
  t.equal('the longest message that is taken is sent again, whole', [long.status, long.messages[0]?.result?.content[0].text],
    [200, String(LONGEST - JSON.stringify(call('measure', { text: '' })).length)]);
  t.equal('after one refusal, with one renewal', [(await refusals('long')).length, (await world.exchanges('erin')).length], [1, 2]);
  const { bodies } = await (await fetch(`${world.upstream.url}/__state`)).json();
  t.equal('the server got it once', bodies.filter((length) => length === LONGEST).length, 1);
  const seen = (await world.of('erin')).length;
  // The gateway lets a client that still writes get to read why.
  const longer = await erin.session.post(sized(LONGEST + 1)).catch((error) => error);
  t.check('one byte more is too long: 413', longer.status === 413 && /subject="erin".*refusal="body_too_large"/.test(world.gateway.text()), longer);
  t.equal('and never gets there', (await world.of('erin')).length, seen);
  await erin.session.close();

  t.step('a server that refuses every token');
  await fetch(`${world.guard.url}/__ban?frank`, { method: 'POST' });
  const refused = await frank.session.post(call('read_thing', {}, 7), marked('banned'));
  t.equal('the client gets 502, by the id of its call', [refused.status, refused.json?.id, refused.json?.error?.code], [502, 7, -32603]);
  t.check('without a challenge: his token is good', !('www-authenticate' in refused.headers), refused.headers);
  t.equal('after two tries', [(await refusals('banned')).length, (await world.exchanges('frank')).length], [2, 2]);
  const statuses = await Promise.all(Array.from({ length: 30 }, () => frank.session.post(call('read_thing'), marked('storm')).then(({ status }) => status)));
  t.equal('thirty more: 502', new Set(statuses), new Set([502]));
  const get = await frank.session.listen(marked('storm'));
  t.equal('GET, too', get.status, 502);
  const exchanges = (await world.exchanges('frank')).length;
  t.check('and hardly an exchange for them: a new token that is refused is not replaced', exchanges <= 3, exchanges);
  t.check('the log says so', /the service refused an issued token/.test(world.gateway.text()));
}

/** Opens the sessions whose tokens are revoked later: a token of this moment is not worth replacing. */
renewal.begin = async (t, world) => {
  const sessions = {};
  await t.must('carol, dave, erin, frank and judy open sessions', () => Promise.all(['carol', 'dave', 'erin', 'frank', 'judy'].map(async (login) => {
    const session = new Session(world.url(), world.people[login].token, { told: (answer) => world.told.push(answer) });
    const [first] = await session.open();
    if (first.status !== 200 || !session.id) throw new Error(`${login}: ${first.status} ${first.text}`);
    const { opened } = (await world.of(login)).find((entry) => entry.opened);
    sessions[login] = { session, opened };
  })));
  return sessions;
};
