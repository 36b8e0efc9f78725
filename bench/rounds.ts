/** The rounds, and the rows that are made of them. */

import { keyAlgorithm } from '../testkit/certificates/index.ts';
import { progress } from '../testkit/tools/cache.ts';
import {
  type Amounts,
  atMemory,
  atSlowCa,
  authorities,
  byFloor,
  byStep,
  byWorker,
  caApiAtMemory,
  hookAtMemory,
  inventoryAtMemory,
  leavesByAuthority,
  modes,
  scanAtMemory,
  scanOf,
  type Worked,
} from './contests.ts';
import { assumed } from './model.ts';
import type { Driven, Usage } from './parts/measure.ts';
import { keyTypes, proof } from './possession.ts';
import { best, median, Samples } from './samples.ts';
import { type Scene, slowness } from './scene.ts';
import { batchSize } from './stack.ts';
import { type Row, ratioRow } from './table.ts';
import { wave } from './wave.ts';

/** Milliseconds. */
const total = (events: readonly Usage[], what: keyof Usage): number =>
  events.reduce((all, event) => all + event[what], 0);

/** The parts that can be measured alone (`--only`). */
export const parts = ['renewals', 'scans', 'authorities', 'slow', 'memory', 'possession', 'wave'] as const;
export type Part = (typeof parts)[number];

type Measurement = (scene: Scene, amounts: Amounts, samples: Samples) => Promise<void>;

const eachRound: Partial<Record<Part, Measurement>> = { renewals, scans, authorities: ownAuthorities, slow, memory };
const once: Partial<Record<Part, Measurement>> = { scans: wholeAccount, possession, wave: oneWave };

export async function measureAll(scene: Scene, amounts: Amounts, only: readonly Part[]): Promise<Samples> {
  const samples = new Samples();
  for (let round = 1; round <= amounts.rounds; round++) {
    for (const part of only) {
      if (eachRound[part]) progress(`round ${round} of ${amounts.rounds}: ${part}`);
      await eachRound[part]?.(scene, amounts, samples);
    }
  }
  for (const part of only) {
    if (once[part]) progress(`once: ${part}`);
    await once[part]?.(scene, amounts, samples);
  }
  return samples;
}

/** Compared figures are measured one right after another. */
async function renewals(scene: Scene, amounts: Amounts, samples: Samples): Promise<void> {
  for (const mode of modes) {
    addWork(samples, mode, await byWorker(scene, mode, amounts.certificates));
    addWork(samples, `${mode} floor`, await byFloor(scene, mode, amounts.certificates));
    for (const width of amounts.widths) {
      const { wall, cpu } = await byStep(scene, mode, amounts.stepRuns, width);
      samples.add(`step ${mode} ${width} cpu`, cpu / amounts.stepRuns);
      samples.add(`step ${mode} ${width} rate`, (amounts.stepRuns * 1000) / wall);
    }
    addWork(samples, `${mode} alone`, await byWorker(scene, mode, amounts.alone, 1));
  }
}

/** The CPU time includes the start of the process. The rate does not. */
function addWork(samples: Samples, name: string, { cpu, events, count, calls }: Worked): void {
  const { GetParameter: _, ...each } = calls; // one call for each process
  samples.add(`${name} cpu`, cpu / count);
  samples.add(`${name} rate`, (count * 1000) / total(events, 'wall'));
  samples.add(`${name} calls`, Object.values(each).reduce((all, made) => all + made, 0) / count);
}

async function scans(scene: Scene, amounts: Amounts, samples: Samples): Promise<void> {
  for (const count of amounts.scans) {
    const scanned = await scanOf(scene, count);
    const { ListSecrets = 0, SendMessageBatch = 0, ...others } = scanned.calls;
    samples.add(`scan ${count} cpu`, (scanned.cpu * 1000) / count);
    samples.add(`scan ${count} memory`, scanned.maxRss / 1e6);
    samples.add(`scan ${count} lists`, ListSecrets);
    samples.add(`scan ${count} sends`, SendMessageBatch);
    samples.add(`scan ${count} tens`, Math.ceil(scanned.enqueued / 10));
    samples.add(
      `scan ${count} others`,
      Object.values(others).reduce((all, calls) => all + calls, 0),
    );
  }
}

async function wholeAccount(scene: Scene, { account }: Amounts, samples: Samples): Promise<void> {
  const { cpu, maxRss, calls } = await scanOf(scene, account);
  samples.add('account cpu', (cpu * 1000) / account);
  samples.add('account memory', maxRss / 1e6);
  samples.add('account lists', calls['ListSecrets'] ?? 0);
}

async function ownAuthorities(scene: Scene, { authority }: Amounts, samples: Samples): Promise<void> {
  addWork(samples, 'leaves', await leavesByAuthority(scene, authority));
  addWork(samples, 'authorities', await authorities(scene, authority));
}

async function slow(scene: Scene, amounts: Amounts, samples: Samples): Promise<void> {
  for (const mode of modes) {
    const { events } = await atSlowCa(scene, mode, amounts.slow);
    samples.add(`slow ${mode}`, total(events, 'wall') / 1000);
  }
}

async function memory(scene: Scene, amounts: Amounts, samples: Samples): Promise<void> {
  const { batches, listed, workerMemories, otherMemories } = amounts;
  for (const mb of workerMemories) {
    const { started, events } = await atMemory(scene, mb, { count: batches * batchSize, size: batchSize });
    const [first, ...others] = events.map(({ wall }) => wall);
    samples.add(`worker ${mb} first batch`, started + (first ?? Number.NaN));
    for (const wall of others) samples.add(`worker ${mb} batch`, wall);
    const alone = await atMemory(scene, mb, { count: 1, size: 1 });
    samples.add(`worker ${mb} first`, alone.started + total(alone.events, 'wall'));
  }
  for (const mb of otherMemories) {
    const scan = await scanAtMemory(scene, mb, listed);
    samples.add(`scan at ${mb}`, (scan.started + total(scan.events, 'wall')) / 1000);
    addStart(samples, `inventory at ${mb}`, await inventoryAtMemory(scene, mb, listed));
    addStart(samples, `API at ${mb}`, await caApiAtMemory(scene, mb));
    addStart(samples, `hook at ${mb}`, await hookAtMemory(scene, mb));
  }
}

function addStart(samples: Samples, name: string, { started, events: [first, again] }: Driven): void {
  samples.add(`${name} first`, started + (first?.wall ?? Number.NaN));
  samples.add(`${name} again`, again?.wall ?? Number.NaN);
}

async function possession(_: Scene, { proofs }: Amounts, samples: Samples): Promise<void> {
  for (const type of keyTypes) samples.add(`proof ${type}`, await proof(type, proofs));
}

async function oneWave(scene: Scene, amounts: Amounts, samples: Samples): Promise<void> {
  const { seconds, quota, calls, deadLetters, billed } = await wave(scene, amounts.wave, {
    workers: amounts.waveWorkers,
  });
  const { throttled = 0, PutSecretValue = 0, UpdateSecretVersionStage = 0 } = calls;
  samples.add('wave', seconds);
  samples.add('wave quota', quota);
  samples.add('wave dead letters', deadLetters);
  samples.add('wave refused', throttled / (PutSecretValue + UpdateSecretVersionStage));
  samples.add('wave billed', billed);
}

// ---- Rows ---------------------------------------------------------------------------------------------------------

const rows: Partial<Record<Part, (samples: Samples, amounts: Amounts) => Row[]>> = {
  renewals: (samples, amounts) => [...againstFloor(samples), ...calls(samples), ...againstStep(samples, amounts)],
  scans: scanRows,
  authorities: (samples) => [
    {
      what: 'leaves issued by an authority of the stack, with a KMS that answers at once',
      judged: samples.of('leaves rate'),
      unit: '/s',
    },
    {
      what: 'CA certificates renewed, with a KMS that answers at once',
      judged: samples.of('authorities rate'),
      unit: '/s',
    },
  ],
  slow: slowRows,
  possession: (samples) =>
    keyTypes.map((type) => ({
      what: `proof that a key is the certificate's, ${keyAlgorithm(type)}: CPU`,
      judged: samples.of(`proof ${type}`),
      unit: 'ms',
    })),
  wave: waveRows,
};

export function rowsOf(samples: Samples, amounts: Amounts, only: readonly Part[]): Row[] {
  const order: readonly Part[] = ['renewals', 'wave', 'scans', 'slow', 'authorities', 'possession'];
  return order.flatMap((part) => (only.includes(part) ? (rows[part]?.(samples, amounts) ?? []) : []));
}

function againstFloor(samples: Samples): Row[] {
  return modes.map((mode) =>
    ratioRow(
      `${mode}: CPU per certificate, relative to a program that makes only the same calls`,
      { ours: samples.of(`${mode} cpu`), theirs: samples.of(`${mode} floor cpu`), unit: 'ms' },
      { atMost: 1.25 },
    ),
  );
}

function calls(samples: Samples): Row[] {
  return modes.map((mode) => ({
    what: `${mode}: AWS calls per renewal on the queue`,
    judged: samples.of(`${mode} calls`),
    unit: '',
    ours: String(median(samples.of(`${mode} calls`))),
    theirs: String(median(samples.of(`${mode} floor calls`))),
    reach: { atMost: 6 },
  }));
}

function againstStep(samples: Samples, { widths }: Amounts): Row[] {
  const bestOf = (mode: string, what: string, better: (a: number, b: number) => number) =>
    best(
      widths.map((width) => samples.of(`step ${mode} ${width} ${what}`)),
      better,
    );
  return modes.flatMap((mode) => [
    ratioRow(`${mode}: CPU per certificate, with AWS calls and start, relative to \`step ca ${mode}\``, {
      ours: samples.of(`${mode} cpu`),
      theirs: bestOf(mode, 'cpu', Math.min),
      unit: 'ms',
    }),
    ratioRow(`${mode}: certificates/s of one worker, ten at once, relative to step at its best parallelism`, {
      ours: samples.of(`${mode} rate`),
      theirs: bestOf(mode, 'rate', Math.max),
      unit: '/s',
    }),
    ratioRow(`${mode}: certificates/s of one worker, one after another, relative to step, one after another`, {
      ours: samples.of(`${mode} alone rate`),
      theirs: samples.of(`step ${mode} 1 rate`),
      unit: '/s',
    }),
  ]);
}

function waveRows(samples: Samples, { wave: count, waveWorkers }: Amounts): Row[] {
  const what = `wave: ${count.toLocaleString('en')} due at once, ${waveWorkers} workers`;
  return [
    ratioRow(
      `${what}: duration, relative to the minimum at ${assumed.writes} writes a second`,
      { ours: samples.of('wave'), theirs: samples.of('wave quota'), unit: 's' },
      { atMost: 1.2 },
    ),
    { what: `${what}: dead letters`, judged: samples.of('wave dead letters'), unit: '', reach: { atMost: 0 } },
    { what: `${what}: share of writes that AWS throttled`, judged: samples.of('wave refused'), unit: '' },
    { what: `${what}: total time of all invocations`, judged: samples.of('wave billed'), unit: 's' },
  ];
}

function scanRows(samples: Samples, { scans: counts, account }: Amounts): Row[] {
  const most = Math.max(...counts);
  const least = Math.min(...counts);
  const each = counts.flatMap((count): Row[] => [
    {
      what: `scan of ${count.toLocaleString('en')}: CPU per secret, with the start`,
      judged: samples.of(`scan ${count} cpu`),
      unit: 'µs',
    },
    {
      what: `scan of ${count.toLocaleString('en')}: peak memory`,
      judged: samples.of(`scan ${count} memory`),
      unit: 'MB',
    },
  ]);
  const compare = (what: string, name: string, theirs: readonly number[]) =>
    ratioRow(what, { ours: samples.of(`scan ${most} ${name}`), theirs, unit: '' }, { atMost: 1 });
  const ofAccount = (what: string, name: string, unit: string): Row => ({
    what: `scan of ${account.toLocaleString('en')} (the most an account can have): ${what}`,
    judged: samples.of(`account ${name}`),
    unit,
  });
  const pages = samples.of(`scan ${most} lists`).map(() => Math.ceil(most / 100));
  return [
    ...each,
    ofAccount('CPU per secret', 'cpu', 'µs'),
    ofAccount('peak memory', 'memory', 'MB'),
    ofAccount('ListSecrets calls', 'lists', ''),
    compare('scan: ListSecrets calls per page', 'lists', pages),
    compare('scan: SendMessageBatch calls per ten secrets sent', 'sends', samples.of(`scan ${most} tens`)),
    compare(`scan: other calls at ${most} secrets, relative to ${least}`, 'others', samples.of(`scan ${least} others`)),
  ];
}

function slowRows(samples: Samples, { slow: count }: Amounts): Row[] {
  const least = (count * slowness) / batchSize / 1000;
  return modes.map((mode) =>
    ratioRow(
      `${mode}: run of ${count.toLocaleString('en')} certificates at ${slowness} ms CA latency, one worker, relative to certificates × latency ÷ ${batchSize}`,
      { ours: samples.of(`slow ${mode}`), theirs: samples.of(`slow ${mode}`).map(() => least), unit: 's' },
    ),
  );
}
