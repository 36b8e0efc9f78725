/**
 * A row of `cert-renewer status`, of the dashboard's widget and of the report page: one certificate. It shows what the scan would
 * decide (policy/judgement.ts), so that all of them agree.
 */
import type { ReasonCode } from '../domain/decision.ts';
import type { ErrorCode } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import { tags } from '../domain/tags.ts';
import { wanting } from '../policy/declared-tags.ts';
import type { Candidate } from '../policy/enrolment.ts';
import { type Judgement, type JudgementTerms, judge } from '../policy/judgement.ts';
import { retryAt } from '../policy/status.ts';

/**
 * - `overdue`: a fifth of the window has passed since it was due
 * - `failing`: the last try failed, or an invalid tag prevents a try
 * - `missing`: declared and not issued yet. After a failed try `failure` has the reason
 * - `changed`: the declaration has changed, and the new certificate is not issued yet. `failure` as above
 * - `due`: due before the next scan
 * - `unknown`: its tags are not about the current version, or name a profile that this stack does not have
 * - `ok`: not due
 * - `paused`: the schedule skips it (tag, profile, or another writer such as native rotation)
 */
export const inventoryStates = ['overdue', 'failing', 'missing', 'changed', 'due', 'unknown', 'ok', 'paused'] as const;
export type InventoryState = (typeof inventoryStates)[number];

/** The last noted failure. `nextTry` is undefined if a person has to correct something first. */
export interface InventoryFailure {
  readonly code: ErrorCode;
  readonly count: number;
  readonly at: Instant | undefined;
  readonly nextTry: Instant | undefined;
}

export interface InventoryRow {
  readonly name: string;
  readonly secretArn: string;
  /** The tag's value, or `authority:<name>` for an authority. */
  readonly profile: string;
  readonly state: InventoryState;
  /** The reason of the scan's decision. */
  readonly reason: { readonly code: ReasonCode; readonly message: string };
  /** Undefined if the tags do not contain the times of the current version. */
  readonly notBefore: Instant | undefined;
  readonly notAfter: Instant | undefined;
  readonly renewAt: Instant | undefined;
  /** Whether it is overdue. Certificates in the states paused, failing and missing may be overdue too. */
  readonly overdue: boolean;
  /** Whether it is a declared certificate. */
  readonly declared: boolean;
  /** Whether the declared certificate is missing or changed. Certificates in the states paused and failing may be too. */
  readonly wanting: 'missing' | 'changed' | undefined;
  readonly failure: InventoryFailure | undefined;
}

export type InventoryTerms = Pick<JudgementTerms, 'now' | 'step' | 'rotationFunctionArn'>;

/** Returns the row. `profile` is undefined if the stack has none of that name. Never throws. */
export function inventoryRow(candidate: Candidate, profile: Profile | undefined, terms: InventoryTerms): InventoryRow {
  const judgement = judge(candidate, profile, { ...terms, force: false });
  const { secret, status, time, decision, overdue } = judgement;
  const validity = status.known ? status.validity : undefined;
  return {
    name: secret.name,
    secretArn: secret.arn,
    profile: judgement.profile,
    state: stateOf(judgement),
    reason: { code: decision.code, message: decision.message },
    notBefore: validity?.notBefore,
    notAfter: validity?.end,
    renewAt: time?.renewAt,
    overdue,
    declared: secret.tags.has(tags.declared),
    wanting: shortfall(judgement),
    failure: failureOf(judgement, terms.now),
  };
}

const words = { Missing: 'missing', Changed: 'changed' } as const;

function shortfall({ secret, status }: Judgement): InventoryRow['wanting'] {
  const found = wanting(secret, status);
  return found && words[found.code];
}

function failureOf({ status, decision }: Judgement, now: Instant): InventoryFailure | undefined {
  const noted = status.known ? status.failure : undefined;
  if (decision.code === 'InvalidTag') {
    return { code: decision.code, count: noted?.count ?? 1, at: noted?.at, nextTry: undefined };
  }
  if (!noted) return undefined;
  const { code, count, at } = noted;
  // After the back-off (or in the last twentieth of the validity) the next scan tries.
  return { code, count, at, nextTry: decision.code === 'BackingOff' ? retryAt(noted) : now };
}

function stateOf(judgement: Judgement): InventoryState {
  const { secret, decision, status, time, overdue } = judgement;
  if (decision.code === 'InvalidTag') return 'failing';
  if (decision.code === 'UnknownProfile' || secret.currentVersionId === undefined) return 'unknown';
  if (decision.action === 'skip' && decision.code !== 'NotDue' && decision.code !== 'BackingOff') return 'paused';
  const short = shortfall(judgement);
  if (short) return short;
  if (!status.known) return 'unknown';
  if (status.failure) return 'failing';
  if (time === undefined) return 'unknown';
  if (overdue) return 'overdue';
  return decision.action === 'renew' || decision.action === 'rekey' ? 'due' : 'ok';
}

/** Returns whether the last try failed or an invalid tag prevents a try, also for a missing or changed declared certificate. */
export function isFailing({ state, failure }: InventoryRow): boolean {
  return state === 'failing' || ((state === 'missing' || state === 'changed') && failure !== undefined);
}

/** Returns whether a person has to look at it. Decides the exit code of `cert-renewer status`. */
export function needsAttention(row: InventoryRow): boolean {
  return row.overdue || isFailing(row);
}

/** Returns the state for the colour of the row. */
export function severity(row: InventoryRow): InventoryState {
  return row.overdue ? 'overdue' : isFailing(row) ? 'failing' : row.state;
}

/** Returns the states for a filter: a paused certificate may also be overdue, a missing one also failing. */
export function statesOf(row: InventoryRow): readonly InventoryState[] {
  const also = [...(row.overdue ? ['overdue' as const] : []), ...(isFailing(row) ? ['failing' as const] : [])];
  return [...new Set([row.state, ...also])];
}

const ranks: Readonly<Record<InventoryState, number>> = {
  ...{ overdue: 0, failing: 0, missing: 1, changed: 2, due: 3, unknown: 4, ok: 5, paused: 6 },
};
const rank = (row: InventoryRow): number =>
  row.state !== 'paused' && needsAttention(row) ? ranks.overdue : ranks[row.state];

/**
 * Compares rows for Array.sort, the most urgent first: overdue or failing, missing, changed, due, unknown, ok, paused. Rows of the
 * same rank are in order of notAfter (unknown first), then of name.
 */
export function byUrgency(left: InventoryRow, right: InventoryRow): number {
  const soonest = (row: InventoryRow): number => row.notAfter ?? 0;
  if (rank(left) !== rank(right)) return rank(left) - rank(right);
  if (soonest(left) !== soonest(right)) return soonest(left) - soonest(right);
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
