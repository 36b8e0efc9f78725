/** Work after a promotion. Its failure does not undo the promotion. */
import type { Certificate } from '../domain/certificate.ts';
import type { Subject } from './place.ts';
import type { RenewalWorld } from './world.ts';

/**
 * Runs `work` and returns whether it succeeded. Logs an error. The mark stays then, and the next look at the secret repeats the
 * work (owed.ts).
 */
export async function afterPromotion(
  { journal }: Pick<RenewalWorld, 'journal'>,
  secretArn: string,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    journal.failure({ secretArn, error, step: 'after promotion' });
    return false;
  }
}

/** Updates the trust bundle. Logs a failure, which the next inspection repairs, so that no event waits for it. */
export async function keepBundle(
  world: Pick<RenewalWorld, 'journal' | 'keepBundle'>,
  { secret, authority }: Pick<Subject, 'secret' | 'authority'>,
  certificate: Certificate,
  previous: Certificate | undefined,
): Promise<void> {
  if (authority === undefined || world.keepBundle === undefined) return;
  const { keepBundle: keep } = world;
  await afterPromotion(world, secret.arn, () => keep(certificate, previous));
}
