/**
 * Runs tasks in turns, one after another, at a pace below AWS's quotas. The first turn of each task comes before the second of any.
 * A turn with a retryable error is repeated later. A failed task does not stop the others.
 */
import { type ErrorCode, RenewalError, toRenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { Clock } from '../domain/ports.ts';

/**
 * `unpaced`: the turn made only one read call, so the next turn need not wait. `isQuiet`: the turn was no failure and sent no event, so the
 * next one comes after a short pause.
 */
export type Turn<Result> =
  | { readonly kind: 'done'; readonly result: Result; readonly unpaced?: boolean }
  | { readonly kind: 'next'; readonly task: Task<Result> }
  | { readonly kind: 'later'; readonly why: RenewalError; readonly isQuiet?: boolean };

export interface Task<Result> {
  readonly name: string;
  /** Codes that may pass by themselves within some seconds after a deployment. */
  readonly settles: ReadonlySet<ErrorCode>;
  readonly turn: () => Promise<Turn<Result>>;
}

export type TaskEnd<Result> =
  | { readonly name: string; readonly kind: 'done'; readonly result: Result }
  | { readonly name: string; readonly kind: 'failed'; readonly error: RenewalError };

export interface Terms {
  /** No turn begins after this instant. */
  readonly deadline: Instant;
  /** Until this instant a turn with one of the codes in `settles` is repeated. */
  readonly settledAt: Instant;
}

/** Milliseconds from the start of one turn to the start of the next. */
const pace = 1_000;
/** Milliseconds until a task is tried again. The pauses grow, because each failure of the renew function sends an event. */
const firstPause = 5_000;
const longestPause = 40_000;
/** Milliseconds between quiet turns. */
const quietPause = 5_000;

interface Waiting<Result> {
  readonly task: Task<Result>;
  readonly from: Instant;
  readonly pause: number;
  readonly why?: RenewalError;
}

/** Runs the tasks and returns how each ended. Never throws. */
export async function inTurn<Result>(
  clock: Clock,
  tasks: readonly Task<Result>[],
  terms: Terms,
): Promise<readonly TaskEnd<Result>[]> {
  const started = clock.now();
  const ends: TaskEnd<Result>[] = [];
  let waiting: readonly Waiting<Result>[] = tasks.map((task) => first(task, started));
  let free = started;
  while (waiting.length > 0) {
    const next = waiting.reduce((one, other) => (other.from < one.from ? other : one));
    const begin = Math.max(next.from, free);
    if (begin >= terms.deadline) break;
    if (begin > clock.now()) await clock.sleep(begin - clock.now());
    const began = clock.now();
    const turn = await takeTurn(clock, next.task, terms);
    const others = waiting.filter((each) => each !== next);
    const now = clock.now();
    if (turn.kind === 'next') waiting = [...others, first(turn.task, now)];
    else if (turn.kind === 'later') waiting = [...others, again(next, turn, now)];
    else {
      waiting = others;
      ends.push({ name: next.task.name, ...turn });
    }
    if (!(turn.kind === 'done' && turn.unpaced)) free = began + pace;
  }
  const late = waiting.map(({ task, why }) => tooLate(task, why, clock.now() - started));
  return [...ends, ...late];
}

const first = <Result>(task: Task<Result>, from: Instant): Waiting<Result> => ({ task, from, pause: firstPause });

type Later<Result> = Extract<Turn<Result>, { kind: 'later' }>;

function again<Result>(waiting: Waiting<Result>, { why, isQuiet }: Later<Result>, now: Instant): Waiting<Result> {
  const { task, pause } = waiting;
  if (isQuiet) return { ...{ task, why, pause }, from: now + quietPause };
  return { ...{ task, why }, from: now + pause, pause: Math.min(pause * 2, longestPause) };
}

type TurnTaken<Result> = Turn<Result> | { readonly kind: 'failed'; readonly error: RenewalError };

async function takeTurn<Result>(
  clock: Clock,
  { turn, settles }: Task<Result>,
  { settledAt }: Terms,
): Promise<TurnTaken<Result>> {
  try {
    return await turn();
  } catch (thrown) {
    const error = toRenewalError(thrown);
    const mayPass = error.retryable || (settles.has(error.code) && clock.now() < settledAt);
    return mayPass ? { kind: 'later', why: error } : { kind: 'failed', error };
  }
}

function tooLate<Result>({ name }: Task<Result>, why: RenewalError | undefined, waited: number): TaskEnd<Result> {
  const minutes = Math.max(1, Math.round(waited / 60_000));
  const time = `Waited ${minutes} minute${minutes === 1 ? '' : 's'}`;
  const error =
    why === undefined
      ? new RenewalError(
          'Internal',
          `${time} and did not get to this certificate: deploy again, or declare fewer at once.`,
        )
      : new RenewalError(why.code, `${time}. The last answer was ${why.code}: ${why.message}`);
  return { name, kind: 'failed', error };
}
