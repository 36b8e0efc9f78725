/**
 * Calculates from the measurements how long a due certificate waits and what a month costs, beside the cost of AWS's other
 * offers. Figures that can't be measured here are constants with their source.
 */
import { batchSize, scanEvery, scanMemory, workerMemory } from './stack.ts';

export const assumed = {
  /** Milliseconds of a call of AWS within a Region. A usual figure in the SDK's metrics of a function. */
  awsCall: 15,
  /** Milliseconds of a ListSecrets page of 100, from the same metrics. */
  page: 60,
  /** Calls a second of PutSecretValue and UpdateSecretVersionStage together (Secrets Manager's quotas, November 2026). */
  writes: 50,
  writesPerRenewal: 2,
  /** Lambda polls an idle queue with five pollers, each for 20 s at a time (Lambda's developer guide, SQS, November 2026). */
  pollers: 5,
  pollSeconds: 20,
  hoursOfMonth: 730,
} as const;

/** Dollars in us-east-1, from AWS's price pages of November 2026 unless noted. */
export const prices = {
  /** Arm. */
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  secretsManagerCall: 5e-6,
  /** A month. */
  secret: 0.4,
  sqsRequest: 0.4e-6,
  event: 1e-6,
  /** Linux on x86, an hour. Also in cloudburn.io and wring.co, "AWS Fargate pricing", March 2026. */
  fargateCpu: 0.04048,
  fargateGb: 0.004445,
  /** An exportable public certificate, each time it is issued or renewed, for a name without a wildcard, since February 2026 (sjramblings.io, "ACM certificate validity shorter lifetimes"). */
  acmExportable: 7,
  acmExportableDays: 198,
  /** Days before its end at which ACM renews it (same source; others say 60). */
  acmRenewsBefore: 45,
  /** A month (aws.amazon.com/private-ca/pricing), and each certificate: the first thousand of a month, those to ten thousand, the rest. */
  privateCa: 400,
  privateCaTiers: [
    { upTo: 1_000, each: 0.75 },
    { upTo: 10_000, each: 0.35 },
    { upTo: Number.POSITIVE_INFINITY, each: 0.001 },
  ],
  /** For certificates of seven days at most. */
  shortLivedCa: 50,
  shortLivedCertificate: 0.058,
} as const;

/** Measured with the deployed memory, its share of a CPU, and the assumed latency of AWS. */
export interface Measured {
  readonly callsPerRenewal: number;
  /** Milliseconds of a batch of ten, in a warm worker. */
  readonly batch: number;
  /** Milliseconds of a batch of ten, in a new worker. */
  readonly firstBatch: number;
  /** Seconds of a scan of `listed` secrets, including the start. */
  readonly scan: number;
  readonly listed: number;
}

/** Returns the price of Lambda's compute time for a million renewals. */
export const dollarsPerMillion = (memory: number, batch: number): number =>
  ((1e6 / batchSize) * (batch / 1000) * memory * prices.lambdaGbSecond) / 1024;

/** Returns the price of Lambda's compute time for a month of hourly scans. */
export const dollarsOfScans = (memory: number, seconds: number): number =>
  scansOfMonth * ((seconds * memory * prices.lambdaGbSecond) / 1024 + prices.lambdaRequest);

const scansOfMonth = (assumed.hoursOfMonth * 3600) / scanEvery;

export interface Kind {
  readonly name: string;
  /** Days of validity. */
  readonly days: number;
}

export const kinds: readonly Kind[] = [
  { name: 'valid for 47 days', days: 47 },
  { name: 'valid for 24 hours', days: 1 },
];

/** Returns the renewals of a certificate in a month, with the default window of a third. */
export const renewalsOfMonth = ({ days }: Kind): number => assumed.hoursOfMonth / 24 / (days * (2 / 3));

/** Returns the cost of a month, by item. */
export function month(measured: Measured, count: number, kind: Kind): Readonly<Record<string, number>> {
  const renewals = count * renewalsOfMonth(kind);
  const { callsPerRenewal, batch, scan, listed } = measured;
  const idlePolls = (assumed.pollers * assumed.hoursOfMonth * 3600) / assumed.pollSeconds;
  return {
    'renewals: Secrets Manager and EventBridge':
      renewals * ((callsPerRenewal - 1) * prices.secretsManagerCall + prices.event),
    'renewals: Lambda':
      (renewals / 1e6) * dollarsPerMillion(workerMemory, batch) + (renewals / batchSize) * prices.lambdaRequest,
    'queue, including idle polls': (idlePolls + (3 * renewals) / batchSize) * prices.sqsRequest,
    'hourly scans: Secrets Manager': scansOfMonth * Math.ceil(count / 100) * prices.secretsManagerCall,
    'hourly scans: Lambda': dollarsOfScans(scanMemory, (scan * count) / listed),
  };
}

export const sum = (items: Readonly<Record<string, number>>): number =>
  Object.values(items).reduce((all, each) => all + each, 0);

/** Returns the monthly cost of alternatives. Undefined means that there is no such offer. */
export function alternatives(count: number, kind: Kind): readonly (readonly [string, number | undefined])[] {
  const { fargateCpu, fargateGb, shortLivedCa, shortLivedCertificate } = prices;
  const { acmExportable, acmExportableDays, acmRenewsBefore } = prices;
  const issued = count * renewalsOfMonth(kind);
  const days = assumed.hoursOfMonth / 24;
  return [
    [
      'one Fargate sidecar for each certificate (0.25 vCPU, 0.5 GB)',
      count * assumed.hoursOfMonth * (0.25 * fargateCpu + 0.5 * fargateGb),
    ],
    [
      `ACM's exportable public certificates (${acmExportableDays} days)`,
      kind.days > 7 ? (count * acmExportable * days) / (acmExportableDays - acmRenewsBefore) : undefined,
    ],
    ['AWS Private CA, general purpose', prices.privateCa + tiered(issued)],
    [
      'AWS Private CA, short-lived certificates',
      kind.days <= 7 ? shortLivedCa + issued * shortLivedCertificate : undefined,
    ],
  ];
}

function tiered(count: number): number {
  let dollars = 0;
  let from = 0;
  for (const { upTo, each } of prices.privateCaTiers) {
    dollars += Math.max(0, Math.min(count, upTo) - from) * each;
    from = upTo;
  }
  return dollars;
}

export interface Wait {
  readonly mean: number;
  readonly longest: number;
}

/** Seconds. */
export interface Waits {
  /** From the start of a scan to the renewal: the page with the secret, then the batch of a new worker. */
  readonly work: Wait;
  /** From due to renewed. A scan takes what is due before the next scan, so most renewals are early. */
  readonly comes: Wait;
  /** The same for a certificate that is already due when it is enrolled. It waits for the next scan. */
  readonly found: Wait;
}

export function dueToRenewed({ scan, firstBatch }: Measured): Waits {
  const work = { mean: scan / 2 + firstBatch / 1000, longest: scan + firstBatch / 1000 };
  return {
    work,
    comes: { mean: work.mean - scanEvery / 2, longest: work.longest },
    found: { mean: work.mean + scanEvery / 2, longest: work.longest + scanEvery },
  };
}
