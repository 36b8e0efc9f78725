/**
 * Checks whether the CA can renew a certificate at all, as far as public data show. Examples are a CA certificate in a profile that
 * renews leaves, another issuer, or no clientAuth at step-ca. Such a problem must be known before the certificate is due.
 */
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { CaProvider } from '../domain/ports.ts';
import { copiesCertificates } from '../domain/ports.ts';
import type { Settings } from '../domain/settings.ts';
import { copyingOf } from '../domain/wanted.ts';
import { planKey } from './next-key.ts';
import type { Pair } from './pair.ts';
import type { Plan } from './steps/3-plan.ts';

/** A pair and the CA that renews it. The pair is in the secret, or about to be imported. */
export interface Judged extends Pair {
  readonly provider: CaProvider;
}

/**
 * Checks a certificate that is not due. Throws the error that its renewal will end with if nobody changes anything. Ignores
 * retryable errors, because the certificate is still valid.
 */
export async function checkLasting(subject: Judged, settings: Settings, now: Instant): Promise<void> {
  if (!copiesCertificates(subject.provider.can)) throw onlyDeclared();
  const operation = copyingOf(planKey(subject, settings));
  try {
    await subject.provider.checkFitness?.(subject, operation, { now, lasting: true });
  } catch (error) {
    if (!(error instanceof RenewalError) || !error.retryable) throw error;
  }
}

/** Checks a planned renewal for a dry run. Throws the error that it would end with now. */
export async function checkNow(subject: Judged, { wanted }: Plan, now: Instant): Promise<void> {
  await subject.provider.checkFitness?.(subject, copyingOf(wanted), { now, lasting: false });
}

const onlyDeclared = (): RenewalError =>
  new RenewalError(
    'NotDeclared',
    'The CA of this profile issues only declared certificates, and this secret has no declaration that the profile may issue. Declare the certificate: in "certificates" of the configuration, then deploy, or with cert-renewer declare.',
  );
