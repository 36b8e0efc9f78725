import type { Instant } from '../domain/instant.ts';
import type { OnDemandRequest } from '../domain/request.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Unannounced } from '../policy/unannounced.ts';
import type { Enrolled, Place } from './place.ts';

/** One secret to look at. */
export interface Job {
  readonly secretId: string;
  /** From the queue: the version that the scan saw. Another one being current means that the work is done. */
  readonly versionId?: string;
  /** On demand. */
  readonly request?: OnDemandRequest;
  /** For the certificate of an authority of the stack: the end that was asked for by name. */
  readonly notAfter?: Instant;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** What was known of a secret when a try ended: for the record of a failure. */
export interface Found {
  readonly secret?: SecretSummary;
  /** Where it is not the one that the secret's tag names: the certificate of an authority has none. */
  readonly profile?: string;
  readonly enrolled?: Enrolled;
  readonly subject?: Place;
  /** Events that are owed still, once that was looked at. */
  readonly owed?: readonly Unannounced[];
}

/** How a look at a secret ends. */
export type Ending =
  | {
      readonly kind: 'done';
      readonly result: RenewalResult;
      /** The certificate is as it should be, and its event or its tags are not: worth another look soon. */
      readonly isUnfinished: boolean;
    }
  | { readonly kind: 'failed'; readonly error: unknown; readonly found: Found };
