import type { Instant } from './instant.ts';
import type { KeySpec } from './key-spec.ts';
import type { Mode } from './profile.ts';
import type { Timing } from './timing.ts';

/** A key that the caller provides: in another secret of the same profile, or in KMS. */
export type GivenKey = { readonly secretId: string } | { readonly kmsKeyId: string };

/** An on-demand request, validated by policy/request.ts. docs/invoke.md explains each field. */
export interface OnDemandRequest {
  readonly secretId: string;
  readonly mode?: Mode;
  readonly timing?: Timing;
  readonly key?: KeySpec;
  readonly privateKey?: GivenKey;
  readonly out?: { readonly secretId: string };
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** A message on the queue. It can't carry more: everything else is read from the secret and the profile. */
export interface QueueMessage {
  readonly secretArn: string;
  readonly versionId: string;
  readonly force?: boolean;
}

/** The scan's input. The schedule sends `{}`. */
export interface ScanRequest {
  readonly profile?: string;
  readonly secretIds?: readonly string[];
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Where an earlier invocation ran out of time. */
  readonly continuation?: ScanContinuation;
}

/** The probe's input. The schedule sends `{ "due": true }`. */
export interface ProbeRequest {
  /** Names or ARNs. Undefined: all secrets with endpoints. */
  readonly secretIds?: readonly string[];
  /** Only endpoints that are to be probed by now. False: all of them. */
  readonly due: boolean;
}

/** What one invocation of a scan passes to the next. */
export interface ScanContinuation {
  /** A page's `next`. Undefined: start again, because AWS no longer accepts that token. */
  readonly from?: string | undefined;
  /** 1 for the second invocation of a scan, 2 for the third, and so on. */
  readonly part: number;
  /** When the scan began. */
  readonly started: Instant;
  /** The sums of the secrets listed so far. */
  readonly sums: ScanSums;
  /** The requested `secretIds` that were not listed so far. */
  readonly notFound?: readonly string[] | undefined;
}

/** The running sums of a scan. `secondsToExpiry` is the smallest of a profile, undefined while no certificate is known. */
export interface ScanSums {
  readonly enqueued: number;
  readonly notDue: number;
  readonly paused: number;
  readonly backingOff: number;
  readonly waiting: number;
  readonly invalid: number;
  readonly unknown: number;
  readonly overdue: number;
  readonly profiles: Readonly<
    Record<
      string,
      { readonly managed: number; readonly overdue: number; readonly secondsToExpiry?: number | undefined }
    >
  >;
}

/**
 * Deliveries of a message before it becomes a dead letter. The queue has this limit, and the last delivery publishes the failure.
 */
export const deliveries = 3;
