// Two gateways behind one name, with a real Redis between them: one exchange for both, and nothing readable in the store.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { decodeJwt } from 'jose';
import { until } from '../lib/harness.mjs';
import { SECRET, TOOL, guarded, hasLab, lab, secretsOf } from '../lib/lab.mjs';
import { Person, connect } from '../lib/oauth.mjs';
import { call, post } from '../lib/raw.mjs';
import { resp } from '../lib/redis.mjs';

export default async function replicas(t) {
  if (!hasLab(t)) return;
  t.step('starting Redis, an authorization server, a server with a guard, and two gateways');
  const redisPort = await t.freePort();
  const start = (name) => t.redis({ name, port: redisPort, password: 'redis-canary' });
  const redis = await t.must('Redis starts', () => start('redis'));
  const as = await t.must('the authorization server starts', () => lab(t, 'rfc8693', { name: 'as' }));
  const upstream = await t.must('the server starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  const guard = await t.must('its guard starts', () => guarded(t, upstream, [as]));
  const key = `${t.logs}/seal.key`;
  writeFileSync(key, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const config = (port, first) => `state:
  keyFile: ${key}
  replicas: 2
  store: {redis: {url: 'redis://127.0.0.1:${redisPort}', password: redis-canary}}
binds:
- port: ${port}
  listeners:
  - routes:
    - name: tool
      matches: [{path: {exact: /mcp}}]
      policies:
        mcpAuthentication:
          issuer: ${as.url}
          audiences: ['${first ?? `http://127.0.0.1:${port}/mcp`}']
          jwks: {url: ${as.url}/jwks}
          resourceMetadata: {resource: 'http://127.0.0.1:${port}/mcp', scopesSupported: [openid, 'mcp:read']}
        backendAuth:
          oauthTokenExchange:
            host: ${as.url}
            path: /token
            audiences: ['${TOOL}']
            scopes: ['mcp:read']
            clientAuth: {clientId: gateway, clientSecret: '${SECRET}'}
      backends:
      - mcp: {targets: [{name: tool, mcp: {host: ${guard.url}/mcp}}]}
`;
  const one = await t.must('the first gateway starts', () => t.gateway((port) => config(port), { name: 'gateway-1' }));
  const two = await t.must('the second gateway starts', () => t.gateway((port) => config(port, `${one.url}/mcp`), { name: 'gateway-2' }));
  const gateways = [one, two];
  const logIn = async (login) => {
    const person = new Person(login, { scope: 'openid mcp:read' });
    await connect(`${one.url}/mcp`, person).then(({ client }) => client.close()).catch(() => {});
    return person.token;
  };
  const tokens = async () => new Set((await guard.seen()).filter(({ claims }) => claims).map(({ claims }) => claims.jti)).size;
  const calls = (token, count) => Promise.all(Array.from({ length: count }, (_, i) => post(`${gateways[i % 2].url}/mcp`, token, call('whoami'))));

  t.step('many calls at once at both');
  const [alice, bob] = await t.must('alice and bob log in', async () => {
    const made = [await logIn('alice'), await logIn('bob')];
    if (made.some((token) => token === undefined)) throw new Error('no token');
    return made;
  });
  // Whose client has called the first gateway: that one has exchanged.
  const fresh = await logIn('alice');
  const before = await tokens();
  const answers = await calls(fresh, 60);
  t.equal('all get through', new Set(answers.map(({ status }) => status)), new Set([200]));
  t.equal('attack_108 the second gateway uses what the first has got', await tokens(), before);
  await calls(bob, 20);
  const mine = (await guard.seen()).filter(({ claims }) => claims?.sub === 'bob').map(({ claims }) => claims.jti);
  t.equal('row_267 and bob has a token of his own, one at both', new Set(mine).size, 1);

  t.step('what is in the store');
  const ask = (...command) => resp(redisPort, ['AUTH', 'redis-canary'], command);
  const names = await ask('KEYS', '*');
  t.check('there are entries', /exchange/.test(names), names);
  const all = [names];
  for (const name of names.match(/mcp-auth:exchange:1:[0-9a-f]{64}/g) ?? []) all.push(await ask('GET', name));
  const issued = (await guard.seen()).flatMap(({ authorizations }) => authorizations).map((value) => value.replace('Bearer ', ''));
  // `bob` is in random letters by chance.
  const secrets = [...secretsOf([alice, bob, fresh, ...issued]), SECRET, decodeJwt(fresh).jti, 'alice'];
  t.check('attack_112 nothing in it can be read: no token, no secret, no user', all.length > 1 && !secrets.some((secret) => all.join('').includes(secret)));

  t.step('Redis goes away and comes back');
  await redis.stop();
  const late = await logIn('bob');
  t.equal('users notice nothing', new Set((await calls(late, 6)).map(({ status }) => status)), new Set([200]));
  t.check('the log says that nothing is shared', gateways.some((gateway) => /issued tokens are not shared/.test(gateway.text())));
  await t.must('Redis starts again', () => start('redis-2'));
  await t.attempt('it is used again', () => until('an entry', async () => {
    const token = await logIn('alice');
    await calls(token, 2);
    return /exchange/.test(await ask('KEYS', '*'));
  }, { timeout: 15_000, every: 500 }));

  t.step('secrets');
  const log = one.text() + two.text();
  t.check('attack_112 no token and no secret in the logs', ![...secretsOf([alice, bob, fresh, late, ...issued]), SECRET, 'redis-canary'].some((secret) => log.includes(secret)));
}
