/**
 * The renew function as the rotation function of Secrets Manager's native rotation. Secrets Manager calls it for each step and may
 * repeat a step (https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html). The version's
 * id is Secrets Manager's token. Everything else is as in any renewal.
 */
import { isDeepStrictEqual } from 'node:util';
import { RenewalError, toRenewalError } from '../../domain/errors.ts';
import { strayOrder } from '../../domain/order-id.ts';
import { copiesCertificates } from '../../domain/ports.ts';
import type { SecretSummary, SecretValue } from '../../domain/secret.ts';
import { versionIdPrefix } from '../../domain/version-id.ts';
import { parseRotationRequest, type RotationRequest } from '../../policy/request.ts';
import { checkRoom } from '../../policy/room.ts';
import { type Unannounced, unannounced } from '../../policy/unannounced.ts';
import { carryOut } from '../cycle.ts';
import { recordFailure } from '../failure.ts';
import { prepareIssuance } from '../issuing.ts';
import type { Found } from '../job.ts';
import type { Waiting } from '../orders/asking.ts';
import { clearOrder } from '../orders/stray.ts';
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

/** Runs one step by Secrets Manager's event, `input`. Records a failure and throws RenewalError. Secrets Manager tries again. */
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
    // The promotion stays. Secrets Manager calls finishSecret again, which sends the event then.
    world.journal.failure({ secretArn: look.found.secret?.arn ?? null, error, step: 'after promotion' });
    throw toRenewalError(error);
  }
}

/** The work after the promotion: the event and the tags. */
type Announcement = () => Promise<void>;

/** One look at the secret, with everything found so far. */
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

  /** Step 1, for a secret that must be enrolled and contain a pair. */
  async gather(secret: SecretSummary): Promise<Subject> {
    const place = await enrolmentOf(this.world, secret, undefined);
    if (place.kind === 'left')
      throw new RenewalError('InvalidRequest', place.decision.message, { concerns: 'foreign' });
    this.found = { ...this.found, profile: place.profile };
    if (place.kind === 'refused') throw place.error;
    this.found = { ...this.found, enrolled: place.enrolled };
    if (secret.currentVersionId === undefined) {
      const message = `The secret ${secret.name} has no value yet: store the first certificate and its key in it.`;
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
 * Runs one step. createSecret stages a new pair, testSecret verifies it again, finishSecret promotes it. setSecret does nothing,
 * because the certificate is only in the secret. Each step may be repeated. Throws RenewalError.
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
      `Version ${token} of ${secret.name} has no pair that can replace the current one: rotate the secret again.`,
    );
  }
  await keepMark(world, subject, work.owed, token);
  const isOurs = await promote(world, { secretArn: secret.arn, from: subject.version.versionId, to: token });
  if (!isOurs) return undefined; // a concurrent call of the same step promoted it and announces it
  world.journal.count('Renewed', subject.profile.name, 1);
  const result = renewed(subject, work, staged);
  return () => announce(world, subject, { ...staged, result, plan: work.plan, target: secret, owed: work.owed });
}

/** Returns whether the pair under this token no longer fitted, and createInstead made another one under an id of our own. */
async function wasGivenUp(world: RenewalWorld, secret: SecretSummary, token: string): Promise<boolean> {
  const isReplaced = secret.currentVersionId?.startsWith(versionIdPrefix) || ownPending(secret) !== undefined;
  return isReplaced && (await stagedValue(world, secret, token)) !== undefined;
}

function notPending(secret: SecretSummary, token: string): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `Version ${token} of ${secret.name} is not AWSPENDING: start a rotation in Secrets Manager, which calls this step itself.`,
    { concerns: 'request' },
  );
}

/**
 * Writes the tag `version-id` before the promotion, because a token does not show that cert-renewer wrote the version. So its event is owed
 * from the promotion on, even if the rotation ends there. If no other event is owed, a failure to write the tag does not stop the
 * rotation.
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

/** Handles a repeated finishSecret, after a promotion whose event or tags may be missing. */
function unfinished(look: Look, secret: SecretSummary): Announcement | undefined {
  const owed = unannounced(secret);
  if (owed.length === 0) return undefined;
  return async () => makeUpFor(look.world, await new Look(look.world).gather(secret), owed);
}

/** Reads and plans. Secrets Manager decides when to rotate, so the window does not matter. */
async function prepare(look: Look, secret: SecretSummary): Promise<{ subject: Subject; work: Work }> {
  const subject = await look.gather(secret);
  const stray = strayOrder(secret);
  if (stray !== undefined) await clearOrder(look.world, secret, subject.profile, stray);
  const noRoom = checkRoom(secret);
  if (noRoom !== undefined) throw new RenewalError('UnsupportedSecret', noRoom);
  const { usual } = subject.settings;
  const planned = copiesCertificates(subject.provider.can)
    ? plan(subject, { settings: usual, force: false })
    : await prepareIssuance(look.world, subject, undefined, usual.mode);
  const reason = { code: 'Requested', message: 'Secrets Manager rotates the secret.' } as const;
  const owed = unannounced(secret);
  return { subject, work: { reason, plan: planned, warnings: planned.warnings, owed } };
}

async function create(world: RenewalWorld, subject: Subject, work: Work, token: string): Promise<void> {
  if (await stagedPair(world, subject, work, token)) return; // an earlier call staged it
  const { secret, version } = subject;
  const isUnfit = (await wasRolledBack(world, subject)) || (await stagedValue(world, secret, token)) !== undefined;
  if (isUnfit) return createInstead(world, subject, work);
  const issued = await issue(world, subject, work.plan);
  if (issued.kind === 'waiting') throw notFinished(issued);
  await stage(world.store, { secretArn: secret.arn, from: version.versionId, to: token }, issued.value);
}

/**
 * Renews completely under an id of our own, because the pair under the token no longer fits: the tags have changed, or the owner
 * has written another certificate. A version can't be written twice, and Secrets Manager retries with the same token. AWSPENDING
 * moves to the new version, which ends this rotation and does not block the next.
 */
async function createInstead(world: RenewalWorld, subject: Subject, work: Work): Promise<void> {
  const carried = await carryOut(world, subject, work);
  if (carried.kind === 'waiting') throw notFinished(carried);
}

/** Secrets Manager repeats the step, which continues the order. It is no failure of the certificate, so only the caller gets it. */
const notFinished = ({ says, after }: Waiting): RenewalError =>
  new RenewalError(
    'CaUnavailable',
    `The CA has not issued the certificate yet: ${says}. Secrets Manager tries again, and the order is continued.`,
    { retryAfter: Math.ceil(after / 1000), concerns: 'request' },
  );

/**
 * Returns the fitting pair under the token. None after a rollback, because a token does not show which version the pair is based
 * on.
 */
async function stagedPair(world: RenewalWorld, subject: Subject, work: Work, token: string) {
  return (await wasRolledBack(world, subject)) ? undefined : judgeStaged(world, subject, work.plan, token);
}

/** Returns whether the current version is older than AWSPREVIOUS. */
async function wasRolledBack(world: RenewalWorld, { secret, version }: Subject): Promise<boolean> {
  return (await previousCreatedAt(world.store, secret)) > version.createdAt;
}

/** Returns undefined for a version without a value. RotateSecret sets the label before the value is written. */
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

/** Returns whether the version is a copy of the current value. RotateSecret with RotateImmediately false tests such a copy. */
async function holdsCurrent(world: RenewalWorld, { secret, version }: Subject, token: string): Promise<boolean> {
  return isDeepStrictEqual(await stagedValue(world, secret, token), version.value);
}
