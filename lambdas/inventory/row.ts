/**
 * One certificate as people look at it: a row of `cert-renewer status`, of the dashboard's widget and of the page. It says
 * what the scan would decide (policy/judgement.ts), so that all of them agree on what is due.
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
 * - `overdue`: past its time by a fifth of the window
 * - `failing`: the last try failed, or a tag keeps it from being tried
 * - `missing`: declared, and no certificate of it is there yet. `failure` says why, where a try has failed
 * - `changed`: the declaration has changed, and the certificate is still the one from before. `failure` as above
 * - `due`: its time has come, or will have before the next scan
 * - `unknown`: its tags don't tell, or name a profile of another stack
 * - `ok`: nothing to do yet
 * - `paused`: the schedule leaves it alone (tag, profile, or another writer such as native rotation)
 */
export const inventoryStates = ['overdue', 'failing', 'missing', 'changed', 'due', 'unknown', 'ok', 'paused'] as const;
export type InventoryState = (typeof inventoryStates)[number];

/** The last failure that is noted. `nextTry` is undefined where only somebody's correction brings another. */
export interface InventoryFailure {
  readonly code: ErrorCode;
  readonly count: number;
  readonly at: Instant | undefined;
  readonly nextTry: Instant | undefined;
}

export interface InventoryRow {
  readonly name: string;
  readonly secretArn: string;
  /** As the tag has it; `authority:<name>` for an authority of the stack. */
  readonly profile: string;
  readonly state: InventoryState;
  /** Why, in the scan's words. */
  readonly reason: { readonly code: ReasonCode; readonly message: string };
  /** Undefined where the tags don't tell. */
  readonly notBefore: Instant | undefined;
  readonly notAfter: Instant | undefined;
  readonly renewAt: Instant | undefined;
  /** Whether it is past its time, whatever the state: a paused, failing or missing one may be too. */
  readonly overdue: boolean;
  /** Whether a declaration says what it is to be. */
  readonly declared: boolean;
  /** How it falls short of its declaration, whatever the state: a paused or failing one may too. */
  readonly wanting: 'missing' | 'changed' | undefined;
  readonly failure: InventoryFailure | undefined;
}

export type InventoryTerms = Pick<JudgementTerms, 'now' | 'step' | 'rotationFunctionArn'>;

/** `profile` is undefined where the stack has none of that name. Never throws. */
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
  // Where its time has come (or in the last twentieth of the validity) the next scan tries.
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

/** Whether its last try failed, or a tag keeps it from being tried; where no certificate of a declaration is there yet, too. */
export function isFailing({ state, failure }: InventoryRow): boolean {
  return state === 'failing' || ((state === 'missing' || state === 'changed') && failure !== undefined);
}

/** What somebody has to look at: the exit status of `cert-renewer status`. */
export function needsAttention(row: InventoryRow): boolean {
  return row.overdue || isFailing(row);
}

/** The state whose colour it has. */
export function severity(row: InventoryRow): InventoryState {
  return row.overdue ? 'overdue' : isFailing(row) ? 'failing' : row.state;
}

/** The states that a filter finds it by: a paused one may be overdue, a missing one failing. */
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
 * Most urgent first: what is overdue or failing, what is declared and missing or changed, what is due, what nobody knows, the
 * rest; in each by the end of the certificate (one whose end is not known first), then by name. For Array.sort.
 */
export function byUrgency(left: InventoryRow, right: InventoryRow): number {
  const soonest = (row: InventoryRow): number => row.notAfter ?? 0;
  if (rank(left) !== rank(right)) return rank(left) - rank(right);
  if (soonest(left) !== soonest(right)) return soonest(left) - soonest(right);
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
