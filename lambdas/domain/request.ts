import type { Instant } from './instant.ts';
import type { KeySpec } from './key-spec.ts';
import type { Mode } from './profile.ts';
import type { Timing } from './timing.ts';

/** A key that the caller brings: one in another secret of the same profile, or one in KMS. */
export type GivenKey = { readonly secretId: string } | { readonly kmsKeyId: string };

/** An on-demand request, validated by policy/request.ts. docs/invoke.md tells what each field means. */
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

/** What travels on the queue, and all that may: everything else is read from the secret and the profile. */
export interface QueueMessage {
  readonly secretArn: string;
  readonly versionId: string;
  readonly force?: boolean;
}

/** What the scan takes; `{}` is what the schedule sends. */
export interface ScanRequest {
  readonly profile?: string;
  readonly secretIds?: readonly string[];
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Where an invocation whose time was over has left off. */
  readonly continuation?: ScanContinuation;
}

/** What one invocation of a scan hands on to the next. */
export interface ScanContinuation {
  /** A page's `next`; undefined to begin again, where it is not taken any more. */
  readonly from?: string | undefined;
  /** 1 for the first invocation that goes on. */
  readonly part: number;
  /** When the scan began. */
  readonly started: Instant;
  /** Of what was listed so far. */
  readonly sums: ScanSums;
  /** Of the secrets that are asked for by name those that were not listed so far. */
  readonly notFound?: readonly string[] | undefined;
}

/** The running sums of a scan. `secondsToExpiry` is the least; undefined while no certificate is known. */
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

/** How often a message is delivered before it is a dead letter: the queue is made so, and the last try tells the world. */
export const deliveries = 3;
