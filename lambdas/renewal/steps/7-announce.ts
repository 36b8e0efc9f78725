/**
 * Step 7: sends the event, then writes the tags. The tag `version-id` marks a version as announced, so it comes last: after a
 * failure before it, the next look sends the owed event (owed.ts).
 */
import type { RenewalResult } from '../../domain/result.ts';
import type { SecretSummary } from '../../domain/secret.ts';
import { operationOf } from '../../domain/wanted.ts';
import type { Unannounced } from '../../policy/unannounced.ts';
import { keepBundle } from '../after-promotion.ts';
import { announceOwed } from '../owed.ts';
import { issuedFor, type Place } from '../place.ts';
import { publishRenewed } from '../result.ts';
import { noteRenewal } from '../status-tags.ts';
import type { RenewalWorld } from '../world.ts';
import type { Plan } from './3-plan.ts';
import type { VerifiedPair } from './5-verify.ts';

/** The facts of a promotion for its event and tags. */
export interface News {
  readonly result: RenewalResult;
  readonly plan: Plan;
  readonly pair: VerifiedPair;
  /** The secret that was written. */
  readonly target: SecretSummary;
  /** Its new version. */
  readonly to: string;
  /** Owed events of earlier renewals, which are sent first. */
  readonly owed: readonly Unannounced[];
}

/** Announces a promotion. Throws if the event can't be sent or the tags can't be written. */
export async function announce(world: RenewalWorld, place: Place, news: News): Promise<void> {
  const { result, plan, pair, target, to, owed } = news;
  await keepBundle(world, place, pair.leaf, place.leaf); // before the event of a new root
  if (place.leaf !== undefined) await announceOwed(world, place, owed);
  const operation = operationOf(plan.wanted);
  await publishRenewed(world, result, operation);
  const validity = { notBefore: pair.leaf.notBefore, end: pair.end };
  const isInPlace = target.arn === place.secret.arn;
  const issued = isInPlace ? issuedFor(place, operation) : undefined;
  const toServe = { certificate: pair.leaf, now: world.clock.now() };
  await noteRenewal(world.store, target, to, validity, { issued, toServe });
}
