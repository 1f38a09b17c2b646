// The authorization servers of ../shared/lab, run in place, and a server behind the gateway that looks at tokens itself.
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LAB = process.env.MCP_AUTH_LAB ?? fileURLToPath(new URL('../../../../../shared/lab', import.meta.url));

const isThere = () => existsSync(`${LAB}/oidc-provider/as.mjs`);

/** The suite fails where the lab is not there. */
export function needLab() {
  if (!isThere()) throw new Error(`there is no authorization server in ${LAB} (MCP_AUTH_LAB names another folder)`);
}

/** Whether the lab is there; says so when it is not. */
export function hasLab(t) {
  const there = isThere();
  if (!there) t.check(`NOT RUN: there is no authorization server in ${LAB} (MCP_AUTH_LAB names another folder)`, true);
  return there;
}

// The clients of the lab's servers, `gateway` and `agent`, and two with characters that are encoded.
export const SECRET = 'gateway-secret-with-enough-entropy-0123456789';
export const AGENT_SECRET = 'agent-secret-with-enough-entropy-0123456789';
export const WEIRD = 'p%lus+and/slash=secret-0123456789abcdef';
/** What the server behind calls itself. */
export const TOOL = 'http://tool.test/mcp';

/** The lab's authorization server: npm oidc-provider, which sends `iss` and logs everybody in. */
export async function labServer(t, { name = 'lab', env = {} } = {}) {
  const port = await t.freePort();
  const url = `http://127.0.0.1:${port}`;
  const hook = fileURLToPath(new URL('resolve.mjs', import.meta.url));
  const part = await t.part(name, process.execPath, ['--import', hook, `${realpathSync(LAB)}/oidc-provider/as.mjs`], {
    env: { PORT: String(port), ISSUER: url, E2E_ALSO: realpathSync(LAB), ...env }, ready: /^ready /m,
  });
  part.url = url;
  return part;
}

/** The same, as strict in exchanges as `profile`: `rfc8693`, `keycloak` or `okta`. */
export const lab = (t, profile, { name = `lab-${profile}`, env = {} } = {}) =>
  labServer(t, { name, env: { EXCHANGE_PROFILE: profile, ...env } });

/** A guard before `upstream`: tokens of `issuers` for TOOL pass. */
export async function guarded(t, upstream, issuers, { name = 'guard', audience = TOOL } = {}) {
  const port = await t.freePort();
  const part = await t.node(name, 'guard', {
    env: {
      GUARD_PORT: String(port), GUARD_TO: upstream.url, GUARD_AUDIENCE: audience,
      GUARD_ISSUERS: issuers.map(({ url }) => url).join(','),
    },
  });
  part.url = `http://127.0.0.1:${port}`;
  part.seen = async () => (await fetch(`${part.url}/__seen`)).json();
  return part;
}

/** What no text may have: the parts of these tokens that are not the same in all. */
export const secretsOf = (tokens) => tokens.flatMap((token) => [token, ...token.split('.').slice(1)]);

/** A token for a client of the lab itself. */
export async function clientToken(as, id, secret, resource) {
  const answer = await fetch(`${as.url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
  });
  return (await answer.json()).access_token;
}
