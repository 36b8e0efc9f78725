/**
 * `npm run soak [-- --seed N --minutes M]` tries every fault with every kind of certificate, in an order that the seed decides,
 * until all are done or the time is over. It prints one line for each fault: tried, held, lost. The same seed gives the same order.
 * A lost trial is printed with the words to look for in testkit/faults/faults.ts.
 */
import { parseArgs } from 'node:util';
import { startStepCa } from '../testkit/cas/step-ca.ts';
import { fakeInfisical } from '../testkit/fakes/infisical.ts';
import { crashAt, crashes, type Start } from '../testkit/faults/crash.ts';
import { type Kind, kinds, type Surroundings } from '../testkit/faults/crash-scene.ts';
import {
  behind,
  cycle,
  failing,
  outOfTime,
  pending,
  race,
  type TroubleName,
  troubles,
  written,
  wrongClock,
} from '../testkit/faults/faults.ts';
import { workersOf } from '../testkit/faults/worker.ts';
import { startEmulator } from '../testkit/local-aws/ministack.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';

interface Trial {
  /** The name of the fault's line in the report. */
  readonly fault: string;
  readonly name: string;
  readonly run: (surroundings: Surroundings, start: Start) => Promise<string[]>;
}

const { values } = parseArgs({ options: { seed: { type: 'string' }, minutes: { type: 'string', default: '30' } } });
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes > 0)) throw new Error('expected --seed <whole number> and --minutes <number>');

function trialsOf(kind: Kind): Trial[] {
  const named = (fault: string, detail: string, run: Trial['run']): Trial => ({
    fault,
    name: `${fault}, ${detail}, ${kind}`,
    run,
  });
  // A key in KMS and a CA certificate have calls of their own. All other calls of AWS are the same for every kind.
  return [
    ...crashes.map((crash) =>
      named('killed', `${crash.when} ${crash.call}`, (...given) => crashAt(crash, kind, ...given)),
    ),
    ...(Object.keys(troubles) as TroubleName[]).flatMap((trouble) =>
      cycle.flatMap((call) =>
        [1, 99].map((times) =>
          named(trouble, `${call} ${times} times`, (...given) => failing({ call, trouble, times }, kind, ...given)),
        ),
      ),
    ),
    ...[2, 5, 20].map((workers) => named('race', `${workers} workers`, (...given) => race(workers, kind, ...given))),
    ...cycle
      .filter((call) => call !== 'GetParameter')
      .map((call) => named('written meanwhile', `before ${call}`, (...given) => written(call, kind, ...given))),
    named('a version behind', 'second delivery', (...given) => behind(kind, ...given)),
    named('foreign AWSPENDING', 'left', (...given) => pending(kind, ...given)),
    ...[-300_000, 300_000].map((offset) =>
      named('wrong clock', `${offset} ms`, (...given) => wrongClock(offset, kind, ...given)),
    ),
    ...[12_000, 21_500].map((left) =>
      named('out of time', `${left} ms left`, (...given) => outOfTime(left, kind, ...given)),
    ),
  ];
}

/** Shuffles by Fisher and Yates with the generator mulberry32: the same seed gives the same order. */
function shuffled<T>(items: readonly T[], from: number): T[] {
  let state = from;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const tally = new Map<string, { tried: number; held: number; lost: number }>();

async function work(left: Trial[], until: number, surroundings: Surroundings, start: Start): Promise<void> {
  for (let trial = left.shift(); trial && Date.now() < until; trial = left.shift()) {
    const problems = await trial.run(surroundings, start).catch((error: unknown) => [String(error)]);
    const sums = tally.get(trial.fault) ?? { tried: 0, held: 0, lost: 0 };
    sums.tried += 1;
    sums[problems.length === 0 ? 'held' : 'lost'] += 1;
    tally.set(trial.fault, sums);
    if (problems.length > 0) say(`LOST: ${trial.name}: ${problems.join('; ')}`);
  }
}

const [emulator, ca, infisical, folder] = await Promise.all([
  startEmulator(),
  startStepCa(),
  fakeInfisical(),
  temporaryFolder('soak'),
]);
try {
  const trials = shuffled(kinds.flatMap(trialsOf), seed);
  say(`seed ${seed}: ${trials.length} trials, ${minutes} minutes at most`);
  const start = workersOf(folder.path);
  const surroundings = { emulator, ca: ca.access, folder: folder.path, infisicalUrl: infisical.url };
  const until = Date.now() + minutes * 60_000;
  await Promise.all([1, 2, 3].map(() => work(trials, until, surroundings, start)));
  for (const [fault, { tried, held, lost }] of [...tally].sort(([a], [b]) => a.localeCompare(b))) {
    say(`${fault.padEnd(20)} tried ${tried}, held ${held}, lost ${lost}`);
  }
  if (trials.length > 0) say(`${trials.length} trials were not started: use more --minutes or another --seed`);
  process.exitCode = [...tally.values()].some(({ lost }) => lost > 0) ? 1 : 0;
} finally {
  await Promise.all([emulator.stop(), ca.close(), infisical.close(), folder.remove()]);
}
