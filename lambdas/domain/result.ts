import type { Action, Reason, Warning } from './decision.ts';
import type { ErrorCode } from './errors.ts';
import type { HookFailure } from './hook.ts';
import type { Operation } from './profile.ts';
import type { ServedReport } from './serving.ts';

export type Outcome = 'issued' | 'renewed' | 'rekeyed' | 'pending' | 'skipped' | 'planned';

/** The answer to an on-demand request (docs/invoke.md). Times are RFC 3339. A field that does not apply is null. */
export interface RenewalResult {
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly warnings: readonly Warning[];
  readonly secretArn: string;
  readonly versionId: string | null;
  readonly previousVersionId: string | null;
  readonly profile: string;
  /** RFC 4514. */
  readonly subject: string | null;
  /** Each is `dns:`, `ip:`, `email:` or `uri:` and the value. */
  readonly sans: readonly string[] | null;
  readonly serialNumber: string | null;
  readonly previousSerialNumber: string | null;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly renewAt: string | null;
  readonly keyAlgorithm: string | null;
  readonly fingerprintSha256: string | null;
  readonly out?: { readonly secretArn: string; readonly versionId: string };
}

/** The events on EventBridge: `detail` by `detail-type`. */
export type RenewalEvent =
  | {
      readonly type: 'Certificate Renewed';
      readonly secretArn: string;
      readonly detail: RenewalResult & { readonly operation: Operation };
    }
  | {
      readonly type: 'Certificate Renewal Failed';
      readonly secretArn: string;
      readonly detail: {
        readonly secretArn: string;
        readonly name: string | null;
        readonly profile: string | null;
        readonly code: ErrorCode;
        readonly message: string;
        readonly retryable: boolean;
        /** Number of failed renewals of this certificate in a row, this one included. */
        readonly failures: number;
        readonly notAfter: string | null;
      };
    }
  | {
      readonly type: 'Certificate Renewal Overdue';
      readonly secretArn: string;
      readonly detail: {
        readonly secretArn: string;
        readonly name: string;
        readonly profile: string;
        /** When the certificate was due. For a missing declared certificate: when it should have been issued. */
        readonly renewAt: string;
        /** Null if there is no certificate. */
        readonly notAfter: string | null;
      };
    }
  | { readonly type: 'Certificate Hook Failed'; readonly secretArn: string; readonly detail: HookFailure }
  /** For an unknown secret. */
  | { readonly type: 'Certificate Hook Failed'; readonly detail: HookFailure }
  | { readonly type: 'Certificate Served'; readonly secretArn: string; readonly detail: ServedReport }
  | { readonly type: 'Certificate Not Served'; readonly secretArn: string; readonly detail: ServedReport }
  | { readonly type: 'Scan Completed'; readonly detail: ScanCounts };

export interface ScanCounts {
  readonly listed: number;
  readonly enqueued: number;
  readonly notDue: number;
  readonly paused: number;
  readonly backingOff: number;
  /** Number of secrets that wait for the CA to finish. */
  readonly waiting: number;
  readonly invalid: number;
  readonly unknown: number;
  readonly overdue: number;
  readonly durationMs: number;
}

export interface PlanEntry {
  readonly secretArn: string;
  readonly name: string;
  readonly profile: string;
  readonly action: Action;
  readonly reason: Reason;
  readonly notAfter: string | null;
  readonly renewAt: string | null;
}

export interface ScanResult extends ScanCounts {
  readonly plan: readonly PlanEntry[];
  readonly planTruncated?: true;
  /** The requested `secretIds` that were not listed (in a partial answer: not listed so far). */
  readonly notFound?: readonly string[];
  /**
   * The function ran out of time before it had listed all secrets. Counts and plan cover the listed ones. Unless it is a dry run,
   * another invocation continues from there, and `Scan Completed` has the sums of all.
   */
  readonly partial?: true;
}
