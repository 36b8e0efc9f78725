/** Checks declared certificates at every step: when a CA is asked, when it issues, and at a promotion. */
import type { X509Certificate } from 'node:crypto';
import type { CaRequest, Journal } from '../../lambdas/domain/ports.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { DeclaredContent } from '../../lambdas/domain/wanted.ts';
import { type Content, departuresOf, isAllowed, isAllowedName } from './declarations.ts';
import type { SecretRecord } from './ledger.ts';
import { endOf, isClient } from './oracle.ts';
import { minute } from './plan.ts';
import type { Task } from './process.ts';
import type { Simulation } from './simulation.ts';

/** No CA is asked for a name that the profile does not allow, even if a parameter has it. */
export function askedWithin({ ledger }: Simulation, { secret = '' }: Task, { wanted: { content } }: CaRequest): void {
  if (content.kind !== 'declared') return;
  const outside = content.names.filter((name) => !isAllowedName(name));
  if (outside.length > 0)
    ledger.violate('asked for what is not allowed', secret, `The CA was asked for ${outside.join()}.`);
}

/** A secret without the tag of a declaration costs no read of a parameter. */
export function lookedUp({ ledger, store }: Simulation, name: string): void {
  const record = ledger.find(name);
  if (record && record.plan?.declared === undefined && store.tagsOf(record.arn)[tags.declared] === undefined) {
    ledger.violate('looked up without a mark', name, 'Its parameter was read, and nothing was ever declared for it.');
  }
}

/** The certificate was issued for a declaration of this period, and for a reason. */
export function issuedByDeclaration(
  simulation: Simulation,
  task: Task,
  record: SecretRecord,
  asked: DeclaredContent,
  leaf: X509Certificate,
): void {
  const { declarations, ledger } = simulation;
  record.declaredLeaves.add(leaf.fingerprint256);
  if (asked.isRenewal) record.renewedLeaves.add(leaf.fingerprint256);
  ledger.counts.issued += 1;
  const some = declarations.since(record.name, task.invocation.startedAt).filter((each) => each !== undefined);
  const content = some.findLast((each) => isAskedBy(each, asked));
  if (content === undefined) {
    ledger.violate('asked for what was not declared', record.name, `${asked.names.join()} for ${asked.duration} ms.`);
    return;
  }
  declarations.issuedFor(leaf, content.id);
  if (!(isByOrder(simulation, record) && asked.isRenewal)) hasReason(simulation, task, record, content);
}

function isAskedBy({ names, duration, usages }: Content, asked: DeclaredContent): boolean {
  const found = asked.names.map((name) => name.replace(/^dns:/, 'DNS:').replace(/^ip:/, 'IP Address:')).sort();
  return (
    found.join() === names.join() && (asked.duration ?? duration) === duration && asked.usages.length === usages.length
  );
}

/** A CA that copies nothing renews a certificate by its declaration. */
export const isByOrder = ({ store }: Simulation, { arn }: SecretRecord): boolean =>
  store.tagsOf(arn)[tags.profile] === 'public';

/** Each change causes one issuance. No certificate is issued if the declared one exists and can be renewed. */
function hasReason(simulation: Simulation, task: Task, record: SecretRecord, wanted: Content): void {
  const { declarations, ledger, store, timeline } = simulation;
  const { invocation } = task;
  const hasChanged = declarations.changedSince(record.name, invocation.startedAt);
  const isDisturbed = invocation.hits > 0 || record.live > 1 || (record.deeds.at(-1) ?? 0) >= invocation.startedAt;
  const { currentVersionId = '' } = store.summary(record.arn);
  if (hasChanged || isDisturbed || (record.promotionOf(currentVersionId)?.at ?? 0) >= invocation.startedAt) return;
  const pair = record.contents.get(currentVersionId);
  if (pair?.kind !== 'pair' || simulation.keyOf(pair) === 'other') return;
  const canBeRenewed = isClient(pair) || isByOrder(simulation, record);
  if (!declarations.isDeclared(record, pair) || !canBeRenewed || timeline.now() + minute >= endOf(pair)) return;
  ledger.violate('issued without a reason', record.name, `${currentVersionId} is the declared one: ${wanted.id}.`);
}

/** The new current certificate matches a declaration since its invocation started, and has only allowed names. */
export function heldAsDeclared(simulation: Simulation, task: Task, record: SecretRecord, versionId: string): void {
  const { declarations, ledger } = simulation;
  const pair = record.contents.get(versionId);
  if (pair?.kind !== 'pair' || !record.declaredLeaves.has(pair.leaf.fingerprint256)) return;
  const maker = record.stagedBy.get(versionId);
  const from = Math.min(task.invocation.startedAt, maker?.startedAt ?? Number.POSITIVE_INFINITY);
  // A pair from an earlier try is judged by the declaration at its promotion.
  const isOwn = maker === task.invocation;
  const some = declarations
    .since(record.name, isOwn ? from : task.invocation.startedAt)
    .filter((each) => each !== undefined);
  const closest = some.map((each) => departuresOf(pair, each, true)).sort((a, b) => a.length - b.length)[0];
  if (closest === undefined || closest.length > 0) {
    ledger.violate(
      'not what was declared',
      record.name,
      `${versionId}: ${closest?.join('; ') ?? 'nothing was declared'}`,
    );
  }
  if (!some.some(isAllowed)) {
    ledger.violate('more than is allowed', record.name, `${versionId}: ${pair.leaf.subjectAltName}`);
  }
}

/** A renewal without a declaration is reported as a renewal. */
export function toldOfMissing(
  { declarations, ledger, store }: Simulation,
  { invocation }: Task,
  record: SecretRecord,
  { warnings }: Parameters<Journal['decision']>[0],
): void {
  if (store.tagsOf(record.arn)[tags.declared] === undefined) return;
  const some = declarations.since(record.name, invocation.startedAt);
  if (some.some((each) => each !== undefined) || declarations.changedSince(record.name, invocation.startedAt)) return;
  if (JSON.stringify(warnings ?? []).includes('DeclarationMissing')) return;
  ledger.violate(
    'renewed without a word',
    record.name,
    `${invocation.label} does not say that nothing is declared for it.`,
  );
}
