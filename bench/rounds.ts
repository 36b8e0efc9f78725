/** The rounds, and the rows that are made of them. */
import { progress } from '../scripts/local/cache.ts';
import {
  type Amounts,
  atSlowCa,
  authorities,
  bareStart,
  batchSize,
  byStep,
  byWorker,
  firstByWorker,
  leavesByAuthority,
  modes,
  scanOf,
  type Worked,
} from './contests.ts';
import type { Driven, Usage } from './parts/measure.ts';
import { best, Samples } from './samples.ts';
import { type Scene, slowness } from './scene.ts';
import { type Row, ratioRow } from './table.ts';

/** Milliseconds. */
const sum = (events: readonly Usage[], what: keyof Usage): number =>
  events.reduce((all, event) => all + event[what], 0);

/** Of V8, in MB; Lambda's runtime sets a twentieth of the function's memory, and its own option goes before NODE_OPTIONS. */
const smallYoungGeneration = ['--max-semi-space-size=4'];

/** Everything once, one after another: what is compared stands close together in time. */
async function round(scene: Scene, amounts: Amounts, samples: Samples): Promise<void> {
  for (const mode of modes) {
    addWork(samples, mode, await byWorker(scene, mode, amounts.certificates));
    for (const width of amounts.widths) {
      const { wall, cpu } = await byStep(scene, mode, amounts.stepRuns, width);
      samples.add(`step ${mode} ${width} cpu`, cpu / amounts.stepRuns);
      samples.add(`step ${mode} ${width} rate`, (amounts.stepRuns * 1000) / wall);
    }
    addWork(samples, `${mode} alone`, await byWorker(scene, mode, amounts.alone, 1));
  }
  const most = Math.max(...amounts.scans);
  const young = await scanOf(scene, most, smallYoungGeneration);
  samples.add(`scan ${most} young memory`, young.maxRss / 1e6);
  samples.add(`scan ${most} young cpu`, (young.cpu * 1000) / most);
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
  for (let start = 0; start < amounts.coldStarts; start++) {
    addStart(samples, 'bare', await bareStart(scene));
    addStart(samples, 'renew', await firstByWorker(scene, 'rekey'));
  }
  addWork(samples, 'leaves', await leavesByAuthority(scene, amounts.authority));
  addWork(samples, 'authorities', await authorities(scene, amounts.authority));
  for (const mode of modes) {
    const { events } = await atSlowCa(scene, mode, amounts.slow);
    samples.add(`slow ${mode}`, sum(events, 'wall') / 1000);
  }
}

/** CPU is the whole process's, its start included; a rate is that of a worker that runs. */
function addWork(samples: Samples, name: string, { cpu, events, count, calls }: Worked): void {
  const { PutEvents = 0, GetParameter: _, ...each } = calls;
  samples.add(`${name} cpu`, cpu / count);
  samples.add(`${name} rate`, (count * 1000) / sum(events, 'wall'));
  samples.add(`${name} calls`, Object.values(each).reduce((all, made) => all + made, 0) / count);
  samples.add(`${name} events`, PutEvents / events.length);
  // What a worker takes that has run for a while: the model's input.
  const warm = events.slice(Math.floor(events.length / 2));
  samples.add(`${name} warm cpu`, sum(warm, 'cpu') / warm.length / (count / events.length));
}

function addStart(samples: Samples, name: string, { import: imported, events: [first], cpu }: Driven): void {
  samples.add(`${name} import`, imported.cpu);
  samples.add(`${name} import time`, imported.wall);
  samples.add(`${name} first`, imported.cpu + (first?.cpu ?? 0));
  samples.add(`${name} process`, cpu);
}

export async function measureAll(scene: Scene, amounts: Amounts): Promise<Samples> {
  const samples = new Samples();
  for (let each = 1; each <= amounts.rounds; each++) {
    progress(`round ${each} of ${amounts.rounds}`);
    await round(scene, amounts, samples);
  }
  progress(`a scan of ${amounts.account}`);
  const { cpu, maxRss, calls } = await scanOf(scene, amounts.account);
  samples.add('account cpu', (cpu * 1000) / amounts.account);
  samples.add('account memory', maxRss / 1e6);
  samples.add('account lists', calls['ListSecrets'] ?? 0);
  return samples;
}

export function rowsOf(samples: Samples, amounts: Amounts, { bundles }: Pick<Scene, 'bundles'>): Row[] {
  return [
    ...againstStep(samples, amounts),
    ...calls(samples),
    ...scans(samples, amounts),
    ...starts(samples, bundles),
    ...runs(samples, amounts),
  ];
}

function againstStep(samples: Samples, { widths }: Amounts): Row[] {
  const cpu = (mode: string) =>
    best(
      widths.map((width) => samples.of(`step ${mode} ${width} cpu`)),
      Math.min,
    );
  const rate = (mode: string) =>
    best(
      widths.map((width) => samples.of(`step ${mode} ${width} rate`)),
      Math.max,
    );
  const reaches = { rekey: { cpu: 0.3, rate: 2 }, renew: { cpu: 0.2, rate: 4 } };
  return modes.flatMap((mode) => [
    ratioRow(
      `${mode}: CPU per certificate, AWS calls and start included, to \`step ca ${mode}\`'s`,
      { ours: samples.of(`${mode} cpu`), theirs: cpu(mode), unit: 'ms' },
      { atMost: reaches[mode].cpu },
    ),
    ratioRow(
      `${mode}: certificates/s of one worker, ten at once, to step's at its best parallelism`,
      { ours: samples.of(`${mode} rate`), theirs: rate(mode), unit: '/s' },
      { atLeast: reaches[mode].rate },
    ),
    ratioRow(`${mode}: certificates/s of one worker, one after another, to step's likewise`, {
      ours: samples.of(`${mode} alone rate`),
      theirs: samples.of(`step ${mode} 1 rate`),
      unit: '/s',
    }),
  ]);
}

function calls(samples: Samples): Row[] {
  return modes.flatMap((mode) => [
    {
      what: `${mode}: AWS calls per renewal on the queue`,
      judged: samples.of(`${mode} calls`),
      unit: '',
      reach: { atMost: 5 },
    },
    {
      what: `${mode}: PutEvents calls per batch of ten`,
      judged: samples.of(`${mode} events`),
      unit: '',
      reach: { atMost: 1 },
    },
  ]);
}

function scans(samples: Samples, { scans: counts, account }: Amounts): Row[] {
  const most = Math.max(...counts);
  const least = Math.min(...counts);
  const isWhole = most >= 100_000; // the quick variant scans too few for what is judged
  const each = counts.flatMap((count): Row[] => [
    {
      what: `scan of ${count.toLocaleString('en')}: CPU per secret, start included`,
      judged: samples.of(`scan ${count} cpu`),
      unit: 'µs',
      reach: isWhole && count === most ? { atMost: 30 } : undefined,
    },
    {
      what: `scan of ${count.toLocaleString('en')}: peak memory`,
      judged: samples.of(`scan ${count} memory`),
      unit: 'MB',
      reach: isWhole && count === most ? { atMost: 115 } : undefined,
    },
  ]);
  const compare = (what: string, name: string, theirs: readonly number[], unit: string, atMost: number) =>
    ratioRow(what, { ours: samples.of(`scan ${most} ${name}`), theirs, unit }, { atMost });
  const young = (name: string) => samples.of(`scan ${most} young ${name}`);
  const ofAccount = (what: string, name: string, unit: string): Row => ({
    what: `scan of ${account.toLocaleString('en')}, all that an account may have, once: ${what}`,
    judged: samples.of(`account ${name}`),
    unit,
  });
  return [
    ...each,
    ofAccount('CPU per secret', 'cpu', 'µs'),
    ofAccount('peak memory', 'memory', 'MB'),
    ofAccount('ListSecrets calls', 'lists', ''),
    {
      what: `scan of ${most.toLocaleString('en')}: peak memory with ${smallYoungGeneration}`,
      judged: young('memory'),
      unit: 'MB',
    },
    {
      what: `scan of ${most.toLocaleString('en')}: CPU per secret with ${smallYoungGeneration}`,
      judged: young('cpu'),
      unit: 'µs',
    },
    ...(counts.length > 1
      ? [
          compare(
            `scan: peak memory at ${most} secrets to that at a tenth`,
            'memory',
            samples.of(`scan ${most / 10} memory`),
            'MB',
            1.1,
          ),
        ]
      : []),
    compare(
      'scan: ListSecrets calls to pages',
      'lists',
      samples.of(`scan ${most} lists`).map(() => Math.ceil(most / 100)),
      '',
      1,
    ),
    compare('scan: SendMessageBatch calls to secrets sent ÷ 10', 'sends', samples.of(`scan ${most} tens`), '', 1),
    compare(
      `scan: other calls at ${most} secrets to those at ${least}`,
      'others',
      samples.of(`scan ${least} others`),
      '',
      1,
    ),
  ];
}

function starts(samples: Samples, { renew, scan, bare }: Scene['bundles']): Row[] {
  const kilobytes = (bytes: number) => [bytes / 1000];
  return [
    ratioRow(
      "renew bundle, what is loaded at start, to the bare SDK handler's",
      { ours: kilobytes(renew.eager), theirs: kilobytes(bare.eager), unit: 'kB' },
      { atMost: 0.75 },
    ),
    ratioRow('renew bundle, all of it', { ours: kilobytes(renew.total), theirs: kilobytes(bare.total), unit: 'kB' }),
    ratioRow('scan bundle, what is loaded at start', {
      ours: kilobytes(scan.eager),
      theirs: kilobytes(bare.eager),
      unit: 'kB',
    }),
    ratioRow(
      "renew bundle, CPU of its import, to the bare SDK handler's",
      { ours: samples.of('renew import'), theirs: samples.of('bare import'), unit: 'ms' },
      { atMost: 0.65 },
    ),
    ratioRow('the same, time', {
      ours: samples.of('renew import time'),
      theirs: samples.of('bare import time'),
      unit: 'ms',
    }),
    ratioRow(
      "first renewal in a fresh process, CPU of import and event, to the bare handler's first GetSecretValue with key and TLS",
      { ours: samples.of('renew first'), theirs: samples.of('bare first'), unit: 'ms' },
      { atMost: 1.2 },
    ),
    ratioRow('the same, CPU of the whole process', {
      ours: samples.of('renew process'),
      theirs: samples.of('bare process'),
      unit: 'ms',
    }),
  ];
}

function runs(samples: Samples, { slow }: Amounts): Row[] {
  const floor = (slow * slowness) / batchSize / 1000;
  return [
    ...modes.map((mode) =>
      ratioRow(
        `${mode}: run of ${slow.toLocaleString('en')} certificates at ${slowness} ms CA latency, one worker, to certificates × latency ÷ ${batchSize}`,
        { ours: samples.of(`slow ${mode}`), theirs: samples.of(`slow ${mode}`).map(() => floor), unit: 's' },
        { atMost: 2 },
      ),
    ),
    {
      what: "leaves issued by an authority of the stack's own, KMS answering at once",
      judged: samples.of('leaves rate'),
      unit: '/s',
    },
    { what: 'CA certificates renewed, KMS answering at once', judged: samples.of('authorities rate'), unit: '/s' },
  ];
}
