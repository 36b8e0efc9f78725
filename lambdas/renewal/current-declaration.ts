/** The declaration of a secret, and whether the present certificate is as declared. */
import type { Certificate } from '../domain/certificate.ts';
import type { Declaration } from '../domain/declaration.ts';
import type { Instant } from '../domain/instant.ts';
import { sameKeySpec } from '../domain/key-spec.ts';
import type { CaProvider } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { foreignIssue, tags } from '../domain/tags.ts';
import { declarationIn, isOfDeclaration } from '../domain/version-id.ts';
import { declarationHash } from '../policy/declaration-identity.ts';
import { unannounced } from '../policy/unannounced.ts';
import { verifyPath } from '../x509/chain.ts';
import { departures } from '../x509/declared-correspondence.ts';
import type { Pair } from './pair.ts';
import type { RenewalWorld } from './world.ts';

export interface CurrentDeclaration {
  readonly declaration: Declaration;
  /** Hash of the declaration with the settings of its profile and CA. */
  readonly hash: string;
}

/**
 * Returns the secret's declaration, or undefined. Reads the parameter only for a secret with the tag `declared`. The tag only saves
 * the call: the parameter decides. Throws AccessDenied, Throttled, Internal.
 */
export async function currentDeclaration(
  { declarations }: Pick<RenewalWorld, 'declarations'>,
  { name, tags: found }: SecretSummary,
  profile: Profile,
  provider: Promise<CaProvider>,
): Promise<CurrentDeclaration | undefined> {
  if (!found.has(tags.declared)) return undefined;
  const [declaration, { identity }] = await Promise.all([declarations?.find(name), provider]);
  return declaration && { declaration, hash: declarationHash(declaration, profile, identity) };
}

interface Standing {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  readonly roots: readonly Certificate[];
}

/**
 * Returns whether the pair was issued for this declaration. It must have exactly the declared names and no other usages. The
 * further evidence is:
 *
 * - For the version that the status tags name: the tag `issued`.
 * - For a version that is not announced yet: the declaration in its id, because the tag is still about the version before. Its path must
 *   lead to a root of the profile, because another writer can choose any id.
 * - For any other version (another writer's, or a secret that was taken over): such a path too, and all declared usages and the declared
 *   type of key.
 */
export function isIssuedFor(
  { declaration, hash }: CurrentDeclaration,
  pair: Pair,
  { secret, profile, roots }: Standing,
  now: Instant,
): boolean {
  const { problems, missing } = departures(pair.leaf, declaration);
  if (problems.length > 0) return false;
  const { versionId } = pair.version;
  const noted = notedOf(secret, versionId);
  const isNamed = secret.tags.get(tags.versionId) === versionId && noted !== undefined;
  if (!isNamed && !isTrusted(pair, roots, now)) return false;
  if (noted !== undefined) return isOfDeclaration(noted, hash);
  return missing.length === 0 && hasKey(pair, declaration, profile);
}

/** Returns whether the certificate's path leads to a root of the profile, now or, if it has expired, at its notAfter. */
export function isTrusted({ leaf, chain }: Pair, roots: readonly Certificate[], now: Instant): boolean {
  return verifyPath(leaf, chain, roots, Math.min(now, leaf.notAfter)).ok;
}

/** Returns the noted declaration of a version: from its id, or from the tags if they name the version. */
function notedOf(secret: SecretSummary, versionId: string): string | undefined {
  const isNew = unannounced(secret).length > 0;
  const noted = secret.tags.get(tags.issued);
  const byTags = noted === foreignIssue ? undefined : noted;
  if (isNew) return declarationIn(versionId) ?? byTags;
  return secret.tags.get(tags.versionId) === versionId ? byTags : undefined;
}

/**
 * Returns whether an issuance may keep the present key. A principal that can write the value could store its own key there, and the
 * CA must not certify the declared names for it. So the key is kept only in these cases:
 *
 * - The status tags, which that principal can't write, name its version.
 * - The CA has certified the key for these names before.
 * - No certificate was ever issued for this secret: its owner declared what it already held.
 *
 * Pure.
 */
export function mayKeepKey(
  { declaration }: CurrentDeclaration,
  { version: { versionId }, leaf, chain }: Pair,
  { secret: { tags: found }, roots }: Pick<Standing, 'secret' | 'roots'>,
): boolean {
  const issued = found.get(tags.issued);
  if (issued === undefined) return true;
  if (issued !== foreignIssue && found.get(tags.versionId) === versionId) return true;
  const isTrusted = [leaf.notBefore, leaf.notAfter].some((at) => verifyPath(leaf, chain, roots, at).ok);
  return isTrusted && departures(leaf, declaration).problems.length === 0;
}

function hasKey({ leaf, content }: Pair, { key, kmsKeyId }: Declaration, profile: Profile): boolean {
  if (kmsKeyId !== undefined) {
    return content.key.kind === 'kms' && (content.key.keyId === kmsKeyId || content.key.keyId.endsWith(`/${kmsKeyId}`));
  }
  if (content.key.kind === 'kms') return true; // a key in KMS is never replaced
  const wanted = key ?? profile.key;
  return wanted === undefined || (leaf.keySpec !== undefined && sameKeySpec(leaf.keySpec, wanted));
}
