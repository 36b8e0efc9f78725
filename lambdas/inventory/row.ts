/**
 * A row of `cert-renewer status`, of the dashboard's widget and of the report page: one certificate. It shows what the scan would
 * decide (policy/judgement.ts), so that all of them agree.
 */
import type { ReasonCode } from '../domain/decision.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import { orderOf } from '../domain/order-id.ts';
import type { Profile } from '../domain/profile.ts';
import { tags } from '../domain/tags.ts';
import { wanting } from '../policy/declared-tags.ts';
import type { Candidate } from '../policy/enrolment.ts';
import { type Judgement, type JudgementTerms, judge } from '../policy/judgement.ts';
import { readServing, type Serving } from '../policy/served.ts';
import { retryAt } from '../policy/status.ts';
import { readWait, type Wait } from '../policy/waiting.ts';
import { type InventoryState, inventoryStates, isProblem, rankOf } from './states.ts';

/** The last noted failure. `nextTry` is undefined if a person has to correct something first. */
export interface InventoryFailure {
  readonly code: ErrorCode;
  readonly count: number;
  readonly at: Instant | undefined;
  readonly nextTry: Instant | undefined;
}

export interface InventoryWait extends Wait {
  /** Whether the CA has an order, for which it may be asked at any time. */
  readonly isPlaced: boolean;
}

/** What the probe has noted about the present certificate at its endpoints. */
export type InventoryServing = Pick<Serving, 'state' | 'since' | 'probed'>;

export interface InventoryRow {
  readonly name: string;
  readonly secretArn: string;
  /** The tag's value, or `authority:<name>` for an authority. */
  readonly profile: string;
  /** The most urgent of `states`. */
  readonly state: InventoryState;
  /** Its state, and what is to be known beside it: an expired certificate may also be failing, or paused. */
  readonly states: readonly InventoryState[];
  /** The reason of the scan's decision. */
  readonly reason: { readonly code: ReasonCode; readonly message: string };
  /** Undefined if the tags do not contain the times of the current version. */
  readonly notBefore: Instant | undefined;
  readonly notAfter: Instant | undefined;
  readonly renewAt: Instant | undefined;
  /** Whether it is overdue. An expired certificate is overdue too. */
  readonly overdue: boolean;
  /** Whether it is a declared certificate. */
  readonly declared: boolean;
  /** Whether the declared certificate is missing or changed, in whatever state it is. */
  readonly wanting: 'missing' | 'changed' | undefined;
  readonly failure: InventoryFailure | undefined;
  /** What pauses it. The profile, if both do. */
  readonly pausedBy?: 'tag' | 'profile';
  /** Since when it waits for its CA, and when that is asked again. Undefined if it does not wait. */
  readonly wait?: InventoryWait;
  /** Undefined if the secret has no endpoints, if nothing is noted of the present certificate, or if the stack does not probe. */
  readonly serving?: InventoryServing;
}

export type InventoryTerms = Pick<JudgementTerms, 'now' | 'step' | 'rotationFunctionArn'>;

/** Returns the row. `profile` is undefined if the stack has none of that name. Never throws. */
export function inventoryRow(candidate: Candidate, profile: Profile | undefined, terms: InventoryTerms): InventoryRow {
  const judgement = judge(candidate, profile, { ...terms, force: false });
  const { secret, status, time, decision, overdue } = judgement;
  const validity = status.known ? status.validity : undefined;
  const serving = servingOf(judgement, profile, terms.now);
  const found = statesOf(judgement, serving, terms.now);
  const wait = waitOf(judgement, terms.now);
  return {
    name: secret.name,
    secretArn: secret.arn,
    profile: judgement.profile,
    state: found[0] ?? 'ok',
    states: found,
    reason: { code: decision.code, message: decision.message },
    notBefore: validity?.notBefore,
    notAfter: validity?.end,
    renewAt: time?.renewAt,
    overdue,
    declared: secret.tags.has(tags.declared),
    wanting: shortfall(judgement),
    failure: failureOf(judgement, terms.now),
    ...(decision.code === 'Paused' && { pausedBy: profile?.paused ? 'profile' : 'tag' }),
    ...(wait && { wait }),
    ...(serving && { serving }),
  };
}

/** In a stack that does not probe any more, the tag is never corrected. */
function servingOf({ secret }: Judgement, profile: Profile | undefined, now: Instant): InventoryServing | undefined {
  const found = profile?.probe && readServing(secret, now);
  return found && { state: found.state, since: found.since, probed: found.probed };
}

const words = { Missing: 'missing', Changed: 'changed' } as const;

function shortfall({ secret, status }: Judgement): InventoryRow['wanting'] {
  const found = wanting(secret, status);
  return found && words[found.code];
}

/** If the message that looks again is lost, the certificate does not wait any more: the scan sends another. */
function waitOf({ secret, decision }: Judgement, now: Instant): InventoryWait | undefined {
  const wait = decision.code === 'WaitingForCa' ? readWait(secret, now) : undefined;
  return wait && { ...wait, isPlaced: orderOf(secret)?.stage === 'order' };
}

function failureOf(judgement: Judgement, now: Instant): InventoryFailure | undefined {
  const { status, decision } = judgement;
  const noted = status.known ? status.failure : undefined;
  if (decision.code === 'InvalidTag') {
    return { code: decision.code, count: noted?.count ?? 1, at: noted?.at, nextTry: undefined };
  }
  if (!noted) return undefined;
  const { code, count, at } = noted;
  // A try after the failure may wait for the CA. After the back-off (or in the last twentieth of the validity) the next scan tries.
  const nextTry = waitOf(judgement, now)?.again ?? (decision.code === 'BackingOff' ? retryAt(noted) : now);
  return { code, count, at, nextTry };
}

function statesOf(
  judgement: Judgement,
  serving: InventoryServing | undefined,
  now: Instant,
): readonly InventoryState[] {
  const { secret, decision, status, time, overdue } = judgement;
  if (decision.code === 'UnknownProfile') return ['unknown'];
  if (ofOthers.has(decision.code)) return ['paused'];
  const isPaused = decision.code === 'Paused';
  const short = isPaused ? undefined : shortfall(judgement);
  // The clock runs for a paused certificate too: a forgotten pause is an outage.
  const isExpired = status.known && status.validity !== undefined && now >= status.validity.end;
  const hasFailed = status.known && status.failure !== undefined;
  const holds: Partial<Record<InventoryState, boolean>> = {
    expired: isExpired,
    overdue: overdue && !isExpired,
    failing: !isPaused && (cannotBeTried.has(decision.code) || hasFailed),
    'not served': serving?.state === 'not-served',
    missing: short === 'missing',
    changed: short === 'changed',
    waiting: decision.code === 'WaitingForCa',
    paused: isPaused,
  };
  const found = inventoryStates.filter((state) => holds[state]);
  if (found.length > 0) return found;
  if (decision.action === 'renew' || decision.action === 'rekey') return ['due'];
  return [time === undefined || secret.currentVersionId === undefined ? 'unknown' : 'ok'];
}

/** A tag that is not valid, or too many tags: no worker can try. */
const cannotBeTried: ReadonlySet<string> = new Set(['InvalidTag', 'UnsupportedSecret']);
/** Another writer or another stack owns the secret, or it is being deleted: its clock is no concern of this stack. */
const ofOthers: ReadonlySet<string> = new Set([
  ...['UnknownProfile', 'Replica', 'RotationEnabled', 'ManagedByService', 'SecretNotFound'],
]);

/** Returns whether this stack leaves the certificate alone, whatever its clock says. */
export const isOfOthers = ({ reason }: Pick<InventoryRow, 'reason'>): boolean => ofOthers.has(reason.code);

/** Returns whether a person has to look at it. Decides the exit code of `cert-renewer status`. */
export function needsAttention({ state }: InventoryRow): boolean {
  return isProblem(state);
}

/** Compares rows for Array.sort: by state, the most urgent first, then by notAfter (unknown first), then by name. */
export function byUrgency(left: InventoryRow, right: InventoryRow): number {
  const soonest = (row: InventoryRow): number => row.notAfter ?? 0;
  const ranks = rankOf(left.state) - rankOf(right.state);
  if (ranks !== 0) return ranks;
  if (soonest(left) !== soonest(right)) return soonest(left) - soonest(right);
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
