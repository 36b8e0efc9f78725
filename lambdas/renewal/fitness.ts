/**
 * Whether a certificate can be renewed at all, as far as public data alone tell: a CA's certificate in a profile that renews
 * leaves, one of another issuer, one without clientAuth at step-ca. Nobody wants to hear of it on the day that it is due.
 */
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { CaProvider } from '../domain/ports.ts';
import type { Settings } from '../domain/settings.ts';
import { copyingOf } from '../domain/wanted.ts';
import { planKey } from './next-key.ts';
import type { Pair } from './pair.ts';
import type { Plan } from './steps/3-plan.ts';

/** A pair, in the secret or on its way there, and the CA that is to renew it. */
export interface Judged extends Pair {
  readonly provider: CaProvider;
}

/**
 * For a certificate that is not due: what no time will mend. Throws what its renewal will throw one day, and nothing that may
 * pass by itself: the certificate is well for today.
 */
export async function checkLasting(subject: Judged, settings: Settings, now: Instant): Promise<void> {
  const operation = copyingOf(planKey(subject, settings));
  try {
    await subject.provider.checkFitness?.(subject, operation, { now, lasting: true });
  } catch (error) {
    if (!(error instanceof RenewalError) || !error.retryable) throw error;
  }
}

/** For a dry run of a renewal that is planned. Throws what it would end with now. */
export async function checkNow(subject: Judged, { wanted }: Plan, now: Instant): Promise<void> {
  await subject.provider.checkFitness?.(subject, copyingOf(wanted), { now, lasting: false });
}
