// A real Keycloak, and what its administrators and users do there.
import { fileURLToPath } from 'node:url';
import { until } from './harness.mjs';
import { Person } from './oauth.mjs';

const SCRIPT = fileURLToPath(new URL('../parts/keycloak.sh', import.meta.url));

/** Installs Keycloak if it is not there, and starts it. */
export async function keycloak(t) {
  const installer = await t.must('Keycloak is installed', async () => {
    const part = await t.part('keycloak-install', SCRIPT, ['install']);
    const end = await part.end({ timeout: 420_000 });
    if (end !== 'status 0') throw new Error(`${end}: ${part.text().slice(-2000)}`);
    return part;
  });
  t.step(installer.text().trim().split('\n').at(-1));
  const port = await t.freePort();
  const part = await t.must('Keycloak starts', () => t.part('keycloak', SCRIPT, ['start'], {
    env: { KEYCLOAK_PORT: String(port) }, ready: /Bootstrap completed/, timeout: 240_000,
  }));
  part.url = `http://127.0.0.1:${port}`;
  await until('Keycloak listening', () => fetch(`${part.url}/realms/master`).then(({ ok }) => ok, () => false));
  part.admin = administrator(part.url);
  return part;
}

/** `admin(method, path, body)` asks the administration API; `path` is below `/admin/realms`. */
function administrator(url) {
  let token;
  let stale = 0;
  return async (method, path, body) => {
    if (performance.now() > stale) {
      token = (await grant(`${url}/realms/master`, { grant_type: 'password', client_id: 'admin-cli', username: 'admin', password: 'admin' })).access_token;
      stale = performance.now() + 30_000;
    }
    const response = await fetch(`${url}/admin/realms${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
}

/** Asks the token endpoint of a realm and gives what it says. */
export async function grant(issuer, form) {
  const response = await fetch(`${issuer}/protocol/openid-connect/token`, { method: 'POST', body: new URLSearchParams(form) });
  return response.json();
}

const person = (username) => ({
  username, enabled: true, email: `${username}@example.test`, emailVerified: true, firstName: username, lastName: 'Example',
  credentials: [{ type: 'password', value: `${username}-password` }],
});

/** A protocol mapper that puts `to` into `aud` of access tokens: a client's id, or any text as `custom`. */
export const audience = (to, { custom = false } = {}) => ({
  name: `audience ${to}`,
  protocol: 'openid-connect',
  protocolMapper: 'oidc-audience-mapper',
  config: { [custom ? 'included.custom.audience' : 'included.client.audience']: to, 'access.token.claim': 'true' },
});

/**
 * Makes a realm as an administrator would, from Keycloak's defaults: alice and bob, `clients`, client scopes that every
 * new client may ask for (`scopes`: {name: [mapper, …]}), and anonymous registration from `hosts`. Gives its issuer.
 */
export async function realm(kc, name, { settings = {}, clients = [], scopes = {}, hosts = [] } = {}) {
  await kc.admin('POST', '', { realm: name, enabled: true, sslRequired: 'none', ...settings });
  // One by one: only then they have the realm's default roles, which put `account` into some tokens.
  for (const each of ['alice', 'bob']) await kc.admin('POST', `/${name}/users`, person(each));
  for (const [scope, protocolMappers] of Object.entries(scopes)) {
    await kc.admin('POST', `/${name}/client-scopes`, {
      name: scope, protocol: 'openid-connect', protocolMappers,
      attributes: { 'include.in.token.scope': 'true', 'display.on.consent.screen': 'true' },
    });
  }
  const known = Object.fromEntries((await kc.admin('GET', `/${name}/client-scopes`)).map((scope) => [scope.name, scope.id]));
  for (const scope of Object.keys(scopes)) {
    await kc.admin('PUT', `/${name}/default-optional-client-scopes/${known[scope]}`);
  }
  // After the scopes: a new client gets those of the realm.
  for (const client of clients) await kc.admin('POST', `/${name}/clients`, { protocol: 'openid-connect', ...client });
  await trust(kc, name, hosts);
  return `${kc.url}/realms/${name}`;
}

/** Lets these hosts register clients without a token, for themselves. */
export async function trust(kc, name, hosts) {
  const type = 'org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy';
  const policies = await kc.admin('GET', `/${name}/components?type=${type}`);
  const trusted = policies.find(({ providerId }) => providerId === 'trusted-hosts');
  trusted.config['trusted-hosts'] = hosts;
  await kc.admin('PUT', `/${name}/components/${trusted.id}`, trusted);
}

/** The clients of a realm that registered themselves or were made, without Keycloak's own. */
export const clientsOf = async (kc, name) => (await kc.admin('GET', `/${name}/clients`))
  .filter(({ clientId }) => !/^(?:account|account-console|admin-cli|broker|realm-management|security-admin-console)$/.test(clientId));

/** What a user does at Keycloak's pages: logs in, and consents. For `browse`. */
export const atKeycloak = (username, password = `${username}-password`) => (forms, { url }) => {
  const login = forms.find(({ fields }) => 'password' in fields);
  // The same form in answer to itself: that was the wrong password.
  if (login) return url.pathname.endsWith('/authenticate') ? undefined : { ...login, fields: { ...login.fields, username, password } };
  const consent = forms.find(({ buttons }) => buttons.some(({ name }) => name === 'accept'));
  return consent && { ...consent, fields: { ...consent.fields, accept: 'Yes' } };
};

/** Somebody of the realm with an MCP client. */
export const user = (login, options) => new Person(login, { ...options, fill: atKeycloak(login) });
