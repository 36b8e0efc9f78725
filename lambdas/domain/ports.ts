/**
 * What the use cases need of the world, and nothing more. Every port has a fake in testkit/fakes/. Those of store, key vault,
 * queue, publisher and CA pass the same conformance suite (test/conformance/) as the real thing.
 */
import type { Authority } from './authority.ts';
import type { CertificateChain } from './certificate.ts';
import type { Reason } from './decision.ts';
import type { Declaration } from './declaration.ts';
import type { Concern } from './errors.ts';
import type { Instant } from './instant.ts';
import type { Order } from './order.ts';
import type { Mode, Profile } from './profile.ts';
import type { QueueMessage } from './request.ts';
import type { RenewalEvent } from './result.ts';
import type { SecretSummary, SecretValue, SecretVersion } from './secret.ts';
import type { Signer } from './signer.ts';
import type { Wanted } from './wanted.ts';

export interface Clock {
  now(): Instant;
  sleep(milliseconds: number): Promise<void>;
}

/** Cryptographically strong random bytes. */
export type Entropy = (length: number) => Uint8Array;

/** `next` is where the page after it begins; undefined on the last. */
export type SecretPage = readonly SecretSummary[] & { readonly next?: string | undefined };

/** Secrets Manager. Every method throws AccessDenied and Throttled besides what it names. */
export interface Store {
  /**
   * Secrets that carry the profile tag, page by page; those being deleted too. `from` is an earlier page's `next`; throws
   * InvalidRequest for one that is not taken (any more).
   */
  list(from?: string): AsyncIterable<SecretPage>;
  /** Throws SecretNotFound. `secretId` is a name or an ARN. */
  describe(secretId: string): Promise<SecretSummary>;
  /** The named version, or AWSCURRENT. Throws SecretNotFound, KmsDenied. */
  read(secretId: string, versionId?: string): Promise<SecretVersion>;
  /** Writes `value` as version `versionId` with AWSPENDING (PutSecretValue; the same call twice is one write). */
  stage(secretArn: string, versionId: string, value: SecretValue): Promise<void>;
  /**
   * Moves AWSCURRENT from one version to another; `from` is undefined for a secret that had no value, whose first
   * version may hold the label already. Throws SecretChanged when `from` does not hold AWSCURRENT (any more): this call
   * has moved nothing then. After Throttled it may have.
   */
  promote(secretArn: string, from: string | undefined, to: string): Promise<void>;
  /** Takes AWSPENDING off this version; nothing if it does not hold it. */
  discard(secretArn: string, versionId: string): Promise<void>;
  tag(secretArn: string, set: Readonly<Record<string, string>>, remove: readonly string[]): Promise<void>;
  /**
   * Moves noRoomLabel to a version, or takes it off; `from` holds it so far, where one does. Throws SecretChanged if `from`
   * does not.
   */
  labelNoRoom(secretArn: string, from: string | undefined, to: string | undefined): Promise<void>;
}

/** A certificate with what can sign for it. `key` is undefined only where the CA itself holds the key (infisical). */
export interface Credential extends CertificateChain {
  readonly key: Signer | undefined;
}

/** DER certificates as the CA gave them, leaf first. */
export interface IssuedChain {
  readonly certificates: readonly Uint8Array[];
}

/** What a CA is asked for. */
export interface CaRequest {
  readonly wanted: Wanted;
  /**
   * Who asks: the certificate that is there, and its key, which has proven itself. Undefined for a certificate by its declaration:
   * the CA is asked with what the profile holds.
   */
  readonly current: Credential | undefined;
  /** The key that is to be certified, and signs where the CA wants it proven; undefined where the CA itself holds it. */
  readonly key: Signer | undefined;
  /** Of an order that the CA has not answered yet: it is looked at again, and nothing new is asked for. */
  readonly receipt?: string;
}

/** `pending`: the CA has taken the order, and has not issued yet. */
export type CaAnswer = ({ readonly kind: 'issued' } & IssuedChain) | ({ readonly kind: 'pending' } & Order);

/** What a CA can do, whatever certificate it is asked for. */
export interface CaCapabilities {
  /** A new certificate for the same key. */
  readonly renews: boolean;
  /** A new certificate for another key. */
  readonly rekeys: boolean;
  /** A key in KMS may be followed by another one there. */
  readonly rekeysInKms: boolean;
  /** `later`: an answer may be `pending`. The worker keeps no order between two invocations yet. */
  readonly answers: 'at once' | 'later';
  /** Who holds the key of a certificate: `ca` where the secret has none. */
  readonly keyHolder: 'secret' | 'ca';
  /** It takes only a certificate that has a path to the root of its configuration: any other can be refused before it is asked. */
  readonly wantsPath: boolean;
}

/** For a look before anything is asked for. */
export interface FitnessOptions {
  readonly now: Instant;
  /** What may change by itself is left out: a date, an authority that is disabled or about to be renewed. */
  readonly lasting: boolean;
}

/**
 * A certificate authority. What it answers is not believed: renewal/steps/5-verify.ts decides.
 * Throws CaUnavailable, CaRejected, CaUntrusted, CertificateExpired, NotYetValid, InvalidRequest, KmsDenied, KmsUnavailable.
 */
export interface CaProvider {
  /** As the configuration names it: for messages and answers, and for no decision. */
  readonly type: string;
  readonly can: CaCapabilities;
  /** As it is configured: whether it issues what is declared. */
  readonly issues: boolean;
  /** What tells it from other CAs: part of the hash of a declaration. */
  readonly identity: readonly unknown[];
  /** The certificate that is wanted, or the promise of it. */
  ask(request: CaRequest): Promise<CaAnswer>;
  /**
   * DER of the root certificates that a chain of this CA may end in. `current` is what the secret holds: where the
   * configuration names no root (infisical), its own chain does.
   */
  roots(current?: CertificateChain): Promise<readonly Uint8Array[]>;
  /**
   * Throws what `renew` or `rekey` would end with, as far as public data alone tell: neither the CA nor a key is asked.
   * Undefined where nothing can be told.
   */
  checkFitness?(current: Credential, operation: Mode, options: FitnessOptions): Promise<void>;
  /** Resolves when the CA could be asked now; changes nothing. Undefined where there is no way to tell. */
  answers?(): Promise<void>;
}

/** Keys in KMS. */
export interface KeyVault {
  /**
   * `keyId` is an ARN, an id or an alias; what its signatures fail with is of concern to whatever the key was named by. Throws
   * KmsDenied, KmsUnavailable, and InvalidRequest for a key that can't sign.
   */
  signer(keyId: string, concerns?: Concern): Promise<Signer>;
}

export interface Queue {
  /**
   * Sends all, ten at a time and side by side; nobody gets them before so many seconds are over, 900 at most. Throws Throttled if one
   * could not be sent.
   */
  send(messages: readonly QueueMessage[], delaySeconds?: number): Promise<void>;
}

export interface Publisher {
  /** Resolves when the bus has it; waits a moment for others to share the call with. Throws Throttled, AccessDenied. */
  publish(event: RenewalEvent): Promise<void>;
  /** Sends what waits now: nobody else is coming. */
  flush(): void;
}

export interface ProfileSource {
  /** Undefined for a name that this stack does not have. */
  find(name: string): Promise<Profile | undefined>;
}

export interface DeclarationSource {
  /** What the secret of this name is to hold; undefined where nothing is declared (any more). Throws AccessDenied, Throttled, Internal. */
  find(secretName: string): Promise<Declaration | undefined>;
}

export interface AuthoritySource {
  /** Names of all authorities of this stack. */
  readonly names: readonly string[];
  /** Undefined for a name that this stack does not have. */
  find(name: string): Promise<Authority | undefined>;
}

/** One line a decision, and the metrics of a profile. */
export interface Journal {
  decision(entry: { readonly secretArn: string; readonly reason: Reason; readonly [field: string]: unknown }): void;
  failure(entry: {
    readonly secretArn: string | null;
    readonly error: unknown;
    readonly [field: string]: unknown;
  }): void;
  count(metric: 'Renewed' | 'Failed' | 'Overdue' | 'Managed' | 'HookFailed', profile: string, value: number): void;
  measure(metric: 'SecondsToExpiry' | 'RenewalDuration', profile: string, value: number): void;
}
