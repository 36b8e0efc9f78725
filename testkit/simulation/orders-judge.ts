/** Checks the orders at a CA that answers later at the end of an episode. */
import { orderLabel, tags } from '../../lambdas/domain/tags.ts';
import type { SecretRecord } from './ledger.ts';
import type { Health } from './oracle.ts';
import { disturbances } from './orders-watch.ts';
import { day, hour, start } from './plan.ts';
import type { Simulation } from './simulation.ts';

/** Judges the orders of a secret. */
export function orders(simulation: Simulation, record: SecretRecord, health: Health): void {
  if (simulation.store.tagsOf(record.arn)[tags.profile] !== 'public') return;
  countedOrders(simulation, record);
  leftBehind(simulation, record, health);
  replacedAfterIncident(simulation, record, health);
}

/** Each order has a reason: a renewal, an earlier order that failed or was given up, or a fault or deed. */
function countedOrders({ cas, ledger }: Simulation, record: SecretRecord): void {
  const all = cas.public?.of(record.name) ?? [];
  const count = (...states: readonly string[]): number => all.filter(({ state }) => states.includes(state)).length;
  const explained = count('used', 'failed', 'forgotten', 'given up');
  if (all.length - explained <= 1 + disturbances(record)) return;
  const text = `${all.length} orders, and ${explained} of them ended. ${disturbances(record)} mishaps.`;
  ledger.violate('an order without a reason', record.name, text);
}

/** A label keeps a version, and this one has a key that is in use. */
function leftBehind({ store, ledger, cas, timeline, plan }: Simulation, record: SecretRecord, health: Health): void {
  const summary = store.summary(record.arn);
  const [versionId] = [...summary.versions].find(([, stages]) => stages.includes(orderLabel)) ?? [];
  const promotion = record.promotions.at(-1);
  if (versionId === undefined || promotion === undefined) return;
  const since = Math.max(promotion.at, record.troubledAt, record.deeds.at(-1) ?? 0);
  if (health.state !== 'fine' || timeline.now() < since + day + 3 * plan.period) return; // the daily inspection's
  const value = store.value(record.arn, versionId);
  const document = value.kind === 'string' ? JSON.parse(value.text) : {};
  const number = String(document.order?.receipt).split(' ')[0];
  if (cas.public?.orders.find((each) => each.number === number)?.state === 'used')
    ledger.violate('an order left behind', record.name, `${versionId} has its label and a key in use.`, promotion.at);
}

/** What the CA wants to have replaced is replaced. */
function replacedAfterIncident(
  { cas, ledger, plan, timeline }: Simulation,
  record: SecretRecord,
  health: Health,
): void {
  if (health.state !== 'fine' || !plan.publicCa?.suggests) return;
  const incident = plan.publicCa.incidents.map((at) => start + at).find((at) => health.pair.notBefore < at);
  const since = Math.max(incident ?? Number.POSITIVE_INFINITY, start + plan.quietFrom);
  const isFromCa = cas.public?.orderOf(health.pair.leaf.raw) !== undefined;
  if (isFromCa && timeline.now() > since + day + 33 * hour + 3 * plan.period)
    ledger.violate('not replaced', record.name, `The CA wants it since ${new Date(since).toISOString()}.`);
}
