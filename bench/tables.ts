/** The other tables: functions by their memory, time from due to renewed, dollars a month. */
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
  type Wait,
} from './model.ts';
import { median, type Samples } from './samples.ts';
import { otherMemory, scanMemory, workerMemory } from './stack.ts';
import { figure, table } from './table.ts';

/** Marks the deployed setting. */
const set = (isSet: boolean, cell: string): string => (isSet ? `**${cell}**` : cell);

export function byMemory(samples: Samples, { listed, workerMemories, otherMemories }: Amounts): string {
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
    'a month of hourly scans',
    `inventory of ${many}`,
    'renewal by the HTTP API',
    'hook `exec`',
  ];
  return [
    '### The worker by memory size (bold: as deployed)',
    table(['memory', ...first, 'Lambda cost per million renewals'], workers),
    '### The other functions by memory size: first call with the start, then second call',
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
  const { work, comes, found } = dueToRenewed(measured);
  const line = (what: string, { mean, longest }: Wait) => [what, duration(mean), duration(longest)];
  return table(
    ['', 'on average', 'at most'],
    [
      line(
        `from the start of a scan of ${measured.listed.toLocaleString('en')} to the renewal, with a cold worker`,
        work,
      ),
      line('from due to renewed (a scan also takes certificates that are due before the next scan)', comes),
      line('from due to renewed, if the certificate is already due when it is stored (it waits for a scan)', found),
    ],
  );
}

export function costs(measured: Measured, count: number): string {
  const months = kinds.map((kind) => month(measured, count, kind));
  const items = Object.keys(months[0] ?? {}).map((item) => [item, ...months.map((each) => dollars(each[item]))]);
  const others = alternatives(count, kinds[0] ?? { name: '', days: 1 }).map(([what], index) => [
    what,
    ...kinds.map((kind) => dollars(alternatives(count, kind)[index]?.[1])),
  ]);
  return table(
    ['per month', ...kinds.map(({ name }) => name)],
    [
      ...items,
      ['**cert-renewer, total**', ...months.map((each) => `**${dollars(sum(each))}**`)],
      ['the secrets, with or without cert-renewer', ...kinds.map(() => dollars(count * prices.secret))],
      ...others,
    ],
  );
}

function duration(seconds: number): string {
  const long = Math.abs(seconds) >= 120;
  return `${(Math.abs(seconds) / (long ? 60 : 1)).toFixed(1)} ${long ? 'min' : 's'}${seconds < 0 ? ' before' : ''}`;
}

function dollars(value: number | undefined): string {
  if (value === undefined) return '–';
  return `$${value.toLocaleString('en', { minimumFractionDigits: value < 100 ? 2 : 0, maximumFractionDigits: value < 100 ? 2 : 0 })}`;
}

export const latencies = `An AWS call takes ${assumed.awsCall} ms. A page of ListSecrets takes ${assumed.page} ms.`;
