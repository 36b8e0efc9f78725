/**
 * `npm run simulate -- --seed N --years Y`: the whole system in virtual time, episode after episode, each from a seed of its
 * own, until so many years are simulated; a process a core. With a seed alone that one is played. A seed that breaks a
 * promise prints its shortest story, and the exit code is 1 then.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { add, describe, noSums, storiesOf } from '../testkit/simulation/campaign.ts';
import { drawPlan } from '../testkit/simulation/draw-declared.ts';
import { playEpisode, type Report } from '../testkit/simulation/episode.ts';

const usual = { years: 1000 } as const;
/** Seeds whose stories are told; of the others the promises alone. */
const mostStories = 5;

/** What a process is asked for, and what it says. */
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
        child.once('message', resolve).once('exit', () => reject(new Error(`seed ${order.seed} has no end`)));
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
