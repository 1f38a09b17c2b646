// Runs of the official conformance suite, and how two of them differ.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = () => `${process.env.E2E_PACKAGES}/node_modules/@modelcontextprotocol/conformance/dist/index.js`;

/**
 * Runs the suite with `args` and gives its checks; `name` names the log and the folder of the results, `meanwhile(part)` is
 * what a person does while it runs.
 */
export async function measure(t, name, args, { env, meanwhile } = {}) {
  const results = `${t.logs}/${name}`;
  const part = await t.part(name, process.execPath, [program(), ...args, '-o', results], { env });
  await meanwhile?.(part);
  await part.end({ timeout: 180_000 });
  t.parts.splice(t.parts.indexOf(part), 1); // what it found is reported by check, not by its log
  return checks(results);
}

/** The folders of a run's results; the names of some scenarios are paths. */
export const resultFolders = (results) => readdirSync(results, { recursive: true })
  .filter((file) => basename(file) === 'checks.json').map(dirname);
export const scenarioOf = (folder) => folder.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T.*$/, '');

/** Checks by key. One scenario may report the same check more than once: the key counts them. */
function checks(results) {
  const found = new Map();
  for (const folder of resultFolders(results)) {
    const scenario = scenarioOf(folder);
    const seen = new Map();
    for (const check of JSON.parse(readFileSync(`${results}/${folder}/checks.json`, 'utf8'))) {
      const plain = check.name === check.id ? `${scenario}/${check.id}` : `${scenario}/${check.id}/${check.name}`;
      const count = (seen.get(plain) ?? 0) + 1;
      seen.set(plain, count);
      const key = count === 1 ? plain : `${plain} (${count})`;
      found.set(key, { key, scenario, status: check.status, message: check.errorMessage ?? '', details: check.details });
    }
  }
  return found;
}

export const judged = (run) => [...run.values()].filter(({ status }) => ['SUCCESS', 'WARNING', 'FAILURE'].includes(status));
export const passed = (run) => [...run.values()].filter(({ status }) => status === 'SUCCESS');
export const failed = (run) => [...run.values()].filter(({ status }) => status === 'FAILURE');
const passes = (run, key) => run.get(key)?.status === 'SUCCESS';

/** What passes in one run only. A check that one run does not report (an earlier one failed) does not pass in it. */
export function compare(direct, through) {
  const only = (one, other) => passed(one).map(({ key }) => key).filter((key) => !passes(other, key));
  return { lost: only(direct, through), gained: only(through, direct) };
}

/** The expected failures of a run: [{run, check, reason}]; `check` is a key, or the start of one before `*`. */
export const expectedFailures = (run) => JSON.parse(
  readFileSync(fileURLToPath(new URL('../parts/conformance/expected-failures.json', import.meta.url)), 'utf8'),
).filter((entry) => entry.run === run);

/** {unexpected, stale}: failures that nothing expects, and expectations that no failure meets. */
export function against(expected, keys) {
  const wanted = new Set(expected.map(({ check }) => check));
  return {
    unexpected: keys.filter((key) => !wanted.has(key)),
    stale: [...wanted].filter((key) => !keys.includes(key)),
  };
}

export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows.map((row) => row.map((cell, column) => (
    column === 0 ? String(cell).padEnd(widths[column]) : String(cell).padStart(widths[column]))).join('  ')).join('\n');
}

/** The message of a check that is not passed, short enough for a line. */
export const why = (run, key) => {
  const check = run.get(key);
  return check ? `${check.status}: ${check.message || JSON.stringify(check.details ?? {})}`.slice(0, 400) : 'not reported';
};
