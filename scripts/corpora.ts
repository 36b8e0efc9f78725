/**
 * `npm run corpora` feeds the public collections of certificates and keys to every parser and prints one line for each collection.
 * The exit code is 1 after a failure: a crash, an error without a code of the product, or more than a second of CPU time.
 */
import { readCorpus } from '../testkit/hostile/corpora.ts';
import { pycaCorpus, zlintCorpus } from '../testkit/tools/corpora.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

Error.stackTraceLimit = 6;
for (const [name, find] of [
  ['zlint', zlintCorpus],
  ['pyca/cryptography and PKITS', pycaCorpus],
] as const) {
  const corpus = await find();
  if (!corpus.found) {
    say(`${name}: left out: ${corpus.message} Fix: ${corpus.fix}`);
    process.exitCode = 1;
    continue;
  }
  const { files, certificates, keys, taken, refused, slowestMs, lost } = await readCorpus(corpus.path);
  const counts = `${files} files, ${taken + refused} readings: taken ${taken} (certificates ${certificates}, keys ${keys}), refused ${refused}`;
  say(`${name}: ${counts}, slowest ${Math.round(slowestMs)} ms, lost ${lost.length}`);
  for (const problem of lost.slice(0, 20)) say(`  ${problem}`);
  if (lost.length > 0) process.exitCode = 1;
}
