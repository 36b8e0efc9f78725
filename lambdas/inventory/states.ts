/** The states of a certificate: the one table for the command line, the page, the widget and the documents. */

/**
 * How a state is to be read: `problem` needs a person, `coming` will be done by the schedule, `quiet` is left alone or not known,
 * `well` needs nothing. Only a problem is red.
 */
export type Tone = 'problem' | 'coming' | 'quiet' | 'well';

interface State {
  readonly tone: Tone;
  /** One clause, without a full stop. */
  readonly means: string;
}

/** The most urgent first. A certificate can be in several states: the first one is its state, and its rank in every list. */
export const states = {
  expired: { tone: 'problem', means: 'the certificate, or one of its chain, has expired' },
  overdue: {
    tone: 'problem',
    means: 'it was due, and a fifth of the window has passed. A declared one: an hour has passed without a certificate',
  },
  failing: { tone: 'problem', means: 'the last try failed, or a tag that is not valid prevents a try' },
  'not served': {
    tone: 'problem',
    means: 'an endpoint does not serve the present certificate, and the time for that has passed',
  },
  missing: { tone: 'coming', means: 'it is declared and not issued yet' },
  changed: { tone: 'coming', means: 'its declaration has changed, and the new certificate is not issued yet' },
  waiting: { tone: 'coming', means: 'its CA has not finished yet' },
  due: { tone: 'coming', means: 'it is due before the next scan' },
  paused: {
    tone: 'quiet',
    means: 'the schedule leaves it alone: a tag or the profile pauses it, or another writer owns the secret',
  },
  unknown: {
    tone: 'quiet',
    means: 'no worker has read its current version yet, or this stack does not have its profile',
  },
  ok: { tone: 'well', means: 'it is not due' },
} as const satisfies Record<string, State>;

export type InventoryState = keyof typeof states;

/** The names, the most urgent first. */
export const inventoryStates = Object.keys(states) as readonly InventoryState[];

/** Returns the rank of a state, from 0 for the most urgent. */
export const rankOf = (state: InventoryState): number => inventoryStates.indexOf(state);

/** Returns whether a person has to look at a certificate in this state. */
export const isProblem = (state: InventoryState): boolean => states[state].tone === 'problem';
