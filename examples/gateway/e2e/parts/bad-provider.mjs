// Token endpoints that do not do what they should, loopback only: POST /HOW answers as HOW says.
//
//   BAD_PORT   port on 127.0.0.1 (required)
//
// Every answer that has words in it has the word `provider-canary`. `GET /__asked` counts the requests by HOW.
import { createServer } from 'node:http';

const port = Number(process.env.BAD_PORT);
const asked = {};
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const CANARY = 'provider-canary';

createServer(async (req, res) => {
  const how = req.url.slice(1);
  if (how === '__asked') return res.end(JSON.stringify(asked));
  asked[how] = (asked[how] ?? 0) + 1;
  let text = '';
  for await (const chunk of req) text += chunk;
  const inbound = new URLSearchParams(text).get('subject_token') ?? '';
  const subject = JSON.parse(Buffer.from(inbound.split('.')[1] ?? '', 'base64url') || '{}');
  const say = (status, body, headers = {}) =>
    res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body));
  const claims = { iss: 'http://bad.test', sub: subject.sub, aud: 'http://tool.test/mcp', exp: subject.exp, scope: 'mcp:read' };
  const token = (change) => `${part({ alg: 'RS256' })}.${part({ ...claims, ...change })}.c2ln`;
  const issue = (change, more) => say(200, {
    access_token: token(change), token_type: 'Bearer', scope: 'mcp:read',
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', ...more,
  });
  const refuse = (status, error, more) => say(status, { error, error_description: `${CANARY} ${inbound}`, ...more });
  switch (how) {
    case 'html': return say(200, `<!doctype html><title>Sign in ${CANARY} ${inbound}</title>`, { 'Content-Type': 'text/html' });
    case '500': return say(500, `<h1>${CANARY} ${inbound}</h1>`, { 'Content-Type': 'text/html' });
    case '429': return say(429, { error: 'slow_down' }, { 'Retry-After': '7' });
    case 'cut': return res.writeHead(200, { 'Content-Length': '1000' }).write('{') && res.destroy();
    case 'huge': return say(200, `"${'x'.repeat(1 << 20)}"`);
    case 'slow': return undefined; // for ever
    case 'redirect': return say(302, '', { Location: `http://127.0.0.1:${port}/good` });
    case 'wrong-type': return issue({}, { token_type: 'mac' });
    case 'id-token': return issue({}, { issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' });
    case 'other-sub': return issue({ sub: 'service-account' });
    case 'other-aud': return issue({ aud: 'http://elsewhere.test' });
    case 'expired': return issue({ exp: 1 });
    case 'endless': return issue({ exp: subject.exp + 90_000 });
    case 'echo': return say(200, { access_token: inbound, token_type: 'Bearer', issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' });
    case 'invalid-client': return refuse(401, 'invalid_client');
    case 'invalid-grant': return refuse(400, 'invalid_grant');
    case 'consent': return refuse(400, 'consent_required');
    case 'claims': return refuse(400, 'interaction_required', { claims: '{"access_token":{"acrs":{"value":"c1"}}}' });
    case 'step-up': return refuse(400, 'insufficient_user_authentication', { acr_values: 'phr', max_age: 60 });
    default: return issue({});
  }
}).listen(port, '127.0.0.1', () => console.log(`ready http://127.0.0.1:${port}`));
