/**
 * The one use case of the worker, from the queue and on demand: gather → decide → plan → key → issue → verify → stage →
 * promote → publish → tag. docs/renewal-cycle.md numbers the steps and says what a crash after each leaves behind.
 */
import type { Decision, Reason, Warning } from '../domain/decision.ts';
import { ofRequest, RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { OnDemandRequest } from '../domain/request.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { checkDue, checkRoom } from '../policy/checks.ts';
import { belowSchedule, type RenewalTime, renewalTime } from '../policy/renewal-time.ts';
import { resolveSettings } from '../policy/settings.ts';
import { type Unannounced, unannounced } from '../policy/unannounced.ts';
import { checkLasting, checkNow } from './steps/fitness.ts';
import { type Enrolled, enrolment, gather, type Subject } from './steps/gather.ts';
import { resolveGivenKey } from './steps/given-key.ts';
import { describeOutput, settleOutput } from './steps/out.ts';
import { perform } from './steps/perform.ts';
import { planRenewal } from './steps/plan.ts';
import { keepBundle, resultOf } from './steps/record.ts';
import { settle } from './steps/settle.ts';
import { noteLook } from './steps/status-tags.ts';
import type { RenewalWorld } from './world.ts';

/** One secret to look at. */
export interface Job {
  readonly secretId: string;
  /** From the queue: the version that the scan saw. Another one being current means that the work is done. */
  readonly versionId?: string;
  /** On demand. */
  readonly request?: OnDemandRequest;
  /** For the certificate of an authority of the stack: the end that was asked for by name. */
  readonly notAfter?: Instant;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** What was found out of a secret, for the recorder of failures and for the queue. */
export interface Trace {
  secret?: SecretSummary;
  /** Where it is not the one that the secret's tag names: the certificate of an authority has none. */
  profile?: string;
  enrolled?: Enrolled;
  subject?: Subject;
  /** Events that are owed still, once that was looked at. */
  owed?: readonly Unannounced[] | undefined;
  /** The certificate is as it should be, and its event or its tags are not: worth another look soon. */
  isUnfinished?: boolean;
}

const rounds = 3;

/** Does the job, or throws a RenewalError. `trace` is filled as far as it came. */
export async function renew(world: RenewalWorld, job: Job, trace: Trace = {}): Promise<RenewalResult> {
  let lostTo: RenewalError | undefined;
  let firstSeen: string | undefined;
  for (let round = 1; round <= rounds; round++) {
    const secret = await describe(world, job.secretId);
    // AWS has refused a swap from this version, and still describes it as the current one: what is read is behind. Each
    // further round would cost an issuance and lose again, so that it is left to the next delivery.
    if (lostTo && !job.request?.out && secret.currentVersionId === trace.secret?.currentVersionId) throw lostTo;
    trace.secret = secret;
    trace.owed = undefined;
    firstSeen ??= job.versionId ?? secret.currentVersionId;
    try {
      return await renewOnce(world, job, secret, firstSeen, trace);
    } catch (error) {
      if (!(error instanceof RenewalError) || error.code !== 'SecretChanged') throw error;
      lostTo = error; // Someone wrote between our read and our swap: what is there now decides anew.
    }
  }
  throw lostTo ?? new RenewalError('Internal', 'A renewal ended without a result. Report it.');
}

/** One that is not there is nobody's certificate. */
async function describe({ store }: RenewalWorld, secretId: string): Promise<SecretSummary> {
  try {
    return await store.describe(secretId);
  } catch (error) {
    if (!(error instanceof RenewalError) || error.code !== 'SecretNotFound') throw error;
    throw new RenewalError('SecretNotFound', error.message, { cause: error, concerns: 'foreign' });
  }
}

async function renewOnce(
  world: RenewalWorld,
  job: Job,
  secret: SecretSummary,
  firstSeen: string | undefined,
  trace: Trace,
): Promise<RenewalResult> {
  const enrolled = await enrolment(world, secret, trace);
  if ('action' in enrolled) return leftAlone(secret, trace, enrolled);
  trace.enrolled = enrolled;
  const current = secret.currentVersionId;
  if (current === undefined) {
    throw new RenewalError(
      'UnsupportedSecret',
      `The secret ${secret.name} has no value yet: put the first certificate and key into it.`,
    );
  }
  // The queue's message names the version that the scan saw; on demand it is what our first look saw.
  const overtaken: Reason | undefined =
    current !== firstSeen
      ? {
          code: 'AlreadyRenewed',
          message: 'Another version became current meanwhile: this certificate was renewed or replaced.',
        }
      : undefined;
  // A message that comes late reads nothing, but where an earlier try has still to be announced.
  if (overtaken && job.versionId !== undefined && unannounced(secret).length === 0)
    return leftAlone(secret, trace, overtaken);
  const subject = await gather(world, enrolled, current);
  if ('action' in subject) return leftAlone(secret, trace, subject);
  trace.subject = subject;
  const owed = job.dryRun ? unannounced(secret) : await settle(world, subject);
  trace.owed = owed;
  trace.isUnfinished = owed.length > 0;
  if (overtaken) return skipped(subject, overtaken);
  const noRoom = checkRoom(secret);
  if (noRoom !== undefined) throw new RenewalError('UnsupportedSecret', noRoom);
  const settings = resolveSettings(job.request, enrolled.tagged, enrolled.profile);
  const { decision, time, warnings } = decide(world, job, subject, settings);
  if (decision.action === 'skip') {
    if (!job.request && decision.code !== 'Paused') await checkLasting(subject, settings, world.clock.now());
    await conclude(world, job, subject, decision, trace, owed);
    return resultFor(subject, 'skipped', decision, time, warnings);
  }
  const { privateKey, out } = job.request ?? {};
  const givenKey = privateKey && (await resolveGivenKey(world, enrolled, privateKey).catch(asRequest));
  const { notAfter } = job;
  const wholeSecond = notAfter !== undefined && { notAfter: Math.floor(notAfter / 1000) * 1000 };
  const plan = { ...planRenewal(subject, settings, givenKey), ...wholeSecond };
  const output = out && (await describeOutput(world, subject, out.secretId, job.force).catch(asRequest));
  const allWarnings = [...warnings, ...plan.warnings];
  if (job.dryRun) {
    await checkNow(subject, plan, world.clock.now());
    return resultFor(subject, 'planned', decision, time, allWarnings);
  }
  if (output) await settleOutput(world, subject, output).catch(asRequest);
  const work = { decision, settings, plan, warnings: allWarnings, force: job.force, owed, output };
  const { result, isAnnounced } = await perform(world, subject, work);
  trace.isUnfinished = !isAnnounced;
  return result;
}

function asRequest(error: unknown): never {
  throw ofRequest(error);
}

/** Step 2. */
function decide(
  world: RenewalWorld,
  job: Job,
  subject: Subject,
  settings: Settings,
): { decision: Decision; time: RenewalTime; warnings: Warning[] } {
  const now = world.clock.now();
  const time = renewalTime(subject.validity, settings, subject.secret.arn);
  const decision = checkDue({
    profile: subject.profile,
    settings,
    validity: subject.validity,
    endsWith: subject.endsWith,
    time,
    versionId: subject.version.versionId,
    versionCreatedAt: subject.version.createdAt,
    origin: job.request ? 'request' : 'schedule',
    windowAsked: job.request?.timing !== undefined,
    force: job.force,
    now,
    step: job.request ? 0 : world.untilNextScan(now),
  });
  const below = belowSchedule(time, world.longestGap);
  return { decision, time, warnings: [...time.warnings, ...(below ? [below] : [])] };
}

/** The end of a look at a certificate that is left as it is: its tags are brought up to date. Throws what won't pass. */
async function conclude(
  world: RenewalWorld,
  job: Job,
  { secret, profile, leaf, validity }: Subject,
  { code }: Decision,
  trace: Trace,
  owed: readonly Unannounced[],
): Promise<void> {
  // What was settled just now is tagged, and what is owed still must not be.
  if (job.dryRun || code === 'Paused' || owed.length > 0 || unannounced(secret).length > 0) return;
  await keepBundle(world, secret.arn, profile, leaf, undefined);
  try {
    await noteLook(world.store, secret, validity);
  } catch (error) {
    // The certificate is well: a busy AWS is no failure of it.
    if (!(error instanceof RenewalError) || !error.retryable) throw error;
    world.journal.failure({ secretArn: secret.arn, error, step: 'tagging' });
    trace.isUnfinished = true;
  }
}

function skipped(subject: Subject, reason: Reason): RenewalResult {
  const settings = resolveSettings(undefined, subject.tagged, subject.profile);
  const time = renewalTime(subject.validity, settings, subject.secret.arn);
  return resultFor(subject, 'skipped', reason, time, time.warnings);
}

function resultFor(
  subject: Subject,
  outcome: 'skipped' | 'planned',
  reason: Reason,
  time: RenewalTime,
  warnings: readonly Warning[],
): RenewalResult {
  return resultOf({
    outcome,
    reason,
    warnings,
    secretArn: subject.secret.arn,
    profile: subject.profile.name,
    versionId: subject.version.versionId,
    previousVersionId: null,
    certificate: subject.leaf,
    previous: undefined,
    renewAt: time.renewAt,
  });
}

function leftAlone(secret: SecretSummary, trace: Trace, reason: Reason): RenewalResult {
  return resultOf({
    outcome: 'skipped',
    reason,
    warnings: [],
    secretArn: secret.arn,
    profile: trace.profile ?? secret.tags.get(tags.profile) ?? '',
    versionId: secret.currentVersionId ?? null,
    previousVersionId: null,
    certificate: undefined,
    previous: undefined,
    renewAt: undefined,
  });
}
