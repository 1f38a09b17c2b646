// Parts of `../shared/lab`, run in place.
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = process.env.MCP_AUTH_LAB ?? fileURLToPath(new URL('../../../../../shared/lab', import.meta.url));

/** Whether the lab is there; says so when it is not. */
export function hasLab(t) {
  const there = existsSync(`${folder}/oidc-provider/as.mjs`);
  if (!there) t.check(`NOT RUN: there is no authorization server in ${folder} (MCP_AUTH_LAB names another folder)`, true);
  return there;
}

/** The lab's authorization server: npm oidc-provider, which sends `iss` and logs everybody in. */
export async function labServer(t, { name = 'lab', env = {} } = {}) {
  const port = await t.freePort();
  const url = `http://127.0.0.1:${port}`;
  const hook = fileURLToPath(new URL('resolve.mjs', import.meta.url));
  const part = await t.part(name, process.execPath, ['--import', hook, `${realpathSync(folder)}/oidc-provider/as.mjs`], {
    env: { PORT: String(port), ISSUER: url, E2E_ALSO: realpathSync(folder), ...env }, ready: /^ready /m,
  });
  part.url = url;
  return part;
}
