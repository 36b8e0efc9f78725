/**
 * The renew function as the rotation function of a secret with native rotation: Secrets Manager calls it once a step, and
 * may call each step again (https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html).
 * The version's id is Secrets Manager's own token; all else is the renewal that everybody gets.
 */
import { isDeepStrictEqual } from 'node:util';
import { RenewalError, toRenewalError } from '../../domain/errors.ts';
import type { SecretSummary, SecretValue } from '../../domain/secret.ts';
import { versionIdPrefix } from '../../domain/version-id.ts';
import { checkRoom } from '../../policy/checks.ts';
import { parseRotationRequest, type RotationRequest } from '../../policy/request.ts';
import { resolveSettings } from '../../policy/settings.ts';
import { type Unannounced, unannounced } from '../../policy/unannounced.ts';
import { recordFailure } from '../failure.ts';
import type { Trace } from '../renew.ts';
import { enrolment, gather, type Subject } from '../steps/gather.ts';
import {
  announce,
  issueAndVerify,
  judgeStaged,
  keepOwed,
  type Performance,
  perform,
  resultOfSwap,
} from '../steps/perform.ts';
import { planRenewal } from '../steps/plan.ts';
import { makeUpFor } from '../steps/settle.ts';
import { keepTrack } from '../steps/status-tags.ts';
import { ownPending, previousCreatedAt, promote, stage } from '../steps/swap.ts';
import type { RenewalWorld } from '../world.ts';

/** `input`: Secrets Manager's event. Throws RenewalError, after writing down what failed; Secrets Manager tries again. */
export async function rotateStep(world: RenewalWorld, input: unknown): Promise<void> {
  const trace: Trace = {};
  let announcement: Announcement | undefined;
  try {
    announcement = await rotate(world, parseRotationRequest(input), trace);
  } catch (thrown) {
    throw await recordFailure(world, trace, thrown, { final: true, paced: true });
  }
  try {
    await announcement?.();
  } catch (error) {
    // Nothing undoes the promotion; Secrets Manager calls finishSecret again, which makes up for this.
    world.journal.failure({ secretArn: trace.secret?.arn ?? null, error, step: 'after promotion' });
    throw toRenewalError(error);
  }
}

/** What is left to do after the promotion: the event and the tags. */
type Announcement = () => Promise<void>;

/**
 * One step. createSecret stages a new pair, testSecret proves it once more, finishSecret promotes it; setSecret has
 * nothing to do, as the certificate lives in the secret alone. Each may be repeated. Throws RenewalError.
 */
async function rotate(world: RenewalWorld, request: RotationRequest, trace: Trace): Promise<Announcement | undefined> {
  const { step, token } = request;
  const secret = await world.store.describe(request.secretId);
  trace.secret = secret;
  const stages = secret.versions.get(token);
  if (stages?.includes('AWSCURRENT')) return step === 'finishSecret' ? unfinished(world, secret) : undefined;
  const isPending = stages?.includes('AWSPENDING') ?? false;
  if (!isPending && !(await wasGivenUp(world, secret, token))) throw notPending(secret, token);
  if (step === 'setSecret' || (!isPending && (step !== 'createSecret' || !ownPending(secret)))) return undefined;
  const { subject, work } = await prepare(world, secret, trace);
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
  const result = resultOfSwap(subject, work, staged.pair, token);
  return () => announce(world, subject, work, { result, target: secret, pair: staged.pair, to: token });
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
function unfinished(world: RenewalWorld, secret: SecretSummary): Announcement | undefined {
  const owed = unannounced(secret);
  if (owed.length === 0) return undefined;
  return async () => makeUpFor(world, await gatherCurrent(world, secret, {}), owed);
}

/** Secrets Manager decides when: that it asks is the reason, whatever the window says. */
async function prepare(
  world: RenewalWorld,
  secret: SecretSummary,
  trace: Trace,
): Promise<{ subject: Subject; work: Performance }> {
  const subject = await gatherCurrent(world, secret, trace);
  const noRoom = checkRoom(secret);
  if (noRoom !== undefined) throw new RenewalError('UnsupportedSecret', noRoom);
  const settings = resolveSettings(undefined, subject.tagged, subject.profile);
  const plan = planRenewal(subject, settings, undefined);
  const decision = {
    action: settings.mode,
    code: 'Requested',
    message: 'Secrets Manager rotates the secret.',
  } as const;
  const owed = unannounced(secret);
  return { subject, work: { decision, settings, plan, warnings: plan.warnings, force: false, owed } };
}

async function gatherCurrent(world: RenewalWorld, secret: SecretSummary, trace: Trace): Promise<Subject> {
  const enrolled = await enrolment(world, secret, trace);
  if ('action' in enrolled) throw new RenewalError('InvalidRequest', enrolled.message, { concerns: 'foreign' });
  trace.enrolled = enrolled;
  if (secret.currentVersionId === undefined) {
    throw new RenewalError(
      'UnsupportedSecret',
      `The secret ${secret.name} has no value yet: put the first pair into it.`,
    );
  }
  const subject = await gather(world, enrolled, secret.currentVersionId);
  if ('action' in subject) throw new RenewalError('InvalidRequest', subject.message, { concerns: 'foreign' });
  trace.subject = subject;
  return subject;
}

async function create(world: RenewalWorld, subject: Subject, work: Performance, token: string): Promise<void> {
  if (await stagedPair(world, subject, work, token)) return; // an earlier call got so far
  const { secret, version } = subject;
  const isUnfit = (await wasRolledBack(world, subject)) || (await stagedValue(world, secret, token)) !== undefined;
  if (isUnfit) return createInstead(world, subject, work);
  const { value } = await issueAndVerify(world, subject, work);
  await stage(world.store, { secretArn: secret.arn, from: version.versionId, to: token }, value);
}

/**
 * What was staged under the token fits no more: the tags have changed, or the owner has written another certificate. A
 * version can't be written twice, and Secrets Manager comes back with the same token, so the renewal is done under an id of
 * our own, here and whole. AWSPENDING goes with it, which ends this rotation and does not block the next.
 */
async function createInstead(world: RenewalWorld, subject: Subject, work: Performance): Promise<void> {
  await perform(world, subject, work);
}

/** A token does not tell which version a pair was made of: after a rollback it may be the one that nobody wanted. */
async function stagedPair(world: RenewalWorld, subject: Subject, work: Performance, token: string) {
  return (await wasRolledBack(world, subject)) ? undefined : judgeStaged(world, subject, work, token);
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
