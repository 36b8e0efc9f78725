/** An order that nobody continues: another version has become current, or nothing is declared any more. */
import type { Profile } from '../../domain/profile.ts';
import type { SecretSummary } from '../../domain/secret.ts';
import type { RenewalWorld } from '../world.ts';
import { receiptIn } from './record.ts';

/**
 * Takes away what was published for the order of this version, then its label: after a rollback the order could otherwise become the
 * certificate again. Never throws. After a failure the label stays, and the next look tries again.
 */
export async function clearOrder(
  world: RenewalWorld,
  { arn }: Pick<SecretSummary, 'arn'>,
  profile: Profile,
  versionId: string,
): Promise<void> {
  try {
    const { value } = await world.store.read(arn, versionId);
    const receipt = receiptIn(value);
    if (receipt !== undefined) await (await world.providerFor(profile)).abandon?.(receipt);
    await world.store.dropOrder(arn, versionId);
  } catch (error) {
    world.journal.failure({ secretArn: arn, error, step: 'clearing an order' });
  }
}
