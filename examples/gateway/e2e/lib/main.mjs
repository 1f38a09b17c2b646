// Runs one suite and ends with its one summary line: node main.mjs NAME LOGS
import { writeFileSync } from 'node:fs';
import { Abort, Suite } from './harness.mjs';

const [name, logs] = process.argv.slice(2);
const suite = new Suite(name, logs);
const limit = Number(process.env.E2E_SUITE_SECONDS ?? (suite.long ? 3600 : 600));

let ending;
function end(status) {
  ending ??= (async () => {
    await suite.close();
    if (status === undefined && suite.passed === 0) console.log(`FAIL ${name}: no check passed`);
    console.log(`${name}: ${suite.passed} passed, ${suite.failed} failed`);
    writeFileSync(`${logs}/.summary`, `${suite.passed} ${suite.failed}\n`);
    process.exit(status ?? (suite.failed === 0 && suite.passed > 0 ? 0 : 1));
  })();
  return ending;
}
const broken = (what) => (error) => {
  suite.check(`${what}`, false, error);
  return end();
};
process.on('unhandledRejection', broken('no unhandled rejection'));
process.on('uncaughtException', broken('no uncaught exception'));
for (const [sig, status] of [['SIGINT', 130], ['SIGTERM', 143]]) {
  process.on(sig, () => {
    suite.failed += 1;
    console.log(`FAIL ${name}: stopped by ${sig}`);
    end(status);
  });
}
setTimeout(() => broken(`the suite ends within ${limit} s`)(), limit * 1000).unref();

try {
  const { default: run } = await import(new URL(`../suites/${name}.mjs`, import.meta.url));
  await run(suite);
} catch (error) {
  if (!(error instanceof Abort)) suite.check('the suite runs to its end', false, error);
}
await end();
