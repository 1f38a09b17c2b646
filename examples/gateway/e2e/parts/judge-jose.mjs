// Judges tokens with npm `jose`: node judge-jose.mjs DIRECTORY writes DIRECTORY/jose.txt, a line per token.
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createLocalJWKSet, jwtVerify } from 'jose';

const directory = process.argv[2];
const setup = JSON.parse(readFileSync(`${directory}/setup.json`, 'utf8'));
const keys = createLocalJWKSet(setup.jwks);
const options = {
  issuer: setup.issuer,
  audience: setup.audience,
  algorithms: setup.algorithms,
  clockTolerance: setup.leeway,
  currentDate: new Date(setup.now * 1000),
  requiredClaims: ['exp'],
};
const judge = (token) => jwtVerify(token, keys, options).then(() => 'ok', (error) => error.code ?? error.name);

const out = [];
let batch = [];
const settle = async () => {
  out.push(...await Promise.all(batch.map(judge)));
  batch = [];
};
for await (const line of createInterface({ input: createReadStream(`${directory}/tokens.txt`), crlfDelay: Infinity })) {
  batch.push(line);
  if (batch.length === 256) await settle();
}
await settle();
writeFileSync(`${directory}/jose.txt`, `${out.join('\n')}\n`);
console.log(`ready ${out.length}`);
