// The authorization servers of ../shared/lab, run in place, and a server behind the gateway that looks at tokens itself.
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const LAB = process.env.MCP_AUTH_LAB ?? fileURLToPath(new URL('../../../../../shared/lab', import.meta.url));
export const hasLab = existsSync(`${LAB}/oidc-provider/as.mjs`);
// The clients of the lab's servers, `gateway` and `agent`, and two with characters that are encoded.
export const SECRET = 'gateway-secret-with-enough-entropy-0123456789';
export const AGENT_SECRET = 'agent-secret-with-enough-entropy-0123456789';
export const WEIRD = 'p%lus+and/slash=secret-0123456789abcdef';
/** What the server behind calls itself. */
export const TOOL = 'http://tool.test/mcp';

/** An authorization server of the lab, as strict as `profile`. */
export async function lab(t, profile, { name = `lab-${profile}`, env = {} } = {}) {
  const port = await t.freePort();
  const url = `http://127.0.0.1:${port}`;
  const hook = fileURLToPath(new URL('resolve.mjs', import.meta.url));
  const part = await t.part(name, process.execPath, ['--import', hook, `${LAB}/oidc-provider/as.mjs`], {
    env: { PORT: String(port), ISSUER: url, EXCHANGE_PROFILE: profile, E2E_ALSO: realpathSync(LAB), ...env },
    ready: /^ready /m,
  });
  part.url = url;
  return part;
}

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
