// A real Keycloak: official clients that log in at it directly, what it exchanges, and what it refuses and why.
import { keycloak as start } from '../lib/keycloak.mjs';
import { direct } from './keycloak/direct.mjs';
import { exchange } from './keycloak/exchange.mjs';

export default async function keycloak(t) {
  t.step('starting Keycloak');
  const kc = await start(t);
  const upstream = await t.must('a server starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  await direct(t, { kc, upstream });
  await exchange(t, { kc, upstream });
}
