import type { Instant } from '../domain/instant.ts';
import type { OnDemandRequest } from '../domain/request.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Unannounced } from '../policy/unannounced.ts';
import type { Enrolled, Place } from './place.ts';

/** A secret to renew, and the request for it. */
export interface Job {
  readonly secretId: string;
  /** From the queue: the version that the scan saw. If another version is current, the work is done. */
  readonly versionId?: string;
  /** The on-demand request. */
  readonly request?: OnDemandRequest;
  /** For an authority's certificate: the requested notAfter. */
  readonly notAfter?: Instant;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** What was known about a secret when a try failed. */
export interface Found {
  readonly secret?: SecretSummary;
  /** The profile's name. It does not come from a tag for an authority's certificate. */
  readonly profile?: string;
  readonly enrolled?: Enrolled;
  readonly subject?: Place;
  /** Events still owed. Undefined before the check for owed events. */
  readonly owed?: readonly Unannounced[];
}

/** The end of one try. */
export type Ending =
  | {
      readonly kind: 'done';
      readonly result: RenewalResult;
      /** The certificate is as it should be, but its event or its tags are still missing. Try again soon. */
      readonly isUnfinished: boolean;
    }
  | { readonly kind: 'failed'; readonly error: unknown; readonly found: Found };
