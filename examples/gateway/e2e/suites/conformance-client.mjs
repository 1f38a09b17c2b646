// The official conformance suite in client mode at `examples/conformance-client`, whose authorization is built on our own
// crates, and at clients on the official SDK: all authorization scenarios, check by check.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failed, judged, measure, passed, resultFolders, scenarioOf, table } from '../lib/conformance.mjs';

const METADATA = 'https://conformance-test.local/client-metadata.json'; // what the suite expects as the client's identifier
const OURS = `${process.env.E2E_CONFORMANCE_CLIENT} --client-metadata-url ${METADATA}`;
const reference = (part) => [process.execPath, '--import', ...['../lib/resolve.mjs', `../parts/${part}.mjs`]
  .map((file) => fileURLToPath(new URL(file, import.meta.url)))].join(' ');
const SDK_1 = reference('conformance-reference'); // as the suite's own reference client
const SDK_2 = reference('conformance-reference-2'); // the newest wire version, and the extensions

// A requirement set counts a scenario once for each wire version that it applies to, so it runs in each. `least` is how
// many checks our client passes today: a run that loses some without a failure is one, too.
const RUNS = [
  { name: 'auth 2025-11-25', suite: 'auth', version: '2025-11-25', scenarios: 14, least: 229, beside: SDK_1 },
  { name: 'auth 2026-07-28', suite: 'auth', version: '2026-07-28', scenarios: 14, least: 231, beside: SDK_2 },
  { name: 'backcompat', suite: 'backcompat', scenarios: 2, beside: SDK_1 },
  { name: 'draft', suite: 'draft', scenarios: 11, beside: SDK_2 },
  { name: 'extensions', suite: 'extensions', scenarios: 6, least: 59, beside: SDK_2 },
];

// Where a server cheats, and what the client says when it gives up; everywhere else it comes to its end.
const REFUSALS = {
  'auth/scope-retry-limit': /still asks for the scope `mcp:admin`/,
  'auth/resource-mismatch': /metadata is for resource "https:\/\/evil\.example\.com\/mcp", expected exactly/,
  'auth/iss-supported-missing': /issuer is missing/,
  'auth/iss-wrong-issuer': /issuer is not the expected one/,
  'auth/iss-unexpected': /issuer is not the expected one/,
  'auth/iss-normalized': /issuer is not the expected one/,
  'auth/metadata-issuer-mismatch': /document is of issuer "https:\/\/attacker\.example\.com", expected exactly/,
};

// Starts of the tokens, codes and secrets that the suite gives out.
const SECRETS = /test-token-|cc-token-|test-auth-code|-secret|PRIVATE KEY|eyJ/;

export default async function conformanceClient(t) {
  const rows = [['scenario', 'ours passed', 'failed', 'warned', 'different', 'reference passed', 'failed', 'warned', 'different']];
  for (const run of RUNS) {
    t.step(run.name);
    const ours = await clientMeasure(t, run, 'ours', OURS);
    const other = await clientMeasure(t, run, 'reference', run.beside);
    judge(t, run, ours, other);
    for (const scenario of ours.scenarios) {
      rows.push([`${run.name} ${scenario}`, ...counts(ours, scenario), ...counts(other, scenario)]);
    }
    rows.push([`${run.name}: all`, ...counts(ours), ...counts(other)]);
  }
  for (const line of table(rows).split('\n')) t.step(line);
}

function judge(t, { name, scenarios, least = 1 }, ours, other) {
  t.equal(`${name}: the number of scenarios`, ours.scenarios.length, scenarios);
  const count = passed(ours.checks).length;
  t.check(`${name}: our client passes ${count} checks, at least ${least}`, count >= least);
  const silent = ours.scenarios.filter((scenario) => !passed(ours.checks).some((check) => check.scenario === scenario));
  t.equal(`${name}: every scenario has a check that our client passes`, silent, []);
  const bad = judged(ours.checks).filter(({ status }) => status !== 'SUCCESS').map(({ key, status, message }) => `${status} ${key}: ${message}`);
  t.equal(`${name}: our client fails no check and is warned of none`, bad, []);
  // Where a server cheats, who goes on passes more checks.
  const honest = ({ scenario }) => !REFUSALS[scenario];
  const names = byName(ours, honest);
  const missing = [...byName(other, honest)].filter(([key, ok]) => ok && !names.get(key)).map(([key]) => key);
  t.equal(`${name}: our client passes every check that the reference passes`, missing, []);
  const given = Object.fromEntries(ours.scenarios.map((scenario) => [scenario, ours.errors.get(scenario)]).filter(([, error]) => error));
  t.equal(`${name}: our client gives up where it has to, and nowhere else`,
    Object.keys(given).sort(), Object.keys(REFUSALS).filter((scenario) => ours.scenarios.includes(scenario)).sort());
  for (const [scenario, error] of Object.entries(given)) {
    t.check(`${name}: ${scenario}: it says why`, REFUSALS[scenario]?.test(error), error);
  }
  t.check(`${name}: our client's log holds no token and no secret`, !SECRETS.test(ours.log), () => SECRETS.exec(ours.log)[0]);
}

/** Whether a check passes wherever it is made, by scenario and name, without how often. */
function byName({ checks }, about = () => true) {
  const names = new Map();
  for (const { key, status } of judged(checks).filter(about)) {
    const name = key.replace(/ \(\d+\)$/, '');
    names.set(name, status === 'SUCCESS' && names.get(name) !== false);
  }
  return names;
}

function counts(run, scenario) {
  const of = (list) => list.filter((check) => !scenario || check.scenario === scenario).length;
  const different = [...byName(run, (check) => !scenario || check.scenario === scenario).values()].filter((ok) => ok).length;
  return [of(passed(run.checks)), of(failed(run.checks)), of(judged(run.checks).filter(({ status }) => status === 'WARNING')), different];
}

/** {checks, scenarios, errors, log} of one run; scenarios that are not about authorization do not count. */
async function clientMeasure(t, { name, suite, version }, who, command) {
  const args = ['client', '--command', command, '--suite', suite, ...(version ? ['--spec-version', version] : [])];
  for (let attempt = 1; ; attempt += 1) {
    const folder = [name.replaceAll(' ', '-'), who, ...(attempt > 1 ? [attempt] : [])].join('-');
    const about = ({ scenario }) => scenario.startsWith('auth/');
    const checks = new Map([...await measure(t, folder, args)].filter(([, check]) => about(check)));
    const scenarios = [...new Set([...checks.values()].map(({ scenario }) => scenario))];
    const silent = scenarios.filter((scenario) => !judged(checks).some((check) => check.scenario === scenario));
    // Under load the suite has been seen to report no check at all: up to three times, and said.
    if (silent.length > 0 && attempt < 3) {
      t.step(`${folder}: no checks of ${silent.join(', ')}, once more`);
      continue;
    }
    const logs = new Map(resultFolders(`${t.logs}/${folder}`).map((found) => [
      scenarioOf(found), ['stdout', 'stderr'].map((stream) => readFileSync(`${t.logs}/${folder}/${found}/${stream}.txt`, 'utf8')).join('\n'),
    ]));
    const errors = new Map(scenarios.map((scenario) => [scenario, /ERROR.*/.exec(logs.get(scenario))?.[0]]));
    return { checks, scenarios, errors, log: scenarios.map((scenario) => logs.get(scenario)).join('\n') };
  }
}
