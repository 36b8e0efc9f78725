/**
 * A CA that takes so many requests a second and no more (429) is well, and so is Secrets Manager, which takes fifty writes
 * a second of an account: whoever comes back a few seconds later is served. Were the messages of a full queue handed back
 * instead, all of them would return at the same time, and again after the next pause, and few would get through before
 * their last delivery; and a certificate that was issued and can't be written is issued in vain. So a worker waits with
 * its call, and as there are so many workers at most, the queue waits with it (docs/decisions/0006).
 */
import { RenewalError } from '../domain/errors.ts';
import type { CaProvider, Entropy, Store } from '../domain/ports.ts';
import type { RenewalWorld } from './world.ts';

/** Milliseconds of waiting for one call; what would be longer goes back to the queue. */
const longestPatience = 40_000;
const firstPause = 1_000;
const longestPause = 4_000;

type Waiting = Pick<RenewalWorld, 'clock' | 'entropy'>;

/**
 * The same world, in which a busy CA is asked again, a busy Secrets Manager given the same write, and a busy SSM asked again
 * for a profile or an authority, of which every new worker reads its own: for work that can wait.
 */
export function patient(world: RenewalWorld): RenewalWorld {
  const { authorities, profiles } = world;
  return {
    ...world,
    store: patientStore(world.store, world),
    profiles: patientSource(profiles, world),
    authorities: authorities && { names: authorities.names, ...patientSource(authorities, world) },
    providerFor: async (profile) => patientProvider(await world.providerFor(profile), world),
  };
}

interface Source<Found> {
  find(name: string): Promise<Found>;
}

function patientProvider(provider: CaProvider, world: Waiting): CaProvider {
  return {
    roots: (current) => provider.roots(current),
    checkFitness: async (current, operation, options) => provider.checkFitness?.(current, operation, options),
    renew: (current, options) => whileBusy(world, (now) => provider.renew(current, { ...options, now })),
    rekey: (current, newKey, options) =>
      whileBusy(world, (now) => provider.rekey(current, newKey, { ...options, now })),
  };
}

/** What is refused as too much has not been done, so that it can be tried again as it is. */
function patientStore(store: Store, world: Waiting): Store {
  return {
    list: (from) => store.list(from),
    describe: (secretId) => store.describe(secretId),
    read: (secretId, versionId) => store.read(secretId, versionId),
    stage: (secretArn, versionId, value) => whileBusy(world, () => store.stage(secretArn, versionId, value)),
    promote: (secretArn, from, to) => whileBusy(world, () => store.promote(secretArn, from, to)),
    discard: (secretArn, versionId) => store.discard(secretArn, versionId),
    tag: (secretArn, set, remove) => whileBusy(world, () => store.tag(secretArn, set, remove)),
    labelNoRoom: (secretArn, from, to) => whileBusy(world, () => store.labelNoRoom(secretArn, from, to)),
  };
}

function patientSource<Found>(source: Source<Found>, world: Waiting): Source<Found> {
  return { find: (name) => whileBusy(world, () => source.find(name)) };
}

async function whileBusy<T>({ clock, entropy }: Waiting, ask: (now: number) => Promise<T>): Promise<T> {
  const started = clock.now();
  for (let usual = firstPause; ; usual = Math.min(usual * 2, longestPause)) {
    try {
      return await ask(clock.now());
    } catch (error) {
      if (!(error instanceof RenewalError) || !error.busy) throw error;
      // Never sooner than the other side asks for, and up to twice as late, so that not all come back at the same time.
      const pause = Math.max(usual, (error.retryAfter ?? 0) * 1_000) * (1 + fraction(entropy));
      if (clock.now() + pause - started > longestPatience) throw error;
      await clock.sleep(pause);
    }
  }
}

/** In [0, 1). */
function fraction(entropy: Entropy): number {
  const [high = 0, low = 0] = entropy(2);
  return (high * 256 + low) / 65_536;
}
