// Where no token and no secret may be: what reached the server behind, the log, what clients were told, Redis.
import { SECRET, secretsOf } from '../../lib/lab.mjs';
import { resp } from '../../lib/redis.mjs';

export async function canaries(t, world) {
  t.step('secrets');
  const [seen, bound] = [await world.guard.seen(), await world.bound.seen()];
  const through = [...seen, ...bound].filter(({ headers }) => headers['x-direct'] === undefined);
  const original = secretsOf(world.inbound);
  const issued = secretsOf([...new Set(through.flatMap(({ authorizations }) => authorizations))].map((value) => value.replace(/^\w+ /, '')));
  const found = (text, secrets) => secrets.filter((secret) => text.includes(secret));
  const none = (name, text, secrets) => t.check(name, text.length > 0 && found(text, secrets).length === 0,
    () => text.split('\n').filter((line) => found(line, secrets).length > 0).slice(0, 3).join('\n').slice(0, 2000));

  t.check('there is something to look for', original.length > 30 && issued.length > 30, [original.length, issued.length]);
  none('row_259 no original token reached the server behind, in any header', JSON.stringify(through), original);
  none('row_259 nor in a body', world.upstream.text(), original);
  t.check('row_260 each request has exactly one Authorization', through.every(({ authorizations }) => authorizations.length === 1));
  none('attack_112 no token and no secret in the log, at its most talkative', world.gateway.text(), [...original, ...issued, SECRET, 'redis-canary']);
  const answers = world.told.map(({ status, headers, text }) => JSON.stringify([status, headers, text])).join('\n');
  t.check('the answers were kept', world.told.length > 100, world.told.length);
  none('attack_112 none in an answer, a stream or an error', answers, [...original, ...issued, SECRET, 'redis-canary']);

  const ask = (...command) => resp(world.redis.port, ['AUTH', 'redis-canary'], command);
  const names = await ask('KEYS', '*');
  const keys = names.match(/^mcp-auth:\S+/gm) ?? [];
  const stored = [names, ...await Promise.all(keys.map((name) => ask('GET', name)))].join('\n');
  t.check('Redis holds issued tokens', keys.filter((name) => name.includes(':exchange:')).length >= 5, keys);
  // Shorter names are in random letters by chance.
  const users = Object.keys(world.people).filter((name) => name.length > 4);
  none('attack_112 none can be read in Redis, nor a user', stored, [...original, ...issued, SECRET, ...users]);
}
