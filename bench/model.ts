/**
 * Growth, on paper: how long a run takes in which every certificate is due, and what it costs. What was measured comes in;
 * what only AWS itself could tell is written here, each with where it is from.
 */
import { batchSize, type Mode } from './contests.ts';
import { table } from './table.ts';

/** Measured, of a worker that has run for a while. */
export interface Measured {
  /** Milliseconds of CPU a certificate, by mode. */
  readonly cpu: Readonly<Record<Mode, number>>;
  readonly callsPerRenewal: number;
  /** Milliseconds of CPU a secret. */
  readonly scanCpu: number;
}

export const assumed = {
  /** Milliseconds of a call of AWS within a Region. */
  awsCall: 15,
  /** Milliseconds of a ListSecrets page of 100. */
  page: 60,
  /** Secrets Manager's quota, a second: PutSecretValue and UpdateSecretVersionStage together. */
  writes: 50,
  writesPerRenewal: 2,
  /** cdk/cert-renewer.ts. */
  workers: 10,
  workerGb: 0.5,
  scanGb: 0.25,
  /** Lambda's documentation: 1,769 MB have one vCPU. */
  gbOfOneCpu: 1.769,
} as const;

/** Dollars, by the price lists of us-east-1 in November 2026. */
export const prices = {
  /** Arm. */
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  secretsManagerCall: 5e-6,
  sqsRequest: 0.4e-6,
  event: 1e-6,
} as const;

export interface Estimate {
  /** Seconds until the last certificate is done. */
  readonly seconds: number;
  readonly dollars: number;
}

/** A run in which all `count` certificates are due, at a CA that takes so many milliseconds. */
export function estimate(measured: Measured, mode: Mode, count: number, latency: number): Estimate {
  const { awsCall, page, writes, writesPerRenewal, workers, workerGb, scanGb, gbOfOneCpu } = assumed;
  const share = workerGb / gbOfOneCpu;
  const perBatch = latency + measured.callsPerRenewal * awsCall + (batchSize * measured.cpu[mode]) / share;
  const batches = Math.ceil(count / batchSize);
  const byWorkers = (Math.ceil(batches / workers) * perBatch) / 1000;
  const byQuota = (count * writesPerRenewal) / writes;
  const pages = Math.ceil(count / 100);
  const scan = (pages * Math.max(page, (100 * measured.scanCpu) / (scanGb / gbOfOneCpu))) / 1000;
  // Where the quota is the limit, the workers wait for it (docs/decisions/0006), and Lambda is paid for waiting.
  const busy = Math.max((batches * perBatch) / 1000, byQuota > byWorkers ? Math.min(workers, batches) * byQuota : 0);
  const dollars =
    (busy * workerGb + scan * scanGb) * prices.lambdaGbSecond +
    (batches + 1) * prices.lambdaRequest +
    (count * measured.callsPerRenewal + pages) * prices.secretsManagerCall +
    3 * batches * prices.sqsRequest +
    count * prices.event;
  // The workers begin with the first page, and the last page waits for none of them.
  return { seconds: Math.max(byWorkers, byQuota, scan) + perBatch / 1000, dollars };
}

/** The last is all that an account may have. */
const counts = [100, 1_000, 10_000, 100_000, 500_000] as const;
const latencies = [5, 50, 500] as const;

export function growth(measured: Measured): string {
  const head = ['certificates', ...latencies.map((latency) => `CA ${latency} ms`), 'scans of a month, hourly'];
  const lines = counts.map((count) => [
    count.toLocaleString('en'),
    ...latencies.map((latency) => {
      const { seconds, dollars } = estimate(measured, 'rekey', count, latency);
      return `${time(seconds)}, $${dollars.toFixed(4)}`;
    }),
    `$${monthOfScans(measured, count).toFixed(2)}`,
  ]);
  return table(head, lines);
}

function monthOfScans({ scanCpu }: Measured, count: number): number {
  const pages = Math.ceil(count / 100);
  const { page, scanGb, gbOfOneCpu } = assumed;
  const seconds = (pages * Math.max(page, (100 * scanCpu) / (scanGb / gbOfOneCpu))) / 1000;
  const each = pages * prices.secretsManagerCall + seconds * scanGb * prices.lambdaGbSecond + prices.lambdaRequest;
  return 730 * each;
}

const time = (seconds: number): string =>
  seconds < 120 ? `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
