/** What a scan sends to the queue and tells the world, a page behind the listing. */
import { formatInstant } from '../../domain/instant.ts';
import type { QueueMessage } from '../../domain/request.ts';
import type { PlanEntry, ScanCounts } from '../../domain/result.ts';
import type { Judgement } from '../../policy/judgement.ts';
import type { ScanWorld } from '../world.ts';
import type { Tally } from './tally.ts';

/** Messages in a call of the queue: what is left of a page goes with the next. */
const messagesPerCall = 10;

/** An issuance writes its secret twice, of fifty writes a second that Secrets Manager takes, and reads a parameter, of forty that SSM takes. */
const issuesPerSecond = 15;
/** Seconds that SQS keeps a message back at most. */
const longestDelay = 900;

/** Messages, and the seconds after which they are to be worked on. */
type Delayed = readonly [delaySeconds: number, messages: readonly QueueMessage[]];

export class Outbox {
  readonly #world: ScanWorld;
  #rest: QueueMessage[] = [];
  /** Certificates that are to be issued, so far. */
  #issues = 0;
  #inFlight: Promise<unknown> = Promise.resolve();

  constructor(world: ScanWorld) {
    this.#world = world;
  }

  /** Waits for the page before, and sends this one's while the next is listed and judged. */
  async add(judged: readonly Judgement[], force: boolean): Promise<void> {
    await this.#inFlight;
    const { soon, later } = this.#paced(judged, force);
    const messages = [...this.#rest, ...soon];
    const whole = messages.length - (messages.length % messagesPerCall);
    this.#rest = messages.slice(whole);
    this.#inFlight = act(this.#world, [[0, messages.slice(0, whole)], ...later], judged);
    this.#inFlight.catch(() => undefined); // it is awaited a page later, or at the end
  }

  /** Renewals come due one by one, but declared certificates may all be missing at once. */
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

/** Sends a page's work, and says what nobody will work on. */
async function act(world: ScanWorld, outgoing: readonly Delayed[], judged: readonly Judgement[]): Promise<void> {
  const sent = outgoing.flatMap(([delay, messages]) =>
    messages.length > 0 ? [world.queue.send(messages, delay)] : [],
  );
  const told = judged.filter(isWorthTelling).map((judgement) => tell(world, judgement));
  world.publisher.flush(); // the page's events are all there
  await Promise.all([...sent, ...told]);
}

/** Most of a page is neither: not due, and nothing the matter. */
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
  if (overdue && renewAt !== undefined) {
    await world.publisher.publish({
      type: 'Certificate Renewal Overdue',
      secretArn: secret.arn,
      detail: { secretArn: secret.arn, name: secret.name, profile, renewAt: formatInstant(renewAt), notAfter },
    });
  }
}

/** What a dry run says of one secret. */
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

/** The end of a whole scan: its metrics and its event. Throws Throttled, AccessDenied. */
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
