/** Behaviours that share what is made for them. */
import { errorText, notTried, type Outcome, otherwise } from './outcome.ts';
import type { Made, Room } from './room.ts';

export interface Behaviour<T> {
  /** `3.1`: the group and the line in it. docs/aws.md names it. */
  readonly line: string;
  /** What AWS does, as it is written or as cert-renewer takes it to be. */
  readonly says: string;
  /** What it throws is what was seen. */
  readonly observe: (room: Room, made: T) => Promise<Outcome>;
}

interface Definition<T> {
  readonly makes: readonly Made[];
  /** What it throws is why nothing of the group could be tried. */
  readonly setUp: (room: Room) => Promise<T>;
  readonly behaviours: readonly Behaviour<T>[];
}

export interface Group {
  readonly makes: readonly Made[];
  readonly behaviours: readonly Pick<Behaviour<unknown>, 'line' | 'says'>[];
  /** Tries them one after another, and tells each. Never throws. */
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
