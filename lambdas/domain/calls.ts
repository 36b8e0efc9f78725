/**
 * The rules for calls to other services: the time limit of a call, the error when that time is over, and whether the call is
 * repeated after a busy answer. An invocation has one CallPolicy. Every adapter makes its calls through it.
 */
import { type ErrorCode, RenewalError } from './errors.ts';
import type { Clock, Entropy } from './ports.ts';

/** Milliseconds before the end of an invocation. */
export type Reserves = Readonly<Record<'begin' | 'work' | 'answer', number>>;

export const reserves: Reserves = {
  /** The last 20 s: no CA is asked, no message is started. Swap, event and tags take one second, ten with every retry. */
  begin: 20_000,
  /** The last 10 s: only events, status tags and message visibility are still waited for. */
  work: 10_000,
  /** The last 3 s: nothing is waited for. Unfinished messages go back to the queue. */
  answer: 3_000,
};

/** For a caller that waits for half a minute at most (the HTTP API). The authority signs within a second. */
export const shortReserves: Reserves = { begin: 6_000, work: 3_000, answer: 1_000 };

/** Each signal is aborted when its reserve begins, and stays aborted. */
export type TimeLimits = Readonly<Record<keyof Reserves, AbortSignal>>;

/** Returns the limits of an invocation that ends in `remaining` milliseconds. */
export function timeLimits(
  remaining: number,
  abortedIn: (milliseconds: number) => AbortSignal,
  { begin, work, answer }: Reserves = reserves,
): TimeLimits {
  const before = (reserve: number) => abortedIn(Math.max(0, Math.floor(remaining - reserve)));
  return { begin: before(begin), work: before(work), answer: before(answer) };
}

interface CallRule {
  readonly until: keyof TimeLimits;
  /** Code of the error when its time is over. */
  readonly over: ErrorCode;
  /** The called service, as the error message names it. */
  readonly of: string;
  /** Whether a call is repeated after a busy answer ("too many requests"). Such a call did nothing, so repeating it is safe. */
  readonly patient: boolean;
}

const rule = (until: keyof TimeLimits, over: ErrorCode, of: string, patient = false): CallRule => ({
  until,
  over,
  of,
  patient,
});

/** An AWS call takes 16 s at most in its adapter: three attempts of 5 s each, and the pauses between them. */
export const callRules = {
  // The CA. Its client has its own limit of 10 s for a request.
  ask: rule('begin', 'CaUnavailable', 'the CA', true),
  reach: rule('begin', 'CaUnavailable', 'the CA'),
  // KMS.
  signer: rule('work', 'KmsUnavailable', 'KMS'),
  sign: rule('work', 'KmsUnavailable', 'KMS'),
  // SSM: each new worker reads its profiles, so a burst of new workers is throttled.
  find: rule('work', 'Internal', 'SSM', true),
  declare: rule('work', 'Internal', 'SSM', true),
  // Secrets Manager allows an account 50 writes a second. An issued certificate that can't be written is lost, so writes are
  // patient.
  list: rule('work', 'Internal', 'Secrets Manager'),
  describe: rule('work', 'Internal', 'Secrets Manager'),
  read: rule('work', 'Internal', 'Secrets Manager'),
  stage: rule('work', 'Internal', 'Secrets Manager', true),
  promote: rule('work', 'Internal', 'Secrets Manager', true),
  discard: rule('work', 'Internal', 'Secrets Manager'),
  tag: rule('answer', 'Internal', 'Secrets Manager', true),
  labelNoRoom: rule('answer', 'Internal', 'Secrets Manager', true),
  create: rule('work', 'Internal', 'Secrets Manager', true),
  setEncryptionKey: rule('work', 'Internal', 'Secrets Manager', true),
  keepOrder: rule('work', 'Internal', 'Secrets Manager', true),
  dropOrder: rule('work', 'Internal', 'Secrets Manager'),
  // Route 53 allows an account 5 requests a second. Who is refused comes later, so the calls are not patient.
  changeTexts: rule('work', 'Throttled', 'Route 53'),
  isInSync: rule('work', 'Throttled', 'Route 53'),
  binding: rule('work', 'Internal', 'ACM'),
  // EventBridge, SQS and Lambda.
  publish: rule('answer', 'Internal', 'the event bus'),
  send: rule('work', 'Internal', 'the queue'),
  changeVisibility: rule('answer', 'Internal', 'the queue'),
  start: rule('work', 'Internal', 'Lambda'),
  invoke: rule('work', 'Internal', 'the renew function'),
  // A pause of our own.
  sleep: rule('work', 'Internal', 'a pause to end'),
} as const satisfies Record<string, CallRule>;

export type CallName = keyof typeof callRules;

/** The limits of one invocation. */
export interface CallPolicy {
  /** Undefined: no time limit, for a program that a person runs. */
  readonly limits?: TimeLimits;
  /** Undefined: a busy answer is reported at once, because a person waits. */
  readonly patience?: { readonly clock: Clock; readonly entropy: Entropy };
}

export const noLimits: CallPolicy = {};

/**
 * Makes one call by the policy. Runs `attempt` with the signal of its time limit. Repeats it after busy answers if rule and policy
 * are patient. A call that ran out of time may still have had its effect.
 *
 * Throws what `attempt` throws, and the rule's error when the time is over before or during the call.
 */
export async function call<T>(
  { limits, patience }: CallPolicy,
  name: CallName,
  attempt: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { patient, until, ...told } = callRules[name];
  const signal = limits?.[until];
  if (patience === undefined || !patient) return unlessOver(signal, told, () => attempt(signal));
  const { clock, entropy } = patience;
  const started = clock.now();
  for (let usual = firstPause; ; usual = Math.min(usual * 2, longestPause)) {
    try {
      return await unlessOver(signal, told, () => attempt(signal));
    } catch (error) {
      if (!(error instanceof RenewalError) || !error.busy) throw error;
      // At least as long as the service asks for, and at most twice as long: the jitter spreads the callers.
      const pause = Math.max(usual, (error.retryAfter ?? 0) * 1_000) * (1 + fraction(entropy));
      if (clock.now() + pause - started > longestPatience) throw error;
      // If the time is over during the pause, the busy answer is the more useful error.
      await unlessOver(signal, told, () => clock.sleep(pause)).catch(() => {
        throw error;
      });
      if (signal?.aborted) throw error;
    }
  }
}

/** Milliseconds of pauses for one call. A longer wait goes back to the queue (docs/decisions/0006). */
const longestPatience = 40_000;
const firstPause = 1_000;
const longestPause = 4_000;

/** Returns a random number in [0, 1). */
function fraction(entropy: Entropy): number {
  const [high = 0, low = 0] = entropy(2);
  return (high * 256 + low) / 65_536;
}

/** Returns the result of `work`, or rejects when the signal is aborted first. Does not start `work` after that. */
function unlessOver<T>(
  signal: AbortSignal | undefined,
  { over, of }: Pick<CallRule, 'over' | 'of'>,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work();
  const late = () =>
    new RenewalError(
      over,
      `The function ran out of time while it waited for ${of}. Try again. If this happens often, look in the log for slow calls.`,
      { retryable: true },
    );
  if (signal.aborted) return Promise.reject(late());
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(late());
    signal.addEventListener('abort', stop, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
