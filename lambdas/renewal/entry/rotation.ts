/**
 * The renew function as the rotation function of a secret with native rotation: Secrets Manager calls it once a step, and
 * may call each step again (https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html).
 * The version's id is Secrets Manager's own token; all else is the renewal that everybody gets.
 */
import { isDeepStrictEqual } from 'node:util';
import { RenewalError, toRenewalError } from '../../domain/errors.ts';
import type { SecretSummary, SecretValue } from '../../domain/secret.ts';
import { versionIdPrefix } from '../../domain/version-id.ts';
import { parseRotationRequest, type RotationRequest } from '../../policy/request.ts';
import { checkRoom } from '../../policy/room.ts';
import { type Unannounced, unannounced } from '../../policy/unannounced.ts';
import { carryOut } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import type { Found } from '../job.ts';
import { keepOwed, makeUpFor } from '../owed.ts';
import { requireCertificate, type Subject } from '../place.ts';
import { renewed, type Work } from '../renewed.ts';
import { judgeStaged, ownPending, previousCreatedAt } from '../staged.ts';
import { keepTrack } from '../status-tags.ts';
import { enrolmentOf, gather } from '../steps/1-gather.ts';
import { plan } from '../steps/3-plan.ts';
import { issue } from '../steps/4-ask.ts';
import { promote, stage } from '../steps/6-swap.ts';
import { announce } from '../steps/7-announce.ts';
import type { RenewalWorld } from '../world.ts';

/** `input`: Secrets Manager's event. Throws RenewalError, after writing down what failed; Secrets Manager tries again. */
export async function rotateStep(world: RenewalWorld, input: unknown): Promise<void> {
  const look = new Look(world);
  let announcement: Announcement | undefined;
  try {
    announcement = await rotate(look, parseRotationRequest(input));
  } catch (thrown) {
    throw await recordFailure(world, look.found, thrown, { final: true, paced: true });
  }
  try {
    await announcement?.();
  } catch (error) {
    // Nothing undoes the promotion; Secrets Manager calls finishSecret again, which makes up for this.
    world.journal.failure({ secretArn: look.found.secret?.arn ?? null, error, step: 'after promotion' });
    throw toRenewalError(error);
  }
}

/** What is left to do after the promotion: the event and the tags. */
type Announcement = () => Promise<void>;

/** One look at the secret, as far as it came. */
class Look {
  readonly world: RenewalWorld;
  found: Found = {};

  constructor(world: RenewalWorld) {
    this.world = world;
  }

  async begin(secretId: string): Promise<SecretSummary> {
    const secret = await this.world.store.describe(secretId);
    this.found = { secret };
    return secret;
  }

  /** Step 1, of a secret that has to be ours and to hold a pair. */
  async gather(secret: SecretSummary): Promise<Subject> {
    const place = await enrolmentOf(this.world, secret, undefined);
    if (place.kind === 'left')
      throw new RenewalError('InvalidRequest', place.decision.message, { concerns: 'foreign' });
    this.found = { ...this.found, profile: place.profile };
    if (place.kind === 'refused') throw place.error;
    this.found = { ...this.found, enrolled: place.enrolled };
    if (secret.currentVersionId === undefined) {
      const message = `The secret ${secret.name} has no value yet: put the first pair into it.`;
      throw new RenewalError('UnsupportedSecret', message);
    }
    const look = await gather(this.world, place.enrolled, secret.currentVersionId);
    if (look.kind === 'left') throw new RenewalError('InvalidRequest', look.decision.message, { concerns: 'foreign' });
    const subject = requireCertificate(look.place);
    this.found = { ...this.found, subject };
    return subject;
  }
}

/**
 * One step. createSecret stages a new pair, testSecret proves it once more, finishSecret promotes it; setSecret has
 * nothing to do, as the certificate lives in the secret alone. Each may be repeated. Throws RenewalError.
 */
async function rotate(look: Look, { step, token, secretId }: RotationRequest): Promise<Announcement | undefined> {
  const { world } = look;
  const secret = await look.begin(secretId);
  const stages = secret.versions.get(token);
  if (stages?.includes('AWSCURRENT')) return step === 'finishSecret' ? unfinished(look, secret) : undefined;
  const isPending = stages?.includes('AWSPENDING') ?? false;
  if (!isPending && !(await wasGivenUp(world, secret, token))) throw notPending(secret, token);
  if (step === 'setSecret' || (!isPending && (step !== 'createSecret' || !ownPending(secret)))) return undefined;
  const { subject, work } = await prepare(look, secret);
  if (step === 'createSecret') {
    await create(world, subject, work, token);
    return undefined;
  }
  const staged = await stagedPair(world, subject, work, token);
  if (step === 'testSecret' && (staged || (await holdsCurrent(world, subject, token)))) return undefined;
  if (!staged) {
    throw new RenewalError(
      'CertificateRejected',
      `Version ${token} of ${secret.name} holds no pair that could replace the current one: rotate again.`,
    );
  }
  await keepMark(world, subject, work.owed, token);
  const isOurs = await promote(world, { secretArn: secret.arn, from: subject.version.versionId, to: token });
  if (!isOurs) return undefined; // the same step, called twice: the other call says so
  world.journal.count('Renewed', subject.profile.name, 1);
  const result = renewed(subject, work, staged);
  return () => announce(world, subject, { ...staged, result, plan: work.plan, target: secret, owed: work.owed });
}

/** A pair that did not fit any more, in the place of which another one was made under an id of our own (createInstead). */
async function wasGivenUp(world: RenewalWorld, secret: SecretSummary, token: string): Promise<boolean> {
  const isReplaced = secret.currentVersionId?.startsWith(versionIdPrefix) || ownPending(secret) !== undefined;
  return isReplaced && (await stagedValue(world, secret, token)) !== undefined;
}

function notPending(secret: SecretSummary, token: string): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `Version ${token} of ${secret.name} is not AWSPENDING: only Secrets Manager's own rotation calls this step.`,
    { concerns: 'request' },
  );
}

/**
 * A token does not tell that a version is ours, so the mark does, before it is promoted: once it is current its event is
 * owed, whatever becomes of the rotation. Where nothing else is owed a mark that can't be written stops no rotation.
 */
async function keepMark(
  world: RenewalWorld,
  subject: Subject,
  owed: readonly Unannounced[],
  token: string,
): Promise<void> {
  const { secret, version } = subject;
  const next = { versionId: token, previousVersionId: version.versionId };
  if (owed.length > 0) return keepOwed(world, subject, owed, next);
  await keepTrack(world.store, secret, [], next).catch((error: unknown) => {
    world.journal.failure({ secretArn: secret.arn, error, step: 'keeping track of events' });
  });
}

/** finishSecret once more, after a promotion whose event or tags may be missing. */
function unfinished(look: Look, secret: SecretSummary): Announcement | undefined {
  const owed = unannounced(secret);
  if (owed.length === 0) return undefined;
  return async () => makeUpFor(look.world, await new Look(look.world).gather(secret), owed);
}

/** Secrets Manager decides when: that it asks is the reason, whatever the window says. */
async function prepare(look: Look, secret: SecretSummary): Promise<{ subject: Subject; work: Work }> {
  const subject = await look.gather(secret);
  const noRoom = checkRoom(secret);
  if (noRoom !== undefined) throw new RenewalError('UnsupportedSecret', noRoom);
  const planned = plan(subject, { settings: subject.settings.usual, force: false });
  const reason = { code: 'Requested', message: 'Secrets Manager rotates the secret.' } as const;
  const owed = unannounced(secret);
  return { subject, work: { reason, plan: planned, warnings: planned.warnings, owed } };
}

async function create(world: RenewalWorld, subject: Subject, work: Work, token: string): Promise<void> {
  if (await stagedPair(world, subject, work, token)) return; // an earlier call got so far
  const { secret, version } = subject;
  const isUnfit = (await wasRolledBack(world, subject)) || (await stagedValue(world, secret, token)) !== undefined;
  if (isUnfit) return createInstead(world, subject, work);
  const { value } = await issue(world, subject, work.plan);
  await stage(world.store, { secretArn: secret.arn, from: version.versionId, to: token }, value);
}

/**
 * What was staged under the token fits no more: the tags have changed, or the owner has written another certificate. A
 * version can't be written twice, and Secrets Manager comes back with the same token, so the renewal is done under an id of
 * our own, here and whole. AWSPENDING goes with it, which ends this rotation and does not block the next.
 */
async function createInstead(world: RenewalWorld, subject: Subject, work: Work): Promise<void> {
  await carryOut(world, subject, work);
}

/** A token does not tell which version a pair was made of: after a rollback it may be the one that nobody wanted. */
async function stagedPair(world: RenewalWorld, subject: Subject, work: Work, token: string) {
  return (await wasRolledBack(world, subject)) ? undefined : judgeStaged(world, subject, work.plan, token);
}

/** Whether what is current is older than what it came after. */
async function wasRolledBack(world: RenewalWorld, { secret, version }: Subject): Promise<boolean> {
  return (await previousCreatedAt(world.store, secret)) > version.createdAt;
}

/** Undefined for a version without a value: RotateSecret labels it before anybody has written it. */
async function stagedValue(
  { store }: RenewalWorld,
  { arn }: SecretSummary,
  versionId: string,
): Promise<SecretValue | undefined> {
  try {
    return (await store.read(arn, versionId)).value;
  } catch (error) {
    if (error instanceof RenewalError && error.code === 'SecretNotFound') return undefined;
    throw error;
  }
}

/** RotateSecret with RotateImmediately false has testSecret look at a copy of the current value: that is well. */
async function holdsCurrent(world: RenewalWorld, { secret, version }: Subject, token: string): Promise<boolean> {
  return isDeepStrictEqual(await stagedValue(world, secret, token), version.value);
}
