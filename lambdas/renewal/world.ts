import type { Instant } from '../domain/instant.ts';
import type {
  CaProvider,
  Clock,
  Entropy,
  Journal,
  KeyVault,
  ProfileSource,
  Publisher,
  Queue,
  Store,
} from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';

/** All that the use cases know of the world: ports, handed in by compose.ts or by a test. */
export interface ScanWorld {
  readonly store: Pick<Store, 'list'>;
  readonly profiles: ProfileSource;
  readonly queue: Queue;
  readonly publisher: Publisher;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Milliseconds from this instant to the next scan. */
  readonly untilNextScan: (now: Instant) => number;
}

export interface RenewalWorld {
  readonly store: Store;
  readonly profiles: ProfileSource;
  readonly providerFor: (profile: Profile) => Promise<CaProvider>;
  readonly vault: KeyVault;
  readonly publisher: Publisher;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly untilNextScan: (now: Instant) => number;
  /** Milliseconds: the longest time between two scans. */
  readonly longestGap: number;
}
