// Tokens that end while a stream is open: the exchanged one, which is replaced without the stream noticing, and the
// caller's own, with which his streams end. The tokens here are bound to a key (DPoP) and live for six seconds.
import { decodeJwt } from 'jose';
import { until } from '../../lib/harness.mjs';
import { challenge } from '../../lib/oauth.mjs';
import { call } from '../../lib/raw.mjs';
import { Session, steps } from '../../lib/session.mjs';

const LEEWAY = 30; // seconds for which the gateway still takes a token that has expired

export async function lifetimes(t, world) {
  const mint = async (sub, seconds) => {
    const claims = { sub, aud: world.resource, scope: 'mcp:read', exp: Math.floor(Date.now() / 1000) + seconds, jti: crypto.randomUUID() };
    const token = await (await fetch(`${world.others.url}/__mint`, { method: 'POST', body: JSON.stringify({ claims }) })).text();
    world.inbound.push(token);
    return token;
  };
  const seen = async (mark) => (await world.bound.seen()).filter(({ headers }) => headers['x-mark']?.startsWith(mark));
  const open = async (sub, seconds) => {
    const also = ['X-Mark', sub];
    const session = new Session(world.url('/bound'), await mint(sub, seconds), { told: (answer) => world.told.push(answer), also });
    await session.open();
    session.also = [];
    return { session, opened: (await seen(sub)).find((entry) => entry.opened)?.opened };
  };
  const shown = async (mark) => (await seen(mark)).at(-1).authorizations[0].replace('DPoP ', '');
  const marked = (mark) => ({ headers: ['X-Mark', mark] });

  const exchanged = async () => {
    const { session, opened } = await open('long', 300);
    const own = await session.listen(marked('long-get'));
    const key = 'long-steps';
    const pending = await session.stream(steps(key, 2), marked('long-post'));
    await pending.next();
    const first = decodeJwt(await shown('long-get'));
    t.equal('the exchanged token is short, the caller’s is not', first.exp - first.iat, 6);
    const statuses = new Set();
    await until('the exchanged token being over', async () => {
      statuses.add((await session.post(call('read_thing'), marked('long-between'))).status);
      return Date.now() / 1000 > first.exp + 1;
    }, { every: 400 });
    t.equal('every call until then is answered', statuses, new Set([200]));
    const next = decodeJwt(await shown('long-between'));
    t.check('with other tokens, none of which had ended', next.jti !== first.jti && next.exp > Date.now() / 1000 - 1, [first, next]);
    const used = (await seen('long-between')).filter(({ status }) => status === 401);
    t.check('the server refused none of them', used.every(({ why }) => why === 'nonce'), used.map(({ why }) => why));
    t.check('the server says something', await world.tell(`notify?${opened}`));
    t.equal('both streams are still there: that of the session', [(await own.next()).params?.data, own.ended], [`for ${opened}`, undefined]);
    await world.release(key);
    t.equal('and that of the call, in its second step', (await pending.next()).params?.progress, 2);
    await world.release(key);
    t.equal('which ends with its result', [(await pending.next()).result?.content[0].text, await pending.end()], ['2 steps', 'whole']);
    t.equal('and the session with DELETE', [(await session.close()).status, await own.end()], [200, 'whole']);
  };

  const callers = async () => {
    const { session } = await open('short', 3);
    const { exp } = decodeJwt(session.token);
    const own = await session.listen(marked('short-get'));
    const key = 'short-steps';
    const pending = await session.stream(steps(key, 2), marked('short-post'));
    await pending.next();
    await Promise.all([own, pending].map((stream) => stream.end({ timeout: 60_000 })));
    t.equal('the caller’s token ends, and with it his streams, as if they were over', [own.ended, pending.ended], ['whole', 'whole']);
    t.check('not before', Date.now() / 1000 >= exp + LEEWAY, exp);
    t.equal('the call was not answered', pending.messages.length, 1);
    await t.attempt('the server sees both streams closed', () => until('them being closed', async () =>
      [...await seen('short-get'), ...await seen('short-post')].filter(({ status }) => status === 200).every(({ closed }) => closed)));
    const before = (await world.bound.seen()).length;
    const refused = await session.post(call('read_thing'));
    t.equal('the old token is refused, with a challenge', [refused.status, challenge(refused.headers['www-authenticate']).error], [401, 'invalid_token']);
    t.equal('and the server sees nothing of it', (await world.bound.seen()).length, before);
    session.token = await mint('short', 300);
    t.equal('with his next token he is in the same session', [(await session.post(call('read_thing'))).status, (await session.listen()).status], [200, 200]);
    t.equal('and can end it', (await session.close()).status, 200);
  };

  await Promise.all([exchanged(), callers()]);
}
