/** Steps 9 and 10: publish, then tag. Tags that are behind bring the certificate back, so the event goes out at least once. */
import type { Certificate } from '../domain/certificate.ts';
import type { Reason, Warning } from '../domain/decision.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Store } from '../domain/ports.ts';
import type { Mode } from '../domain/profile.ts';
import type { Outcome, RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import type { Validity } from '../policy/renewal-time.ts';
import { describeCertificate } from '../x509/facts.ts';
import type { RenewalWorld } from './world.ts';

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

/** The answer of contract section 5, which is the event's detail too. */
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

/** Step 9. Throws Throttled, AccessDenied. */
export function publishRenewed(
  world: Pick<RenewalWorld, 'publisher'>,
  result: RenewalResult,
  operation: Mode,
): Promise<void> {
  return world.publisher.publish({
    type: 'Certificate Renewed',
    secretArn: result.secretArn,
    detail: { ...result, operation },
  });
}

/** Step 10: the version and its window; a failure noted for an earlier one goes. Nothing is written that is there already. */
export async function tagStatus(
  store: Pick<Store, 'tag'>,
  secret: SecretSummary,
  versionId: string,
  validity: Validity,
): Promise<void> {
  const wanted = {
    [tags.versionId]: versionId,
    [tags.notBefore]: formatInstant(validity.notBefore),
    [tags.notAfter]: formatInstant(validity.end),
  };
  const upToDate = Object.entries(wanted).every(([tag, value]) => secret.tags.get(tag) === value);
  const stale = secret.tags.has(tags.failure) ? [tags.failure] : [];
  if (upToDate && stale.length === 0) return;
  await store.tag(secret.arn, upToDate ? {} : wanted, stale);
}

/**
 * What comes after the promotion can't undo it: an error here is logged, the tags stay behind, and the next scan sends
 * the secret to a worker that makes up for it (settle).
 */
export async function afterwards(
  world: Pick<RenewalWorld, 'journal'>,
  secretArn: string,
  steps: () => Promise<void>,
): Promise<void> {
  try {
    await steps();
  } catch (error) {
    world.journal.failure({ secretArn, error, step: 'after promotion' });
  }
}
