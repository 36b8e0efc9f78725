/** An authority of the stack as it is now: its certificate, what issued that, and the key, which must be the certificate's. */
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
  /** What issued it, upwards, the root last; empty for a root. */
  readonly issuers: readonly Certificate[];
  /** The trust anchor: the last of the issuers, or the certificate itself. */
  readonly root: Certificate;
  /** Of whichever ends first: the certificate, or one above it. Nothing that it issues is of use beyond that. */
  readonly end: Instant;
  /** It issued its own certificate. */
  readonly isRoot: boolean;
  /** The authority's key, proven to be the certificate's. Throws KeyMismatch, WeakKey, KmsDenied, KmsUnavailable. */
  signer(): Promise<Signer>;
}

/** More levels than any PKI has; a circle of parents would have no end. */
const mostParents = 8;

/**
 * Reads the authority's secret and its parents' once each. No key is asked for until `signer`.
 *
 * Throws Internal for an authority that the stack lacks, UnsupportedSecret while it has no certificate yet, and what
 * reading a secret throws.
 */
export async function loadAuthority(world: AuthorityWorld, name: string): Promise<LoadedAuthority> {
  return load(world, name, []);
}

async function load(world: AuthorityWorld, name: string, children: readonly string[]): Promise<LoadedAuthority> {
  const authority = await findAuthority(world.authorities, name);
  if (children.includes(name) || children.length >= mostParents) {
    throw new RenewalError(
      'Internal',
      `The parents of authority ${name} lead in a circle: correct them and deploy again.`,
    );
  }
  const { value } = await world.store.read(authority.secretId);
  if (isPlaceholder(value)) throw noCertificate(authority);
  const content = await readAuthoritySecret(world.store, authority, value);
  const certificate = parseCertificate(content.leaf);
  if (!certificate.isCa) {
    throw new RenewalError(
      'InvalidCertificate',
      `The certificate of authority ${name} is not a CA's (basicConstraints): put the CA certificate into its secret.`,
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

/** Throws Internal: profiles and parents name only authorities that the same deployment made. */
export async function findAuthority(authorities: AuthoritySource, name: string): Promise<Authority> {
  const authority = await authorities.find(name);
  if (authority) return authority;
  throw new RenewalError('Internal', `This stack has no authority ${quote(name)}: deploy it again.`);
}

export function noCertificate({ name }: Authority): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `The authority ${name} has no certificate yet: deploy the stack again, which makes the first one, or import one into its secret.`,
  );
}

/** The secret's content, opened with the authority's password where its key is encrypted. */
export async function readAuthoritySecret(
  store: Pick<Store, 'read'>,
  { kmsKeyArn, passwordSecretId }: Pick<Authority, 'kmsKeyArn' | 'passwordSecretId'>,
  value: SecretValue,
): Promise<SecretContent> {
  return readSecret(value, { allowNoKey: kmsKeyArn !== undefined, password: passwordIn(store, passwordSecretId) });
}

/**
 * The parent's certificates of today if the parent is of this stack and its key made the signature; else what the secret
 * itself holds of the chain.
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
 * From the certificate's issuer to a root, by the path that lasts longest: of two issuers with one name and key, as a cross
 * certificate and its twin, only one may lead there. Without a root in the pool as far as it reaches: to one that nothing in
 * it issued, or in a circle to any.
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
      `The key of authority ${authority.name}${configured.kmsKeyArn ? ` (${configured.kmsKeyArn})` : ''} is not that of its certificate, so nothing is signed: put the certificate of this key into its secret, or configure the certificate's key.`,
    );
  }
  checkGivenKey(signer, `The key of authority ${authority.name}`);
  return signer;
}

/** The configured key and no other: the right to write the secret must not be the right to choose with which key the stack signs. */
export async function authorityKey(
  vault: KeyVault,
  { name, kmsKeyArn }: Pick<Authority, 'name' | 'kmsKeyArn'>,
  { key }: Pick<SecretContent, 'key'>,
): Promise<Signer> {
  if (kmsKeyArn !== undefined) return vault.signer(kmsKeyArn);
  if (key.kind === 'private') return localSigner(key.privateKey);
  throw new RenewalError(
    'UnsupportedSecret',
    `The secret of authority ${name} names a key in KMS, or none: configure it as kmsKeyArn, which also permits its use.`,
  );
}
