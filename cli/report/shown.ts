/** A certificate as the script of the page shows it. */
import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import { causeOf, messageText, nextFor } from '../../lambdas/inventory/cause.ts';
import { visible } from '../../lambdas/inventory/html.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { type InventoryState, states, type Tone } from '../../lambdas/inventory/states.ts';
import { type Coming, comingOf } from '../../lambdas/inventory/timeline.ts';
import { besideState, relative } from '../../lambdas/inventory/words.ts';

/** What is empty or unknown is left out, because a page may have 10,000 of these. */
export interface ShownRow {
  /** The place by urgency, from 0. */
  readonly rank: number;
  readonly name: string;
  readonly profile: string;
  readonly state: InventoryState;
  readonly tone: Tone;
  /** What is to be known beside the state: `failing, paused`. */
  readonly also?: string;
  /** The code of the cause, for problems. */
  readonly cause?: string;
  /** What the code means. */
  readonly means?: string;
  readonly message?: string;
  readonly expires: ShownTime;
  readonly renews: ShownTime;
  readonly comes?: readonly Coming[];
  /** The next command, and what it is for. */
  readonly next?: string;
  readonly to?: string;
}

/** `at` in milliseconds and `iso` are left out if the time is not known. */
export interface ShownTime {
  readonly at?: Instant;
  readonly iso?: string;
  /** `in 3d 4h`, `none yet`, `not known`. */
  readonly text: string;
}

export function shownRow(row: InventoryRow, rank: number, now: Instant, options: string): ShownRow {
  const { state } = row;
  const cause = causeOf(row);
  const next = nextFor(row, options);
  const message = visible(messageText(row, now));
  const also = besideState(row);
  const comes = comingOf(row, now);
  return {
    rank,
    name: visible(row.name),
    profile: visible(row.profile),
    state,
    tone: states[state].tone,
    ...(also !== '' && { also }),
    ...(cause && { cause: cause.code, means: cause.means }),
    ...(message !== '' && { message }),
    expires: shownTime(row, row.notAfter, now),
    renews: shownTime(row, row.renewAt, now),
    ...(comes.length > 0 && { comes }),
    ...(next && { next: visible(next.command), to: next.to }),
  };
}

function shownTime({ wanting }: InventoryRow, at: Instant | undefined, now: Instant): ShownTime {
  if (at === undefined) return { text: wanting === 'missing' ? 'none yet' : 'not known' };
  return { at, iso: formatInstant(at), text: relative(at, now) };
}
