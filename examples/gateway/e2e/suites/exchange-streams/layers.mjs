// What stands between a user and a tool: for whom his token is, what the exchanged one may do, and the policy. Each alone
// denies. And one gateway that exchanges on one route, and passes the original token on the other.
import { decodeJwt } from 'jose';
import { TOOL } from '../../lib/lab.mjs';
import { Person, connect } from '../../lib/oauth.mjs';
import { send } from '../../lib/raw.mjs';
import { modern } from '../../lib/session.mjs';

export async function layers(t, world) {
  t.step('row_213 reach, ceiling and policy: each alone denies');
  const { alice, bob } = world.people;
  const write = async (path, token) => {
    const answer = await send(world.url(path), modern(token, 'tools/call', { name: 'write_thing', arguments: {} }));
    world.told.push(answer);
    const result = answer.messages.find(({ id }) => id === 1)?.result;
    return [answer.status, result && (result.isError ?? false)];
  };
  const reached = async () => (await world.guard.seen()).length;
  const scopes = (token) => decodeJwt(token).scope.split(' ').sort();

  const elsewhere = new Person('alice', { scope: 'openid mcp:read mcp:write' });
  await t.must('alice logs in for another resource', () => connect(world.url('/elsewhere'), elsewhere).then(({ client }) => client.close()));
  world.inbound.push(elsewhere.token);
  const before = await reached();
  t.equal('row_213 reach: a token for another resource', (await write('/mcp', elsewhere.token))[0], 401);
  t.equal('row_213 reach: it got nowhere', await reached(), before);

  t.check('alice herself may write', scopes(alice.token).includes('mcp:write'));
  t.equal('row_213 ceiling: the policy lets alice write, the exchanged token does not', await write('/mcp', alice.token), [200, true]);
  t.equal('row_213 ceiling: it has the scope that was asked for', (await world.of('alice')).at(-1).claims.scope, 'mcp:read');

  t.equal('row_216 where the provider grants more than was asked for, alice can', await write('/any-scope', alice.token), [200, false]);
  t.equal('row_216 bob, who may only read, reads', (await send(world.url('/any-scope'), modern(bob.token, 'tools/call', { name: 'read_thing', arguments: {} }))).status, 200);
  const [broad] = (await world.of('bob')).slice(-1);
  t.check('row_216 with a token that would let him write', broad.claims.scope.split(' ').includes('mcp:write'), broad.claims);
  const control = await send(`${world.guard.url}/mcp`, modern(broad.authorizations[0].replace('Bearer ', ''), 'tools/call', { name: 'write_thing', arguments: {} }, { headers: ['X-Direct', '1'] }));
  t.equal('row_216 control: it does, at the server itself', [control.status, control.messages[0]?.result?.isError ?? false], [200, false]);
  const count = await reached();
  t.equal('row_213 row_216 policy: through the gateway he is stopped', (await write('/any-scope', bob.token))[0], 403);
  t.equal('row_213 row_216 policy: before the server sees anything', await reached(), count);
  t.check('the log says what came beyond what was asked for', /other scopes than were asked for.*any-scope.*mcp:write/.test(world.gateway.text())
    || /any-scope.*beyond="?[^\n]*mcp:write/.test(world.gateway.text()));

  t.step('row_261 one gateway, two servers: one gets an exchanged token, the other the original one');
  const [exchanged, original] = await Promise.all(['/mcp', '/as-it-is'].map((path) =>
    send(world.url(path), modern(alice.token, 'tools/call', { name: 'read_thing', arguments: {} }, { headers: ['X-Mark', 'row-261'] }))));
  t.equal('row_261 both are answered', [exchanged.status, original.status], [200, 200]);
  const marked = async (part) => (await part.seen()).filter(({ headers }) => headers['x-mark'] === 'row-261');
  const [[behind], [straight]] = [await marked(world.guard), await marked(world.first)];
  t.equal('row_261 the one: a token for itself', [behind.claims.aud, behind.claims.sub, behind.authorizations.length], [TOOL, 'alice', 1]);
  t.equal('row_261 the other: what the client sent', straight.authorizations, [`Bearer ${alice.token}`]);
  const wrong = await send(world.url('/as-it-is'), modern('not-a-token', 'tools/call', { name: 'read_thing', arguments: {} }));
  t.check('row_261 there the server itself says who may enter, and its challenge reaches the client',
    wrong.status === 401 && wrong.headers['www-authenticate']?.includes('guard.invalid'), wrong.headers);
}
