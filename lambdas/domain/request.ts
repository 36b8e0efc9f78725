import type { KeySpec } from './key-spec.ts';
import type { Mode } from './profile.ts';
import type { Timing } from './settings.ts';

/** A key that the caller brings: one in another secret of the same profile, or one in KMS. */
export type GivenKey = { readonly secretId: string } | { readonly kmsKeyId: string };

/** An on-demand request, contract section 5, validated (policy/request.ts). */
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
}

/** How often a message is delivered before it is a dead letter: the queue is made so, and the last try tells the world. */
export const deliveries = 3;
