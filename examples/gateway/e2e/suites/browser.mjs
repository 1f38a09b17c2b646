// The pages of the facade in a real browser, headless Chromium: with the keyboard alone and without scripts, what other
// sites can do to them, and a client that is a page itself.
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { browse as follow } from '../lib/browse.mjs';
import { Client } from '../lib/by-hand.mjs';
import { facadeConfig } from '../lib/gateway.mjs';

const axe = () => readFileSync(createRequire(`${process.env.E2E_PACKAGES}/package.json`).resolve('axe-core/axe.min.js'), 'utf8');
const NAME = '<img src=x onerror=alert(1)> Notes\u202e';
const THEME = `theme: {name: 'Example Corp', accent: '#0b5d3b', links: [{label: Privacy, url: 'https://example.com/privacy'}]}`;

export default async function browser(t) {
  const as = await t.must('the provider starts', () => t.authorizationServer());
  const upstream = await t.must('an MCP server starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  const gateway = await t.must('a gateway that is an authorization server starts', () => t.gateway(facadeConfig({
    as: as.url, upstream: `${upstream.url}/mcp`, keyFile: `${t.logs}/browser.key`, server: [THEME],
  })));
  const app = await application(t);
  const chrome = await t.must('Chromium starts', () => chromium.launch({
    executablePath: process.env.E2E_CHROMIUM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  }));
  t.step(`Chromium ${chrome.version()}`);
  mkdirSync(`${t.logs}/screenshots`, { recursive: true });
  const at = { t, gateway, app, chrome };
  try {
    for (const part of [pages, keyboard, forged, framed, replayed, page401]) await part(at);
  } finally {
    await chrome.close();
    app.server.close();
  }
}

/** A site of somebody else: a client's callback, and pages that a suite writes. */
async function application(t) {
  const port = await t.freePort();
  const written = new Map();
  const server = createServer((req, res) => {
    const { pathname } = new URL(req.url, 'http://localhost');
    res.setHeader('content-type', 'text/html; charset=utf-8');
    res.end(written.get(pathname) ?? '<!doctype html><title>client</title><h1>Back in the client</h1>');
  });
  await new Promise((resolve, reject) => { server.on('error', reject).listen(port, '127.0.0.1', resolve); });
  const url = `http://localhost:${port}`;
  return { server, url, callback: `${url}/callback`, page: (path, html) => { written.set(path, `<!doctype html>${html}`); return `${url}${path}`; } };
}

async function registered({ gateway, app }, extra = {}) {
  const client = new Client(gateway.url);
  await client.register({ redirect_uris: [app.callback], client_name: NAME, ...extra });
  return client;
}
const asked = async (client, app, extra) => (await client.address({ redirect_uri: app.callback, ...extra })).href;
const shot = ({ t }, page, name) => page.screenshot({ path: `${t.logs}/screenshots/${name}.png`, fullPage: true });
const heading = (page) => page.locator('h1').innerText();
const ASKS = 'An application asks for access';

async function pages(at) {
  const { t, app, chrome } = at;
  t.step('what the pages look like, and to whom they can be read');
  const client = await registered(at);
  for (const [name, options] of Object.entries({
    light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, narrow: { viewport: { width: 320, height: 640 } },
  })) {
    // The page allows no script: axe is let in past its policy.
    const context = await chrome.newContext({ ...options, bypassCSP: true });
    const page = await context.newPage();
    const dialogs = [];
    page.on('dialog', (dialog) => { dialogs.push(dialog.message()); dialog.dismiss(); });
    for (const [what, url, title] of [
      ['consent', await asked(client, app), ASKS], ['error', await asked(client, app, { redirect_uri: `${app.url}/other` }), 'Sign-in failed'],
    ]) {
      const response = await page.goto(url);
      t.equal(`${name}, ${what}: its heading`, await heading(page), title);
      await shot(at, page, `${what}-${name}`);
      t.check(`${name}, ${what}: nothing has to be scrolled sideways`, await page.evaluate('document.documentElement.scrollWidth <= innerWidth'));
      await page.evaluate(axe());
      const { violations } = await page.evaluate('axe.run()');
      t.equal(`${name}, ${what}: axe finds nothing`, violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), []);
      t.equal(`${name}, ${what}: not to be stored`, response.headers()['cache-control'], 'no-store');
    }
    await page.goto(await asked(client, app));
    t.equal(`${name}: a name of the client's is text, and no more`, [await page.locator('img').count(), dialogs], [0, []]);
    t.check(`${name}: the page shows where access goes`, (await page.locator('main').innerText()).includes(app.callback));
    t.check(`${name}: and the theme`, (await page.locator('header').innerText()).includes('Example Corp') && await page.getByRole('link', { name: 'Privacy' }).count() === 1);
    await context.close();
  }
}

/** Presses Tab until the element with this text has the focus. */
async function tabTo(page, text) {
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press('Tab');
    if (await page.locator(':focus').count() === 1 && (await page.locator(':focus').innerText()) === text) return;
  }
  throw new Error(`no way to ${text} with the keyboard`);
}

async function keyboard(at) {
  const { t, app, chrome, gateway } = at;
  t.step('with the keyboard alone, and without scripts');
  const client = await registered(at);
  const context = await chrome.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(await asked(client, app));
  await t.attempt('Tab leads to the button that allows', () => tabTo(page, 'Allow and sign in'));
  await shot(at, page, 'consent-focus');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${app.callback}**`);
  const answered = new URL(page.url());
  t.equal('Enter leads through the provider back to the client, with code, state and iss',
    [answered.searchParams.has('code'), answered.searchParams.get('state'), answered.searchParams.get('iss')], [true, 'of the client', gateway.url]);
  const tokens = await client.token({ ...client.code(answered), redirect_uri: app.callback });
  t.equal('and the code gives tokens', tokens.status, 200);

  await page.goto(await asked(client, app));
  t.equal('a client on this device is asked about each time', await heading(page), ASKS);
  await t.attempt('Tab leads to the button that does not', () => tabTo(page, 'Cancel'));
  await page.keyboard.press('Enter');
  await page.waitForURL(`${app.callback}**`);
  const refused = new URL(page.url());
  t.equal('Enter leads back with access_denied', ['error', 'state', 'iss', 'code'].map((name) => refused.searchParams.get(name)),
    ['access_denied', 'of the client', gateway.url, null]);
  await context.close();
}

async function forged(at) {
  const { t, app, chrome, gateway } = at;
  t.step('attack_102 forms that are not ours');
  const client = await registered(at);
  const [victim, attacker] = [await chrome.newContext(), await chrome.newContext()];
  const [page, other] = [await victim.newPage(), await attacker.newPage()];
  await other.goto(await asked(client, app));
  const stolen = await other.locator('input[name=ticket]').inputValue();
  const write = (value) => page.locator('input[name=ticket]').evaluate((input, text) => { input.value = text; }, value);
  for (const [what, ticket] of [['changed in one letter', (own) => `${own.slice(0, 40)}${own[40] === 'A' ? 'B' : 'A'}${own.slice(41)}`], ['of another browser', () => stolen], ['empty', () => '']]) {
    await page.goto(await asked(client, app));
    await write(ticket(await page.locator('input[name=ticket]').inputValue()));
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForLoadState();
    t.equal(`a ticket ${what}: an error page of ours, and nobody is redirected`, [await heading(page), new URL(page.url()).origin], ['Sign-in failed', gateway.url]);
  }
  await shot(at, page, 'error-forged');
  // The victim has our cookie; the form comes from elsewhere, with a good ticket of the attacker's or of the victim's.
  await page.goto(await asked(client, app));
  const own = await page.locator('input[name=ticket]').inputValue();
  for (const [what, ticket] of [['the attacker\'s', stolen], ['the victim\'s', own]]) {
    const evil = app.page('/evil', `<title>evil</title><form method=post action="${gateway.url}/authorize"><input name=ticket value="${ticket}"><input name=decision value=allow></form><script>document.forms[0].submit()</script>`);
    const [response] = await Promise.all([page.waitForResponse((answer) => answer.request().method() === 'POST'), page.goto(evil).catch(() => {})]);
    t.equal(`a form of another site with ${what} ticket: refused`, [response.status(), response.headers().location], [403, undefined]);
  }
  await Promise.all([victim.close(), attacker.close()]);
}

async function framed(at) {
  const { t, app, chrome } = at;
  t.step('attack_111 the page in a frame');
  const client = await registered(at);
  const context = await chrome.newContext();
  const page = await context.newPage();
  const url = await asked(client, app);
  await page.goto(app.page('/frame', `<title>frame</title><iframe width=600 height=600 src="${url.replaceAll('&', '&amp;')}"></iframe>`));
  await page.waitForTimeout(1000);
  const frame = page.frames()[1];
  t.check('another site cannot frame it', (await frame.locator('form').count().catch(() => 0)) === 0 && !(await frame.content().catch(() => '')).includes(ASKS), frame?.url());
  await shot(at, page, 'framed');
  await page.goto(url);
  t.equal('control: by itself it is shown', await heading(page), ASKS);
  await context.close();
}

async function replayed(at) {
  const { t, app, chrome, gateway } = at;
  t.step('attack_096 callbacks that come again, and to another browser');
  const client = await registered(at);
  const contexts = await Promise.all([1, 2].map(() => chrome.newContext()));
  const [page, other] = await Promise.all(contexts.map((context) => context.newPage()));
  // A login up to the callback, which is not opened: as an attacker would keep it for somebody else.
  const cookies = new Map();
  const callback = (await follow(await asked(client, app), `${gateway.url}/callback`, { cookies })).href;
  await contexts[0].addCookies([...cookies].map(([name, value]) => ({ name, value, url: gateway.url })));
  const planted = await other.goto(callback);
  t.equal('in another browser it is refused', [planted.status(), await heading(other)], [400, 'Sign-in failed']);
  await other.goto(await asked(client, app));
  const again = await other.goto(callback);
  t.equal('also when that has been here before', [again.status(), await heading(other)], [400, 'Sign-in failed']);
  await page.goto(callback);
  await page.waitForURL(`${app.callback}**`);
  t.check('where it belongs it leads on', new URL(page.url()).searchParams.has('code'));
  const replay = await page.goto(callback);
  t.equal('once', [replay.status(), await heading(page)], [400, 'Sign-in failed']);
  await shot(at, page, 'error-replayed');
  await Promise.all(contexts.map((context) => context.close()));
}

async function page401(at) {
  const { t, app, chrome, gateway } = at;
  t.step('row_276 a client that is a page: everything by fetch, from another origin');
  const context = await chrome.newContext();
  const page = await context.newPage();
  await page.goto(app.page('/client', '<title>client</title><h1>Client</h1>'));
  const seen = await page.evaluate(async ({ mcp, callback }) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const answer = await fetch(mcp, { method: 'POST', headers, body });
    const challenge = answer.headers.get('www-authenticate');
    const resource = await (await fetch(/resource_metadata="([^"]*)"/.exec(challenge)[1])).json();
    const server = await (await fetch(`${resource.authorization_servers[0]}/.well-known/oauth-authorization-server`, { headers: { 'mcp-protocol-version': '2025-11-25' } })).json();
    const registration = await fetch(server.registration_endpoint, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ redirect_uris: [callback], token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] }),
    });
    const { client_id } = await registration.json();
    const token = await fetch(server.token_endpoint, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', client_id, refresh_token: 'x' }) });
    return { status: answer.status, challenge, resource: resource.resource, registered: registration.status, known: client_id?.length > 0, token: (await token.json()).error };
  }, { mcp: `${gateway.url}/mcp`, callback: app.callback }).catch((error) => ({ error: String(error) }));
  t.check('it reads the challenge of the 401', seen.status === 401 && /^Bearer .*resource_metadata="/.test(seen.challenge ?? ''), seen);
  t.equal('the metadata, a registration and an error of the token endpoint, too',
    [seen.resource, seen.registered, seen.known, seen.token], [`${gateway.url}/mcp`, 201, true, 'invalid_grant']);
  const consent = await page.evaluate((url) => fetch(url, { credentials: 'include' }).then(() => 'read', () => 'refused'), `${gateway.url}/authorize?client_id=x`);
  t.equal('and not the page of consent', consent, 'refused');
  await context.close();
}
