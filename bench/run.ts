/**
 * `npm run bench [-- --quick] [--rounds N] [--only <part>]` measures cert-renewer beside the floor, beside AWS's own limits and
 * beside the alternatives of its users. step-ca and step are real. AWS is a local server in a separate process. All
 * tables and profiles go into docs/performance.md, between its two marks. `--quick` only shows that the benchmark runs. `--only`
 * measures one part (renewals, scans, authorities, slow, memory, possession, wave). Neither of them writes the page.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { progress, projectRoot } from '../testkit/tools/cache.ts';
import { type Amounts, byWorker, firstByWorker, modes, scanOf } from './contests.ts';
import { byOrigin, type Place, profileOf, topPlaces } from './profile.ts';
import { measureAll, parts, rowsOf } from './rounds.ts';
import type { Samples } from './samples.ts';
import { setScene } from './scene.ts';
import { batchSize, maxConcurrency, scanMemory, workerMemory } from './stack.ts';
import { isMet, markdown, type Row } from './table.ts';
import { byMemory, costs, latencies, measuredOf, waiting } from './tables.ts';

const options = {
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '5' },
  only: { type: 'string' },
} as const;
const { values: given } = parseArgs({ options });
const rounds = Number(given.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('expected --rounds <whole number>');
const only = parts.filter((part) => given.only === undefined || given.only === part);
if (only.length === 0) throw new Error(`expected --only ${parts.join(' | ')}`);

const whole: Amounts = {
  rounds,
  certificates: 500,
  alone: 30,
  stepRuns: 16,
  widths: [1, 2, 4, 8],
  scans: [1_000, 10_000, 100_000],
  account: 500_000, // Secrets Manager's quota of secrets
  authority: 100,
  slow: 400,
  wave: 3_000,
  waveWorkers: maxConcurrency,
  batches: 6,
  listed: 10_000,
  workerMemories: [256, 512, 1024, 1769],
  otherMemories: [256, 512, 1024],
  proofs: 300,
  differentLeaves: 300, // more than a worker caches
};
const quick: Amounts = {
  rounds: 1,
  certificates: 10,
  alone: 2,
  stepRuns: 2,
  widths: [1, 2],
  scans: [1_000],
  account: 2_000,
  authority: 5,
  slow: 10,
  wave: 60,
  waveWorkers: 3,
  batches: 2,
  listed: 200,
  workerMemories: [workerMemory],
  otherMemories: [scanMemory],
  proofs: 3,
  differentLeaves: 60,
};
/** The number of certificates in the table of dollars. */
const manyCertificates = 10_000;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const amounts = given.quick ? quick : whole;
progress('setting up step-ca, step and the local AWS');
const scene = await setScene(amounts);
try {
  const samples = await measureAll(scene, amounts, only);
  const rows = rowsOf(samples, amounts, only);
  const isWhole = !given.quick && only.length === parts.length;
  const profiles = isWhole ? await profiled() : [];
  const text = report(samples, rows, profiles);
  say(text);
  const missed = rows.filter((row) => isMet(row) === false);
  say(`\n${rows.filter((row) => isMet(row)).length} goals met, ${missed.length} not met`);
  if (isWhole) await write(text);
} finally {
  await scene.close();
}

interface Profiled {
  readonly what: string;
  readonly places: readonly Place[];
}

async function profiled(): Promise<Profiled[]> {
  const found: Profiled[] = [];
  const add = async (what: string, run: Parameters<typeof profileOf>[0]) => {
    progress(`CPU profile: ${what}`);
    found.push({ what, places: await profileOf(run) });
  };
  for (const mode of modes) await add(mode, (given) => byWorker(scene, mode, whole.certificates, batchSize, given));
  const most = Math.max(...whole.scans);
  await add(`scan of ${most.toLocaleString('en')}`, (given) => scanOf(scene, most, given));
  await add('start and first renewal', (given) => firstByWorker(scene, 'rekey', given));
  return found;
}

function report(samples: Samples, rows: readonly Row[], profiles: readonly Profiled[]): string {
  const command = ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
  const machine = [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${process.platform} ${process.arch}`,
    `Node ${process.version}`,
  ].join(', ');
  const told = `\`${command}\` on ${new Date().toISOString().slice(0, 10)}: ${machine}. The figures are medians of ${amounts.rounds} interleaved rounds, with minimum and maximum. The whole account, the proofs and the wave are measured once.`;
  return [
    told,
    markdown(rows),
    ...(only.includes('memory') ? [byMemory(samples, amounts), latencies] : []),
    ...(only.includes('memory') && only.includes('renewals') ? computed(samples) : []),
    ...profiles.flatMap(({ what, places }) => [
      `### CPU profile: ${what}`,
      topPlaces(places),
      topPlaces(byOrigin(places), 10).replace('function', 'module'),
    ]),
  ].join('\n\n');
}

function computed(samples: Samples): string[] {
  const measured = measuredOf(samples, amounts);
  return [
    '### From due to renewed',
    waiting(measured),
    `### Dollars a month for ${manyCertificates.toLocaleString('en')} certificates, us-east-1`,
    costs(measured, manyCertificates),
  ];
}

/** Replaces the text between the marks of the page. */
async function write(text: string): Promise<void> {
  const file = join(projectRoot, 'docs', 'performance.md');
  const [begin, end] = ['<!-- bench -->', '<!-- /bench -->'];
  const before = await readFile(file, 'utf8');
  const [head, tail] = [before.indexOf(begin), before.indexOf(end)];
  if (head < 0 || tail < head) throw new Error(`${file} lacks ${begin} or ${end}`);
  await writeFile(file, `${before.slice(0, head + begin.length)}\n\n${text}\n\n${before.slice(tail)}`);
  progress('docs/performance.md is written');
}
