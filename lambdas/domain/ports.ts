/**
 * The ports: what the use cases need from other systems. Every port has a fake in testkit/fakes/. The fakes of store, key vault,
 * queue, publisher and CA pass the same conformance suite (test/conformance/) as the real adapters.
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

/** `next` is the token of the next page. Undefined on the last page. */
export type SecretPage = readonly SecretSummary[] & { readonly next?: string | undefined };

/** Secrets Manager. Every method throws AccessDenied and Throttled, and the errors that it names. */
export interface Store {
  /**
   * Lists the secrets with the profile tag, page by page, also those scheduled for deletion. `from` is an earlier page's `next`.
   * Throws InvalidRequest for a token that AWS does not accept (any more).
   */
  list(from?: string): AsyncIterable<SecretPage>;
  /** Throws SecretNotFound. `secretId` is a name or an ARN. */
  describe(secretId: string): Promise<SecretSummary>;
  /** Reads this version, by default AWSCURRENT. Throws SecretNotFound, KmsDenied. */
  read(secretId: string, versionId?: string): Promise<SecretVersion>;
  /** Writes `value` as version `versionId` with AWSPENDING (PutSecretValue; the same call twice is one write). */
  stage(secretArn: string, versionId: string, value: SecretValue): Promise<void>;
  /**
   * Moves AWSCURRENT from one version to another. `from` is undefined for a secret without a value, whose first version may hold
   * the label already. Throws SecretChanged when `from` does not hold AWSCURRENT (any more); this call has moved nothing then.
   * After Throttled the label may have moved.
   */
  promote(secretArn: string, from: string | undefined, to: string): Promise<void>;
  /** Removes AWSPENDING from this version, if it has it. */
  discard(secretArn: string, versionId: string): Promise<void>;
  tag(secretArn: string, set: Readonly<Record<string, string>>, remove: readonly string[]): Promise<void>;
  /**
   * Moves noRoomLabel from the version `from` to the version `to`. Either may be undefined. Throws SecretChanged if `from` does not
   * have the label.
   */
  labelNoRoom(secretArn: string, from: string | undefined, to: string | undefined): Promise<void>;
}

/** A certificate with its signing key. `key` is undefined only if the CA itself holds it (infisical). */
export interface Credential extends CertificateChain {
  readonly key: Signer | undefined;
}

/** DER certificates as the CA returned them, leaf first. */
export interface IssuedChain {
  readonly certificates: readonly Uint8Array[];
}

/** A request to a CA. */
export interface CaRequest {
  readonly wanted: Wanted;
  /**
   * The present certificate and its proven key, which authenticate the request. Undefined when a declared certificate is issued:
   * the profile's credentials authenticate then.
   */
  readonly current: Credential | undefined;
  /** The key to certify. It also signs the proof of possession. Undefined if the CA itself holds it. */
  readonly key: Signer | undefined;
  /** The receipt of an open order. Then the CA is asked for this order again, and for nothing new. */
  readonly receipt?: string;
}

/** `pending`: the CA has accepted the order and has not issued yet. */
export type CaAnswer = ({ readonly kind: 'issued' } & IssuedChain) | ({ readonly kind: 'pending' } & Order);

/** What a CA can do, independent of the certificate. */
export interface CaCapabilities {
  /** A new certificate for the same key. */
  readonly renews: boolean;
  /** A new certificate for another key. */
  readonly rekeys: boolean;
  /** Whether a key in KMS can be replaced by another key in KMS. */
  readonly rekeysInKms: boolean;
  /** `later`: an answer may be `pending`. The worker does not keep orders between invocations yet. */
  readonly answers: 'at once' | 'later';
  /** Where a certificate's key is. `ca`: the secret has none. */
  readonly keyHolder: 'secret' | 'ca';
  /** Whether the CA accepts only certificates with a path to its configured root. Any other is refused before the CA is asked. */
  readonly wantsPath: boolean;
}

/** Options of a check before the CA is asked. */
export interface FitnessOptions {
  readonly now: Instant;
  /** Ignore reasons that may pass: a date, a disabled authority, an authority that will be renewed. */
  readonly lasting: boolean;
}

/**
 * A certificate authority. Its answers are not trusted: renewal/steps/5-verify.ts verifies them.
 * Throws CaUnavailable, CaRejected, CaUntrusted, CertificateExpired, NotYetValid, InvalidRequest, KmsDenied, KmsUnavailable.
 */
export interface CaProvider {
  /** The configuration's name of the type, for messages and answers only. */
  readonly type: string;
  readonly can: CaCapabilities;
  /** Whether its configuration lets it issue declared certificates. */
  readonly issues: boolean;
  /** What distinguishes it from other CAs. Part of the hash of a declaration. */
  readonly identity: readonly unknown[];
  /** Requests the wanted certificate. */
  ask(request: CaRequest): Promise<CaAnswer>;
  /**
   * Returns the DER of the roots that a chain of this CA may end in. Without a configured root (infisical) they come from
   * `current`, the chain in the secret.
   */
  roots(current?: CertificateChain): Promise<readonly Uint8Array[]>;
  /**
   * Throws the error that `renew` or `rekey` would end with, as far as public data alone show. Uses neither the CA nor a key.
   * Undefined if nothing can be checked.
   */
  checkFitness?(current: Credential, operation: Mode, options: FitnessOptions): Promise<void>;
  /** Resolves if the CA can be reached now. Changes nothing. Undefined if there is no way to check. */
  answers?(): Promise<void>;
}

/** Keys in KMS. */
export interface KeyVault {
  /**
   * Returns a signer for a key. `keyId` is an ARN, an id or an alias. `concerns` is the concern of errors that its signatures
   * throw. Throws KmsDenied, KmsUnavailable, and InvalidRequest for a key that can't sign.
   */
  signer(keyId: string, concerns?: Concern): Promise<Signer>;
}

export interface Queue {
  /**
   * Sends all messages, in concurrent batches of ten. They are delivered after `delaySeconds`, 900 at most. Throws Throttled if one
   * message could not be sent.
   */
  send(messages: readonly QueueMessage[], delaySeconds?: number): Promise<void>;
}

export interface Publisher {
  /** Resolves when the bus has the event. Waits a moment to send several events in one call. Throws Throttled, AccessDenied. */
  publish(event: RenewalEvent): Promise<void>;
  /** Sends the waiting events now. */
  flush(): void;
}

export interface ProfileSource {
  /** Returns undefined for a name that this stack does not have. */
  find(name: string): Promise<Profile | undefined>;
}

export interface DeclarationSource {
  /** Returns the declaration for the secret of this name, or undefined. Throws AccessDenied, Throttled, Internal. */
  find(secretName: string): Promise<Declaration | undefined>;
}

export interface AuthoritySource {
  /** Names of all authorities of this stack. */
  readonly names: readonly string[];
  /** Returns undefined for a name that this stack does not have. */
  find(name: string): Promise<Authority | undefined>;
}

/** The log, with one line for each decision, and the metrics of a profile. */
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
