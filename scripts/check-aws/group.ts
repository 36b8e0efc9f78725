/** Groups of behaviours that share their resources. */
import { errorText, notTried, type Outcome, otherwise } from './outcome.ts';
import type { Made, Room } from './room.ts';

export interface Behaviour<T> {
  /** `3.1`: the number of the group and of the line in it, as in docs/aws.md. */
  readonly line: string;
  /** What AWS does by its documentation, or what cert-renewer assumes. */
  readonly says: string;
  /** An error that it throws is the observation. */
  readonly observe: (room: Room, made: T) => Promise<Outcome>;
}

interface Definition<T> {
  readonly makes: readonly Made[];
  /** An error that it throws is the reason why the group could not be tried. */
  readonly setUp: (room: Room) => Promise<T>;
  readonly behaviours: readonly Behaviour<T>[];
}

export interface Group {
  readonly makes: readonly Made[];
  readonly behaviours: readonly Pick<Behaviour<unknown>, 'line' | 'says'>[];
  /** Tries the behaviours one after another, and reports each. Never throws. */
  readonly run: (room: Room, tell: (line: string, outcome: Outcome) => void) => Promise<void>;
}

export function group<T>({ makes, setUp, behaviours }: Definition<T>): Group {
  return {
    makes,
    behaviours,
    run: async (room, tell) => {
      let made: T;
      try {
        made = await setUp(room);
      } catch (error) {
        for (const { line } of behaviours) tell(line, notTried(whyNot(error)));
        return;
      }
      for (const { line, observe } of behaviours) tell(line, await observe(room, made).catch(seenIn));
    },
  };
}

const seenIn = (thrown: unknown): Outcome =>
  isInterruption(thrown) ? notTried(whyNot(thrown)) : otherwise(errorText(thrown));

const whyNot = (thrown: unknown): string => (isInterruption(thrown) ? 'interrupted' : errorText(thrown));

const isInterruption = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'AbortError';
