// Our validator against npm `jose` and PyPI `joserfc` on the same tokens, good and mutated. Every disagreement has
// to have its reason in the lists below; "we accept, both refuse" has none.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const JOSERFC = '1.8.0';

/** Why we refuse what one of them or both accept, by our code. */
const WE_REFUSE = {
  base64: 'a character outside unpadded base64url, or stray bits at the end (RFC 7515 §2, RFC 4648 §3.5); jose decodes leniently',
  json: 'a member twice, a byte-order mark, a number no double holds: two parsers read different claims (RFC 8725 §2.4)',
  header: '`crit`, `b64`, `zip`, `enc`, or a `typ` of another kind of token (RFC 7515 §4.1.11, RFC 8725 §3.11)',
  claim_type: 'a registered claim of the wrong type; the others compare it only where they are told to (RFC 7519 §4.1)',
  confirmation_method: 'the token is bound to something that nobody checks (RFC 7800)',
  bound_token: 'the token is bound to a key and came alone (RFC 9449 §7.2); the others know no `cnf`',
  token_use: 'an ID or refresh token of Keycloak',
  lifetime: 'good for longer than 30 days; the others have no such limit',
  not_yet_valid: '`iat` in the future; jose looks at it only for a maximum age',
};

/** Why one of them refuses what we accept, by its error. */
const ONE_REFUSES = {
  'joserfc InvalidKeyIdError': 'wants a `kid` where a set has several keys; we take the one key that fits the algorithm',
  'joserfc UnsupportedHeaderError': 'refuses header members it does not know; they must be ignored (RFC 7515 §4)',
};

export default async function differential(t) {
  const count = t.long ? 1_000_000 : 40_000;
  const directory = `${t.logs}/tokens`;
  mkdirSync(directory, { recursive: true });

  t.step(`making ${count} tokens`);
  await t.must('the tokens are made', () => run('cargo', [
    'run', '--quiet', '--locked', '-p', 'mcp-auth-core', '--example', 'differential', '--',
    directory, String(count), '20261121',
  ], { cwd: here('../../../..'), maxBuffer: 1 << 24 }));
  const python = await t.must(`joserfc ${JOSERFC} is installed`, () => joserfc());

  t.step('jose and joserfc judge them');
  const options = { maxBuffer: 1 << 20 };
  await t.must('both judge all of them', () => Promise.all([
    run(process.execPath, ['--import', here('../lib/resolve.mjs'), here('../parts/judge-jose.mjs'), directory], options),
    run(python, [here('../parts/judge_joserfc.py'), directory], options),
  ]));

  const lines = (name) => readFileSync(`${directory}/${name}.txt`, 'utf8').split('\n').slice(0, -1);
  const [tokens, ours, jose, joserfc_] = ['tokens', 'ours', 'jose', 'joserfc'].map(lines);
  t.equal('each has a verdict on each token', [ours.length, jose.length, joserfc_.length, tokens.length],
    [count, count, count, count]);

  const agreed = { accepted: 0, refused: 0 };
  const explained = new Map();
  const unexplained = [];
  const bothRefuse = [];
  for (let i = 0; i < count; i += 1) {
    const us = ours[i].slice(0, ours[i].indexOf(' '));
    const peers = [['jose', jose[i]], ['joserfc', joserfc_[i]]];
    const accepting = peers.filter(([, verdict]) => verdict === 'ok').length;
    const example = () => `${ours[i]} / jose ${jose[i]} / joserfc ${joserfc_[i]}: ${tokens[i]}`;
    if (us === 'ok' && accepting === 2) agreed.accepted += 1;
    else if (us !== 'ok' && accepting === 0) agreed.refused += 1;
    else if (us === 'ok' && accepting === 0) bothRefuse.push(example());
    else {
      const refusing = us === 'ok' ? peers.filter(([, verdict]) => verdict !== 'ok').map((peer) => peer.join(' '))[0] : us;
      const reason = us === 'ok' ? ONE_REFUSES[refusing] : WE_REFUSE[refusing];
      if (reason) explained.set(refusing, (explained.get(refusing) ?? 0) + 1);
      else unexplained.push(example());
    }
  }
  console.log(`     of ${count} tokens all three accept ${agreed.accepted} and refuse ${agreed.refused}`);
  for (const [what, times] of [...explained].sort(([, a], [, b]) => b - a)) {
    console.log(`     ${String(times).padStart(7)}  ${WE_REFUSE[what] ? `we refuse, ${what}` : what}: ${WE_REFUSE[what] ?? ONE_REFUSES[what]}`);
  }
  t.check('nothing is accepted here that both others refuse', bothRefuse.length === 0, () => bothRefuse.slice(0, 5).join('\n'));
  t.check('every other disagreement has its reason', unexplained.length === 0, () => unexplained.slice(0, 5).join('\n'));
  t.check('good tokens are among them', agreed.accepted > count / 20, agreed);
  t.check('bad tokens are among them', agreed.refused > count / 20, agreed);
}

/** A Python with joserfc, installed once into the cache. */
async function joserfc() {
  const home = `${process.env.E2E_PACKAGES}-joserfc-${JOSERFC}`;
  const python = `${home}/bin/python`;
  if (!existsSync(`${home}/.whole`)) {
    await run('python3', ['-m', 'venv', '--clear', home]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '10',
      `joserfc==${JOSERFC}`, 'cryptography==50.0.2']);
    await run('touch', [`${home}/.whole`]);
  }
  return python;
}
