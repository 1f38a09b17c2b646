// A real Keycloak: official clients log in at it directly and through the gateway as their authorization server; what
// it exchanges, and what it refuses and why.
import { keycloak as start } from '../lib/keycloak.mjs';
import { direct } from './keycloak/direct.mjs';
import { exchange } from './keycloak/exchange.mjs';
import { facade } from './keycloak/facade.mjs';

export default async function keycloak(t) {
  t.step('starting Keycloak');
  const kc = await start(t);
  const upstream = await t.must('a server starts', () => t.upstream({ env: { UP_JSON: '1' } }));
  await direct(t, { kc, upstream });
  await exchange(t, { kc, upstream });
  await facade(t, { kc, upstream });
}
