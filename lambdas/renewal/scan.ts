/**
 * The scan: lists enrolled secrets page by page, decides from their tags alone and sends what is due to the queue. It
 * reads no secret; its role may not.
 */
import { formatInstant } from '../domain/instant.ts';
import type { QueueMessage, ScanRequest } from '../domain/request.ts';
import type { PlanEntry, ScanCounts, ScanResult } from '../domain/result.ts';
import { type Candidate, type Judgement, type JudgementTerms, judge, profileNameOf } from '../policy/judgement.ts';
import { candidates, profileOf } from './candidates.ts';
import { parentsFirst } from './scan-authorities.ts';
import { Tally } from './tally.ts';
import type { ScanWorld } from './world.ts';

const longestPlan = 5000;

/** Throws AccessDenied, Throttled; what one secret's tags hold never stops the others. */
export async function scan(world: ScanWorld, request: ScanRequest): Promise<ScanResult> {
  const started = world.clock.now();
  const { rotationFunctionArn } = world;
  const terms = { now: started, step: world.untilNextScan(started), force: request.force, rotationFunctionArn };
  const tally = new Tally();
  const plan: PlanEntry[] = [];
  let inFlight: Promise<unknown> = Promise.resolve();
  for await (const page of candidates(world)) {
    const wanted = page.filter((candidate) => isWanted(candidate, request));
    const looks = wanted.map((candidate) => judgeOne(world, candidate, terms));
    const judged = parentsFirst(await Promise.all(looks), started);
    for (const judgement of judged) {
      tally.add(judgement, started);
      if (request.dryRun && plan.length < longestPlan) plan.push(planEntry(judgement));
    }
    await inFlight; // the page before was sent while this one was listed and judged
    if (!request.dryRun) inFlight = act(world, judged, request.force);
    inFlight.catch(() => undefined); // it is awaited a page later, or below
  }
  await inFlight;
  const counts = tally.counts(world.clock.now() - started);
  if (!request.dryRun) await conclude(world, tally, counts);
  return { ...counts, plan, ...(request.dryRun && counts.listed > plan.length && { planTruncated: true }) };
}

function isWanted(candidate: Candidate, { profile, secretIds }: ScanRequest): boolean {
  const { secret } = candidate;
  if (profile !== undefined && profileNameOf(candidate) !== profile) return false;
  return secretIds === undefined || secretIds.includes(secret.name) || secretIds.includes(secret.arn);
}

async function judgeOne(world: ScanWorld, candidate: Candidate, terms: JudgementTerms): Promise<Judgement> {
  return judge(candidate, await profileOf(world, candidate), terms);
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
async function act(world: ScanWorld, judged: readonly Judgement[], force: boolean): Promise<void> {
  const messages = judged.flatMap((judgement) => messageFor(judgement, force));
  await Promise.all([
    messages.length > 0 ? world.queue.send(messages) : undefined,
    ...judged.map((judgement) => tell(world, judgement)),
  ]);
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
