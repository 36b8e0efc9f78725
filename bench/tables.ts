/** The tables beside the rows: functions by their memory, time from due to renewed, dollars of a month. */
import type { Amounts } from './contests.ts';
import {
  alternatives,
  assumed,
  dollarsOfScans,
  dollarsPerMillion,
  dueToRenewed,
  kinds,
  type Measured,
  month,
  prices,
  sum,
} from './model.ts';
import { otherMemories, workerMemories } from './rounds.ts';
import { median, type Samples } from './samples.ts';
import { otherMemory, scanMemory, workerMemory } from './stack.ts';
import { figure, table } from './table.ts';

/** As cdk/ sets it. */
const set = (isSet: boolean, cell: string): string => (isSet ? `**${cell}**` : cell);

export function byMemory(samples: Samples, { listed }: Amounts): string {
  const of = (name: string): string => figure(samples.of(name), 'ms');
  const many = listed.toLocaleString('en');
  const workers = workerMemories.map((mb) => [
    set(mb === workerMemory, `${mb} MB`),
    of(`worker ${mb} first`),
    of(`worker ${mb} first batch`),
    of(`worker ${mb} batch`),
    dollars(dollarsPerMillion(mb, median(samples.of(`worker ${mb} batch`)))),
  ]);
  const others = otherMemories.map((mb) => [
    `${mb} MB`,
    set(mb === scanMemory, figure(samples.of(`scan at ${mb}`), 's')),
    dollars(dollarsOfScans(mb, median(samples.of(`scan at ${mb}`)))),
    ...Object.entries(otherMemory).map(([name, own]) =>
      set(mb === own, `${of(`${name} at ${mb} first`)}, ${of(`${name} at ${mb} again`)}`),
    ),
  ]);
  const first = ['start and first renewal', 'start and first batch of ten', 'batch of ten, warm'];
  const head = [
    `scan of ${many}`,
    'a month of them, hourly',
    `inventory of ${many}`,
    'HTTP API, a renewal',
    'hook `exec`',
  ];
  return [
    '### The worker by its memory (bold: as deployed)',
    table(['memory', ...first, "Lambda's $ per million renewals"], workers),
    '### The other functions by their memory: from a start, and again',
    table(['memory', ...head], others),
  ].join('\n\n');
}

export function measuredOf(samples: Samples, { listed }: Amounts): Measured {
  return {
    callsPerRenewal: median(samples.of('rekey calls')),
    batch: median(samples.of(`worker ${workerMemory} batch`)),
    firstBatch: median(samples.of(`worker ${workerMemory} first batch`)),
    scan: median(samples.of(`scan at ${scanMemory}`)),
    listed,
  };
}

export function waiting(measured: Measured): string {
  const { mean, longest } = dueToRenewed(measured);
  const minutes = (seconds: number): string => `${(seconds / 60).toFixed(1)} min`;
  const lines = [
    ['the next scan begins (the schedule: every hour)', minutes(assumedScan.mean), minutes(assumedScan.longest)],
    [
      `the scan of ${measured.listed.toLocaleString('en')} comes to it`,
      seconds(measured.scan / 2),
      seconds(measured.scan),
    ],
    ['a fresh worker has renewed its batch', seconds(measured.firstBatch / 1000), seconds(measured.firstBatch / 1000)],
    ['all together', `**${minutes(mean)}**`, minutes(longest)],
  ];
  return table(['until', 'on average', 'at most'], lines);
}

const assumedScan = dueToRenewed({ scan: 0, firstBatch: 0, callsPerRenewal: 0, batch: 0, listed: 0 });

export function costs(measured: Measured, count: number): string {
  const months = kinds.map((kind) => month(measured, count, kind));
  const items = Object.keys(months[0] ?? {}).map((item) => [item, ...months.map((each) => dollars(each[item]))]);
  const others = alternatives(count, kinds[0] ?? { name: '', days: 1 }).map(([what], index) => [
    what,
    ...kinds.map((kind) => dollars(alternatives(count, kind)[index]?.[1])),
  ]);
  return table(
    ['a month', ...kinds.map(({ name }) => name)],
    [
      ...items,
      ['**cert-renewer, all together**', ...months.map((each) => `**${dollars(sum(each))}**`)],
      ['the secrets themselves, whoever writes them', ...kinds.map(() => dollars(count * prices.secret))],
      ...others,
    ],
  );
}

const seconds = (value: number): string => `${value.toFixed(1)} s`;

function dollars(value: number | undefined): string {
  if (value === undefined) return '–';
  return `$${value.toLocaleString('en', { minimumFractionDigits: value < 100 ? 2 : 0, maximumFractionDigits: value < 100 ? 2 : 0 })}`;
}

export const latencies = `AWS's calls take ${assumed.awsCall} ms, a page of ListSecrets ${assumed.page} ms.`;
