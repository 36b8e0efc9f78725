/**
 * Finds the certificates in a secret and plans the new ones. A *place* is a field, or a whole PEM text, with certificates. Each certificate
 * keeps its role: leaf, intermediate or root.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { sameBytes } from '../domain/bytes.ts';
import { RenewalError } from '../domain/errors.ts';
import { nativeCertificate } from '../domain/native-certificate.ts';
import type { PemBlock } from '../domain/pem.ts';
import type { NextContent } from './shape.ts';

/**
 * `leaf`: the certificate, possibly followed by its chain. `chain`: a field for the chain. `issuer`: the first certificate of the chain.
 */
export type PlaceKind = 'leaf' | 'chain' | 'issuer';

/** `former`: another certificate for the leaf's key, left by an earlier renewal. */
type Role = 'leaf' | 'former' | 'intermediate' | 'root';

export interface FoundCertificate {
  readonly x509: X509Certificate;
  readonly der: Uint8Array;
}

/** The new certificates of a place. */
export interface PlacePlan {
  /** For each certificate in the place: its new DER, or undefined to remove it. */
  readonly becomes: readonly (Uint8Array | undefined)[];
  /** Additional certificates after (or before) `anchor`, which is undefined for an empty place. */
  readonly added: readonly Uint8Array[];
  readonly anchor: { readonly index: number; readonly side: 'before' | 'after' } | undefined;
}

const certificateLabels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

export function isCertificateBlock(block: PemBlock): boolean {
  return certificateLabels.has(block.label);
}

/** Parses exactly one X.509 certificate. Throws InvalidCertificate. */
export function openCertificate(der: Uint8Array, where: string): FoundCertificate {
  try {
    const x509 = nativeCertificate(der);
    if (x509.raw.length === der.length) return { x509, der };
  } catch {
    // OpenSSL's message does not help the user.
  }
  throw new RenewalError(
    'InvalidCertificate',
    `${where} is not an X.509 certificate: its PEM block or bag contains other data, or the data is cut. Store the certificate there again.`,
  );
}

const includes = (list: readonly Uint8Array[], der: Uint8Array) => list.some((each) => sameBytes(each, der));

function distinct(list: readonly Uint8Array[]): Uint8Array[] {
  return list.filter((der, i) => list.findIndex((each) => sameBytes(each, der)) === i);
}

/** The certificates of one key pair. */
export interface Leaves {
  /** The one that ends last. After a renewal by hand, the old certificate may still be there. */
  readonly leaf: Uint8Array;
  readonly formers: readonly Uint8Array[];
}

/**
 * Returns the certificates for the private key. Without a key, or without a certificate for it, returns those for the public key of the
 * first certificate. The leaf is one of the first `among` (default: all). Undefined if there is no certificate.
 */
export function findLeaves(
  found: readonly FoundCertificate[],
  key: KeyObject | undefined,
  among: number = found.length,
): Leaves | undefined {
  const candidates = found.slice(0, among);
  const [first] = candidates;
  if (first === undefined) return undefined;
  if (found.length === 1) return { leaf: first.der, formers: [] };
  const isOfKey = ({ x509 }: FoundCertificate) => key !== undefined && x509.checkPrivateKey(key);
  const leaves = found.filter(candidates.some(isOfKey) ? isOfKey : hasKeyOf(first));
  const last = leaves
    .filter((each) => candidates.includes(each))
    .reduce((latest, each) => (endOf(each) > endOf(latest) ? each : latest));
  const formers = distinct(leaves.map(({ der }) => der).filter((der) => !sameBytes(der, last.der)));
  return { leaf: last.der, formers };
}

const endOf = ({ x509 }: FoundCertificate) => Date.parse(x509.validTo);

/** Whether a certificate is the first one or has the same public key. If OpenSSL does not support the kind of key, only the first one. */
function hasKeyOf(first: FoundCertificate): (each: FoundCertificate) => boolean {
  const key = publicKeyOf(first);
  return (each) => {
    const other = publicKeyOf(each);
    return each === first || (key !== undefined && other !== undefined && sameBytes(key, other));
  };
}

/** Returns the DER of the SubjectPublicKeyInfo. */
function publicKeyOf({ x509 }: FoundCertificate): Uint8Array | undefined {
  try {
    return x509.publicKey.export({ format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** Whether a certificate is self-issued and signed by its own key. */
function isRoot(x509: X509Certificate): boolean {
  try {
    return x509.checkIssued(x509) && x509.verify(x509.publicKey);
  } catch {
    return false;
  }
}

/** The certificates of a secret by their roles. */
export interface Parts extends Leaves {
  /** All certificates except those of the leaf's key, in their order, without duplicates. */
  readonly others: readonly Uint8Array[];
  readonly intermediates: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
}

/** Sorts all certificates of a secret into leaf, intermediates and roots. */
export function partsOf(found: readonly FoundCertificate[], { leaf, formers }: Leaves): Parts {
  const own = [leaf, ...formers];
  const others = distinct(found.map(({ der }) => der).filter((der) => !includes(own, der)));
  const roots = others.filter((der) => found.some((each) => sameBytes(each.der, der) && isRoot(each.x509)));
  return { leaf, formers, others, intermediates: others.filter((der) => !includes(roots, der)), roots };
}

/** Returns the roles of the new certificates. Throws InvalidCertificate. */
function nextParts(next: NextContent): Parts {
  const chain = next.chain.map((der, i) => openCertificate(der, `Certificate ${i + 1} of the new chain`));
  const parts = partsOf(chain, { leaf: next.leaf, formers: [] });
  return { ...parts, roots: next.root === undefined ? parts.roots : [next.root] };
}

export interface Place {
  readonly kind: PlaceKind;
  readonly certificates: readonly Uint8Array[];
}

/**
 * Plans the new certificates of all places of a secret. A place keeps its purpose: a place with only the leaf keeps only the leaf, and a
 * place with the root gets the current root. The chain goes where the old chain is; if there is none, into the chain field. Throws
 * InvalidCertificate.
 */
export function planCertificates(places: readonly Place[], before: Parts, next: NextContent): PlacePlan[] {
  const after = nextParts(next);
  // The same certificates in another order are not a change: the secret keeps its order.
  const sameChain =
    after.intermediates.length === before.intermediates.length &&
    after.intermediates.every((der) => includes(before.intermediates, der));
  const chainIsSomewhere = before.intermediates.length > 0;
  return places.map((place) => {
    const roles = place.certificates.map((der) => roleOf(der, before));
    const root = nextRoot(place, roles, after);
    const holdsRoot = roles.includes('root');
    const takesChain = chainIsSomewhere ? roles.includes('intermediate') : place.kind !== 'leaf' || holdsRoot;
    const chain = sameChain || !takesChain ? undefined : after.intermediates;
    if (place.kind === 'issuer') return planIssuer(place, chain, root);
    const leaf = sameBytes(after.leaf, before.leaf) ? undefined : after.leaf;
    return planPlace(place, roles, { leaf, chain, root });
  });
}

function roleOf(der: Uint8Array, parts: Parts): Role {
  if (sameBytes(der, parts.leaf)) return 'leaf';
  if (includes(parts.formers, der)) return 'former';
  return includes(parts.roots, der) ? 'root' : 'intermediate';
}

/** Returns the new root of a place; undefined if its root is right, or if it has none. */
function nextRoot(place: Place, roles: readonly Role[], after: Parts): Uint8Array | undefined {
  const held = place.certificates.filter((_, i) => roles[i] === 'root');
  if (held.length === 0 || after.roots.some((root) => includes(held, root))) return undefined;
  return after.roots[0];
}

interface Target {
  /** Undefined: the leaf and its formers stay. */
  readonly leaf: Uint8Array | undefined;
  /** Undefined: the intermediates stay. */
  readonly chain: readonly Uint8Array[] | undefined;
  /** Undefined: the root stays. */
  readonly root: Uint8Array | undefined;
}

/**
 * Plans one place. The new leaf takes the place of the first certificate of its key, because a server sends the first certificate of a
 * file. The formers are removed: they are not for the new key, and not part of the chain.
 */
function planPlace(place: Place, roles: readonly Role[], target: Target): PlacePlan {
  const firstRoot = roles.indexOf('root');
  const firstLeaf = roles.includes('leaf') ? roles.findIndex(isOfLeafKey) : -1;
  let nextIntermediate = 0;
  const becomes = place.certificates.map((der, i) => {
    if (isOfLeafKey(roles[i])) return target.leaf === undefined ? der : i === firstLeaf ? target.leaf : undefined;
    if (roles[i] === 'root') return i === firstRoot ? (target.root ?? der) : der;
    return target.chain === undefined ? der : target.chain[nextIntermediate++];
  });
  return { becomes, added: target.chain?.slice(nextIntermediate) ?? [], anchor: anchorOf(roles) };
}

const isOfLeafKey = (role: Role | undefined) => role === 'leaf' || role === 'former';

/** Returns the position for new intermediates: after the last one, otherwise after the leaf, otherwise before the root. */
function anchorOf(roles: readonly Role[]): PlacePlan['anchor'] {
  const lastIntermediate = roles.lastIndexOf('intermediate');
  if (lastIntermediate !== -1) return { index: lastIntermediate, side: 'after' };
  const leaf = roles.findIndex(isOfLeafKey);
  if (leaf !== -1) return { index: leaf, side: 'after' };
  return roles.length > 0 ? { index: 0, side: 'before' } : undefined;
}

/** Plans the place for the first certificate of the chain: an intermediate, or the root if it issued the leaf. */
function planIssuer(place: Place, chain: readonly Uint8Array[] | undefined, root: Uint8Array | undefined): PlacePlan {
  const unchanged = chain === undefined && root === undefined;
  const first = chain?.[0] ?? root;
  const added = place.certificates.length === 0 && first !== undefined ? [first] : [];
  const becomes = place.certificates.map((der, i) => (unchanged ? der : i === 0 ? first : undefined));
  return { becomes, added, anchor: undefined };
}
