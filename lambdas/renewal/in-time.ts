/**
 * A Lambda has an end. Work that would outlast it is given up a little before, in order: first no CA is asked any more
 * and no message taken up, then no other call either, so that there is time to write the failure down and to hand the
 * message back. What a call that was given up has done all the same is a lost answer, and the next try finds it
 * (docs/renewal-cycle.md).
 */
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import type { CaProvider, Publisher, Store } from '../domain/ports.ts';
import type { RenewalWorld } from './world.ts';

/** Milliseconds before the end of the invocation. */
export const reserves = {
  /** From here on nothing is begun: a swap, its event and its tags take a second, and with every retry ten. */
  begin: 20_000,
  /** From here on only what is written about a failure is waited for. */
  work: 10_000,
  /** From here on nothing is waited for. */
  answer: 3_000,
} as const;

/** Milliseconds before the end of a scan's invocation: a page that is under way, with every retry, and what it gives to send. */
export const scanReserve = 60_000;

/** Each signal is aborted when its time has come, and stays so. */
export type TimeLimits = Readonly<Record<keyof typeof reserves, AbortSignal>>;

/** `remaining`: milliseconds until the invocation ends. */
export function timeLimits(remaining: number, abortedIn: (milliseconds: number) => AbortSignal): TimeLimits {
  const before = (reserve: number) => abortedIn(Math.max(0, remaining - reserve));
  return { begin: before(reserves.begin), work: before(reserves.work), answer: before(reserves.answer) };
}

/** The same world within the limits: a call after its limit is CaUnavailable or Throttled, and so is one that is under way then. */
export function inTime<World extends RenewalWorld>(world: World, limits: TimeLimits): World {
  const { store, publisher, clock } = world;
  const within = <T>(call: () => Promise<T>) => until(limits.work, 'Throttled', 'AWS had answered', call);
  const inTimeStore: Store = {
    list: (from) => store.list(from),
    describe: (secretId) => within(() => store.describe(secretId)),
    read: (secretId, versionId) => within(() => store.read(secretId, versionId)),
    stage: (secretArn, versionId, value) => within(() => store.stage(secretArn, versionId, value)),
    promote: (secretArn, from, to) => within(() => store.promote(secretArn, from, to)),
    discard: (secretArn, versionId) => within(() => store.discard(secretArn, versionId)),
    // A failure's tag is written in the time that is kept for it.
    tag: (secretArn, set, remove) =>
      until(limits.answer, 'Throttled', 'AWS had answered', () => store.tag(secretArn, set, remove)),
    labelNoRoom: (secretArn, from, to) =>
      until(limits.answer, 'Throttled', 'AWS had answered', () => store.labelNoRoom(secretArn, from, to)),
  };
  const inTimePublisher: Publisher = {
    publish: (event) => until(limits.answer, 'Throttled', 'the bus had answered', () => publisher.publish(event)),
  };
  return {
    ...world,
    store: inTimeStore,
    publisher: inTimePublisher,
    clock: { now: () => clock.now(), sleep: (milliseconds) => within(() => clock.sleep(milliseconds)) },
    providerFor: async (profile) => askedInTime(await within(() => world.providerFor(profile)), limits.begin),
  };
}

function askedInTime(provider: CaProvider, signal: AbortSignal): CaProvider {
  const within = <T>(call: () => Promise<T>) => until(signal, 'CaUnavailable', 'the CA had answered', call);
  return {
    roots: (current) => provider.roots(current),
    checkFitness: async (current, operation, options) => provider.checkFitness?.(current, operation, options),
    answers: (options) => within(async () => provider.answers?.({ ...options, signal })),
    renew: (current, options) => within(() => provider.renew(current, { ...options, signal })),
    rekey: (current, newKey, options) => within(() => provider.rekey(current, newKey, { ...options, signal })),
  };
}

/** What `call` gives, unless the signal comes first: it is not begun after it, and not waited for. */
export function until<T>(signal: AbortSignal, code: ErrorCode, what: string, call: () => Promise<T>): Promise<T> {
  const over = () =>
    new RenewalError(
      code,
      `The function's time was over before ${what}. Try again; if it comes often, see in the log what answers slowly.`,
    );
  if (signal.aborted) return Promise.reject(over());
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(over());
    signal.addEventListener('abort', stop, { once: true });
    call()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
