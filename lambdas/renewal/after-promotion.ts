/** What comes after a promotion: it can't undo it. */
import type { Certificate } from '../domain/certificate.ts';
import type { Subject } from './place.ts';
import type { RenewalWorld } from './world.ts';

/** An error is logged, the mark stays behind, and the next look makes up for it (owed.ts). False where something is left to do. */
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

/** The trust bundle. Where it can't be written, an inspection makes up for it: no event waits. */
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
