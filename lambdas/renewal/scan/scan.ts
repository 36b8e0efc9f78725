/**
 * The scan: lists enrolled secrets page by page, decides from their tags alone and sends what is due to the queue. It
 * reads no secret; its role may not.
 */
import { RenewalError } from '../../domain/errors.ts';
import type { ScanContinuation, ScanRequest } from '../../domain/request.ts';
import type { PlanEntry, ScanResult } from '../../domain/result.ts';
import { judge } from '../../policy/judgement.ts';
import type { ScanWorld } from '../world.ts';
import { candidates, profilesOf } from './candidates.ts';
import { conclude, Outbox, planEntry } from './outbox.ts';
import { parentsFirst } from './scan-authorities.ts';
import { requireProfile, Selection } from './selection.ts';
import { Tally } from './tally.ts';

const longestPlan = 5000;
/** Most invocations that may continue one scan: hours. Lambda itself ends a function that calls itself after sixteen. */
const mostParts = 12;

/** Milliseconds before the end of a scan's invocation: a page that is under way, with every retry, and what it gives to send. */
export const scanReserve = 60_000;

/** A signal that is aborted when nothing more may be begun. */
type TimeOver = Pick<AbortSignal, 'aborted'>;

/**
 * Another invocation lists the rest where `timeOver` comes first. Throws InvalidRequest for a profile that the stack lacks,
 * AccessDenied, Throttled; what one secret's tags hold never stops the others.
 */
export async function scan(
  world: ScanWorld,
  request: ScanRequest,
  timeOver: TimeOver = { aborted: false },
): Promise<ScanResult> {
  await requireProfile(world, request);
  try {
    return await scanPart(world, request, timeOver);
  } catch (error) {
    const { continuation } = request;
    if (continuation?.from === undefined || !(error instanceof RenewalError) || error.code !== 'InvalidRequest') {
      throw error;
    }
    // AWS no longer knows the page token. The scan begins again; workers skip what they have already done.
    const { part, started } = continuation;
    return scanPart(world, { ...request, continuation: { part, started, sums: new Tally().sums() } }, timeOver);
  }
}

async function scanPart(world: ScanWorld, request: ScanRequest, timeOver: TimeOver): Promise<ScanResult> {
  const { rotationFunctionArn } = world;
  const { continuation, dryRun, force } = request;
  // All of a scan is judged by one time: the hours of the daily inspections follow each other without a gap.
  const now = continuation?.started ?? world.clock.now();
  const terms = { now, step: world.untilNextScan(now), force, rotationFunctionArn };
  const tally = new Tally(continuation?.sums);
  const plan: PlanEntry[] = [];
  const outbox = new Outbox(world);
  const selection = new Selection(request);
  let left: string | undefined;
  for await (const page of candidates(world, continuation?.from)) {
    const wanted = selection.of(page);
    const profileOf = await profilesOf(world, wanted);
    const judged = parentsFirst(
      wanted.map((candidate) => judge(candidate, profileOf(candidate), terms)),
      now,
    );
    for (const judgement of judged) {
      tally.add(judgement, now);
      if (dryRun && plan.length < longestPlan) plan.push(planEntry(judgement));
    }
    if (!dryRun) await outbox.add(judged, force);
    if (timeOver.aborted && page.next !== undefined) {
      left = page.next;
      break;
    }
  }
  await outbox.close();
  const counts = tally.counts(world.clock.now() - now);
  const isPartial = left !== undefined;
  const { notFound } = selection;
  const missing = notFound && { notFound };
  if (left !== undefined && !dryRun) {
    await goOnLater(world, request, { from: left, started: now, sums: tally.sums(), ...missing });
  } else if (!dryRun) await conclude(world, tally, counts);
  return {
    ...counts,
    plan,
    ...missing,
    ...(dryRun && (counts.listed > plan.length || isPartial) && { planTruncated: true }),
    ...(isPartial && { partial: true }),
  };
}

/** Everything listed so far has been sent; the next invocation lists the rest. */
async function goOnLater(
  world: ScanWorld,
  request: ScanRequest,
  reached: Omit<ScanContinuation, 'part'>,
): Promise<void> {
  const part = (request.continuation?.part ?? 0) + 1;
  if (part > mostParts) {
    const message = `The scan was not at its end after ${part} invocations of the function: see in its log what is slow. The next scan of the schedule begins anew.`;
    throw new RenewalError('Internal', message);
  }
  await world.continueLater({ ...request, continuation: { ...reached, part } });
}
