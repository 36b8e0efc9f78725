/** All that the use cases know of the world: ports, handed in by compose.ts or by a test. */
import type { Certificate } from '../domain/certificate.ts';
import type { Instant } from '../domain/instant.ts';
import type {
  AuthoritySource,
  CaProvider,
  Clock,
  DeclarationSource,
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

/** What reading a pair needs of the world: the password's secret, a key in KMS, the stack's authorities. */
export interface PairWorld {
  readonly entropy: Entropy;
  readonly vault: KeyVault;
  /** Undefined in a stack without authorities of its own. */
  readonly authorities?: AuthoritySource | undefined;
  readonly store: Pick<Store, 'read'>;
}

export interface RenewalWorld extends PairWorld {
  /** Our own ARN, once we were invoked. */
  readonly rotationFunctionArn?: string | undefined;
  /**
   * Keeps the trust bundle up to date with the certificate of an authority of the stack: one that was renewed, before its event
   * goes out, and one that was only looked at (then there is no `previous`). Undefined where the stack has no bundle.
   */
  readonly keepBundle?: (certificate: Certificate, previous: Certificate | undefined) => Promise<void>;
  readonly store: Store;
  readonly profiles: ProfileSource;
  /** Undefined in a stack that issues nothing by a declaration. */
  readonly declarations?: DeclarationSource | undefined;
  readonly providerFor: (profile: Profile) => Promise<CaProvider>;
  readonly publisher: Publisher;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly untilNextScan: (now: Instant) => number;
  /** Milliseconds: the longest time between two scans. */
  readonly longestGap: number;
}
