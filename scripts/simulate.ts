/**
 * `npm run simulate -- --seed N --years Y` simulates the whole system in virtual time, one process on each core. Each episode has a
 * seed of its own. It stops after Y years. Without `--years` it plays the seed N alone. For a seed that breaks a guarantee it prints
 * the shortest sequence of events that breaks it, and the exit code is 1.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { add, describe, noSums, storiesOf } from '../testkit/simulation/campaign.ts';
import { drawPlan } from '../testkit/simulation/draw.ts';
import { playEpisode, type Report } from '../testkit/simulation/episode.ts';

const usual = { years: 1000 } as const;
/** The number of failing seeds whose sequence of events is printed. For the others only the broken guarantees are printed. */
const mostStories = 5;

/** The messages to and from a process of the simulation. */
type Order = { readonly seed: number; readonly tellsStory: boolean };
type Answer = Pick<Report, 'seed' | 'simulated' | 'secrets' | 'scans' | 'counts' | 'violations'> & {
  readonly stories: readonly string[];
};

const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (process.send) process.on('message', (order: Order) => void obey(order));
else await campaign();

async function obey({ seed, tellsStory }: Order): Promise<void> {
  const { simulated, secrets, scans, counts, violations } = await playEpisode(drawPlan(seed));
  const stories = tellsStory && violations.length > 0 ? await storiesOf(drawPlan(seed), violations) : [];
  const answer: Answer = { seed, simulated, secrets, scans, counts, violations, stories };
  process.send?.(answer);
}

async function campaign(): Promise<void> {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, years: { type: 'string' }, processes: { type: 'string' } },
  });
  const first = Number(values.seed ?? Date.now() % 1_000_000_000);
  const years = Number(values.years ?? (values.seed === undefined ? usual.years : 0));
  const processes = Number(values.processes ?? availableParallelism());
  if (!Number.isInteger(first) || !(years >= 0) || !(processes >= 1)) {
    throw new Error('expected --seed <whole number>, --years <number> and --processes <number>');
  }
  say(years > 0 ? `from seed ${first} on, ${years} years` : `seed ${first}`);
  const sums = noSums();
  const started = performance.now();
  const report = setInterval(() => say(describe(sums, performance.now() - started)), 5_000);
  let next = first;
  let told = 0;
  const isOver = (): boolean => next > first && sums.years >= years;
  const work = async (): Promise<void> => {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: process.execArgv });
    while (!isOver()) {
      const order: Order = { seed: next++, tellsStory: told < mostStories };
      const answer = await new Promise<Answer>((resolve, reject) => {
        child
          .once('message', resolve)
          .once('exit', () => reject(new Error(`the process of seed ${order.seed} has ended without an answer`)));
        child.send(order);
      });
      child.removeAllListeners('exit');
      add(sums, answer);
      if (answer.stories.length > 0) told += 1;
      for (const story of answer.stories) say(`\n${story}\n`);
    }
    child.disconnect();
  };
  await Promise.all(Array.from({ length: years > 0 ? processes : 1 }, work));
  clearInterval(report);
  say(describe(sums, performance.now() - started));
  const seeds = new Map<string, Set<number>>();
  for (const { rule, seed } of sums.violations) seeds.set(rule, (seeds.get(rule) ?? new Set()).add(seed));
  for (const [rule, of] of seeds) say(`BROKEN: ${rule}: seeds ${[...of].slice(0, 20).join(' ')}`);
  process.exitCode = sums.violations.length > 0 ? 1 : 0;
}
