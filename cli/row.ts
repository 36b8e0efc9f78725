/** A certificate's row as a line of `--json`, and the colour of its state. */
import { formatInstant, type Instant } from '../lambdas/domain/instant.ts';
import type { InventoryRow } from '../lambdas/inventory/row.ts';
import { type InventoryState, states as stateTable, type Tone } from '../lambdas/inventory/states.ts';
import type { Style } from './terminal.ts';

const styles: Readonly<Record<Tone, Style>> = { problem: 'red', coming: 'yellow', quiet: 'cyan', well: 'green' };

/** The colour of a state, by the table of states. */
export const styleOf = (state: InventoryState): Style => styles[stateTable[state].tone];

const time = (instant: Instant | undefined) => (instant === undefined ? null : formatInstant(instant));

/** Returns a line of `--json`: times in RFC 3339, null for unknown values. */
export function recordOf(row: InventoryRow) {
  const { name, secretArn, profile, state, states, declared, wanting = null, reason, overdue, failure } = row;
  const { notBefore, notAfter, renewAt, wait, serving } = row;
  const times = { notBefore: time(notBefore), notAfter: time(notAfter), renewAt: time(renewAt) };
  const told = failure && {
    code: failure.code,
    count: failure.count,
    at: time(failure.at),
    nextTry: time(failure.nextTry),
  };
  return {
    name,
    secretArn,
    profile,
    state,
    states,
    declared,
    wanting,
    reason,
    ...times,
    overdue,
    failure: told ?? null,
    wait: wait ? { since: time(wait.since), again: time(wait.again), notBefore: time(wait.until) } : null,
    serving: serving ? { state: serving.state, since: time(serving.since), probed: time(serving.probed) } : null,
  };
}
