/**
 * The ports: what the use cases need from other systems. Every port has a fake in testkit/fakes/. The fakes of store, key vault,
 * queue, publisher and CA pass the same conformance suite (test/conformance/) as the real adapters.
 */
import type { Authority } from './authority.ts';
import type { Certificate, CertificateChain } from './certificate.ts';
import type { Reason } from './decision.ts';
import type { Declaration } from './declaration.ts';
import type { Concern } from './errors.ts';
import type { Instant } from './instant.ts';
import type { PendingOrder } from './order.ts';
import type { Mode, Profile } from './profile.ts';
import type { QueueMessage } from './request.ts';
import type { RenewalEvent } from './result.ts';
import type { SecretSummary, SecretValue, SecretVersion } from './secret.ts';
import type { ServingReason } from './serving.ts';
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
   * Lists the secrets with the profile tag, page by page, also those scheduled for deletion. `from` is an earlier page's `next`. With
   * `tag`, only those that have this tag too. Throws InvalidRequest for a token that AWS does not accept (any more).
   */
  list(from?: string, tag?: string): AsyncIterable<SecretPage>;
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
   * Writes a version with orderLabel, which leaves any other version. Never touches AWSCURRENT and AWSPENDING. Returns false if there is
   * a version of this id with another value; nothing is written then.
   */
  keepOrder(secretArn: string, versionId: string, value: SecretValue): Promise<boolean>;
  /** Removes orderLabel from this version, if it has it. */
  dropOrder(secretArn: string, versionId: string): Promise<void>;
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
  /** The present certificate, which the new one replaces (RFC 9773 section 5). Undefined for the first one. */
  readonly replaced?: Certificate | undefined;
  /** The key to certify. It also signs the proof of possession. Undefined if the CA itself holds it. */
  readonly key: Signer | undefined;
  /**
   * The receipt of an open order. Then the CA is asked for this order again, and for nothing new. `key` is the key that the order was
   * placed with.
   */
  readonly receipt?: string | undefined;
}

/**
 * `pending`: the CA has not issued yet. `gone`: the order of the receipt has expired, or the CA does not know it any more; another
 * order may be placed at once. `code`: the error if the next order ends like that too, by default CaRejected. An order that has failed is an
 * error: CaRejected, with the CA's reason.
 */
export type CaAnswer =
  | ({ readonly kind: 'issued' } & IssuedChain)
  | ({ readonly kind: 'pending' } & PendingOrder)
  | { readonly kind: 'gone'; readonly says: string; readonly code?: 'CertificateRejected' };

/** The window in which a CA wants a certificate to be replaced (RFC 9773). */
export interface SuggestedWindow {
  readonly start: Instant;
  readonly end: Instant;
}

/** What a CA can do, independent of the certificate. */
export interface CaCapabilities {
  /**
   * A new certificate for the same key, as a copy of the present one. A CA that neither renews nor rekeys issues every certificate by
   * its declaration.
   */
  readonly renews: boolean;
  /** A copy of the present certificate for another key. */
  readonly rekeys: boolean;
  /** Whether a key in KMS can be replaced by another key in KMS. */
  readonly rekeysInKms: boolean;
  /** `later`: an answer may be `pending`. Then the worker stores the order, and a later message continues it. */
  readonly answers: 'at once' | 'later';
  /** Where a certificate's key is. `ca`: the secret has none. */
  readonly keyHolder: 'secret' | 'ca';
  /** Whether the CA accepts only certificates with a path to its configured root. Any other is refused before the CA is asked. */
  readonly wantsPath: boolean;
}

/** Whether a CA renews or rekeys by a copy of the present certificate. If not, it issues every certificate by its declaration. */
export const copiesCertificates = ({ renews, rekeys }: Pick<CaCapabilities, 'renews' | 'rekeys'>): boolean =>
  renews || rekeys;

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
  /**
   * Gives an order up: takes away what was published for it. Ignores an unknown receipt. Undefined if nothing is published for an order.
   */
  abandon?(receipt: string): Promise<void>;
  /**
   * Returns the window in which the CA wants this certificate to be replaced. Undefined if the CA suggests none for it. Throws the same
   * errors as `ask`.
   */
  suggestedWindow?(current: CertificateChain): Promise<SuggestedWindow | undefined>;
}

/** A TXT record's name, without a dot at its end, and one of its values, without quotes. */
export interface TxtValue {
  readonly name: string;
  readonly value: string;
}

/**
 * TXT records in hosted zones of Route 53. Every method throws AccessDenied, InvalidRequest for a zone or record that can't be changed, and
 * Throttled if Route 53 takes no more requests or changes for the moment.
 */
export interface TxtZones {
  /**
   * Adds values beside those that are there, in one change. Returns the id of the change, also if all values were there already and may
   * not be in sync: an earlier call may have added them and failed afterwards. Undefined if there is nothing to wait for.
   */
  add(zoneId: string, texts: readonly TxtValue[]): Promise<string | undefined>;
  /** Removes values. Others stay. Ignores a value that is not there. */
  remove(zoneId: string, texts: readonly TxtValue[]): Promise<void>;
  /** Returns whether all name servers of the zone have the change. */
  isInSync(changeId: string): Promise<boolean>;
}

/** Credentials of an external account binding (RFC 8555 section 7.3.4). */
export interface AccountBinding {
  readonly keyId: string;
  /** The MAC key, base64url. A secret. */
  readonly macKey: string;
}

/** The external account bindings of ACM's ACME endpoints. */
export interface AccountBindings {
  /** `bindingArn`: arn:…:acm:…:acme-external-account-binding/…. Throws AccessDenied, Throttled, InvalidRequest. */
  find(bindingArn: string): Promise<AccountBinding>;
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
  decision(entry: {
    readonly secretArn: string;
    readonly reason: Reason | ServingReason;
    readonly [field: string]: unknown;
  }): void;
  failure(entry: {
    readonly secretArn: string | null;
    readonly error: unknown;
    readonly [field: string]: unknown;
  }): void;
  count(
    metric: 'Renewed' | 'Failed' | 'Overdue' | 'Managed' | 'HookFailed' | 'NotServed',
    profile: string,
    value: number,
  ): void;
  measure(metric: 'SecondsToExpiry' | 'RenewalDuration', profile: string, value: number): void;
}
