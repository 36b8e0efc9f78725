/** The ports of the use cases. compose.ts or a test provides them. */
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
  /** ARN of the renew function. cert-renewer may write a secret that Secrets Manager rotates with this function. */
  readonly rotationFunctionArn?: string | undefined;
  readonly store: Pick<Store, 'list' | 'describe'>;
  readonly profiles: ProfileSource;
  /** Undefined in a stack without authorities. */
  readonly authorities?: AuthoritySource | undefined;
  readonly queue: Queue;
  readonly publisher: Publisher;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Returns the milliseconds from this instant to the next scan. */
  readonly untilNextScan: (now: Instant) => number;
  /** Starts another invocation for the rest of a scan. Throws Throttled, AccessDenied. */
  readonly continueLater: (request: ScanRequest) => Promise<void>;
}

/** The ports for reading a pair: the password's secret, a key in KMS, the stack's authorities. */
export interface PairWorld {
  readonly entropy: Entropy;
  readonly vault: KeyVault;
  /** Undefined in a stack without authorities. */
  readonly authorities?: AuthoritySource | undefined;
  readonly store: Pick<Store, 'read'>;
}

export interface RenewalWorld extends PairWorld {
  /** ARN of this function, from its invocation. */
  readonly rotationFunctionArn?: string | undefined;
  /**
   * Updates the trust bundle with an authority's certificate: after a renewal, before its event is sent, and after a look without a
   * renewal (then without `previous`). Undefined if the stack has no bundle.
   */
  readonly keepBundle?: (certificate: Certificate, previous: Certificate | undefined) => Promise<void>;
  readonly store: Store;
  readonly profiles: ProfileSource;
  /** Undefined in a stack without declarations. */
  readonly declarations?: DeclarationSource | undefined;
  readonly providerFor: (profile: Profile) => Promise<CaProvider>;
  readonly publisher: Publisher;
  /** Takes the messages that come later, for a certificate that waits for its CA. */
  readonly queue: Pick<Queue, 'send'>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly untilNextScan: (now: Instant) => number;
  /** The longest time between two scans in milliseconds. */
  readonly longestGap: number;
}
