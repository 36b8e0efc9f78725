/** Loads an authority of the stack: its certificate, the issuers of that, and the key, which must be the certificate's. */
import type { Authority } from '../domain/authority.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { AuthoritySource, KeyVault, Store } from '../domain/ports.ts';
import { quote } from '../domain/quote.ts';
import type { SecretValue } from '../domain/secret.ts';
import type { Signer } from '../domain/signer.ts';
import { checkGivenKey } from '../keys/given.ts';
import { localSigner } from '../keys/local.ts';
import { provenKey } from '../keys/possession.ts';
import { readSecret, type SecretContent } from '../secret/index.ts';
import { passwordIn } from '../secret/password.ts';
import { isPlaceholder } from '../secret/placeholder.ts';
import { parseCertificate } from '../x509/certificate.ts';
import { longestPath } from '../x509/chain.ts';
import { isSignedBy } from '../x509/signature.ts';

export interface AuthorityWorld {
  readonly authorities: AuthoritySource;
  readonly store: Pick<Store, 'read'>;
  readonly vault: KeyVault;
}

export interface LoadedAuthority {
  readonly authority: Authority;
  readonly certificate: Certificate;
  /** The issuers from its own up to the root; empty for a root. */
  readonly issuers: readonly Certificate[];
  /** The trust anchor: the last issuer, or the certificate itself. */
  readonly root: Certificate;
  /** The end of the certificate, or of one above it if that is earlier. What the authority issues is useless after it. */
  readonly end: Instant;
  /** Whether the certificate is self-signed. */
  readonly isRoot: boolean;
  /** Returns the authority's key, proven to be the certificate's. Throws KeyMismatch, WeakKey, KmsDenied, KmsUnavailable. */
  signer(): Promise<Signer>;
}

/** Limit of levels. No PKI has so many; it stops at a circle of parents. */
const mostParents = 8;

/**
 * Reads the secrets of the authority and of its parents, once each. `signer` uses a key, nothing before.
 *
 * Throws Internal if the stack does not have the authority, UnsupportedSecret if it has no certificate yet, and what reading a secret
 * throws.
 */
export async function loadAuthority(world: AuthorityWorld, name: string): Promise<LoadedAuthority> {
  return load(world, name, []);
}

async function load(world: AuthorityWorld, name: string, children: readonly string[]): Promise<LoadedAuthority> {
  const authority = await findAuthority(world.authorities, name);
  if (children.includes(name) || children.length >= mostParents) {
    throw new RenewalError(
      'Internal',
      `The parents of authority ${name} form a circle: correct them and deploy again.`,
    );
  }
  const { value } = await world.store.read(authority.secretId);
  if (isPlaceholder(value)) throw noCertificate(authority);
  const content = await readAuthoritySecret(world.store, authority, value);
  const certificate = parseCertificate(content.leaf);
  if (!certificate.isCa) {
    throw new RenewalError(
      'InvalidCertificate',
      `The certificate of authority ${name} is not a CA certificate (basicConstraints): store the CA certificate in its secret.`,
    );
  }
  const issuers = await issuersOf(world, authority, certificate, content, [...children, name]);
  const isRoot = isSelfSigned(certificate);
  return {
    authority,
    certificate,
    issuers,
    root: issuers.at(-1) ?? certificate,
    end: Math.min(...[certificate, ...issuers].map(({ notAfter }) => notAfter)),
    isRoot,
    signer: () => signerOf(world.vault, authority, content, certificate),
  };
}

/** Finds an authority. Throws Internal, because profiles and parents name only authorities of the same deployment. */
export async function findAuthority(authorities: AuthoritySource, name: string): Promise<Authority> {
  const authority = await authorities.find(name);
  if (authority) return authority;
  throw new RenewalError('Internal', `This stack has no authority ${quote(name)}: deploy it again.`);
}

export function noCertificate({ name }: Authority): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `The authority ${name} has no certificate yet: deploy the stack again, which creates the first one, or import one into its secret.`,
  );
}

/** Reads the secret's content, with the authority's password if the key is encrypted. */
export async function readAuthoritySecret(
  store: Pick<Store, 'read'>,
  { kmsKeyArn, passwordSecretId }: Pick<Authority, 'kmsKeyArn' | 'passwordSecretId'>,
  value: SecretValue,
): Promise<SecretContent> {
  return readSecret(value, { allowNoKey: kmsKeyArn !== undefined, password: passwordIn(store, passwordSecretId) });
}

/**
 * Returns the parent's current certificates if the parent is in this stack and its key made the signature. Otherwise returns the chain in
 * the secret.
 */
async function issuersOf(
  world: AuthorityWorld,
  authority: Authority,
  certificate: Certificate,
  content: SecretContent,
  children: readonly string[],
): Promise<readonly Certificate[]> {
  if (isSelfSigned(certificate)) return [];
  if (authority.parent !== undefined) {
    const parent = await load(world, authority.parent, children);
    if (isIssuedBy(certificate, parent.certificate)) return [parent.certificate, ...parent.issuers];
  }
  return upwards(certificate, content.chain.map(parseCertificate));
}

/**
 * Returns the certificates from the issuer up to a root, on the path that is valid longest. Of two issuers with the same name and key (such
 * as a cross certificate) only one may lead to a root. If the pool has no root, the path ends at a certificate whose issuer is missing. In
 * a circle it ends at any certificate.
 */
function upwards(certificate: Certificate, pool: readonly Certificate[]): readonly Certificate[] {
  const above = pool.filter(({ isCa, der }) => isCa && !sameBytes(der, certificate.der));
  const tops = above.filter((each) => !above.some((other) => sameBytes(each.issuer, other.subject)));
  for (const ends of [above.filter(isSelfSigned), tops, above]) {
    const path = longestPath(certificate, above, ends);
    if (path.ok) return path.path.slice(1);
  }
  return [];
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return issuer.isCa && sameBytes(certificate.issuer, issuer.subject) && isSignedBy(certificate, issuer);
}

export function isSelfSigned(certificate: Certificate): boolean {
  return sameBytes(certificate.subject, certificate.issuer) && isSignedBy(certificate, certificate);
}

async function signerOf(
  vault: KeyVault,
  authority: Authority,
  content: SecretContent,
  certificate: Certificate,
): Promise<Signer> {
  const configured = await authorityKey(vault, authority, content);
  const signer = await provenKey(certificate, configured);
  if (!signer) {
    throw new RenewalError(
      'KeyMismatch',
      `The key of authority ${authority.name}${configured.kmsKeyArn ? ` (${configured.kmsKeyArn})` : ''} does not belong to its certificate, so it signs nothing: store the certificate of this key in its secret, or configure the certificate's key.`,
    );
  }
  checkGivenKey(signer, `The key of authority ${authority.name}`);
  return signer;
}

/**
 * Returns the configured key, never one that the secret names: a writer of the secret must not choose the key that the stack signs with.
 */
export async function authorityKey(
  vault: KeyVault,
  { name, kmsKeyArn }: Pick<Authority, 'name' | 'kmsKeyArn'>,
  { key }: Pick<SecretContent, 'key'>,
): Promise<Signer> {
  if (kmsKeyArn !== undefined) return vault.signer(kmsKeyArn);
  if (key.kind === 'private') return localSigner(key.privateKey);
  throw new RenewalError(
    'UnsupportedSecret',
    `The secret of authority ${name} names a KMS key, or no key: configure the key as kmsKeyArn, which also gives the permission to use it.`,
  );
}
