// `mcp-auth-gateway demo`, as a newcomer meets it: the lines that it prints are pasted into a shell, in order.
import { execFile } from 'node:child_process';
import { challenge } from '../lib/oauth.mjs';

const paste = (script) => new Promise((resolve) => {
  execFile('bash', ['-c', script], { timeout: 30_000 }, (error, stdout, stderr) => resolve({ stdout, stderr, error }));
});

/** The numbered steps of the guide: title and the commands below it. */
export function steps(guide) {
  const found = [];
  for (const line of guide.split('\n')) {
    const title = /^(\d+)\. (.*)$/.exec(line);
    if (title) found.push({ number: Number(title[1]), title: title[2], commands: [] });
    else if (line.startsWith('With the MCP Inspector')) break;
    else if (line.startsWith('  ') && found.length) found.at(-1).commands.push(line);
  }
  return found;
}

export default async function demo(t) {
  const [gateway, server] = [await t.freePort(), await t.freePort()];
  const part = await t.must('the demo starts', () => t.part('demo', t.gatewayBinary,
    ['demo', '--port', String(gateway), '--authorization-server-port', String(server)],
    { ready: /Stop with Ctrl-C\./ }));
  const guide = part.text();
  const found = steps(guide);
  t.equal('the guide has seven steps', found.map((step) => step.number), [1, 2, 3, 4, 5, 6, 7]);

  t.step('the printed lines, pasted into one shell');
  const mark = (n) => `echo; echo "=== step ${n}"`;
  const script = found.map((step) => `${mark(step.number)}\n${step.commands.join('\n')}`).join('\n');
  const { stdout, error } = await paste(script.replaceAll(/^ {2}/gm, ''));
  t.check('the shell has nothing to complain about', !error, () => String(error));
  const out = Object.fromEntries(stdout.split(/^=== step /m).slice(1).map((text) => [Number(text[0]), text.slice(1)]));
  const status = (n) => Number(/HTTP\/1\.1 (\d+)/.exec(out[n])?.[1]);
  const metadata = `http://127.0.0.1:${gateway}/.well-known/oauth-protected-resource/mcp`;

  t.equal('1: 401', status(1), 401);
  const header = /^www-authenticate: (.*)$/im.exec(out[1])?.[1] ?? '';
  t.check('1: the challenge names the metadata', header.includes(`resource_metadata="${metadata}"`), header);
  t.check('1: the challenge names scopes and no error', header.includes('scope="mcp:read mcp:write"') && !header.includes('error'), header);
  const document = await t.attempt('2: the metadata is JSON', () => JSON.parse(out[2]));
  t.equal('2: the resource is the URL of the server', document?.resource, `http://127.0.0.1:${gateway}/mcp`);
  t.equal('2: it names the authorization server', document?.authorization_servers, [`http://127.0.0.1:${server}`]);
  t.check('4: the list has read_record', status(4) === 200 && out[4].includes('"read_record"'), out[4]);
  t.check('4: and not write_record', !out[4].includes('write_record'), out[4]);
  t.check('5: bob reads', status(5) === 200 && out[5].includes('the first record'), out[5]);
  t.check('6: bob may not write', status(6) === 403 && out[6].includes('not allowed'), out[6]);
  t.check('7: alice writes', status(7) === 200 && out[7].includes('written'), out[7]);

  t.step('the official client finds its way to the login page by itself');
  const page = await t.attempt('a client without a token is sent to log in', async () => {
    const response = await fetch(`http://127.0.0.1:${gateway}/mcp`, { method: 'POST' });
    const { resource_metadata: url } = challenge(response.headers.get('www-authenticate'));
    const { authorization_servers: [issuer] } = await (await fetch(url)).json();
    const about = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
    const client = await (await fetch(about.registration_endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['http://127.0.0.1:1234/callback'], client_name: 'e2e' }),
    })).json();
    const login = new URL(about.authorization_endpoint);
    for (const [name, value] of Object.entries({
      response_type: 'code', client_id: client.client_id, redirect_uri: 'http://127.0.0.1:1234/callback', state: 's',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
      resource: `http://127.0.0.1:${gateway}/mcp`,
    })) login.searchParams.set(name, value);
    const answer = await fetch(login);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  });
  t.equal('the login page is there', page?.status, 200);
  t.check('it says that it is for demonstration', /demonstration/i.test(page?.text ?? ''), page?.text);
  t.check('it cannot be framed', /frame-ancestors 'none'/.test(page?.headers.get('content-security-policy') ?? ''));

  await part.stop();
  t.check('it stops on SIGTERM', part.ended === 'status 0', part.ended);
}
