/**
 * What can happen to a call that leaves the function: until when it may begin and is waited for, what it ends with when that time
 * has come, and whether a busy answer is waited out. An invocation has one CallPolicy, and each adapter makes its calls by it.
 */
import { type ErrorCode, RenewalError } from './errors.ts';
import type { Clock, Entropy } from './ports.ts';

/** Milliseconds before the end of an invocation. */
export type Reserves = Readonly<Record<'begin' | 'work' | 'answer', number>>;

export const reserves: Reserves = {
  /** From here on no CA is asked and no message is taken up: a swap, its event and its tags take a second, with every retry ten. */
  begin: 20_000,
  /** From here on only what is told and noted of a renewal or a failure is waited for. */
  work: 10_000,
  /** From here on nothing is waited for: what is not done goes back to the queue. */
  answer: 3_000,
};

/** Where somebody waits for half a minute at most (the HTTP API): most of it is for the CA, which signs within a second. */
export const shortReserves: Reserves = { begin: 6_000, work: 3_000, answer: 1_000 };

/** Each signal is aborted when its time has come, and stays so. */
export type TimeLimits = Readonly<Record<keyof Reserves, AbortSignal>>;

/** `remaining`: milliseconds until the invocation ends. */
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
  /** What it ends with when its time is over. */
  readonly over: ErrorCode;
  /** Who is waited for, in a message. */
  readonly of: string;
  /** "Too many requests" is waited out where the policy has patience: nothing was done, so the same call can be made again. */
  readonly patient: boolean;
}

const rule = (until: keyof TimeLimits, over: ErrorCode, of: string, patient = false): CallRule => ({
  until,
  over,
  of,
  patient,
});

/** An AWS call that its adapter gives up takes 16 s at most: three attempts of 5 s, and the pauses between them. */
export const callRules = {
  // The CA. Its own client gives one conversation ten seconds.
  ask: rule('begin', 'CaUnavailable', 'the CA', true),
  reach: rule('begin', 'CaUnavailable', 'the CA'),
  // KMS.
  signer: rule('work', 'KmsUnavailable', 'KMS'),
  sign: rule('work', 'KmsUnavailable', 'KMS'),
  // SSM: each new worker reads its own profiles, so that a burst of them is slowed down.
  find: rule('work', 'Internal', 'SSM', true),
  declare: rule('work', 'Internal', 'SSM', true),
  // Secrets Manager: fifty writes a second of an account. A certificate that was issued and is not written is issued in vain.
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
  // EventBridge, SQS, and a function of ours that is started.
  publish: rule('answer', 'Internal', 'the event bus'),
  send: rule('work', 'Internal', 'the queue'),
  changeVisibility: rule('answer', 'Internal', 'the queue'),
  start: rule('work', 'Internal', 'Lambda'),
  invoke: rule('work', 'Internal', 'the renew function'),
  // Waiting for a moment of our own choice.
  sleep: rule('work', 'Internal', 'the moment to go on'),
} as const satisfies Record<string, CallRule>;

export type CallName = keyof typeof callRules;

/** The limits of one invocation. */
export interface CallPolicy {
  /** Undefined where nothing ends the invocation: a program that a person runs. */
  readonly limits?: TimeLimits;
  /** By which clock a busy answer is waited out; undefined: it is told at once, as to a person who waits. */
  readonly patience?: { readonly clock: Clock; readonly entropy: Entropy };
}

export const noLimits: CallPolicy = {};

/**
 * One call by the policy. `attempt` is made once, and again while the answer is "busy" where that is waited out; it gets the signal
 * that ends it. What a call that was given up has done all the same is a lost answer.
 *
 * Throws what `attempt` throws, and the rule's error when its time is over before or during the call.
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
      // Never sooner than the other side asks for, and up to twice as late, so that not all come back at the same time.
      const pause = Math.max(usual, (error.retryAfter ?? 0) * 1_000) * (1 + fraction(entropy));
      if (clock.now() + pause - started > longestPatience) throw error;
      // Where the time is over meanwhile, what is told is why this took so long.
      await unlessOver(signal, told, () => clock.sleep(pause)).catch(() => {
        throw error;
      });
      if (signal?.aborted) throw error;
    }
  }
}

/** Milliseconds of waiting for one call; what would be longer goes back to the queue (docs/decisions/0006). */
const longestPatience = 40_000;
const firstPause = 1_000;
const longestPause = 4_000;

/** In [0, 1). */
function fraction(entropy: Entropy): number {
  const [high = 0, low = 0] = entropy(2);
  return (high * 256 + low) / 65_536;
}

/** What `work` gives, unless the signal comes first: it is not begun after it, and not waited for. */
function unlessOver<T>(
  signal: AbortSignal | undefined,
  { over, of }: Pick<CallRule, 'over' | 'of'>,
  work: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work();
  const late = () =>
    new RenewalError(
      over,
      `The function's time was over before ${of} had answered. Try again; if it comes often, see in the log what answers slowly.`,
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
