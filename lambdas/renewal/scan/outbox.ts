/** Sends a scan's messages and events, one page behind the listing. */
import { formatInstant } from '../../domain/instant.ts';
import type { QueueMessage } from '../../domain/request.ts';
import type { PlanEntry, ScanCounts } from '../../domain/result.ts';
import type { Judgement } from '../../policy/judgement.ts';
import type { ScanWorld } from '../world.ts';
import type { Tally } from './tally.ts';

/** Messages in one call to the queue. The rest of a page is sent with the next page. */
const messagesPerCall = 10;

/** An issuance writes its secret twice and reads a parameter. Secrets Manager allows 50 writes a second, SSM 40 reads. */
const issuesPerSecond = 15;
/** SQS's limit for the delay of a message in seconds. */
const longestDelay = 900;

/** Messages, and the delay of their delivery in seconds. */
type Delayed = readonly [delaySeconds: number, messages: readonly QueueMessage[]];

export class Outbox {
  readonly #world: ScanWorld;
  #rest: QueueMessage[] = [];
  /** Number of certificates to issue so far. */
  #issues = 0;
  #inFlight: Promise<unknown> = Promise.resolve();

  constructor(world: ScanWorld) {
    this.#world = world;
  }

  /** Waits for the page before, then sends this page's messages while the next page is listed and judged. */
  async add(judged: readonly Judgement[], force: boolean): Promise<void> {
    await this.#inFlight;
    const { soon, later } = this.#paced(judged, force);
    const messages = [...this.#rest, ...soon];
    const whole = messages.length - (messages.length % messagesPerCall);
    this.#rest = messages.slice(whole);
    this.#inFlight = act(this.#world, [[0, messages.slice(0, whole)], ...later], judged);
    this.#inFlight.catch(() => undefined); // awaited with the next page, or at the end
  }

  /** Delays issuances. Renewals become due one by one, but all declared certificates may be missing at once. */
  #paced(judged: readonly Judgement[], force: boolean): { soon: readonly QueueMessage[]; later: readonly Delayed[] } {
    const soon: QueueMessage[] = [];
    const later = new Map<number, QueueMessage[]>();
    for (const judgement of judged) {
      const messages = messageFor(judgement, force);
      const isIssue = judgement.decision.action === 'issue';
      const delay = isIssue ? Math.min(Math.floor(this.#issues / issuesPerSecond), longestDelay) : 0;
      if (isIssue) this.#issues += messages.length;
      if (delay === 0) soon.push(...messages);
      else later.set(delay, [...(later.get(delay) ?? []), ...messages]);
    }
    return { soon, later: [...later] };
  }

  async close(): Promise<void> {
    await this.#inFlight;
    if (this.#rest.length > 0) await this.#world.queue.send(this.#rest);
  }
}

/** Sends a page's messages, log lines and events. */
async function act(world: ScanWorld, outgoing: readonly Delayed[], judged: readonly Judgement[]): Promise<void> {
  const sent = outgoing.flatMap(([delay, messages]) =>
    messages.length > 0 ? [world.queue.send(messages, delay)] : [],
  );
  const told = judged.filter(isWorthTelling).map((judgement) => tell(world, judgement));
  world.publisher.flush(); // all events of the page were published
  await Promise.all([...sent, ...told]);
}

/** False for most secrets: not due and not overdue. */
function isWorthTelling({ decision, overdue }: Judgement): boolean {
  return decision.code !== 'NotDue' || overdue;
}

function messageFor({ secret, decision }: Judgement, force: boolean): QueueMessage[] {
  if (decision.action === 'skip' || secret.currentVersionId === undefined) return [];
  return [{ secretArn: secret.arn, versionId: secret.currentVersionId, ...(force && { force }) }];
}

async function tell(world: ScanWorld, judgement: Judgement): Promise<void> {
  const { secret, profile, decision, status, overdue } = judgement;
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
  const renewAt = judgement.expectedAt ?? judgement.time?.renewAt;
  // Waiting for the CA causes no event. After a day it is a failure, and then overdue again. The counts have it meanwhile.
  if (overdue && renewAt !== undefined && code !== 'WaitingForCa') {
    await world.publisher.publish({
      type: 'Certificate Renewal Overdue',
      secretArn: secret.arn,
      detail: { secretArn: secret.arn, name: secret.name, profile, renewAt: formatInstant(renewAt), notAfter },
    });
  }
}

/** Returns the plan's entry for one secret. */
export function planEntry({ secret, profile, decision, status, time }: Judgement): PlanEntry {
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

/** Ends a complete scan: sends its metrics and its event. Throws Throttled, AccessDenied. */
export async function conclude(world: ScanWorld, tally: Tally, counts: ScanCounts): Promise<void> {
  for (const [profile, { managed, overdue, secondsToExpiry }] of tally.profiles) {
    world.journal.count('Managed', profile, managed);
    world.journal.count('Overdue', profile, overdue);
    if (secondsToExpiry !== undefined) world.journal.measure('SecondsToExpiry', profile, secondsToExpiry);
  }
  const published = world.publisher.publish({ type: 'Scan Completed', detail: counts });
  world.publisher.flush();
  await published;
}
