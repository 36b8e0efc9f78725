/** Step 9 and what it says: the answer, which is the event's detail too. */
import type { Certificate } from '../../domain/certificate.ts';
import type { Reason, Warning } from '../../domain/decision.ts';
import { formatInstant, type Instant } from '../../domain/instant.ts';
import type { Mode, Profile } from '../../domain/profile.ts';
import type { Outcome, RenewalResult } from '../../domain/result.ts';
import { describeCertificate } from '../../x509/facts.ts';
import type { RenewalWorld } from '../world.ts';

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

/**
 * What comes after the promotion can't undo it: an error here is logged, the mark stays behind, and the next look makes up
 * for it (settle.ts). False where something is left to do.
 */
export async function afterwards(
  world: Pick<RenewalWorld, 'journal'>,
  secretArn: string,
  steps: () => Promise<void>,
): Promise<boolean> {
  try {
    await steps();
    return true;
  } catch (error) {
    world.journal.failure({ secretArn, error, step: 'after promotion' });
    return false;
  }
}

/** The trust bundle, before anybody is told of a new root. Where it can't be written, an inspection makes up for it: no event waits. */
export async function keepBundle(
  world: Pick<RenewalWorld, 'journal' | 'afterRenewal'>,
  secretArn: string,
  profile: Profile,
  leaf: Certificate,
  previous: Certificate | undefined,
): Promise<void> {
  await afterwards(world, secretArn, async () => world.afterRenewal?.(profile, leaf, previous));
}
