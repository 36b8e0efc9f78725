/** Checks the guarantees at every step: staging, promotion, tagging and issuance. */
import { X509Certificate } from 'node:crypto';
import type { CaRequest, IssuedChain, Journal } from '../../lambdas/domain/ports.ts';
import type { SecretSummary, SecretValue } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { versionIdPrefix } from '../../lambdas/domain/version-id.ts';
import { heldAsDeclared, isByOrder, issuedByDeclaration, toldOfMissing } from './declared-watch.ts';
import type { SecretRecord } from './ledger.ts';
import { backsOffUntil, dueOf } from './oracle.ts';
import { profileNames } from './plan.ts';
import type { Task } from './process.ts';
import type { Simulation } from './simulation.ts';
import { type Content, leadsTo } from './values.ts';

/** Called when a CA has issued a certificate for the task's secret. */
export function issued(
  simulation: Simulation,
  task: Task,
  { wanted, current }: CaRequest,
  { certificates: [leaf] }: IssuedChain,
): void {
  const { ledger, timeline } = simulation;
  const record = ledger.find(task.secret);
  if (!record || leaf === undefined) return;
  record.issued.push(timeline.now());
  const certificate = new X509Certificate(leaf);
  simulation.issuedLeaves.add(certificate.fingerprint256);
  simulation.note('the CA', 'issues', [record.name]);
  if (wanted.content.kind === 'declared') {
    issuedByDeclaration(simulation, task, record, wanted.content, certificate);
    if (isByOrder(simulation, record) && wanted.content.isRenewal) isDue(simulation, task, record);
    return;
  }
  simulation.declarations.copied(certificate, current && new X509Certificate(current.leaf.der).fingerprint256);
  isDue(simulation, task, record);
}

/** The schedule issues nothing early. A request by hand or by a rotation decides on its own time. */
function isDue(simulation: Simulation, task: Task, record: SecretRecord): void {
  const { invocation } = task;
  if (!invocation.label.startsWith('worker') || invocation.isForced) return;
  // The rules were changed during its work.
  if ((record.deeds.at(-1) ?? 0) >= invocation.startedAt - 600_000 || invocation.hits > 0) return;
  const { currentVersionId = '' } = simulation.store.summary(record.arn);
  const found = simulation.store.tagsOf(record.arn);
  const pair = record.contents.get(currentVersionId);
  if (pair?.kind !== 'pair' || !invocation.read.has(`${record.name} ${currentVersionId}`)) return;
  // Another message of the same batch was faster. Such a race may waste one certificate.
  if ((record.promotionOf(currentVersionId)?.at ?? 0) >= invocation.startedAt) return;
  const [earliest] = dueOf(simulation, found, pair);
  const now = simulation.timeline.now();
  if (found[tags.paused] === 'true') {
    simulation.ledger.violate('issued while paused', record.name, 'The schedule had a certificate issued.');
  } else if (now + simulation.plan.period < earliest - 1_000) {
    const early = Math.round((earliest - simulation.plan.period - now) / 60_000);
    simulation.ledger.violate('issued too early', record.name, `By ${early} minutes at least.`);
  }
}

/** Called when cert-renewer has written a version. */
export function staged(simulation: Simulation, task: Task, arn: string, versionId: string, value: SecretValue): void {
  const record = simulation.ledger.find(arn);
  if (!record || record.writers.has(versionId)) return;
  record.written(versionId, value, task.invocation.label);
  record.stagedBy.set(versionId, task.invocation);
  const content = record.contents.get(versionId);
  const isRotation = task.invocation.label.startsWith('rotation');
  if (!isRotation && !versionId.startsWith(versionIdPrefix)) {
    simulation.ledger.violate('a version without our name', record.name, versionId);
  }
  if (content?.kind !== 'pair' || !simulation.issuedLeaves.has(content.leaf.fingerprint256)) {
    simulation.ledger.violate(
      'a version without a reason',
      record.name,
      `${versionId} holds nothing that a CA issued.`,
    );
  }
}

/** Called after any write to a secret, to see whether the current version has changed. */
export function changed(simulation: Simulation, task: Task, before: SecretSummary, after: SecretSummary): void {
  const [from, to] = [before.currentVersionId, after.currentVersionId];
  if (to === undefined || from === to) return;
  const record = simulation.ledger.find(after.arn);
  if (!record) return;
  simulation.note(task.invocation.label, `has promoted ${to.slice(0, 22)}`, [record.name]);
  simulation.ledger.counts.renewals += 1;
  if (record.wereCurrent.has(to)) {
    const text = `${to} was current once, and somebody put another one in its place: it was promoted again.`;
    simulation.ledger.violate('a deed was undone', record.name, text);
  }
  simulation.nowCurrent(record, to);
  record.promotions.push({
    versionId: to,
    at: simulation.timeline.now(),
    by: task.invocation.label,
    told: [],
    toldAsIssued: [],
  });
  const source = simulation.ledger.find(task.secret);
  if (source && source !== record) {
    source.givenAway += 1;
    record.givenAway -= 1;
  }
  const content = record.contents.get(to);
  const order = content?.kind === 'pair' ? simulation.cas.public?.orderOf(content.leaf.raw) : undefined;
  if (order) order.state = 'used';
  isPair(simulation, record, to);
  heldAsDeclared(simulation, task, record, to);
  isBasedOn(simulation, record, from, to);
}

const isDone: ReadonlySet<string> = new Set(['issued', 'rekeyed', 'renewed']);

/** Only the invocation that has renewed a certificate announces it. Of two that promote the same pair, one does. */
export function decided(simulation: Simulation, task: Task, entry: Parameters<Journal['decision']>[0]): void {
  const { secretArn, outcome, versionId } = entry;
  const { invocation } = task;
  const record = simulation.ledger.find(secretArn);
  // A deployment announces the work of others.
  if (!record || !isDone.has(String(outcome)) || versionId === undefined || invocation.hasOutput) return;
  if (outcome !== 'issued') toldOfMissing(simulation, task, record, entry);
  // After a fault it may not know the effect of its own call.
  if (invocation.hits > 0) return;
  const isItsOwn = record.promotions.some((each) => each.versionId === versionId && each.by === invocation.label);
  if (isItsOwn) return;
  simulation.ledger.violate('another one’s renewal', record.name, `${invocation.label} has not promoted ${versionId}.`);
}

/** A reader always finds a certificate with its own key. */
function isPair(simulation: Simulation, record: SecretRecord, versionId: string): void {
  const pair = record.contents.get(versionId);
  const problem = pairProblem(simulation, record, pair);
  if (problem !== undefined) simulation.ledger.violate('not a pair', record.name, `${versionId}: ${problem}`);
}

function pairProblem(simulation: Simulation, record: SecretRecord, pair: Content | undefined): string | undefined {
  if (pair?.kind !== 'pair') return pair?.why ?? 'nobody wrote it';
  if (simulation.keyOf(pair) !== 'own') return 'the key is not that of the certificate';
  const profile = profileNames.find((name) => name === simulation.store.tagsOf(record.arn)[tags.profile]);
  if (profile && !leadsTo(pair.leaf, pair.chain, simulation.cas.rootsOf(profile))) return 'no path to a root';
  return pair.notBefore > simulation.timeline.now() ? 'it is not valid yet' : undefined;
}

/** Another writer's value was read before it was replaced, and its other fields are kept. */
function isBasedOn(simulation: Simulation, record: SecretRecord, from: string | undefined, to: string): void {
  const maker = record.stagedBy.get(to);
  if (from === undefined || maker === undefined) return;
  const { read, seen } = maker;
  // With `out`, the replaced value need not be read.
  const key = `${record.name} ${from}`;
  const isOurs = record.stagedBy.has(from);
  if (!isOurs && !read.has(key) && !(seen.has(key) && maker.hasOutput)) {
    simulation.ledger.violate('a write was lost', record.name, `${to} replaced ${from}, which its maker did not read.`);
  }
  const [was, is] = [record.contents.get(from), record.contents.get(to)];
  if (maker.hasOutput || was?.kind !== 'pair' || is?.kind !== 'pair') return;
  if (was.note !== is.note)
    simulation.ledger.violate('a write was lost', record.name, `The note of ${from} is not in ${to}.`);
}

const owedIn = (secret: SecretSummary): string[] =>
  (secret.tags.get(tags.versionId) ?? '').split(' ').flatMap((part) => (part.startsWith('+') ? [part.slice(1)] : []));

/** A tag has room for a limited number of events. If the bus is away too long, the oldest one is dropped. */
function forgotten(record: SecretRecord, was: readonly string[], is: readonly string[]): void {
  if (was.length < 3 || is.length < 3) return;
  for (const versionId of was.filter((each) => !is.includes(each))) {
    const promotion = record.promotionOf(versionId);
    if (promotion && promotion.told.length === 0) promotion.excused = 'the tag version-id is full';
  }
}

/** Called when cert-renewer has written tags. */
export function tagged(simulation: Simulation, task: Task, before: SecretSummary, after: SecretSummary): void {
  const record = simulation.ledger.find(after.arn);
  if (!record) return;
  if (before.tags.get(tags.fingerprint) !== after.tags.get(tags.fingerprint))
    record.notedAt = simulation.timeline.now();
  simulation.onServing();
  for (const [tag, value] of after.tags) simulation.see('a tag', record.name, `${tag}=${value}`);
  const declaring = task.invocation.declaring.get(record.name);
  const [wasDeclared, isDeclared] = [before.tags.get(tags.declared), after.tags.get(tags.declared)];
  if (declaring !== undefined && wasDeclared !== isDeclared) simulation.declarations.mark(record.name, declaring);
  const [was, is] = [before.tags.get(tags.failure), after.tags.get(tags.failure)];
  const isOfCurrent = before.tags.get(tags.versionId) === after.currentVersionId;
  simulation.note(task.invocation.label, `notes ${after.tags.get(tags.versionId)?.slice(0, 22)} ${is ?? ''}`, [
    record.name,
  ]);
  forgotten(record, owedIn(before), owedIn(after));
  if (was === undefined || !isOfCurrent) return;
  const isOurs = record.promotionOf(after.currentVersionId);
  if (is === undefined) {
    const noted = Date.parse(was.split(' ')[1] ?? '');
    const isMadeUp = isOurs?.told.some((at) => at + 1_000 >= noted);
    // An invocation notes its renewal even if an operator rolls back in the same second.
    const own = record.promotions.findLast(({ by }) => by === task.invocation.label);
    const renewedAt = Math.max(isOurs?.at ?? 0, own?.at ?? 0);
    // Tags have no compare-and-swap: an invocation that began before another one noted the failure may not know it.
    const isConcurrent = task.invocation.startedAt < noted + 1_000;
    if (!isMadeUp && !isConcurrent && renewedAt + 1_000 < noted) {
      simulation.ledger.violate('a failure forgotten', record.name, `${was} was taken away, and nothing was renewed.`);
    }
  } else if (
    task.invocation.label.startsWith('ask') &&
    backsOffUntil(is) > Math.max(backsOffUntil(was), simulation.timeline.now() - 1000)
  ) {
    simulation.ledger.violate('a back-off lengthened by hand', record.name, `${was} became ${is}.`);
  }
}
