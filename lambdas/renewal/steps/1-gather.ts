/** Step 1: reads the secret, its profile and its current version once, and parses it once. */
import type { Decision } from '../../domain/decision.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { OnDemandRequest } from '../../domain/request.ts';
import type { SecretSummary } from '../../domain/secret.ts';
import { type Candidate, enrolment, profileNameOf, profileToFind } from '../../policy/enrolment.ts';
import { resolveSettings } from '../../policy/settings.ts';
import type { NextContent } from '../../secret/index.ts';
import { isPlaceholder } from '../../secret/placeholder.ts';
import { parseIssuer } from '../../x509/certificate.ts';
import { chainEnd } from '../../x509/chain.ts';
import { authorityOf, waitsForCertificate } from '../authority.ts';
import { currentDeclaration, isIssuedFor } from '../current-declaration.ts';
import { readPair } from '../pair.ts';
import { type Enrolled, type Place, readingOf } from '../place.ts';
import { suggestionFor } from '../suggestion.ts';
import { pairOrVacancy } from '../vacancy.ts';
import type { RenewalWorld } from '../world.ts';

/** Describes the secret. Throws SecretNotFound for the caller only, because there is no secret to note a failure on. */
export async function described({ store }: RenewalWorld, secretId: string): Promise<SecretSummary> {
  try {
    return await store.describe(secretId);
  } catch (error) {
    if (!(error instanceof RenewalError) || error.code !== 'SecretNotFound') throw error;
    throw new RenewalError('SecretNotFound', error.message, { cause: error, concerns: 'foreign' });
  }
}

/** The enrolment of a secret, before its value is read. `profile`: the name for events and metrics. */
export type SecretEnrolment =
  | { readonly kind: 'enrolled'; readonly profile: string; readonly enrolled: Enrolled }
  | { readonly kind: 'left'; readonly profile: string; readonly decision: Decision }
  | { readonly kind: 'refused'; readonly profile: string; readonly error: RenewalError };

/** Finds the secret's authority or profile, and its settings. Throws the errors of looking up an authority or a profile. */
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

export interface GatherOptions {
  /** With a declaration, a value that is not a certificate counts as empty. */
  readonly force?: boolean;
  /** Whether the CA is asked when it suggests to renew. Otherwise the tag says it. */
  readonly asksCa?: boolean;
}

/**
 * Reads the version. Returns a decision for an authority that has no certificate yet.
 *
 * Throws UnsupportedSecret, PasswordRequired, InvalidCertificate, KeyMismatch, KmsDenied …
 */
export async function gather(
  world: RenewalWorld,
  enrolled: Enrolled,
  versionId: string,
  { force = false, asksCa = false }: GatherOptions = {},
): Promise<{ readonly kind: 'read'; readonly place: Place } | { readonly kind: 'left'; readonly decision: Decision }> {
  const { secret, profile, authority } = enrolled;
  const opening = world.providerFor(profile);
  const [version, provider, declared] = await Promise.all([
    world.store.read(secret.arn, versionId),
    opening,
    currentDeclaration(world, secret, profile, opening),
  ]);
  if (authority && isPlaceholder(version.value)) return { kind: 'left', decision: waitsForCertificate(profile) };
  const read = { ...enrolled, version, provider, declared };
  const pair = declared
    ? await pairOrVacancy(world, { ...read, declared }, force)
    : await readPair(world, readingOf(read), version);
  const roots = (await provider.roots(pair.leaf && pair)).map(parseIssuer);
  if (pair.leaf === undefined) return { kind: 'read', place: { ...read, ...pair, roots } };
  const { end, endsWith } = chainEnd(pair.leaf, pair.chain, roots);
  const validity = { notBefore: pair.leaf.notBefore, end };
  const isAsDeclared =
    declared === undefined || isIssuedFor(declared, pair, { secret, profile, roots }, world.clock.now());
  const suggested = await suggestionFor(world, { ...read, ...pair }, asksCa);
  const write = (next: NextContent) => pair.content.write(next);
  return { kind: 'read', place: { ...read, ...pair, roots, validity, endsWith, isAsDeclared, suggested, write } };
}
