/** The answer of a renewal (docs/invoke.md), which is also the detail of its event. */
import type { Certificate } from '../domain/certificate.ts';
import type { Reason, Warning } from '../domain/decision.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Journal, Publisher } from '../domain/ports.ts';
import type { Operation } from '../domain/profile.ts';
import type { Outcome, RenewalResult } from '../domain/result.ts';
import { describeCertificate } from '../x509/facts.ts';

export interface ResultFacts {
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly warnings: readonly Warning[];
  readonly secretArn: string;
  readonly profile: string;
  readonly versionId: string | null;
  readonly previousVersionId: string | null;
  readonly certificate: Certificate | undefined;
  readonly previous: Certificate | undefined;
  readonly renewAt: Instant | undefined;
}

const nothing = {
  subject: null,
  sans: null,
  serialNumber: null,
  notBefore: null,
  notAfter: null,
  keyAlgorithm: null,
  fingerprintSha256: null,
};

export function resultOf(facts: ResultFacts): RenewalResult {
  return {
    outcome: facts.outcome,
    reason: { code: facts.reason.code, message: facts.reason.message },
    warnings: facts.warnings,
    secretArn: facts.secretArn,
    versionId: facts.versionId,
    previousVersionId: facts.previousVersionId,
    profile: facts.profile,
    ...(facts.certificate ? describeCertificate(facts.certificate) : nothing),
    previousSerialNumber: facts.previous?.serialNumber ?? null,
    renewAt: facts.renewAt === undefined ? null : formatInstant(facts.renewAt),
  };
}

const outcomes = { issue: 'issued', renew: 'renewed', rekey: 'rekeyed' } as const satisfies Record<Operation, Outcome>;

export const outcomeOf = (operation: Operation): Outcome => outcomes[operation];

/** Sends `Certificate Renewed`. Throws Throttled, AccessDenied. */
export function publishRenewed(
  { publisher }: { readonly publisher: Pick<Publisher, 'publish'> },
  result: RenewalResult,
  operation: Operation,
): Promise<void> {
  return publisher.publish({
    type: 'Certificate Renewed',
    secretArn: result.secretArn,
    detail: { ...result, operation },
  });
}

/** Logs the decision in one line and returns the result. */
export function logResult(
  { journal }: { readonly journal: Pick<Journal, 'decision'> },
  result: RenewalResult,
): RenewalResult {
  const { secretArn, reason, outcome, profile, versionId, warnings, notAfter, renewAt } = result;
  journal.decision({ secretArn, reason, outcome, profile, versionId, warnings, notAfter, renewAt });
  return result;
}
