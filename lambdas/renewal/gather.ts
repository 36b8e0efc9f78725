/** Step 1 of docs/renewal-cycle.md: everything that a renewal reads of AWS is read here, once, and parsed once. */
import type { Certificate } from '../domain/certificate.ts';
import type { Decision } from '../domain/decision.ts';
import { quote } from '../domain/duration.ts';
import { RenewalError } from '../domain/errors.ts';
import type { CaProvider, Store } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary, SecretValue, SecretVersion } from '../domain/secret.ts';
import type { TagSettings } from '../domain/settings.ts';
import type { Signer } from '../domain/signer.ts';
import { tags } from '../domain/tags.ts';
import { localSigner } from '../keys/local.ts';
import { authorityProfileName } from '../policy/authority-profile.ts';
import { checkOwnership, type OwnershipInput } from '../policy/checks.ts';
import type { Validity } from '../policy/renewal-time.ts';
import { readTagSettings } from '../policy/settings.ts';
import { readSecret, type SecretContent } from '../secret/index.ts';
import { passwordIn } from '../secret/password.ts';
import { isPlaceholder } from '../secret/placeholder.ts';
import { parseCertificate, parseIssuer } from '../x509/certificate.ts';
import { chainEnd } from '../x509/chain.ts';
import { authorityKeyArn, authorityOf, enrolledAuthority, waitsForCertificate } from './authority.ts';
import type { RenewalWorld } from './world.ts';

/** A secret whose metadata were read: enrolled, ours to write, its tags good. */
export interface Enrolled {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  readonly tagged: TagSettings;
}

/** What one version holds, parsed and checked: the key is the leaf's. */
export interface Pair {
  readonly version: SecretVersion;
  readonly content: SecretContent;
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
  readonly key: Signer | undefined;
}

export interface Subject extends Enrolled, Pair {
  readonly provider: CaProvider;
  readonly roots: readonly Certificate[];
  readonly validity: Validity;
  readonly endsWith: 'leaf' | 'chain';
}

/**
 * The profile and the tags of a described secret; a Decision where it is to be left alone.
 * Throws SecretNotFound (being deleted), SecretNotEnrolled, UnknownProfile, InvalidTag.
 */
export async function enrolment(
  world: RenewalWorld,
  secret: SecretSummary,
  trace: { profile?: string } = {},
): Promise<Enrolled | Decision> {
  const authority = await authorityOf(world, secret);
  if (authority) {
    trace.profile = authorityProfileName(authority.name);
    return leftByOwnership(world, secret) ?? enrolledAuthority(secret, authority);
  }
  const profileName = secret.tags.get(tags.profile);
  if (profileName === undefined) {
    throw new RenewalError(
      'SecretNotEnrolled',
      `The secret ${secret.name} has no tag ${tags.profile}: tag it with the name of a profile of this stack to have it renewed.`,
      { concerns: 'foreign' },
    );
  }
  const left = leftByOwnership(world, secret);
  if (left) return left;
  const profile = await world.profiles.find(profileName);
  if (!profile) {
    throw new RenewalError(
      'UnknownProfile',
      `The tag ${tags.profile} is ${quote(profileName)}, and this stack has no such profile: correct the tag, or deploy the profile.`,
      { concerns: 'foreign' },
    );
  }
  return { secret, profile, tagged: readTagSettings(secret.tags) };
}

/** Throws SecretNotFound for one that is being deleted. */
function leftByOwnership(world: RenewalWorld, secret: SecretSummary): Decision | undefined {
  const left = checkOwnership(ownership(world, secret));
  if (left?.code === 'SecretNotFound') throw new RenewalError('SecretNotFound', left.message, { concerns: 'foreign' });
  return left;
}

/** Rotated by us is ours to write; the function's own ARN is known once it was invoked. */
export function ownership(
  { rotationFunctionArn }: Pick<RenewalWorld, 'rotationFunctionArn'>,
  secret: SecretSummary,
): OwnershipInput {
  return { secret, ...(rotationFunctionArn !== undefined && { rotationFunctionArn }) };
}

/**
 * Reads and judges the version; a Decision for an authority that waits for its first certificate.
 * Throws UnsupportedSecret, PasswordRequired, InvalidCertificate, KeyMismatch, KmsDenied …
 */
export async function gather(world: RenewalWorld, enrolled: Enrolled, versionId: string): Promise<Subject | Decision> {
  const { secret, profile } = enrolled;
  const [version, provider] = await Promise.all([world.store.read(secret.arn, versionId), world.providerFor(profile)]);
  if (profile.ca.type === 'authority' && isPlaceholder(version.value)) return waitsForCertificate(profile);
  const pair = await readPair(world, profile, version);
  const roots = (await provider.roots(pair)).map(parseIssuer);
  const { end, endsWith } = chainEnd(pair.leaf, pair.chain, roots);
  return { ...enrolled, ...pair, provider, roots, validity: { notBefore: pair.leaf.notBefore, end }, endsWith };
}

/** What reading a pair needs of the world: the password's secret, a key in KMS, an authority's configuration. */
export interface PairWorld extends Pick<RenewalWorld, 'entropy' | 'vault' | 'authorities'> {
  readonly store: Pick<Store, 'read'>;
}

/** Parses one version: its certificates, and its key, which must be the leaf's. */
export async function readPair(world: PairWorld, profile: Profile, version: SecretVersion): Promise<Pair> {
  const kmsKeyArn = await authorityKeyArn(world, profile);
  const content = await readContent(world, profile, version.value, kmsKeyArn !== undefined);
  const leaf = parseCertificate(content.leaf);
  const chain = content.chain.map(parseIssuer);
  const key = kmsKeyArn === undefined ? await signerOf(world, content) : await world.vault.signer(kmsKeyArn);
  if (key && !Buffer.from(key.spki).equals(leaf.spki)) {
    throw new RenewalError(
      'KeyMismatch',
      `The ${key.kmsKeyArn ? 'KMS key' : 'private key'} (public key of ${key.spki.length} bytes) is not the certificate's: put the certificate and the key that belong together into the secret.`,
    );
  }
  return { version, content, leaf, chain, key };
}

function readContent(
  { store, entropy }: PairWorld,
  { ca, passwordSecretId }: Profile,
  value: SecretValue,
  keyIsElsewhere: boolean,
): Promise<SecretContent> {
  const allowNoKey = ca.type === 'infisical' || keyIsElsewhere;
  return readSecret(value, { entropy, allowNoKey, password: passwordIn(store, passwordSecretId) });
}

async function signerOf(world: PairWorld, content: SecretContent): Promise<Signer | undefined> {
  switch (content.key.kind) {
    case 'private':
      return localSigner(content.key.privateKey);
    case 'kms':
      return world.vault.signer(content.key.keyId);
    case 'none':
      return undefined;
  }
}
