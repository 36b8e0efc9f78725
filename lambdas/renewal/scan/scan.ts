/**
 * The scan lists enrolled secrets page by page, decides from their tags alone, and sends a message for each due secret. It never
 * reads a secret's value, and its role must not.
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
/** Limit of further invocations for one scan, enough for hours. Lambda stops a function that calls itself after sixteen. */
const mostParts = 12;

/** Milliseconds before the end of an invocation: enough for the page in progress and its messages, with every retry. */
export const scanReserve = 60_000;

/** A signal that is aborted when no other page may be started. */
type TimeOver = Pick<AbortSignal, 'aborted'>;

/**
 * Runs a scan. When `timeOver` is aborted, another invocation lists the rest. Throws InvalidRequest for a profile that the stack
 * does not have, AccessDenied, Throttled. Invalid tags of one secret never stop the others.
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
    // AWS no longer accepts the page token. The scan starts again, and workers skip what they have done.
    const { part, started } = continuation;
    return scanPart(world, { ...request, continuation: { part, started, sums: new Tally().sums() } }, timeOver);
  }
}

async function scanPart(world: ScanWorld, request: ScanRequest, timeOver: TimeOver): Promise<ScanResult> {
  const { rotationFunctionArn } = world;
  const { continuation, dryRun, force } = request;
  // The whole scan uses one time, so that daily inspections leave no gap between two scans.
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

/** Starts the next invocation, which lists the rest. All messages of the listed secrets are sent already. */
async function goOnLater(
  world: ScanWorld,
  request: ScanRequest,
  reached: Omit<ScanContinuation, 'part'>,
): Promise<void> {
  const part = (request.continuation?.part ?? 0) + 1;
  if (part > mostParts) {
    const message = `The scan did not finish within ${part} invocations of the function: look in its log for slow calls. The next scan of the schedule starts again.`;
    throw new RenewalError('Internal', message);
  }
  await world.continueLater({ ...request, continuation: { ...reached, part } });
}
