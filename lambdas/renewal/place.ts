/** What is looked at: a secret whose current version was read, with a certificate in it or with one that is declared for it. Pure. */
import type { Authority } from '../domain/authority.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { CaProvider } from '../domain/ports.ts';
import type { Operation, Profile } from '../domain/profile.ts';
import type { SecretSummary, SecretValue, SecretVersion } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import type { Validity } from '../policy/renewal-time.ts';
import type { NextContent, SecretContent } from '../secret/index.ts';
import type { CurrentDeclaration } from './current-declaration.ts';
import type { Pair, Reading } from './pair.ts';

/** A secret whose metadata were read: enrolled, ours to write, its tags good. */
export interface Enrolled {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  /** Whose own certificate it is, where it is that of an authority of the stack. */
  readonly authority: Authority | undefined;
  readonly settings: {
    /** By the tags and the profile: the next renewal follows these. */
    readonly usual: Settings;
    /** The same, and over them what this request asks for. */
    readonly asked: Settings;
  };
}

/** A version that was read, and who may renew or issue its certificate. */
interface Read extends Enrolled {
  readonly version: SecretVersion;
  readonly provider: CaProvider;
  readonly roots: readonly Certificate[];
  /** Undefined where nothing is declared. */
  readonly declared: CurrentDeclaration | undefined;
  /** The value to store, with this pair in the place of what is there. Throws what SecretContent.write throws. */
  readonly write: (next: NextContent) => Promise<SecretValue>;
}

/** It holds the certificate that is to be renewed. */
export interface Subject extends Read, Pair {
  /** To the end of whichever ends first on the path to a root. */
  readonly validity: Validity;
  readonly endsWith: 'leaf' | 'chain';
  /** Of what is declared; true of a secret without a declaration. */
  readonly isAsDeclared: boolean;
}

/** A certificate is declared for it, and it holds none, or one beside another key. */
export interface Vacancy extends Read {
  readonly declared: CurrentDeclaration;
  readonly leaf?: undefined;
  readonly validity?: undefined;
  readonly key?: undefined;
  /** What else it holds, where it is a secret of a known shape. */
  readonly content: SecretContent | undefined;
}

/** What is looked at, with or without a certificate. */
export type Place = Subject | Vacancy;

/** The declaration that the certificate was issued for, where it was. */
export function issuedOf({ declared, isAsDeclared }: Subject): string | undefined {
  return isAsDeclared ? declared?.hash : undefined;
}

/** The declaration that the next certificate is issued for, or stays issued for as a copy of the one that is there. */
export function issuedFor(place: Place, operation: Operation): string | undefined {
  if (operation !== 'issue') return place.leaf && issuedOf(place);
  return place.declared?.hash;
}

/** For a way that needs a certificate. Throws UnsupportedSecret. */
export function requireCertificate(place: Place): Subject {
  if (place.leaf !== undefined) return place;
  throw new RenewalError(
    'UnsupportedSecret',
    `The secret ${place.secret.name} holds no certificate with its key yet: have the declared one issued first, on demand or by the schedule.`,
  );
}

/** How the versions of this secret are to be read. */
export function readingOf({
  profile: { passwordSecretId },
  authority,
  declared,
  provider: { can },
}: Pick<Place, 'profile' | 'authority' | 'declared' | 'provider'>): Reading {
  return { passwordSecretId, isDeclared: declared !== undefined, keyIsAtTheCa: can.keyHolder === 'ca', authority };
}

/** Whether a certificate that can't be renewed (any more) can be issued by its declaration instead. */
export function canBeIssued({ declared, profile, provider }: Place): boolean {
  return declared !== undefined && profile.issue !== undefined && provider.issues;
}
