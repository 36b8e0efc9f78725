/**
 * The scan: lists enrolled secrets page by page, decides from their tags alone and sends what is due to the queue. It
 * reads no secret; its role may not.
 */
import { RenewalError } from '../../domain/errors.ts';
import { formatInstant } from '../../domain/instant.ts';
import type { QueueMessage, ScanContinuation, ScanRequest } from '../../domain/request.ts';
import type { PlanEntry, ScanCounts, ScanResult } from '../../domain/result.ts';
import { type Judgement, judge } from '../../policy/judgement.ts';
import type { ScanWorld } from '../world.ts';
import { candidates, profilesOf } from './candidates.ts';
import { parentsFirst } from './scan-authorities.ts';
import { requireProfile, Selection } from './selection.ts';
import { Tally } from './tally.ts';

const longestPlan = 5000;
/** Messages in a call of the queue: what is left of a page goes with the next. */
const messagesPerCall = 10;
/** Invocations that one scan may go on for: hours. Lambda itself ends a function that calls itself after sixteen. */
const mostParts = 12;

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
    // The place is not known any more. What was sent already is found done by the workers, and sent in vain at worst.
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

/** All that was listed is sent by then, so that the rest is all that is left. */
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

/** What a scan has to send and to say, a page behind the listing. */
class Outbox {
  readonly #world: ScanWorld;
  #rest: QueueMessage[] = [];
  #inFlight: Promise<unknown> = Promise.resolve();

  constructor(world: ScanWorld) {
    this.#world = world;
  }

  /** Waits for the page before, and sends this one's while the next is listed and judged. */
  async add(judged: readonly Judgement[], force: boolean): Promise<void> {
    await this.#inFlight;
    const messages = [...this.#rest, ...judged.flatMap((judgement) => messageFor(judgement, force))];
    const whole = messages.length - (messages.length % messagesPerCall);
    this.#rest = messages.slice(whole);
    this.#inFlight = act(this.#world, messages.slice(0, whole), judged);
    this.#inFlight.catch(() => undefined); // it is awaited a page later, or at the end
  }

  async close(): Promise<void> {
    await this.#inFlight;
    if (this.#rest.length > 0) await this.#world.queue.send(this.#rest);
  }
}

function planEntry({ secret, profile, decision, status, time }: Judgement): PlanEntry {
  const validity = status.known ? status.validity : undefined;
  return {
    secretArn: secret.arn,
    name: secret.name,
    profile,
    action: decision.action,
    reason: { code: decision.code, message: decision.message },
    notAfter: validity ? formatInstant(validity.end) : null,
    renewAt: time ? formatInstant(time.renewAt) : null,
  };
}

/** Sends a page's work, and says what nobody will work on. */
async function act(world: ScanWorld, messages: readonly QueueMessage[], judged: readonly Judgement[]): Promise<void> {
  await Promise.all([
    messages.length > 0 ? world.queue.send(messages) : undefined,
    ...judged.filter(isWorthTelling).map((judgement) => tell(world, judgement)),
  ]);
}

/** Most of a page is neither: not due, and nothing the matter. */
function isWorthTelling({ decision, overdue }: Judgement): boolean {
  return decision.code !== 'NotDue' || overdue;
}

function messageFor({ secret, decision }: Judgement, force: boolean): QueueMessage[] {
  if (decision.action === 'skip' || secret.currentVersionId === undefined) return [];
  return [{ secretArn: secret.arn, versionId: secret.currentVersionId, ...(force && { force }) }];
}

async function tell(world: ScanWorld, { secret, profile, decision, status, time, overdue }: Judgement): Promise<void> {
  const { action, code, message } = decision;
  if (code !== 'NotDue') world.journal.decision({ secretArn: secret.arn, reason: { code, message }, action, profile });
  const notAfter = status.known && status.validity ? formatInstant(status.validity.end) : null;
  if (code === 'InvalidTag') {
    const failures = (status.known ? status.failure?.count : undefined) ?? 0;
    const detail = { code, message, retryable: false, failures: failures + 1, notAfter };
    await world.publisher.publish({
      type: 'Certificate Renewal Failed',
      secretArn: secret.arn,
      detail: { secretArn: secret.arn, name: secret.name, profile, ...detail },
    });
  }
  if (overdue && time && notAfter !== null) {
    await world.publisher.publish({
      type: 'Certificate Renewal Overdue',
      secretArn: secret.arn,
      detail: { secretArn: secret.arn, name: secret.name, profile, renewAt: formatInstant(time.renewAt), notAfter },
    });
  }
}

async function conclude(world: ScanWorld, tally: Tally, counts: ScanCounts): Promise<void> {
  for (const [profile, { managed, overdue, secondsToExpiry }] of tally.profiles) {
    world.journal.count('Managed', profile, managed);
    world.journal.count('Overdue', profile, overdue);
    if (secondsToExpiry !== undefined) world.journal.measure('SecondsToExpiry', profile, secondsToExpiry);
  }
  await world.publisher.publish({ type: 'Scan Completed', detail: counts });
}
