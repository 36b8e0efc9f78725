/** What the cycle does while a CA has not finished: it sends a message that comes later, and notes that in the tag `order`. */
import type { Decision } from '../domain/decision.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import { orderOf } from '../domain/order-id.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import {
  isMessageOnItsWay,
  isOldWait,
  longestWait,
  nextHop,
  readWait,
  type Wait,
  waitFrom,
} from '../policy/waiting.ts';
import type { Job } from './job.ts';
import type { Waiting } from './orders/asking.ts';
import { noteWait } from './status-tags.ts';
import type { RenewalWorld } from './world.ts';

/**
 * Returns the decision for a message that comes before the CA may be asked: it waits on. A second message for one wait is dropped, so
 * that messages do not multiply. Undefined: the CA may be asked.
 */
export async function waitOn(world: RenewalWorld, job: Job, secret: SecretSummary): Promise<Decision | undefined> {
  if (job.versionId === undefined || job.versionId !== secret.currentVersionId) return undefined; // on demand, or late
  const now = world.clock.now();
  const wait = readWait(secret, now);
  if (wait === undefined) return undefined;
  if (isMessageOnItsWay(wait, now)) return decisionOf(wait, 'an earlier message is still to come');
  const hop = nextHop(wait, now);
  if (hop === undefined) return undefined;
  await comeLater(world, job, secret, hop);
  return decisionOf(hop, 'the CA takes no request before that');
}

/**
 * Returns the decision for a request while the CA takes no order. Undefined: the CA may be asked, or has an open order, for which it may
 * be asked at any time.
 */
export function limitedByCa(world: Pick<RenewalWorld, 'clock'>, secret: SecretSummary): Decision | undefined {
  const now = world.clock.now();
  const wait = readWait(secret, now);
  if (wait === undefined || orderOf(secret)?.stage === 'order' || nextHop(wait, now) === undefined) return undefined;
  return decisionOf(wait, 'the CA takes no order before that');
}

/**
 * Sends the next message, and notes the wait. Throws CaUnavailable if the certificate has waited for a day: then the failure is reported
 * and backed off. A message that can't be sent is replaced by the scan.
 */
export async function waitForCa(
  world: RenewalWorld,
  job: Job,
  secret: SecretSummary,
  waiting: Waiting,
): Promise<Decision> {
  if (waiting.isElsewhere) return waitForWorker(world, job, secret, waiting);
  const { after, says } = waiting;
  const now = world.clock.now();
  const before = readWait(secret, now);
  const wait = waitFrom(before, after, now, secret.arn);
  if (now - wait.since >= longestWait) {
    const { tooLong } = await import('./orders/asking.ts');
    throw tooLong(says);
  }
  // On demand, the message of the schedule's wait may still be to come.
  if (before === undefined || !isMessageOnItsWay(before, now)) await comeLater(world, job, secret, wait);
  else if (wait.until > before.until)
    await logged(world, secret, () => noteWait(world.store, secret, { ...wait, again: before.again }));
  return decisionOf(wait, says);
}

/** Notes nothing, because the other worker's note may be about a longer wait. The message comes if that worker was killed. */
async function waitForWorker(
  world: RenewalWorld,
  job: Job,
  secret: SecretSummary,
  { after, says }: Waiting,
): Promise<Decision> {
  const now = world.clock.now();
  const noted = readWait(await world.store.describe(secret.arn), now);
  const wait = noted ?? waitFrom(undefined, after, now, secret.arn);
  if (noted === undefined) await sendLater(world, job, secret, wait);
  return decisionOf(wait, says);
}

const decisionOf = ({ since, again }: Wait, says: string): Decision => ({
  action: 'skip',
  code: 'WaitingForCa',
  message: `It waits for its CA since ${formatInstant(since)}: ${says}. It is looked at again at ${formatInstant(again)}.`,
});

/** The message comes first: without the tag it only comes too often, without the message nobody would come before the scan. */
async function comeLater(world: RenewalWorld, job: Job, secret: SecretSummary, wait: Wait): Promise<void> {
  if (await sendLater(world, job, secret, wait))
    await logged(world, secret, () => noteUnlessRenewed(world, secret, wait));
}

/** Another worker may have filled the order meanwhile, and taken the tag away. */
async function noteUnlessRenewed({ store }: RenewalWorld, secret: SecretSummary, wait: Wait): Promise<void> {
  const now = await store.describe(secret.arn);
  if (now.currentVersionId === secret.currentVersionId) await noteWait(store, now, wait);
}

/** Takes the tag of an earlier version away. A late message does this: each wait has one, so the tag does not stay. */
export async function clearOldWait(world: RenewalWorld, secret: SecretSummary): Promise<void> {
  if (isOldWait(secret)) await logged(world, secret, () => world.store.tag(secret.arn, {}, [tags.order]));
}

/** Returns whether the message was sent. */
async function sendLater(world: RenewalWorld, job: Job, secret: SecretSummary, { again }: Wait): Promise<boolean> {
  const { currentVersionId: versionId, arn: secretArn } = secret;
  if (versionId === undefined) return false;
  // What a person has asked for is due also if its time has not come.
  const force = job.force || job.request !== undefined;
  const message = { secretArn, versionId, ...(force && { force }) };
  return logged(world, secret, () => world.queue.send([message], secondsUntil(again, world.clock.now())));
}

async function logged({ journal }: RenewalWorld, { arn }: SecretSummary, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    journal.failure({ secretArn: arn, error, step: 'waiting for the CA' });
    return false;
  }
}

const secondsUntil = (then: Instant, now: Instant): number => Math.max(1, Math.ceil((then - now) / 1000));
