// What a provider can do wrong, what the client is then told, what the log says, and that nobody sees the user's token.
import { challenge } from '../lib/oauth.mjs';
import { call, post } from '../lib/raw.mjs';

const SECRET = 'bad-provider-secret-canary';
const ROWS = [
  // how, status, in the log, in the challenge
  ['html', 502, /HTML|not JSON/i],
  ['500', 503, /down, overloaded/],
  ['429', 503, /down, overloaded/],
  ['cut', 503, /no answer/],
  ['huge', 502, /larger than 64 KiB/],
  ['slow', 503, /no answer/],
  ['redirect', 500, /redirects/],
  ['wrong-type', 502, /token_type/],
  ['id-token', 502, /issued_token_type/],
  ['other-sub', 502, /not the same user/],
  ['other-aud', 502, /another audience/],
  ['expired', 502, /expired already/],
  ['endless', 502, /lasts longer/],
  ['echo', 502, /same_token|nothing was exchanged/],
  ['invalid-client', 500, /does not know the client/],
  ['invalid-grant', 401, /refuses the user's token/, { error: 'invalid_token' }],
  ['consent', 403, /has not consented/],
  ['claims', 401, /asks for claims/, { error: 'insufficient_claims', claims: btoa('{"access_token":{"acrs":{"value":"c1"}}}') }],
  ['step-up', 401, /authenticate again/, { error: 'insufficient_user_authentication', acr_values: 'phr', max_age: '60' }],
];

export default async function outcomes(t) {
  t.step('starting an authorization server, a provider that does everything wrong, and a gateway');
  const as = await t.must('the authorization server starts', () => t.authorizationServer());
  const upstream = await t.must('the upstream starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  const port = await t.freePort();
  const bad = await t.must('the bad provider starts', () => t.node('bad-provider', 'bad-provider', { env: { BAD_PORT: String(port) } }));
  const hows = [...ROWS.map(([how]) => how), 'good', 'never'];
  const never = await t.freePort(); // nobody listens there
  const gateway = await t.must('the gateway starts', () => t.gateway((own) => {
    const resource = `http://127.0.0.1:${own}/good`;
    const route = (how) => `
    - name: route-${how}
      matches: [{path: {exact: /${how}}}]
      policies:
        mcpAuthentication:
          issuer: ${as.url}
          audiences: [${resource}]
          jwks: {url: ${as.url}/jwks}
          resourceMetadata: {resource: ${resource}, scopesSupported: [mcp:read]}
        backendAuth:
          oauthTokenExchange:
            host: 127.0.0.1:${how === 'never' ? never : port}
            path: /${how}
            audiences: [http://tool.test/mcp]
            scopes: [mcp:read]
            clientAuth: {clientId: gateway, clientSecret: '${SECRET}'}
      backends:
      - mcp: {targets: [{name: tool, mcp: {host: ${upstream.url}/mcp}}]}`;
    return `binds:\n- port: ${own}\n  listeners:\n  - routes:${hows.map(route).join('')}\n`;
  }, { env: { RUST_LOG: 'trace' } }));
  const mint = async (sub) => {
    const claims = { iss: as.url, sub, aud: `${gateway.url}/good`, exp: Math.floor(Date.now() / 1000) + 300, scope: 'mcp:read' };
    const answer = await fetch(`${as.url}/__mint`, { method: 'POST', body: JSON.stringify({ claims }) });
    return answer.text();
  };
  const token = await t.must('a token is made', async () => {
    const made = await mint('canary-user');
    if (typeof made !== 'string' || made.split('.').length !== 3) throw new Error(String(made));
    return made;
  });
  t.equal('a good answer is used', (await post(`${gateway.url}/good`, token, call('whoami'))).status, 200);
  const reached = (await upstream.seen()).length;

  t.step('one after the other');
  for (const [how, status, line, says] of [...ROWS, ['never', 503, /no answer/]]) {
    const from = gateway.text().length;
    const headers = ['X-Forwarded-Access-Token', token];
    const answer = await post(`${gateway.url}/${how}`, token, call('whoami'), { headers });
    t.equal(`attack_107_109 ${how}: status`, answer.status, status);
    const log = gateway.text().slice(from);
    t.check(`${how}: the log says why`, log.split('\n').some((text) => text.includes(`route-${how}`) && line.test(text)), log.slice(-3000));
    const shown = JSON.stringify([answer.headers, answer.text ?? '', answer.json ?? {}]);
    t.check(`attack_112 ${how}: the client is told nothing of it`, !/provider-canary|canary-user/.test(shown) && !shown.includes(token), shown);
    const told = challenge(answer.headers['www-authenticate']);
    if (says) {
      t.equal(`${how}: the challenge`, Object.fromEntries(Object.keys(says).map((name) => [name, told[name]])), says);
    } else {
      t.check(`${how}: no challenge, since another login would not help`, answer.headers['www-authenticate'] === undefined, answer.headers);
    }
    if (status === 503) t.check(`${how}: and when to come again`, Number(answer.headers['retry-after']) >= 1, answer.headers);
  }
  t.equal('nothing of all that reached the server behind', (await upstream.seen()).length, reached);

  t.step('what is remembered');
  const asked = async () => (await fetch(`http://127.0.0.1:${port}/__asked`)).json();
  const before = await asked();
  for (const how of ['invalid-grant', 'invalid-client', 'other-sub']) await post(`${gateway.url}/${how}`, token, call('whoami'));
  t.equal('a failure of a moment ago is not asked for again', await asked(), before);
  t.equal('a redirect was not followed', before.good, 1);
  t.equal('a provider that is down was asked twice, a refusal once', [before['500'], before['invalid-grant'], before.html], [2, 1, 1]);

  t.step('secrets');
  const log = gateway.text();
  const secrets = [token, ...token.split('.').slice(1), SECRET];
  t.check('attack_112 no inbound token and no secret in the log, at its most talkative', log.length > 0 && !secrets.some((s) => log.includes(s)),
    () => log.split('\n').find((text) => secrets.some((s) => text.includes(s))));
  const words = log.split('\n').filter((text) => text.includes('provider-canary'));
  t.check("the provider's own words are for debugging", words.every((text) => /DEBUG|TRACE/.test(text)), words.slice(0, 3));
  const upstreams = JSON.stringify(await upstream.seen());
  t.check('row_259 nor at the server behind', !secrets.some((s) => upstreams.includes(s)));
}
