/**
 * The worker's use case, for the queue, on-demand requests and the CA API: gather → decide → plan → ask → verify → swap → announce.
 * docs/renewal-cycle.md numbers the steps and describes the state after a crash in each.
 */
import { RenewalError } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { newVersionId } from '../domain/version-id.ts';
import { operationOf } from '../domain/wanted.ts';
import { checkRoom } from '../policy/room.ts';
import { type Unannounced, unannounced } from '../policy/unannounced.ts';
import { afterPromotion } from './after-promotion.ts';
import { issueInstead, planFor, rehearse } from './issuing.ts';
import type { Ending, Found, Job } from './job.ts';
import { alreadyRenewed, leaveAsItIs, leftAlone, looked, overtaken } from './left.ts';
import { concerning, describeOutput, settleOutput } from './output.ts';
import { keepOwed, settleOwed } from './owed.ts';
import { issuedFor, type Place } from './place.ts';
import { renewed, type Work } from './renewed.ts';
import { type Staged, stagedEarlier } from './staged.ts';
import { noteOutput } from './status-tags.ts';
import { described, enrolmentOf, gather } from './steps/1-gather.ts';
import { decide } from './steps/2-decide.ts';
import { issue } from './steps/4-ask.ts';
import { promote, stage } from './steps/6-swap.ts';
import { announce } from './steps/7-announce.ts';
import type { RenewalWorld } from './world.ts';

const rounds = 3;

/**
 * Renews one secret. Never throws. After a lost race it describes the secret again. If another version is current, the work is done
 * (AlreadyRenewed). If the same version is current, the ending is SecretChanged. It issues again only for an `out`, up to three
 * times.
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
    // AWS refused to promote from this version and still describes it as current: its answers are stale. Another round would issue
    // a certificate and lose again, so the next delivery continues.
    const isStale = lost !== undefined && secret.currentVersionId === lost.found.secret?.currentVersionId;
    if (lost && isStale && !job.request?.out) return lost;
    firstSeen ??= secret.currentVersionId;
    const ending = await renewOnce(world, job, secret, firstSeen);
    if (ending.kind === 'done' || round === rounds || !isLostRace(ending.error)) return ending;
    lost = ending;
  }
}

const isLostRace = (error: unknown): boolean => error instanceof RenewalError && error.code === 'SecretChanged';

/** Runs the steps in order. `firstSeen`: the current version in the message or, without one, at the first look. */
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
    // A late message reads nothing, unless the event of an earlier try is still owed.
    if (isOvertaken && job.versionId !== undefined && unannounced(secret).length === 0) {
      return done(leftAlone(secret, enrolment.profile, alreadyRenewed));
    }
    const gathered = await gather(world, enrolled, currentVersionId, job.force);
    if (gathered.kind === 'left') return done(leftAlone(secret, enrolment.profile, gathered.decision));
    const { place } = gathered;
    found = { ...found, subject: place };
    const owed = await owedBy(world, place, job);
    found = { ...found, owed };
    if (isOvertaken) return done(overtaken(place), owed.length > 0);
    const noRoom = checkRoom(secret);
    if (noRoom !== undefined) throw new RenewalError('UnsupportedSecret', noRoom);

    // 2: decide
    const now = world.clock.now();
    const decided = decide(place, job, world, now);
    if (decided.decision.action === 'skip') {
      const isNoted = await leaveAsItIs(world, job, place, decided);
      return done(looked(place, 'skipped', decided), owed.length > 0 || !isNoted);
    }

    // 3: plan
    const planned = await planFor(world, place, job, decided.decision);
    const output = place.leaf && (await describeOutput(world, place, job));
    const warnings = [...decided.warnings, ...planned.warnings];
    const work = { reason: decided.decision, plan: planned, warnings, owed, output };
    if (job.dryRun) {
      await rehearse(world, place, work);
      return done(looked(place, 'planned', { ...decided, warnings }), owed.length > 0);
    }
    if (output && place.leaf) await settleOutput(world, place, output);

    // 4 to 7
    const { result, isAnnounced } = await carryOut(world, place, work).catch(async (refused: unknown) => {
      const instead = await issueInstead(world, place, work, refused);
      if (instead === undefined) throw refused;
      return carryOut(world, place, instead);
    });
    return done(result, !isAnnounced);
  } catch (error) {
    return { kind: 'failed', error, found };
  }
}

/** Sends the owed events and returns those still owed. Without a certificate there is nothing to send. */
async function owedBy(world: RenewalWorld, place: Place, { dryRun }: Job): Promise<readonly Unannounced[]> {
  if (place.leaf === undefined) return [];
  return dryRun ? unannounced(place.secret) : settleOwed(world, place);
}

/** The error for a secret without a version. */
export function noValue({ name, tags: found }: SecretSummary): RenewalError {
  const fix = found.has(tags.declared)
    ? 'store {} in it to have the declared certificate issued'
    : 'store the first certificate and its key in it';
  const message = `The secret ${name} has no value yet: ${fix}.`;
  return new RenewalError('UnsupportedSecret', message);
}

/** Runs steps 4 to 7. */
export async function carryOut(
  world: RenewalWorld,
  place: Place,
  work: Work,
): Promise<{ readonly result: RenewalResult; readonly isAnnounced: boolean }> {
  const started = world.clock.now();
  const { output, owed, plan: planned } = work;
  const target = output ?? place.secret;
  if (!output) await keepOwed(world, place, owed);
  const staged =
    (output ? undefined : await stagedEarlier(world, place, planned)) ??
    (await issueAndStage(world, place, work, target));
  const swap = { secretArn: target.arn, from: target.currentVersionId, to: staged.to };
  const isPromotedHere = await concerning(output, promote(world, swap));
  // The worker that promoted the pair announces it. For an `out`, this worker sends the event in any case.
  if (!isPromotedHere && !output)
    throw new RenewalError('SecretChanged', 'Another worker promoted the same staged pair first.');
  const result = renewed(place, work, staged);
  const news = { ...staged, result, plan: planned, target, owed: output ? [] : owed };
  const isAnnounced = await afterPromotion(world, target.arn, () => announce(world, place, news));
  world.journal.count('Renewed', place.profile.name, 1);
  world.journal.measure('RenewalDuration', place.profile.name, world.clock.now() - started);
  return { result, isAnnounced };
}

async function issueAndStage(world: RenewalWorld, place: Place, work: Work, target: SecretSummary): Promise<Staged> {
  const { pair, value } = await issue(world, place, work.plan);
  const from = target.currentVersionId;
  const declaration = work.output ? undefined : issuedFor(place, operationOf(work.plan.wanted));
  const to = newVersionId(from ?? place.version.versionId, world.entropy, declaration);
  const write = async () => {
    if (work.output) await noteOutput(world.store, target, to, place.secret);
    await stage(world.store, { secretArn: target.arn, from, to }, value);
  };
  await concerning(work.output, write());
  return { pair, to };
}
