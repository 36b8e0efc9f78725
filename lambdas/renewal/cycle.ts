/**
 * The worker's use case, for the queue, on-demand requests and the CA API: gather → decide → plan → ask → verify → swap → announce.
 * docs/renewal-cycle.md numbers the steps and describes the state after a crash in each.
 */
import { RenewalError } from '../domain/errors.ts';
import { strayOrder } from '../domain/order-id.ts';
import type { RenewalResult } from '../domain/result.ts';
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import { orderLabel, tags } from '../domain/tags.ts';
import { newVersionId } from '../domain/version-id.ts';
import { operationOf } from '../domain/wanted.ts';
import { checkRoom } from '../policy/room.ts';
import { type Unannounced, unannounced } from '../policy/unannounced.ts';
import { afterPromotion } from './after-promotion.ts';
import { issueInstead, planFor, rehearse } from './issuing.ts';
import type { Ending, Found, Job } from './job.ts';
import { alreadyRenewed, leaveAsItIs, leftAlone, looked, overtaken } from './left.ts';
import type { Waiting } from './orders/asking.ts';
import { concerning, describeOutput, settleOutput } from './output.ts';
import { keepOwed, settleOwed } from './owed.ts';
import { type Enrolled, issuedFor, isUndeclared, type Place } from './place.ts';
import { renewed, type Work } from './renewed.ts';
import { type Staged, stagedEarlier } from './staged.ts';
import { noteOutput } from './status-tags.ts';
import { described, enrolmentOf, gather } from './steps/1-gather.ts';
import { decide } from './steps/2-decide.ts';
import type { Plan } from './steps/3-plan.ts';
import { issue } from './steps/4-ask.ts';
import { promote, stage } from './steps/6-swap.ts';
import { announce } from './steps/7-announce.ts';
import { clearOldWait, limitedByCa, waitForCa, waitOn } from './waiting.ts';
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
    const stray = job.dryRun ? undefined : strayOrder(secret);
    if (stray !== undefined) await clear(world, enrolled, stray);
    const isOvertaken = currentVersionId !== firstSeen;
    // A late message reads nothing, unless the event of an earlier try is still owed.
    if (isOvertaken && job.versionId !== undefined && unannounced(secret).length === 0) {
      await clearOldWait(world, secret);
      return done(leftAlone(secret, enrolment.profile, alreadyRenewed));
    }
    const waits = await waitOn(world, job, secret);
    if (waits !== undefined) return done(leftAlone(secret, enrolment.profile, waits));
    const gathered = await gather(world, enrolled, currentVersionId, {
      force: job.force,
      asksCa: job.request === undefined,
    });
    if (gathered.kind === 'left') return done(leftAlone(secret, enrolment.profile, gathered.decision));
    const { place } = gathered;
    found = { ...found, subject: place };
    const label = versionWithStage(secret, orderLabel);
    if (label !== undefined && label !== stray && !job.dryRun && isUndeclared(place))
      await clear(world, enrolled, label);
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
    const limited = limitedByCa(world, secret);
    if (limited) return done(looked(place, 'pending', { ...decided, decision: limited, warnings }), owed.length > 0);
    if (output && place.leaf) await settleOutput(world, place, output);

    // 4 to 7
    const carried = await carryOut(world, place, work).catch(async (refused: unknown) => {
      const instead = await issueInstead(world, place, work, refused);
      if (instead === undefined) throw refused;
      return carryOut(world, place, instead);
    });
    if (carried.kind === 'done') return done(carried.result, !carried.isAnnounced);
    const decision = await waitForCa(world, job, secret, carried);
    return done(looked(place, 'pending', { ...decided, decision, warnings }), owed.length > 0);
  } catch (error) {
    return { kind: 'failed', error, found };
  }
}

async function clear(world: RenewalWorld, { secret, profile }: Enrolled, versionId: string): Promise<void> {
  const { clearOrder } = await import('./orders/stray.ts');
  await clearOrder(world, secret, profile, versionId);
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

/** The end of steps 4 to 7: the certificate is in place, or the CA has not finished. */
export type Carried =
  | { readonly kind: 'done'; readonly result: RenewalResult; readonly isAnnounced: boolean }
  | Waiting;

/** Runs steps 4 to 7. */
export async function carryOut(world: RenewalWorld, place: Place, asked: Work): Promise<Carried> {
  const started = world.clock.now();
  const { output, owed } = asked;
  const target = output ?? place.secret;
  if (!output) await keepOwed(world, place, owed);
  const earlier = output ? undefined : await stagedEarlier(world, place, asked.plan);
  const fresh = earlier ? undefined : await issueAndStage(world, place, asked, target);
  if (fresh?.kind === 'waiting') return fresh;
  const staged = earlier ?? fresh;
  if (staged === undefined) throw new RenewalError('Internal', 'There is no pair to promote.');
  const work = fresh ? { ...asked, plan: fresh.plan } : asked;
  const swap = { secretArn: target.arn, from: target.currentVersionId, to: staged.to };
  const isPromotedHere = await concerning(output, promote(world, swap));
  // The worker that promoted the pair announces it. For an `out`, this worker sends the event in any case.
  if (!isPromotedHere && !output)
    throw new RenewalError('SecretChanged', 'Another worker promoted the same staged pair first.');
  const result = renewed(place, work, staged);
  const news = { ...staged, result, plan: work.plan, target, owed: output ? [] : owed };
  const isAnnounced = await afterPromotion(world, target.arn, () => announce(world, place, news));
  // A label would keep the version of the order, and with it the key.
  const order = fresh?.order ?? versionWithStage(place.secret, orderLabel);
  if (order !== undefined)
    await afterPromotion(world, target.arn, () => world.store.dropOrder(place.secret.arn, order));
  world.journal.count('Renewed', place.profile.name, 1);
  world.journal.measure('RenewalDuration', place.profile.name, world.clock.now() - started);
  return { kind: 'done', result, isAnnounced };
}

/** `plan`: with the key of the order. `order`: the order's version. */
interface FreshlyStaged extends Staged {
  readonly kind: 'staged';
  readonly plan: Plan;
  readonly order: string | undefined;
}

async function issueAndStage(
  world: RenewalWorld,
  place: Place,
  work: Work,
  target: SecretSummary,
): Promise<FreshlyStaged | Waiting> {
  const issued = await issue(world, place, work.plan);
  if (issued.kind === 'waiting') return issued;
  const { pair, value, wanted, order } = issued;
  const from = target.currentVersionId;
  const declaration = work.output ? undefined : issuedFor(place, operationOf(wanted));
  const to = newVersionId(from ?? place.version.versionId, world.entropy, declaration);
  const write = async () => {
    if (work.output) await noteOutput(world.store, target, to, place.secret);
    await stage(world.store, { secretArn: target.arn, from, to }, value);
  };
  await concerning(work.output, write());
  return { kind: 'staged', pair, to, plan: { ...work.plan, wanted }, order: order?.versionId };
}
