/**
 * `npm run fuzz [-- --seed N --count N]` feeds hostile input to every entry point and prints one line for each.
 * It prints the seed, which repeats a run. The exit code is 1 after a failure.
 */
import { parseArgs } from 'node:util';
import { randomFrom } from '../testkit/hostile/mutate.ts';
import { fuzz, targets } from '../testkit/hostile/targets.ts';

const { values } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string', default: '20000' } } });
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const count = Number(values.count);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(count) || count < 1) {
  throw new Error('--seed and --count are whole numbers: npm run fuzz -- --seed 1 --count 20000');
}

const mostGrowth = 64 * 2 ** 20;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const held = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
};

say(`seed ${seed}, ${count} inputs each`);
Error.stackTraceLimit = 6;
for (const target of targets) {
  const before = held();
  const { accepted, refused, lost, slowestMs } = await fuzz(target, seed, count, randomFrom);
  const growth = held() - before;
  const tooMuch = growth > mostGrowth ? [`${Math.round(growth / 2 ** 20)} MB were kept`] : [];
  const all = [...lost, ...tooMuch];
  say(
    `${target.name}: tried ${count}, taken ${accepted}, refused ${refused}, slowest ${Math.round(slowestMs)} ms, lost ${all.length}`,
  );
  for (const problem of all.slice(0, 5)) say(`  ${problem}`);
  if (all.length > 0) process.exitCode = 1;
}
