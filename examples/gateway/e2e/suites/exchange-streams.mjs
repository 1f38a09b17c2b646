// Sessions and streams behind an exchange: a server of every version whose answers are event streams, a guard before it
// that takes exchanged tokens only, the lab's authorization server (npm oidc-provider) behind a gate that counts the
// exchanges, Redis, and one gateway that logs everything it can.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { until } from '../lib/harness.mjs';
import { SECRET, TOOL, guarded, lab, needLab } from '../lib/lab.mjs';
import { Person, connect } from '../lib/oauth.mjs';
import { everySdk } from './exchange-streams/clients.mjs';
import { gone, stops } from './exchange-streams/gone.mjs';
import { layers } from './exchange-streams/layers.mjs';
import { lifetimes } from './exchange-streams/lifetimes.mjs';
import { canaries } from './exchange-streams/canaries.mjs';
import { renewal } from './exchange-streams/renewal.mjs';
import { sessions } from './exchange-streams/sessions.mjs';

const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy'];
const CLIENT = `clientAuth: {clientId: gateway, clientSecret: '${SECRET}'}`;
/** What only alice may do. */
const RULE = 'jwt.sub == "alice" || mcp.tool.name != "write_thing"';

const policies = ({ issuer, audience, exchange, rule = 'true' }) => `
        mcpAuthentication:
          issuer: ${issuer}
          audiences: ['${audience}']
          jwks: {url: ${issuer}/jwks}
          resourceMetadata: {resource: '${audience}', scopesSupported: [openid, 'mcp:read', 'mcp:write']}
        mcpAuthorization: {rules: ['${rule}']}${exchange ? `
        backendAuth:
          oauthTokenExchange: ${exchange}` : ''}`;
const route = (path, backend, from) => `
    - name: ${path.slice(1)}
      matches: [{path: {exact: ${path}}}]${from ? `
      policies:${policies(from)}` : ''}
      backends:
      - mcp: {targets: [{name: tool, mcp: {host: ${backend}/mcp}}]}`;

/** Starts everything, and gives it. */
async function setUp(t) {
  await t.must('the lab is there', needLab);
  const [as, others, redis] = await t.must('the authorization servers and Redis start', () => Promise.all([
    lab(t, 'rfc8693', { name: 'as' }), t.authorizationServer({ name: 'as-of-short-tokens' }), t.redis({ password: 'redis-canary' }),
  ]));
  const upstream = await t.must('the server starts', () => t.upstream({ part: 'streaming-server' }));
  const [gatePort, boundPort, port] = [await t.freePort(), await t.freePort(), await t.freePort()];
  const resource = `http://127.0.0.1:${port}/mcp`;
  const [guard, first, gate, bound] = await t.must('what stands before them starts', () => Promise.all([
    guarded(t, upstream, [as]), guarded(t, upstream, [as], { name: 'guard-of-original-tokens', audience: resource }),
    t.node('token-gate', 'token-gate', { env: { GATE_PORT: String(gatePort), GATE_TO: as.url } }),
    t.node('bound', 'bound', { env: {
      BOUND_PORT: String(boundPort), BOUND_TO: upstream.url, BOUND_ISSUER: others.url, BOUND_AUDIENCE: TOOL, BOUND_LIFETIME: '6',
    } }),
  ]));
  for (const [part, at] of [[gate, gatePort], [bound, boundPort]]) {
    part.url = `http://127.0.0.1:${at}`;
    part.seen = async () => (await fetch(`${part.url}/__seen`)).json();
  }
  writeFileSync(`${t.logs}/seal.key`, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const by = (path, scopes) => `{host: ${gate.url}, path: ${path}, audiences: ['${TOOL}'], scopes: ${scopes}, ${CLIENT}}`;
  const byBound = `{host: ${bound.url}, path: /token, audiences: ['${TOOL}'], scopes: ['mcp:read'], dpop: true, ${CLIENT}}`;
  const of = (more) => ({ issuer: as.url, audience: resource, rule: RULE, ...more });
  const gateway = await t.must('the gateway starts', () => t.gateway(() => `state:
  keyFile: ${t.logs}/seal.key
  store: {redis: {url: '${redis.url}', password: redis-canary}}
binds:
- port: ${port}
  listeners:
  - routes:${[
    route('/mcp', guard.url, of({ exchange: by('/token', "['mcp:read']") })),
    route('/any-scope', guard.url, of({ exchange: by('/any-scope/token', "['mcp:read']") })),
    route('/elsewhere', guard.url, of({ audience: resource.replace('/mcp', '/elsewhere'), exchange: by('/token', "['mcp:read']") })),
    route('/bound', bound.url, of({ issuer: others.url, exchange: byBound })),
    route('/log-in', upstream.url, of({})),
    route('/as-it-is', first.url),
  ].join('')}
`, { port, env: { RUST_LOG: 'trace' } }));

  const people = {};
  await t.must('everybody logs in with the official client', () => Promise.all(PEOPLE.map(async (login) => {
    people[login] = new Person(login, { scope: 'openid mcp:read mcp:write', resource });
    await connect(`${gateway.url}/log-in`, people[login]).then(({ client }) => client.close());
  })));
  const world = {
    as, others, redis, upstream, guard, first, gate, bound, gateway, resource, people,
    url: (path = '/mcp') => `${gateway.url}${path}`,
    told: [], // every answer that was read by hand
    inbound: Object.values(people).map(({ token }) => token),
    /** Has the server do something; whether it could. */
    tell: async (what) => (await fetch(`${upstream.url}/__${what}`, { method: 'POST' })).ok,
    /** Lets a call of `steps` go on, once it waits. */
    release: (key) => until(`${key} being released`, () => world.tell(`release?${key}`)),
    /** What the guard saw of somebody. */
    of: async (login) => (await guard.seen()).filter(({ claims }) => claims?.sub === login),
    /** His exchanges. */
    exchanges: async (login) => (await gate.seen()).filter(({ user }) => user === login),
    /** Waits until the token that he uses now is old enough to be worth replacing. */
    aged: async (login) => {
      const { claims } = (await world.of(login)).at(-1);
      await until('a token getting older', () => Date.now() / 1000 > claims.iat + 6.5);
      return claims.jti;
    },
  };
  return world;
}

export default async function streams(t) {
  t.step('starting everything');
  const world = await setUp(t);
  // Most of what these do is to wait.
  const waiting = lifetimes(t, world);
  waiting.catch(() => {});
  const aging = await renewal.begin(t, world);
  await sessions(t, world);
  await layers(t, world);
  await everySdk(t, world);
  await renewal(t, world, aging);
  await gone(t, world);
  await waiting;
  await canaries(t, world);
  await stops(t, world);
}
