/** Step 1: the secret, its profile, and its current version: read once, and parsed once. */
import type { Authority } from '../../domain/authority.ts';
import type { Certificate } from '../../domain/certificate.ts';
import type { Decision } from '../../domain/decision.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { CaProvider } from '../../domain/ports.ts';
import type { Profile } from '../../domain/profile.ts';
import type { OnDemandRequest } from '../../domain/request.ts';
import type { SecretSummary } from '../../domain/secret.ts';
import type { Settings } from '../../domain/settings.ts';
import { type Candidate, enrolment, profileNameOf, profileToFind } from '../../policy/enrolment.ts';
import type { Validity } from '../../policy/renewal-time.ts';
import { resolveSettings } from '../../policy/settings.ts';
import { isPlaceholder } from '../../secret/placeholder.ts';
import { parseIssuer } from '../../x509/certificate.ts';
import { chainEnd } from '../../x509/chain.ts';
import { authorityOf, waitsForCertificate } from '../authority.ts';
import { type Pair, readPair } from '../pair.ts';
import type { RenewalWorld } from '../world.ts';

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

/** Throws SecretNotFound, which concerns the caller alone: there is no secret that anything could be noted on. */
export async function described({ store }: RenewalWorld, secretId: string): Promise<SecretSummary> {
  try {
    return await store.describe(secretId);
  } catch (error) {
    if (!(error instanceof RenewalError) || error.code !== 'SecretNotFound') throw error;
    throw new RenewalError('SecretNotFound', error.message, { cause: error, concerns: 'foreign' });
  }
}

/** What is known of a secret before its value is read. `profile`: the name for events and metrics. */
export type SecretEnrolment =
  | { readonly kind: 'enrolled'; readonly profile: string; readonly enrolled: Enrolled }
  | { readonly kind: 'left'; readonly profile: string; readonly decision: Decision }
  | { readonly kind: 'refused'; readonly profile: string; readonly error: RenewalError };

/** Whose the secret is, and what its profile and tags ask for. Throws what looking up an authority or a profile throws. */
export async function enrolmentOf(
  world: RenewalWorld,
  secret: SecretSummary,
  request: OnDemandRequest | undefined,
): Promise<SecretEnrolment> {
  const { rotationFunctionArn, profiles } = world;
  const authority = await authorityOf(world, secret);
  const candidate: Candidate = { secret, ...(authority && { authority }) };
  const name = profileToFind(candidate, rotationFunctionArn);
  const profile = profileNameOf(candidate);
  const found = enrolment(candidate, name === undefined ? undefined : await profiles.find(name), rotationFunctionArn);
  if (found.kind !== 'enrolled') return { ...found, profile };
  const usual = resolveSettings(undefined, found.tagged, found.profile);
  const asked = request === undefined ? usual : resolveSettings(request, found.tagged, found.profile);
  const enrolled = { secret, profile: found.profile, authority, settings: { usual, asked } };
  return { kind: 'enrolled', profile, enrolled };
}

/** The certificate that is to be renewed, and who may renew it. */
export interface Subject extends Enrolled, Pair {
  readonly provider: CaProvider;
  readonly roots: readonly Certificate[];
  /** To the end of whichever ends first on the path to a root. */
  readonly validity: Validity;
  readonly endsWith: 'leaf' | 'chain';
}

/**
 * Reads and judges the version; a decision for an authority that waits for its first certificate.
 * Throws UnsupportedSecret, PasswordRequired, InvalidCertificate, KeyMismatch, KmsDenied …
 */
export async function gather(
  world: RenewalWorld,
  enrolled: Enrolled,
  versionId: string,
): Promise<
  { readonly kind: 'read'; readonly subject: Subject } | { readonly kind: 'left'; readonly decision: Decision }
> {
  const { secret, profile, authority } = enrolled;
  const [version, provider] = await Promise.all([world.store.read(secret.arn, versionId), world.providerFor(profile)]);
  if (authority && isPlaceholder(version.value)) return { kind: 'left', decision: waitsForCertificate(profile) };
  const pair = await readPair(world, readingOf(enrolled, provider), version);
  const roots = (await provider.roots(pair)).map(parseIssuer);
  const { end, endsWith } = chainEnd(pair.leaf, pair.chain, roots);
  const validity = { notBefore: pair.leaf.notBefore, end };
  return { kind: 'read', subject: { ...enrolled, ...pair, provider, roots, validity, endsWith } };
}

/** How the versions of this secret are to be read. */
export function readingOf({ profile, authority }: Pick<Enrolled, 'profile' | 'authority'>, { can }: CaProvider) {
  return { passwordSecretId: profile.passwordSecretId, keyIsAtTheCa: can.keyHolder === 'ca', authority };
}
