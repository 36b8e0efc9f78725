/** Checks the guarantees at the end of an episode, after a period without faults. */

import { versionWithStage } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { Promotion, SecretRecord } from './ledger.ts';
import { authoritySecrets, dueBetween, endOf, type Health, healthOf, type Pair } from './oracle.ts';
import { orders } from './orders-judge.ts';
import { day, hour, minute, start } from './plan.ts';
import { servedAtTheEnd } from './serving-watch.ts';
import type { Simulation } from './simulation.ts';

export function judgeEnd(simulation: Simulation): void {
  for (const record of simulation.ledger.secrets.values()) {
    if (record.plan === undefined && !authoritySecrets.has(record.name)) continue;
    const health = healthOf(simulation, record);
    for (const judge of [
      renewed,
      declared,
      failureTold,
      announced,
      issuedInVain,
      keptAlone,
      rotated,
      clean,
      orders,
      servedAtTheEnd,
    ]) {
      judge(simulation, record, health);
    }
  }
  deadLettersTold(simulation);
}

type Judge = (simulation: Simulation, record: SecretRecord, health: Health) => void;

const text = (instant: number): string => new Date(instant).toISOString().slice(0, 16);
const quietSince = ({ plan }: Simulation): number => start + plan.quietFrom;
/** The most time that the schedule may need: the longest back-off and one missed scan. */
const patience = ({ plan }: Simulation): number => 33 * hour + 3 * plan.period;

/** Everything that can be renewed is renewed. */
const renewed: Judge = (simulation, record, health) => {
  if (health.state !== 'fine') return;
  const { timeline, plan, ledger } = simulation;
  const now = timeline.now();
  const since = Math.max(health.latest, quietSince(simulation));
  if (now > since + patience(simulation)) {
    ledger.violate('not renewed', record.name, `Due since ${text(health.latest)}, it ends at ${text(health.end)}.`);
  }
  // The last twentieth of the validity has several scans, so no certificate may expire.
  const emergency = (health.end - health.pair.notBefore) / 20;
  const isLate = health.end <= now && health.end > quietSince(simulation) + 3 * plan.period + 30 * minute;
  if (isLate && emergency > 3 * plan.period)
    ledger.violate('let expire', record.name, `It ended at ${text(health.end)}.`);
};

/** Every declared certificate exists, and the tags agree. */
const declared: Judge = (simulation, record, health) => {
  const { declarations, timeline, store, ledger } = simulation;
  const found = store.tagsOf(record.arn);
  if (found[tags.declared] === undefined || timeline.now() < quietSince(simulation) + patience(simulation)) return;
  const isConsistent = declarations.isConsistent(record.name);
  const late = isConsistent ? 0 : day; // a scan can't see this change, but the daily inspection does
  if (health.state === 'wanting' && timeline.now() > quietSince(simulation) + patience(simulation) + late) {
    ledger.violate('not as declared', record.name, `${JSON.stringify(declarations.of(record.name))} is not there.`);
  }
  if (health.state !== 'fine' || !isConsistent || declarations.of(record.name) === undefined) return;
  if (found[tags.issued] !== found[tags.declared]) {
    ledger.violate(
      'a tag that lies',
      record.name,
      `issued is ${found[tags.issued]}, declared ${found[tags.declared]}.`,
    );
  }
};

/** An obstacle to a renewal was reported by more than the log. */
const failureTold: Judge = (simulation, record, health) => {
  if (health.state !== 'failing') return;
  const { ledger, store, plan } = simulation;
  const summary = store.summary(record.arn);
  if (!health.isUnreadable) {
    const pair = record.contents.get(summary.currentVersionId ?? '');
    // A certificate is requested only if one is due.
    if (
      pair?.kind !== 'pair' ||
      simulation.timeline.now() - patience(simulation) <
        Math.max(latestDue(store.tagsOf(record.arn), pair), quietSince(simulation))
    )
      return;
  }
  const told = record.failures.some(({ at }) => at > quietSince(simulation) - plan.period);
  if (!told) ledger.violate('a failure untold', record.name, `No event says that ${health.why}.`);
};

const latestDue = (found: Readonly<Record<string, string>>, pair: Pair): number =>
  dueBetween(found, pair, endOf(pair))[1];

/** Every version of cert-renewer that became current was announced. */
const announced: Judge = (simulation, record, health) => {
  const { ledger, plan } = simulation;
  for (const promotion of record.promotions) {
    const most = 1 + record.slack;
    if (promotion.told.length > most) {
      ledger.violate(
        'announced too often',
        record.name,
        `${promotion.versionId}: ${promotion.told.length} times.`,
        promotion.at,
      );
    }
    untoldIssuance(simulation, record, promotion);
    if (promotion.told.length > 0 || promotion.excused !== undefined || isUnreachable(health)) continue;
    if (promotion.at > simulation.timeline.now() - 3 * plan.period - 30 * minute) continue; // the next scan's
    ledger.violate(
      'not announced',
      record.name,
      `${promotion.versionId} of ${text(promotion.at)}, by ${promotion.by}.`,
    );
  }
};

/** An issuance by declaration is announced as one. A later inspection may take it for a copy with the same content. */
function untoldIssuance({ ledger }: Simulation, record: SecretRecord, promotion: Promotion): void {
  const { versionId, told, toldAsIssued, isToldLate = false, by } = promotion;
  const content = record.contents.get(versionId);
  if (content?.kind !== 'pair' || !record.declaredLeaves.has(content.leaf.fingerprint256)) return;
  if (record.renewedLeaves.has(content.leaf.fingerprint256)) return;
  // Another worker may take a staged pair for a copy if it is a valid copy.
  if (told.length === 0 || toldAsIssued.length > 0 || isToldLate || record.stagedBy.get(versionId)?.label !== by)
    return;
  ledger.violate('an issuance told as something else', record.name, versionId, promotion.at);
}

/** Tells whether the secret is out of reach, so that nothing can be announced any more. */
function isUnreachable(health: Health): boolean {
  return (
    (health.state === 'left' && health.why !== 'it is paused' && health.why !== 'there is no room for tags') ||
    (health.state === 'failing' && health.isUnreadable)
  );
}

/** Each event that may waste a certificate wastes at most one. */
const issuedInVain: Judge = ({ ledger }, record) => {
  const own = record.promotions.filter(({ by }) => !by.startsWith('somebody')).length;
  const vain = record.issued.length - own - record.givenAway;
  if (vain > record.slack) {
    ledger.violate(
      'issued in vain',
      record.name,
      `${record.issued.length} certificates, ${own} renewals, ${record.slack} mishaps.`,
    );
  }
};

/** No secret is sent to a worker at every scan without an end. */
const keptAlone: Judge = (simulation, record, health) => {
  const { ledger, plan, timeline } = simulation;
  const now = timeline.now();
  const from = quietSince(simulation) + 10 * hour;
  const scans = ledger.scans.filter((at) => at >= from).length;
  if (scans < 6) return;
  const days = Math.ceil((now - from) / day);
  const own = record.promotions.filter(({ at }) => at >= from - hour).length;
  const count = (times: readonly number[]): number => times.filter((at) => at >= from).length;
  const asked = count(record.enqueued);
  // Allowed are the daily inspection, renewals and retries, and every scan in the last twentieth of the validity.
  const urgent = health.state === 'failing' && !health.isUnreadable ? urgentScans(simulation, record, from) : 0;
  const most = days + 2 * own + 8 + urgent;
  const isDaily = plan.period >= 12 * hour || isAlteredBehind(simulation, record);
  if (!isDaily && asked > most && asked > scans / 3) {
    ledger.violate('asked at every scan', record.name, `${asked} times in ${scans} scans, ${own} renewals.`);
  }
  const failures = record.failures.filter(({ at, code }) => at >= from && code !== 'InvalidTag').length;
  if (!isDaily && failures > most && failures > scans / 3) {
    ledger.violate('told at every scan', record.name, `${failures} failures in ${scans} scans.`);
  }
};

/** A declaration was changed without the deployment, or undone before its issuance. The tags differ until then, so each scan sends it. */
function isAlteredBehind({ declarations, store }: Simulation, record: SecretRecord): boolean {
  const { [tags.declared]: wanted, [tags.issued]: noted } = store.tagsOf(record.arn);
  return wanted !== noted && !declarations.isConsistent(record.name);
}

function urgentScans({ ledger, timeline }: Simulation, record: SecretRecord, from: number): number {
  const pairs = [...record.contents.values()].filter((content) => content.kind === 'pair');
  return ledger.scans.filter(
    (at) =>
      at >= from &&
      at <= timeline.now() &&
      pairs.some((pair) => at <= pair.notAfter && at >= pair.notAfter - (pair.notAfter - pair.notBefore) / 18),
  ).length;
}

/** Every rotation that started also ends. */
const rotated: Judge = ({ ledger }, record, health) => {
  const { rotation } = record;
  if (health.state === 'fine' && (rotation?.quietAttempts ?? 0) > 4) {
    ledger.violate(
      'a rotation wedged',
      record.name,
      `${rotation?.quietAttempts} tries since nothing else failed.`,
      rotation?.startedAt,
    );
  }
};

/** Checks for leftovers. */
const clean: Judge = ({ ledger, store }, record, health) => {
  const summary = store.summary(record.arn);
  const pending = versionWithStage(summary, 'AWSPENDING');
  const isRotated = summary.rotation.enabled;
  const wasCurrent =
    pending === undefined || record.promotionOf(pending) !== undefined || pending === summary.currentVersionId;
  if (health.state === 'fine' && !isRotated && !wasCurrent && record.promotions.length > 0) {
    const last = record.promotions.at(-1)?.at ?? 0;
    const maker = record.stagedBy.get(pending ?? '');
    if (maker && maker.startedAt < last)
      ledger.violate('a label left behind', record.name, `AWSPENDING is on ${pending}.`);
  }
  const failure = summary.tags.get(tags.failure);
  const promotion: Promotion | undefined = record.promotionOf(summary.currentVersionId);
  const isOfCurrent = summary.tags.get(tags.versionId) === summary.currentVersionId;
  const noted = Date.parse(failure?.split(' ')[1] ?? '');
  if (failure !== undefined && isOfCurrent && promotion && noted + 1000 < promotion.at) {
    ledger.violate(
      'a failure outlived',
      record.name,
      `${failure} is there after the renewal of ${text(promotion.at)}.`,
    );
  }
};

function deadLettersTold({ ledger }: Simulation): void {
  for (const { message, sentAt, at, excused } of ledger.deadLetters) {
    const record = ledger.find(message.secretArn);
    if (!record || excused) continue;
    if (record.failures.some((failure) => failure.at >= sentAt && failure.at <= at)) continue;
    ledger.violate('a dead letter untold', record.name, `Sent at ${text(sentAt)}, dead at ${text(at)}.`);
  }
}
