/** What is declared of a secret, and whether the certificate that is there is the declared one. */
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
  /** Of the declaration, and of what the profile and its CA add to it. */
  readonly hash: string;
}

/**
 * Undefined where nothing is declared (any more). For a secret without the mark of a declaration nothing is looked up; the mark alone
 * decides nothing, the parameter does. Throws AccessDenied, Throttled, Internal.
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
 * Whether the pair was issued for this declaration. The tag `issued` says so, of the version that the tags name. The path of any other
 * has to lead to a root of the profile, for who writes a value chooses the id of its version. One that was not announced yet says by
 * that id what it was issued for: the tag is still that of the one before. Else somebody wrote it, or the secret is taken over, and the
 * pair itself has to say it. Neither makes the declared certificate of one that says something else.
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

/** Whether its path leads to a root of the profile: today, or on its last day. */
export function isTrusted({ leaf, chain }: Pair, roots: readonly Certificate[], now: Instant): boolean {
  return verifyPath(leaf, chain, roots, Math.min(now, leaf.notAfter)).ok;
}

/** What is known of a version: by its id, or by the tags where they name it. */
function notedOf(secret: SecretSummary, versionId: string): string | undefined {
  const isNew = unannounced(secret).length > 0;
  const noted = secret.tags.get(tags.issued);
  const byTags = noted === foreignIssue ? undefined : noted;
  if (isNew) return declarationIn(versionId) ?? byTags;
  return secret.tags.get(tags.versionId) === versionId ? byTags : undefined;
}

/**
 * Whether the key that is there may stay for what is declared. Who can write the value may have put a key of their own there, for which
 * the CA must not certify the names of somebody else. So it is kept where the tags, which they can't write, name its version; where
 * the CA has certified it for these very names before; and in a secret that was never issued by a declaration, whose owner has declared
 * what is there. Pure.
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
  if (content.key.kind === 'kms') return true; // it stays where it is
  const wanted = key ?? profile.key;
  return wanted === undefined || (leaf.keySpec !== undefined && sameKeySpec(leaf.keySpec, wanted));
}
