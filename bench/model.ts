/**
 * What follows from the measurements: how long a certificate that is due waits, and what a month costs, beside what else AWS
 * sells. What was measured comes in; what only AWS itself could tell is written here, each with where it is from.
 */
import { batchSize, scanEvery, scanMemory, workerMemory } from './stack.ts';

export const assumed = {
  /** Milliseconds of a call of AWS within a Region: a usual figure, to be seen in the SDK's metrics of any function. */
  awsCall: 15,
  /** Milliseconds of a ListSecrets page of 100, likewise. */
  page: 60,
  /** A second: PutSecretValue and UpdateSecretVersionStage together (Secrets Manager's quotas, November 2026). */
  writes: 50,
  writesPerRenewal: 2,
  /** Lambda asks an idle queue by five pollers, each for 20 s at a time (Lambda's developer guide, SQS, November 2026). */
  pollers: 5,
  pollSeconds: 20,
  hoursOfMonth: 730,
} as const;

/** Dollars in us-east-1, of AWS's pages of prices, November 2026, where nothing else is said. */
export const prices = {
  /** Arm. */
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  secretsManagerCall: 5e-6,
  /** A month. */
  secret: 0.4,
  sqsRequest: 0.4e-6,
  event: 1e-6,
  /** Linux on x86, an hour; as told in March 2026 too (cloudburn.io and wring.co, "AWS Fargate pricing"). */
  fargateCpu: 0.04048,
  fargateGb: 0.004445,
  /** An exportable public certificate, each time it is issued or renewed, for a name without a wildcard, since February 2026 (sjramblings.io, "ACM certificate validity shorter lifetimes"). */
  acmExportable: 7,
  acmExportableDays: 198,
  /** Days before its end that ACM renews it (the same; others tell of 60). */
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

/** Of the functions as they are set, with their part of a CPU and AWS's calls as assumed. */
export interface Measured {
  readonly callsPerRenewal: number;
  /** Milliseconds of a batch of ten, in a worker that has run for a while. */
  readonly batch: number;
  /** Milliseconds of the same in a fresh one. */
  readonly firstBatch: number;
  /** Seconds of a scan of `listed` secrets, start included. */
  readonly scan: number;
  readonly listed: number;
}

/** Lambda's compute for a million renewals. */
export const dollarsPerMillion = (memory: number, batch: number): number =>
  ((1e6 / batchSize) * (batch / 1000) * memory * prices.lambdaGbSecond) / 1024;

/** A month of hourly scans: Lambda's part. */
export const dollarsOfScans = (memory: number, seconds: number): number =>
  scansOfMonth * ((seconds * memory * prices.lambdaGbSecond) / 1024 + prices.lambdaRequest);

const scansOfMonth = (assumed.hoursOfMonth * 3600) / scanEvery;

export interface Kind {
  readonly name: string;
  /** Of its validity. */
  readonly days: number;
}

export const kinds: readonly Kind[] = [
  { name: 'of 47 days', days: 47 },
  { name: 'of 24 hours', days: 1 },
];

/** Of a certificate in a month, renewed when a third of it is left, which is the default. */
export const renewalsOfMonth = ({ days }: Kind): number => assumed.hoursOfMonth / 24 / (days * (2 / 3));

/** What a month costs, item by item. */
export function month(measured: Measured, count: number, kind: Kind): Readonly<Record<string, number>> {
  const renewals = count * renewalsOfMonth(kind);
  const { callsPerRenewal, batch, scan, listed } = measured;
  const idlePolls = (assumed.pollers * assumed.hoursOfMonth * 3600) / assumed.pollSeconds;
  return {
    'renewals: Secrets Manager and EventBridge':
      renewals * ((callsPerRenewal - 1) * prices.secretsManagerCall + prices.event),
    'renewals: Lambda':
      (renewals / 1e6) * dollarsPerMillion(workerMemory, batch) + (renewals / batchSize) * prices.lambdaRequest,
    'queue, its idle polls included': (idlePolls + (3 * renewals) / batchSize) * prices.sqsRequest,
    'hourly scans: Secrets Manager': scansOfMonth * Math.ceil(count / 100) * prices.secretsManagerCall,
    'hourly scans: Lambda': dollarsOfScans(scanMemory, (scan * count) / listed),
  };
}

export const sum = (items: Readonly<Record<string, number>>): number =>
  Object.values(items).reduce((all, each) => all + each, 0);

/** What else a month of them could cost; undefined where it is not sold. */
export function alternatives(count: number, kind: Kind): readonly (readonly [string, number | undefined])[] {
  const { fargateCpu, fargateGb, shortLivedCa, shortLivedCertificate } = prices;
  const { acmExportable, acmExportableDays, acmRenewsBefore } = prices;
  const issued = count * renewalsOfMonth(kind);
  const days = assumed.hoursOfMonth / 24;
  return [
    [
      'a Fargate sidecar beside each (0.25 vCPU, 0.5 GB)',
      count * assumed.hoursOfMonth * (0.25 * fargateCpu + 0.5 * fargateGb),
    ],
    [
      `ACM's exportable public certificates (of ${acmExportableDays} days)`,
      kind.days > 7 ? (count * acmExportable * days) / (acmExportableDays - acmRenewsBefore) : undefined,
    ],
    ["Private CA, general purpose: the CA's own price", prices.privateCa + tiered(issued)],
    [
      "Private CA, short-lived: the CA's own price",
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
  /** From a scan's beginning to the renewal: the page with the secret, then a fresh worker's batch. */
  readonly work: Wait;
  /** From due to renewed. A scan takes whatever is due before the next one, so that it is mostly before its time. */
  readonly comes: Wait;
  /** The same of one that is due when it is tagged, or put into its secret: it waits for the next scan. */
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
