/** Checks orders at a CA that answers later at every step: when one is placed, at each answer, at each write, and at a failure. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CaAnswer, CaRequest } from '../../lambdas/domain/ports.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { orderLabel } from '../../lambdas/domain/tags.ts';
import type { SecretRecord } from './ledger.ts';
import { day, hour, minute } from './plan.ts';
import type { Task } from './process.ts';
import type { PublicCa } from './public-ca.ts';
import type { Simulation } from './simulation.ts';

/** Clocks differ by a few seconds, so the CA may be asked so much earlier. */
const skew = 5_000;
/** After so long, waiting is a failure. */
const longestWait = day;
/** AWS's limit of tags. A wait is not noted without room for its tag. */
const mostTags = 50;

/** Asks the public CA for the task's secret. `first`: the certificate was not given before. */
export async function askPublic(
  simulation: Simulation,
  ca: PublicCa,
  { secret = '' }: Task,
  request: CaRequest,
): Promise<{ readonly answer: CaAnswer; readonly isFirst: boolean }> {
  const record = simulation.ledger.find(secret);
  if (record === undefined) return { answer: await ca.look(secret, request), isFirst: true };
  if (request.receipt === undefined) inTime(simulation, record);
  else withItsKey(simulation, ca, record, request);
  const before = ca.of(secret);
  const given = before.filter(({ chain }) => chain !== undefined).length;
  try {
    const answer = await ca.look(secret, request);
    if (ca.of(secret).length > before.length) placed(simulation, ca, record);
    noteAnswer(simulation, record, request, answer);
    simulation.note('the CA', `${answer.kind}${'says' in answer ? `: ${answer.says}` : ''}`, [secret]);
    return { answer, isFirst: ca.of(secret).filter(({ chain }) => chain !== undefined).length > given };
  } catch (error) {
    record.waiting = undefined;
    simulation.note('the CA', error instanceof RenewalError ? error.message : String(error), [secret]);
    throw error;
  }
}

/** Faults, and deeds after which another certificate may be wanted. Concurrent work is no reason for a second order. */
export const disturbances = ({ troubles, changes }: SecretRecord): number => troubles + changes;

/** No order is asked for before the time that the CA has said. */
function inTime({ timeline, ledger, store }: Simulation, record: SecretRecord): void {
  const { limited, name, arn } = record;
  const now = timeline.now();
  if (limited === undefined || now >= limited.until - skew || now >= limited.at + longestWait) return;
  if (disturbances(record) > limited.disturbances || Object.keys(store.tagsOf(arn)).length + 2 > mostTags) return;
  const early = Math.ceil((limited.until - now) / 1000);
  ledger.violate('asked before its time', name, `The CA takes no order for another ${early} seconds.`, limited.at);
}

/** The key was stored before the order is finished, so each worker asks with the same one. */
function withItsKey({ ledger }: Simulation, ca: PublicCa, record: SecretRecord, { receipt, key }: CaRequest): void {
  const order = ca.of(record.name).find(({ number }) => number === receipt?.split(' ')[0]);
  if (order === undefined || Buffer.compare(order.spki, key?.spki ?? Buffer.of()) === 0) return;
  ledger.violate('another key than the order’s', record.name, `${receipt} is asked for with another key.`);
}

/** A crash or a change of plans costs one open order. Nothing else does. */
function placed({ ledger, timeline }: Simulation, ca: PublicCa, record: SecretRecord): void {
  const orders = ca.of(record.name);
  for (const order of orders.slice(0, -1)) {
    if (order.isLost || !ca.isOpen(order)) continue;
    order.isLost = true;
    record.lostOrders += 1;
    if (record.lostOrders <= disturbances(record)) continue;
    const text = `${orders.at(-1)?.number} was placed, and ${order.number} was open.`;
    ledger.violate('two orders at once', record.name, text, order.placedAt);
  }
  const now = timeline.now();
  const isDisturbed = record.deeds.some((at) => at > now - hour) || record.troubledAt > now - hour;
  const recent = orders.filter(({ placedAt }) => placedAt > now - 30 * minute).length;
  if (!isDisturbed && recent > 4)
    ledger.violate('orders in a loop', record.name, `${recent} orders in half an hour.`, now - 30 * minute);
}

function noteAnswer({ timeline }: Simulation, record: SecretRecord, { receipt }: CaRequest, answer: CaAnswer): void {
  if (answer.kind !== 'pending') {
    record.waiting = undefined;
    return;
  }
  const now = timeline.now();
  record.waiting ??= { since: now, disturbances: disturbances(record) };
  if (receipt === undefined && answer.receipt === undefined)
    record.limited = { at: record.limited?.at ?? now, until: now + answer.after, disturbances: disturbances(record) };
  else record.limited = undefined;
}

/** Codes that do not name another obstacle, as a missing declaration is. */
const ofTheWait: ReadonlySet<string> = new Set([
  'CaUnavailable',
  'CaRejected',
  'Throttled',
  'SecretChanged',
  'Internal',
]);

/** Called for each event of a failure. Waiting for less than a day is none. */
export function failedWhileWaiting({ cas, ledger, timeline }: Simulation, record: SecretRecord, code: string): void {
  const { waiting } = record;
  const now = timeline.now();
  if (waiting === undefined || now - waiting.since >= longestWait - minute || !ofTheWait.has(code)) return;
  if (disturbances(record) > waiting.disturbances || record.troubledAt > waiting.since - hour) return;
  // An outage may have come in between. The order is given up a day after it was placed.
  if (now - (cas.public?.of(record.name).at(-1)?.placedAt ?? now) >= longestWait) return;
  ledger.violate('a wait told as a failure', record.name, `${code}, and the CA has not refused.`, waiting.since);
}

/** Called for each dead letter. */
export function deadWhileWaiting({ ledger }: Simulation, record: SecretRecord): void {
  const { waiting } = record;
  if (waiting === undefined || disturbances(record) > waiting.disturbances) return;
  ledger.violate('a wait told as a failure', record.name, 'Its message is a dead letter.', waiting.since);
}

const isOrder = (versionId: string): boolean => /^cert-renewer-(?:claim|order|ended)-/.test(versionId);

/** Called after each write. AWS's own labels are on certificates only. */
export function labelled({ ledger }: Simulation, { name, versions }: SecretSummary): void {
  for (const [versionId, stages] of versions) {
    if (isOrder(versionId) && stages.some((stage) => stage.startsWith('AWS')))
      ledger.violate('an AWS label on an order', name, `${versionId} has ${stages.join()}.`);
    if (!isOrder(versionId) && stages.includes(orderLabel))
      ledger.violate('an AWS label on an order', name, `${versionId} has ${stages.join()}, and is no order.`);
  }
}

/** A certificate has few messages at once: its own, those of scans that did not know of it, and copies that SQS made. */
const mostMessages = 8;

/** After a fault a message may have been sent twice, and a worker may not know of it. */
export function sent({ ledger, timeline }: Simulation, record: SecretRecord): void {
  record.messages += 1;
  if (record.messages > mostMessages && record.troubledAt < timeline.now() - hour)
    ledger.violate('messages multiply', record.name, `${record.messages} are in the queue.`);
}
