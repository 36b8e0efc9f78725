/**
 * Step 7: the event, then the tags. The tag `version-id` is the mark that a version was announced, so it comes last: whatever fails
 * before it, the next look announces what is owed (owed.ts).
 */
import type { RenewalResult } from '../../domain/result.ts';
import type { SecretSummary } from '../../domain/secret.ts';
import { operationOf } from '../../domain/wanted.ts';
import type { Unannounced } from '../../policy/unannounced.ts';
import { keepBundle } from '../after-promotion.ts';
import { announceOwed } from '../owed.ts';
import { publishRenewed } from '../result.ts';
import { noteRenewal } from '../status-tags.ts';
import type { RenewalWorld } from '../world.ts';
import type { Subject } from './1-gather.ts';
import type { Plan } from './3-plan.ts';
import type { VerifiedPair } from './5-verify.ts';

/** What is to be told of a promotion. */
export interface News {
  readonly result: RenewalResult;
  readonly plan: Plan;
  readonly pair: VerifiedPair;
  /** The secret that was written, and the version that it has now. */
  readonly target: SecretSummary;
  readonly to: string;
  /** Events of earlier renewals that could not be sent yet: they come before this one's. */
  readonly owed: readonly Unannounced[];
}

/** Throws where the event can't be sent or the tags can't be written. */
export async function announce(world: RenewalWorld, subject: Subject, news: News): Promise<void> {
  const { result, plan, pair, target, to, owed } = news;
  await keepBundle(world, subject, pair.leaf, subject.leaf); // before anybody is told of a new root
  await announceOwed(world, subject, owed);
  await publishRenewed(world, result, operationOf(plan.wanted));
  await noteRenewal(world.store, target, to, { notBefore: pair.leaf.notBefore, end: pair.end });
}
