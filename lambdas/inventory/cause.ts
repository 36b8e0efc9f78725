/** Why a certificate is in its state, and what to do next. */
import { count } from '../domain/count.ts';
import { isErrorCode } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import { shellWord } from '../domain/typed-command.ts';
import { isAuthorityProfile } from '../policy/authority-profile.ts';
import { type AdviceAtCa, adviceFor, type CauseCode } from './advice.ts';
import type { InventoryFailure, InventoryRow } from './row.ts';
import { type InventoryState, inventoryStates, isProblem } from './states.ts';
import { relative, servingText, waitText } from './words.ts';

/** A problem's cause. Rows with the same code form a group. */
export interface Cause {
  readonly code: CauseCode;
  /** One clause, without a full stop. */
  readonly means: string;
  readonly fix: string;
  readonly link: string;
}

/**
 * Returns the cause of a problem: the code of the last failure, else why no try is made. Undefined for other states. A pause is the
 * cause even after a failure, because it prevents the next try. `atCa` is the advice of the certificate's CA, if the caller knows it.
 */
export function causeOf(row: InventoryRow, atCa?: AdviceAtCa): Cause | undefined {
  if (!isProblem(row.state)) return undefined;
  const code = codeOf(row);
  return { code, ...adviceFor(code, atCa) };
}

function codeOf({ state, states, failure, reason }: InventoryRow): CauseCode {
  if (state === 'not served') return 'NotServed'; // a pause of the renewal changes nothing at the server
  return states.includes('paused') ? reason.code : (failure?.code ?? reason.code);
}

/** The command to run next, and what it is for. */
export interface Next {
  readonly command: string;
  /** A clause in the infinitive, without a full stop: `issue it now`. */
  readonly to: string;
}

/**
 * Returns the one command to run next, or undefined if there is nothing to do. After a failure with a code that needs a change, the
 * command is the one to run after that change. `options`: those that name the stack, such as ` --stack Staging`.
 */
export function nextFor(row: InventoryRow, options: string): Next | undefined {
  const next = commandFor(row);
  return next && { ...next, command: `${next.command}${options}` };
}

function commandFor(row: InventoryRow): Next | undefined {
  const { state, states, reason, failure } = row;
  const name = shellWord(row.name);
  const renew = `cert-renewer renew ${name}`;
  if (reason.code === 'UnknownProfile') {
    return { command: `cert-renewer enrol ${name} --profile <profile>`, to: 'enrol it in a profile of this stack' };
  }
  if (state === 'not served') {
    return { command: `cert-renewer probe ${name}`, to: 'see what its endpoints present' };
  }
  if (states.includes('paused')) {
    if (reason.code !== 'Paused') return undefined;
    if (row.pausedBy === 'profile') {
      return { command: 'cert-renewer deploy', to: 'end the pause, when "paused" is removed from the profile' };
    }
    return { command: `cert-renewer resume ${name}`, to: 'return it to the schedule' };
  }
  if (row.wait) return row.wait.isPlaced ? { command: renew, to: 'ask its CA now' } : undefined;
  if (failure) return afterFailure(row, failure, renew);
  switch (state) {
    case 'expired':
    case 'overdue':
      return { command: renew, to: 'renew it now' };
    case 'failing':
      return { command: `cert-renewer plan ${name}`, to: 'see what prevents a try' };
    case 'missing':
    case 'changed':
      return { command: renew, to: 'issue it now' };
    case 'due':
      return { command: renew, to: 'renew it before the next scan' };
    case 'unknown':
      return { command: `${renew} --dry-run`, to: 'have a worker read it now' };
    case 'waiting':
    case 'paused':
    case 'ok':
      return undefined;
  }
}

function afterFailure(row: InventoryRow, { code }: InventoryFailure, renew: string): Next {
  const [name, profile] = [shellWord(row.name), shellWord(row.profile)];
  if (code === 'InvalidTag' && isAuthorityProfile(row.profile)) {
    return { command: `cert-renewer plan ${name}`, to: 'see which tag of the authority is wrong' };
  }
  if (code === 'InvalidTag') {
    return {
      command: `cert-renewer enrol ${name} --profile ${profile}`,
      to: 'set its tags again, with options for those to keep',
    };
  }
  if (code === 'CaUnavailable') return { command: 'cert-renewer doctor', to: 'see whether the CA answers now' };
  if (code === 'KeyMismatch' || code === 'InvalidCertificate') {
    return { command: `cert-renewer rollback ${name}`, to: 'return to the version before, if that was a good one' };
  }
  return { command: renew, to: 'try again when the cause is removed' };
}

/** Certificates with the same cause. */
export interface CauseGroup {
  readonly cause: Cause;
  readonly rows: readonly InventoryRow[];
}

/**
 * Groups the problems among the rows by cause, the largest group first. With `atCa`, certificates with one code are in several groups
 * if their CAs need different advice.
 */
export function causeGroups(
  rows: readonly InventoryRow[],
  atCa?: (row: InventoryRow) => AdviceAtCa,
): readonly CauseGroup[] {
  const groups = new Map<string, { cause: Cause; rows: InventoryRow[] }>();
  for (const row of rows) {
    const cause = causeOf(row, atCa?.(row));
    if (cause === undefined) continue;
    const key = `${cause.code} ${cause.fix}`;
    const group = groups.get(key) ?? { cause, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  return [...groups.values()].sort((left, right) => right.rows.length - left.rows.length);
}

/**
 * Formats why: `CaRejected: the CA refuses the request; 3 tries, next try in 2h`, `Paused: …`, `WaitingForCa: for 2h, looked at again in
 * 10m`, `NotServed: not served for 2h, probed 3m ago`, `Replica`. Empty if the state says all.
 * The message of a failure is in the worker's log. For a tag that is not valid it is in the decision.
 */
export function whyText(row: InventoryRow, now: Instant): string {
  const { state, failure, reason, wait, serving } = row;
  const cause = causeOf(row);
  if (cause?.code === 'NotServed' && serving) return `${cause.code}: ${servingText(serving, now)}`;
  if (wait && (cause === undefined || cause.code === reason.code)) return `${reason.code}: ${waitText(wait, now)}`;
  if (cause) {
    const means = cause.code === reason.code && saysMore(reason) ? reason.message : cause.means;
    // Without a next try a person has to act first, which the message says.
    if (failure?.nextTry === undefined || failure.code !== cause.code) return `${cause.code}: ${means}`;
    return `${cause.code}: ${means.replace(/\.$/, '')}; ${triesText(failure, row, now)}`;
  }
  if (state === 'paused' && reason.code !== 'Paused') return reason.code;
  if (state === 'unknown' && reason.code !== 'Unknown') return `${reason.code}: ${reason.message}`;
  return '';
}

/** The scan's own finding names the tag or the profile. A noted failure has no message in the tags. */
const saysMore = ({ code }: InventoryRow['reason']): boolean => isErrorCode(code) || code === 'Paused';

/** Formats the tries: `3 tries, next try in 2h`. The next one may wait for the CA already. */
function triesText(failure: InventoryFailure, { wait }: InventoryRow, now: Instant): string {
  const next = wait ? `the next one waits for the CA ${waitText(wait, now)}` : nextTry(failure, now);
  return `${count(failure.count, 'try', 'tries')}, ${next}`;
}

/**
 * Formats what the tags say about this certificate alone, beside its state and the code of its cause: the tries, which tag is not
 * valid, why it is paused. Empty if there is nothing to say.
 */
export function messageText(row: InventoryRow, now: Instant): string {
  const { state, failure, reason, wait, serving } = row;
  if (state === 'not served' && serving) return servingText(serving, now);
  if (saysMore(reason)) return reason.message;
  if (failure) return triesText(failure, row, now);
  if (wait) return `it waits for its CA ${waitText(wait, now)}`;
  const cause = causeOf(row);
  if (cause) return cause.means;
  return state === 'ok' || state === 'due' ? '' : reason.message;
}

function nextTry({ nextTry: at }: InventoryFailure, now: Instant): string {
  return at === undefined || at <= now ? 'next try with the next scan' : `next try ${relative(at, now)}`;
}

/** Counts the rows of each state, the most urgent first. States without rows are left out. */
export function stateCounts(rows: readonly InventoryRow[]): ReadonlyMap<InventoryState, number> {
  const counts = new Map<InventoryState, number>(inventoryStates.map((state) => [state, 0]));
  for (const { state } of rows) counts.set(state, (counts.get(state) ?? 0) + 1);
  return new Map([...counts].filter(([, number]) => number > 0));
}
