/** What follows from the facts: when the certificate is due and why then, the cause of a problem, and the next command. Pure. */

import type { Warning } from '../../lambdas/domain/decision.ts';
import { isErrorCode } from '../../lambdas/domain/errors.ts';
import { type Instant, parseInstant } from '../../lambdas/domain/instant.ts';
import type { SettingSource } from '../../lambdas/domain/settings.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { adviceFor } from '../../lambdas/inventory/advice.ts';
import { type Cause, causeOf, type Next, nextFor } from '../../lambdas/inventory/cause.ts';
import { type InventoryRow, isOfOthers } from '../../lambdas/inventory/row.ts';
import { isProblem, rankOf } from '../../lambdas/inventory/states.ts';
import { type RenewalTime, renewalTime, type Validity } from '../../lambdas/policy/renewal-time.ts';
import { readStatus } from '../../lambdas/policy/status.ts';
import type { Facts, Refusal } from './facts.ts';

/** The window or period that applies. */
export interface WindowFacts {
  readonly kind: 'expiresIn' | 'rekeyPeriod';
  /** As it is set: `8h`, `33%`. Null: a third of the validity. */
  readonly set: string | null;
  readonly source: SettingSource;
  /** Milliseconds of the window or period; undefined if the validity is not known. */
  readonly length: number | undefined;
  /** The milliseconds by which the jitter makes it earlier. */
  readonly jitter: number | undefined;
  readonly renewAt: Instant | undefined;
  /** Whether the CA suggests that time, instead of or before that of the window. */
  readonly isSuggested: boolean;
  readonly warnings: readonly Warning[];
}

/** Returns the validity, as the renew function has read it, else from the tags. */
export function validityOf({ shown, row }: Pick<Facts, 'shown' | 'row'>): Validity | undefined {
  const [notBefore, end] = shown?.certificate
    ? [parseInstant(shown.certificate.notBefore), parseInstant(shown.certificate.end)]
    : [row.notBefore, row.notAfter];
  return notBefore === undefined || end === undefined || end <= notBefore ? undefined : { notBefore, end };
}

/** Undefined without a profile, and for an invalid tag. */
export function windowOf(facts: Facts): WindowFacts | undefined {
  const { settings, row, shown, secret, now } = facts;
  if (settings === undefined) return undefined;
  const { timing, timingSource: source } = settings;
  const validity = validityOf(facts);
  const time = validity && renewalTime(validity, settings, row.secretArn);
  const status = readStatus(secret, now);
  const suggested = status.known ? status.suggested : undefined;
  const due = validity && renewalTime(validity, settings, row.secretArn, suggested);
  return {
    kind: timing?.kind ?? 'expiresIn',
    set: timing === undefined ? null : timing.kind === 'expiresIn' ? timing.window.text : timing.text,
    source,
    length: time?.window,
    jitter: validity && time && jitterOf(validity, time),
    renewAt: due?.renewAt,
    isSuggested: due?.dueCode === 'Suggested',
    warnings: shown?.warnings ?? time?.warnings ?? [],
  };
}

function jitterOf({ notBefore, end }: Validity, { dueCode, window, renewAt }: RenewalTime): number {
  return (dueCode === 'PeriodElapsed' ? notBefore + window : end - window) - renewAt;
}

/** The name of the tag or field that sets a setting. */
export const tagOf = { expiresIn: tags.expiresIn, rekeyPeriod: tags.rekeyPeriod } as const;

/** Returns what the renew function has found now, unless it is the noted failure: an error of the secret, or of the next try. */
export function foundNow({ shown, refusal, row, message }: Facts): Refusal | undefined {
  const found = refusal ?? shown?.obstacle ?? undefined;
  const isKnown = found?.code === row.reason.code || (found?.code === row.failure?.code && found?.message === message);
  return isKnown ? undefined : found;
}

/**
 * Returns the row with what the renew function has found: an error as its failure, if it has no noted one, and the state of a
 * certificate that the tags do not show yet.
 */
function judged(facts: Facts): InventoryRow {
  const { row, shown, refusal } = facts;
  const found = refusal ?? shown?.obstacle ?? undefined;
  if (found === undefined) return isUnread(row) ? { ...row, state: stateFound(facts) } : row;
  if (row.failure || found.code === row.reason.code || !isErrorCode(found.code)) return row;
  const failure = { code: found.code, count: 1, at: undefined, nextTry: undefined };
  const state = rankOf(row.state) < rankOf('failing') ? row.state : 'failing';
  return { ...row, state, failure };
}

/** Without the times of the current version. A paused one has no other state then. */
const isUnread = (row: InventoryRow): boolean =>
  (row.state === 'unknown' || row.state === 'paused') && row.notAfter === undefined && !isOfOthers(row);

/** The state by the certificate itself. The clock of a paused one runs too. */
function stateFound({ shown, now, row }: Facts): InventoryRow['state'] {
  if (shown === undefined) return row.state;
  const { certificate, decision } = shown;
  const end = certificate ? parseInstant(certificate.end) : undefined;
  if (row.state === 'paused') return end !== undefined && end <= now ? 'expired' : 'paused';
  if (decision.action === 'issue') return certificate ? 'changed' : 'missing';
  if (end !== undefined && end <= now) return 'expired';
  return decision.action === 'skip' ? 'ok' : 'due';
}

export const hasProblem = (facts: Facts): boolean => isProblem(judged(facts).state);

/** Returns the cause of a problem, or the advice for a profile that the stack does not have. */
export function causeIn(facts: Facts): Cause | undefined {
  const { code } = facts.row.reason;
  return causeOf(judged(facts), facts.advice) ?? (code === 'UnknownProfile' ? { code, ...adviceFor(code) } : undefined);
}

/** Returns the command to run next, for this stack. Undefined if it would be this one. */
export function nextIn(facts: Facts, options: string): Next | undefined {
  const next = nextFor(judged(facts), options);
  if (next === undefined || next.command.startsWith('cert-renewer status ')) return undefined;
  return facts.meant === undefined ? next : { ...next, command: next.command.replace('<profile>', facts.meant) };
}
