import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import type {
  AuthoritySource,
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
import type { ScanRequest } from '../domain/request.ts';

/** All that the use cases know of the world: ports, handed in by compose.ts or by a test. */
export interface ScanWorld {
  /** The renew function's: a secret that it rotates is ours to write. */
  readonly rotationFunctionArn?: string | undefined;
  readonly store: Pick<Store, 'list' | 'describe'>;
  readonly profiles: ProfileSource;
  /** Undefined in a stack without authorities of its own. */
  readonly authorities?: AuthoritySource | undefined;
  readonly queue: Queue;
  readonly publisher: Publisher;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Milliseconds from this instant to the next scan. */
  readonly untilNextScan: (now: Instant) => number;
  /** Has another invocation do the rest of a scan. Throws Throttled, AccessDenied. */
  readonly continueLater: (request: ScanRequest) => Promise<void>;
}

export interface RenewalWorld {
  /** Our own ARN, once we were invoked. */
  readonly rotationFunctionArn?: string | undefined;
  /**
   * What else has to follow a renewal (a root's trust bundle), between its event and its tags; an inspection makes up for
   * it, then there is no `previous`.
   */
  readonly afterRenewal?: (profile: Profile, leaf: Certificate, previous: Certificate | undefined) => Promise<void>;
  readonly store: Store;
  readonly profiles: ProfileSource;
  /** Undefined in a stack without authorities of its own. */
  readonly authorities?: AuthoritySource | undefined;
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
