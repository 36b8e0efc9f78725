/** A secret whose current version was read: with a certificate, or with a declaration of one. Pure. */
import type { Authority } from '../domain/authority.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { OrderId } from '../domain/order-id.ts';
import { type CaProvider, copiesCertificates } from '../domain/ports.ts';
import type { Operation, Profile } from '../domain/profile.ts';
import type { SecretSummary, SecretValue, SecretVersion } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import { declarationDigits } from '../domain/version-id.ts';
import type { Validity } from '../policy/renewal-time.ts';
import type { NextContent, SecretContent } from '../secret/index.ts';
import type { CurrentDeclaration } from './current-declaration.ts';
import type { Pair, Reading } from './pair.ts';

/** An enrolled secret with valid tags. Its metadata was read, its value not yet. */
export interface Enrolled {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  /** The authority, if the secret holds an authority's own certificate. */
  readonly authority: Authority | undefined;
  readonly settings: {
    /** From the tags and the profile, for the next renewal. */
    readonly usual: Settings;
    /** The same, overridden by this request. */
    readonly asked: Settings;
  };
}

/** A version that was read, and its CA. */
interface Read extends Enrolled {
  readonly version: SecretVersion;
  readonly provider: CaProvider;
  readonly roots: readonly Certificate[];
  /** Undefined if nothing is declared. */
  readonly declared: CurrentDeclaration | undefined;
  /** Returns the value to store: the present value with another pair. Throws the errors of SecretContent.write. */
  readonly write: (next: NextContent) => Promise<SecretValue>;
}

/** A secret with a certificate. */
export interface Subject extends Read, Pair {
  /** Its end is the earliest notAfter on the path to a root. */
  readonly validity: Validity;
  readonly endsWith: 'leaf' | 'chain';
  /** When the CA suggests to renew it. Undefined if it suggests nothing. */
  readonly suggested: Instant | undefined;
  /** Whether the certificate is as declared. True for a secret without a declaration. */
  readonly isAsDeclared: boolean;
}

/** A secret with a declaration and without a certificate, or with a certificate that does not match its key. */
export interface Vacancy extends Read {
  readonly declared: CurrentDeclaration;
  readonly leaf?: undefined;
  readonly validity?: undefined;
  readonly key?: undefined;
  /** Its content, if it has a known shape. */
  readonly content: SecretContent | undefined;
}

/** A secret that was read, with or without a certificate. */
export type Place = Subject | Vacancy;

/** Returns the hash of the declaration that the certificate was issued for, or undefined. */
export function issuedOf({ declared, isAsDeclared }: Subject): string | undefined {
  return isAsDeclared ? declared?.hash : undefined;
}

/**
 * Returns whether an order is for what is there: for the same declaration, or for a copy. Otherwise the declaration was changed, and changed
 * back.
 */
export function isOrderFor(subject: Subject, { declaration }: Pick<OrderId, 'declaration'>): boolean {
  return declaration === issuedOf(subject)?.slice(0, declarationDigits);
}

/** Returns the hash of the declaration that the next certificate is issued for. A copy keeps that of the present certificate. */
export function issuedFor(place: Place, operation: Operation): string | undefined {
  if (operation !== 'issue') return place.leaf && issuedOf(place);
  return place.declared?.hash;
}

/** Returns the place if it has a certificate. Throws UnsupportedSecret otherwise. */
export function requireCertificate(place: Place): Subject {
  if (place.leaf !== undefined) return place;
  throw new RenewalError(
    'UnsupportedSecret',
    `The secret ${place.secret.name} has no certificate with its key yet: let the declared certificate be issued first, on demand or by the schedule.`,
  );
}

/** Returns how to read the versions of this secret. */
export function readingOf({
  profile: { passwordSecretId },
  authority,
  declared,
  provider: { can },
}: Pick<Place, 'profile' | 'authority' | 'declared' | 'provider'>): Reading {
  return { passwordSecretId, isDeclared: declared !== undefined, keyIsAtTheCa: can.keyHolder === 'ca', authority };
}

/** Returns whether there is no declaration, and the CA issues by a declaration only. */
export function isUndeclared({ declared, provider }: Pick<Place, 'declared' | 'provider'>): boolean {
  return declared === undefined && !copiesCertificates(provider.can);
}

/** Returns whether the certificate can be issued by its declaration. */
export function canBeIssued({ declared, profile, provider }: Place): boolean {
  return declared !== undefined && profile.issue !== undefined && provider.issues;
}
