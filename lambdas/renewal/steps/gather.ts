/** Step 1 of docs/renewal-cycle.md: everything that a renewal reads of AWS is read here, once, and parsed once. */
import type { Authority } from '../../domain/authority.ts';
import type { Certificate } from '../../domain/certificate.ts';
import type { Decision } from '../../domain/decision.ts';
import { quote } from '../../domain/duration.ts';
import { RenewalError, toRenewalError } from '../../domain/errors.ts';
import type { CaProvider, Store } from '../../domain/ports.ts';
import type { Profile } from '../../domain/profile.ts';
import type { SecretSummary, SecretValue, SecretVersion } from '../../domain/secret.ts';
import type { TagSettings } from '../../domain/settings.ts';
import type { Signer } from '../../domain/signer.ts';
import { tags } from '../../domain/tags.ts';
import { localSigner } from '../../keys/local.ts';
import { type ProvenKey, provenKey } from '../../keys/possession.ts';
import { sameKey } from '../../keys/spec.ts';
import { authorityProfile, authorityProfileName } from '../../policy/authority-profile.ts';
import { checkOwnership, type OwnershipInput } from '../../policy/checks.ts';
import type { Validity } from '../../policy/renewal-time.ts';
import { readTagSettings } from '../../policy/settings.ts';
import { readSecret, type SecretContent } from '../../secret/index.ts';
import { passwordIn } from '../../secret/password.ts';
import { isPlaceholder } from '../../secret/placeholder.ts';
import { parseCertificate, parseIssuer } from '../../x509/certificate.ts';
import { chainEnd } from '../../x509/chain.ts';
import { authorityKeyArn, authorityOf, enrolledAuthority, waitsForCertificate } from '../authority.ts';
import type { RenewalWorld } from '../world.ts';

/** A secret whose metadata were read: enrolled, ours to write, its tags good. */
export interface Enrolled {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  readonly tagged: TagSettings;
}

/** What one version holds, parsed and checked: the key is proven to be the leaf's. */
export interface Pair {
  readonly version: SecretVersion;
  readonly content: SecretContent;
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
  readonly key: ProvenKey | undefined;
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

/** The certificate alone of a version that is of the past: its key may be gone. Throws what reading a secret throws. */
export async function readLeaf(world: PairWorld, profile: Profile, version: SecretVersion): Promise<Certificate> {
  const kmsKeyArn = await authorityKeyArn(world, profile);
  return parseCertificate((await readContent(world, profile, version.value, kmsKeyArn !== undefined)).leaf);
}

/**
 * Parses one version: its certificates, and its key, which must be the leaf's. Everything that believes in a pair, a CA, an
 * authority of the stack or the command line, gets it here: so it is here that the key has to prove itself.
 */
export async function readPair(world: PairWorld, profile: Profile, version: SecretVersion): Promise<Pair> {
  const kmsKeyArn = await authorityKeyArn(world, profile);
  const content = await readContent(world, profile, version.value, kmsKeyArn !== undefined);
  const leaf = parseCertificate(content.leaf);
  const chain = content.chain.map(parseIssuer);
  const signer = kmsKeyArn === undefined ? await signerOf(world, content) : await world.vault.signer(kmsKeyArn);
  const key = signer && (await provenKey(leaf, signer));
  if (signer && !key) {
    throw new RenewalError(
      'KeyMismatch',
      `The ${signer.kmsKeyArn ? 'KMS key' : 'private key'} (public key of ${signer.spki.length} bytes) is not the certificate's: put the certificate and the key that belong together into the secret.`,
    );
  }
  if (key?.kmsKeyArn !== undefined && profile.ca.type !== 'authority') {
    await refuseAuthorityKey(world, key, 'UnsupportedSecret', 'The kmsKeyId of the secret');
  }
  return { version, content, leaf, chain, key };
}

/**
 * The key of an authority of the stack signs for that authority alone, whatever name it is called by: a leaf that had it
 * could sign certificates. Every authority is looked at, not the profile's alone. A request that names a key is refused where
 * one can't be read. A certificate that has its key already is not stopped by an authority that has nothing to do with it: whose
 * certificate can't be read signs nothing either.
 */
export async function refuseAuthorityKey(
  world: PairWorld,
  key: Signer,
  code: 'InvalidRequest' | 'UnsupportedSecret',
  what: string,
): Promise<void> {
  const names = world.authorities?.names ?? [];
  const isAsked = code === 'InvalidRequest';
  const owns = await Promise.all(
    names.map((name) =>
      ownsKey(world, name, key).catch((error: unknown) => {
        if (isAsked || (error instanceof RenewalError && error.retryable)) throw error;
        return false;
      }),
    ),
  );
  const owner = names.find((_, i) => owns[i]);
  if (owner === undefined) return;
  throw new RenewalError(
    code,
    `${what} is the key of authority ${owner} of this stack, which signs for that authority and for no leaf: use another key.`,
  );
}

async function ownsKey(world: PairWorld, name: string, key: Signer): Promise<boolean> {
  try {
    const authority = await world.authorities?.find(name);
    if (!authority) throw new RenewalError('Internal', `This stack has no authority ${name}: deploy it again.`);
    const { kmsKeyArn } = authority;
    if (isSameKmsKey(kmsKeyArn, key.kmsKeyArn)) return true;
    // Its public half is KMS's own word, which nobody can put out of the way, and known after the first look.
    if (kmsKeyArn !== undefined) return sameKey(await world.vault.signer(kmsKeyArn), key);
    const certificate = await authorityCertificate(world, authority);
    return certificate !== undefined && sameKey(certificate, key);
  } catch (thrown) {
    const { code, message, retryAfter, busy } = toRenewalError(thrown);
    const found = `Whether the key is that of authority ${name} can't be told, so it is not used. ${message}`;
    throw new RenewalError(code, found, { cause: thrown, retryAfter, busy });
  }
}

/** Today's certificate of an authority; undefined while it has none. */
async function authorityCertificate(world: PairWorld, authority: Authority): Promise<Certificate | undefined> {
  const value = await world.store.read(authority.secretId).then(
    (version) => version.value,
    (error: unknown) => {
      if (error instanceof RenewalError && error.code === 'SecretNotFound') return undefined;
      throw error;
    },
  );
  if (value === undefined || isPlaceholder(value)) return undefined;
  const content = await readContent(world, authorityProfile(authority), value, authority.kmsKeyArn !== undefined);
  return parseCertificate(content.leaf);
}

/** A multi-Region key has the same id in every Region, and the same key material. */
function isSameKmsKey(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const id = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1);
  return a === b || (id(a).startsWith('mrk-') && id(a) === id(b));
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
