/**
 * The one use case of the worker, from the queue, on demand and for the CA API: gather → decide → plan → ask → verify → swap →
 * announce. docs/renewal-cycle.md numbers the steps and says what a crash after each leaves behind.
 */
import { RenewalError } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { newVersionId } from '../domain/version-id.ts';
import { checkRoom } from '../policy/room.ts';
import { unannounced } from '../policy/unannounced.ts';
import { afterPromotion } from './after-promotion.ts';
import { checkNow } from './fitness.ts';
import { resolveGivenKey } from './given-key.ts';
import type { Ending, Found, Job } from './job.ts';
import { alreadyRenewed, leaveAsItIs, leftAlone, looked, overtaken } from './left.ts';
import { concerning, describeOutput, settleOutput } from './output.ts';
import { keepOwed, settleOwed } from './owed.ts';
import { renewed, type Work } from './renewed.ts';
import { type Staged, stagedEarlier } from './staged.ts';
import { noteOutput } from './status-tags.ts';
import { described, enrolmentOf, gather, type Subject } from './steps/1-gather.ts';
import { decide } from './steps/2-decide.ts';
import { plan } from './steps/3-plan.ts';
import { issue } from './steps/4-ask.ts';
import { promote, stage } from './steps/6-swap.ts';
import { announce } from './steps/7-announce.ts';
import type { RenewalWorld } from './world.ts';

const rounds = 3;

/**
 * Never throws. After a lost race the secret is described once more: another version is current, so that the work is done
 * (AlreadyRenewed), or the same one, and the race is told (SecretChanged). Nothing is issued again, but for an `out`: that one is
 * tried three times.
 */
export async function renew(world: RenewalWorld, job: Job): Promise<Ending> {
  let firstSeen = job.versionId;
  let lost: Extract<Ending, { kind: 'failed' }> | undefined;
  for (let round = 1; ; round++) {
    let secret: SecretSummary;
    try {
      secret = await described(world, job.secretId);
    } catch (error) {
      return { kind: 'failed', error, found: lost?.found ?? {} };
    }
    // AWS has refused a swap from this version, and still describes it as the current one: its answers are stale. Another
    // round would cost an issuance and lose again, so that it is left to the next delivery.
    const isStale = lost !== undefined && secret.currentVersionId === lost.found.secret?.currentVersionId;
    if (lost && isStale && !job.request?.out) return lost;
    firstSeen ??= secret.currentVersionId;
    const ending = await renewOnce(world, job, secret, firstSeen);
    if (ending.kind === 'done' || round === rounds || !isLostRace(ending.error)) return ending;
    lost = ending;
  }
}

const isLostRace = (error: unknown): boolean => error instanceof RenewalError && error.code === 'SecretChanged';

/** The steps, in order. `firstSeen`: the version that the message names, or that the first look saw. */
async function renewOnce(
  world: RenewalWorld,
  job: Job,
  secret: SecretSummary,
  firstSeen: string | undefined,
): Promise<Ending> {
  let found: Found = { secret };
  const done = (result: RenewalResult, isUnfinished = false): Ending => ({ kind: 'done', result, isUnfinished });
  try {
    // 1: gather
    const enrolment = await enrolmentOf(world, secret, job.request);
    if (enrolment.kind === 'left') return done(leftAlone(secret, enrolment.profile, enrolment.decision));
    found = { ...found, profile: enrolment.profile };
    if (enrolment.kind === 'refused') throw enrolment.error;
    const { enrolled } = enrolment;
    found = { ...found, enrolled };
    const { currentVersionId } = secret;
    if (currentVersionId === undefined) throw noValue(secret);
    const isOvertaken = currentVersionId !== firstSeen;
    // A message that comes late reads nothing, but where an earlier try has still to be announced.
    if (isOvertaken && job.versionId !== undefined && unannounced(secret).length === 0) {
      return done(leftAlone(secret, enrolment.profile, alreadyRenewed));
    }
    const gathered = await gather(world, enrolled, currentVersionId);
    if (gathered.kind === 'left') return done(leftAlone(secret, enrolment.profile, gathered.decision));
    const { subject } = gathered;
    found = { ...found, subject };
    const owed = job.dryRun ? unannounced(secret) : await settleOwed(world, subject);
    found = { ...found, owed };
    if (isOvertaken) return done(overtaken(subject), owed.length > 0);
    const noRoom = checkRoom(secret);
    if (noRoom !== undefined) throw new RenewalError('UnsupportedSecret', noRoom);

    // 2: decide
    const now = world.clock.now();
    const decided = decide(subject, job, world, now);
    if (decided.decision.action === 'skip') {
      const isNoted = await leaveAsItIs(world, job, subject, decided);
      return done(looked(subject, 'skipped', decided), owed.length > 0 || !isNoted);
    }

    // 3: plan
    const givenKey = await resolveGivenKey(world, enrolled, job.request?.privateKey);
    const { asked } = enrolled.settings;
    const planned = plan(subject, { settings: asked, givenKey, notAfter: job.notAfter, force: job.force });
    const output = await describeOutput(world, subject, job);
    const warnings = [...decided.warnings, ...planned.warnings];
    if (job.dryRun) {
      await checkNow(subject, planned, world.clock.now());
      return done(looked(subject, 'planned', { ...decided, warnings }), owed.length > 0);
    }
    if (output) await settleOutput(world, subject, output);

    // 4 to 7
    const work = { reason: decided.decision, plan: planned, warnings, owed, output };
    const { result, isAnnounced } = await carryOut(world, subject, work);
    return done(result, !isAnnounced);
  } catch (error) {
    return { kind: 'failed', error, found };
  }
}

function noValue({ name }: SecretSummary): RenewalError {
  const message = `The secret ${name} has no value yet: put the first certificate and key into it.`;
  return new RenewalError('UnsupportedSecret', message);
}

/** Steps 4 to 7. */
export async function carryOut(
  world: RenewalWorld,
  subject: Subject,
  work: Work,
): Promise<{ readonly result: RenewalResult; readonly isAnnounced: boolean }> {
  const started = world.clock.now();
  const { output, owed, plan: planned } = work;
  const target = output ?? subject.secret;
  if (!output) await keepOwed(world, subject, owed);
  const staged =
    (output ? undefined : await stagedEarlier(world, subject, planned)) ??
    (await issueAndStage(world, subject, work, target));
  const swap = { secretArn: target.arn, from: target.currentVersionId, to: staged.to };
  const isPromotedHere = await concerning(output, promote(world, swap));
  // The worker that has promoted the pair announces it. An `out` has the new pair then, and its event is this worker's.
  if (!isPromotedHere && !output)
    throw new RenewalError('SecretChanged', 'Another worker has promoted the staged pair.');
  const result = renewed(subject, work, staged);
  const news = { ...staged, result, plan: planned, target, owed: output ? [] : owed };
  const isAnnounced = await afterPromotion(world, target.arn, () => announce(world, subject, news));
  world.journal.count('Renewed', subject.profile.name, 1);
  world.journal.measure('RenewalDuration', subject.profile.name, world.clock.now() - started);
  return { result, isAnnounced };
}

async function issueAndStage(
  world: RenewalWorld,
  subject: Subject,
  work: Work,
  target: SecretSummary,
): Promise<Staged> {
  const { pair, value } = await issue(world, subject, work.plan);
  const from = target.currentVersionId;
  const to = newVersionId(from ?? subject.version.versionId, world.entropy);
  const write = async () => {
    if (work.output) await noteOutput(world.store, target, to, subject.secret);
    await stage(world.store, { secretArn: target.arn, from, to }, value);
  };
  await concerning(work.output, write());
  return { pair, to };
}
