/**
 * The one use case of the worker, from the queue and on demand: gather → decide → plan → key → issue → verify → stage →
 * promote → publish → tag. docs/renewal-cycle.md numbers the steps and says what a crash after each leaves behind.
 */
import type { Decision, Reason, Warning } from '../domain/decision.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { OnDemandRequest } from '../domain/request.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { checkDue } from '../policy/checks.ts';
import { belowSchedule, type RenewalTime, renewalTime } from '../policy/renewal-time.ts';
import { resolveSettings } from '../policy/settings.ts';
import { checkLasting, checkNow } from './fitness.ts';
import { enrolment, gather, type Subject } from './gather.ts';
import { resolveGivenKey } from './given-key.ts';
import { describeOutput } from './out.ts';
import { perform } from './perform.ts';
import { planRenewal } from './plan.ts';
import { afterwards, resultOf, tagStatus } from './record.ts';
import { makeUpFor, unannounced } from './settle.ts';
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

/** What the failure's recorder needs to know of a secret that could not be renewed. */
export interface Trace {
  secret?: SecretSummary;
  /** Where it is not the one that the secret's tag names: the certificate of an authority has none. */
  profile?: string;
  subject?: Subject;
  /** What the request names beside the secret is being looked at: an error is none of the certificate's. */
  requestAtFault?: boolean;
}

const rounds = 3;

/** Does the job, or throws a RenewalError. `trace` is filled as far as it came. */
export async function renew(world: RenewalWorld, job: Job, trace: Trace = {}): Promise<RenewalResult> {
  let lostTo: RenewalError | undefined;
  let firstSeen: string | undefined;
  for (let round = 1; round <= rounds; round++) {
    const secret = await world.store.describe(job.secretId);
    // AWS has refused a swap from this version, and still describes it as the current one: what is read is behind. Each
    // further round would cost an issuance and lose again, so that it is left to the next delivery.
    if (lostTo && !job.request?.out && secret.currentVersionId === trace.secret?.currentVersionId) throw lostTo;
    trace.secret = secret;
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

async function renewOnce(
  world: RenewalWorld,
  job: Job,
  secret: SecretSummary,
  firstSeen: string | undefined,
  trace: Trace,
): Promise<RenewalResult> {
  const enrolled = await enrolment(world, secret, trace);
  if ('action' in enrolled) return leftAlone(secret, trace, enrolled);
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
  if (overtaken && job.versionId !== undefined && unannounced(enrolled) === undefined)
    return leftAlone(secret, trace, overtaken);
  const subject = await gather(world, enrolled, current);
  if ('action' in subject) return leftAlone(secret, trace, subject);
  trace.subject = subject;
  await settle(world, job, subject);
  if (overtaken) return skipped(subject, overtaken);
  const settings = resolveSettings(job.request, enrolled.tagged, enrolled.profile);
  const { decision, time, warnings } = decide(world, job, subject, settings);
  if (decision.action === 'skip') {
    if (!job.request && decision.code !== 'Paused') await checkLasting(subject, settings, world.clock.now());
    return conclude(world, job, subject, resultFor(subject, 'skipped', decision, time, warnings));
  }
  const { privateKey, out } = job.request ?? {};
  trace.requestAtFault = privateKey !== undefined || out !== undefined;
  const givenKey = privateKey && (await resolveGivenKey(world, enrolled, privateKey));
  const { notAfter } = job;
  const wholeSecond = notAfter !== undefined && { notAfter: Math.floor(notAfter / 1000) * 1000 };
  const plan = { ...planRenewal(subject, settings, givenKey), ...wholeSecond };
  const output = out && (await describeOutput(world, subject, out.secretId, job.force));
  const allWarnings = [...warnings, ...plan.warnings];
  trace.requestAtFault = false;
  if (job.dryRun) {
    await checkNow(subject, plan, world.clock.now());
    return resultFor(subject, 'planned', decision, time, allWarnings);
  }
  return perform(world, subject, { decision, settings, plan, warnings: allWarnings, force: job.force, output });
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

/** An earlier try's event and tags, if it did not get so far. */
async function settle(world: RenewalWorld, job: Job, subject: Subject): Promise<void> {
  const previous = job.dryRun ? undefined : unannounced(subject);
  if (previous === undefined) return;
  await afterwards(world, subject.secret.arn, () => makeUpFor(world, subject, previous));
}

/** The end of a look at a certificate that is left as it is: its tags are brought up to date. */
async function conclude(
  world: RenewalWorld,
  job: Job,
  subject: Subject,
  result: RenewalResult,
): Promise<RenewalResult> {
  if (job.dryRun || result.reason.code === 'Paused') return result;
  await afterwards(world, subject.secret.arn, async () => {
    await world.afterRenewal?.(subject.profile, subject.leaf, undefined);
  });
  await tagStatus(world.store, await fresh(world, subject), subject.version.versionId, subject.validity);
  return result;
}

/** settle may have tagged since the description was read. */
function fresh(world: RenewalWorld, subject: Subject): Promise<SecretSummary> | SecretSummary {
  return unannounced(subject) === undefined ? subject.secret : world.store.describe(subject.secret.arn);
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
