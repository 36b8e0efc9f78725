/**
 * Where certificates stand in a secret, and where the new ones go. A *place* is a field (or a whole PEM text) with the
 * certificates in it; each is the leaf, an intermediate or a root, and keeps that part.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { sameBytes } from '../domain/bytes.ts';
import { RenewalError } from '../domain/errors.ts';
import { nativeCertificate } from '../domain/native-certificate.ts';
import type { PemBlock } from '../domain/pem.ts';
import type { NextContent } from './shape.ts';

/**
 * `leaf`: the certificate, perhaps with its chain behind it; `chain`: a field of the chain's own; `issuer`: the first
 * certificate of the chain.
 */
export type PlaceKind = 'leaf' | 'chain' | 'issuer';

/** `former`: another certificate for the leaf's key, which an earlier renewal left beside it. */
type Role = 'leaf' | 'former' | 'intermediate' | 'root';

export interface FoundCertificate {
  readonly x509: X509Certificate;
  readonly der: Uint8Array;
}

/** What becomes of the certificates of one place. */
export interface PlacePlan {
  /** For each certificate found there: the DER it becomes, or undefined if it goes. */
  readonly becomes: readonly (Uint8Array | undefined)[];
  /** New certificates, to be put behind (or before) that one; `anchor` is undefined in a place that had none. */
  readonly added: readonly Uint8Array[];
  readonly anchor: { readonly index: number; readonly side: 'before' | 'after' } | undefined;
}

const certificateLabels: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE']);

export function isCertificateBlock(block: PemBlock): boolean {
  return certificateLabels.has(block.label);
}

/** Throws InvalidCertificate where the bytes are not one X.509 certificate and nothing else. */
export function openCertificate(der: Uint8Array, where: string): FoundCertificate {
  try {
    const x509 = nativeCertificate(der);
    if (x509.raw.length === der.length) return { x509, der };
  } catch {
    // OpenSSL's message says nothing that the user could act on.
  }
  throw new RenewalError(
    'InvalidCertificate',
    `${where} is not an X.509 certificate: its PEM block or bag holds other or cut data. Put the certificate there again.`,
  );
}

const includes = (list: readonly Uint8Array[], der: Uint8Array) => list.some((each) => sameBytes(each, der));

function distinct(list: readonly Uint8Array[]): Uint8Array[] {
  return list.filter((der, i) => list.findIndex((each) => sameBytes(each, der)) === i);
}

/** The certificates of one key pair. */
export interface Leaves {
  /** The one that ends last: who renews by hand may leave the certificate of before in its place. */
  readonly leaf: Uint8Array;
  readonly formers: readonly Uint8Array[];
}

/**
 * The certificates whose public key is the private key's; without a key, or where none has it, those for the key of the
 * first. The leaf is one of the first `among` (all, where it is not said), and undefined where there are none.
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

/** Whether a certificate is the first, or for its public key. Where OpenSSL does not know the kind of key, only the first is. */
function hasKeyOf(first: FoundCertificate): (each: FoundCertificate) => boolean {
  const key = publicKeyOf(first);
  return (each) => {
    const other = publicKeyOf(each);
    return each === first || (key !== undefined && other !== undefined && sameBytes(key, other));
  };
}

/** DER of the SubjectPublicKeyInfo. */
function publicKeyOf({ x509 }: FoundCertificate): Uint8Array | undefined {
  try {
    return x509.publicKey.export({ format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** Self-issued and signed by its own key: where a path ends. */
function isRoot(x509: X509Certificate): boolean {
  try {
    return x509.checkIssued(x509) && x509.verify(x509.publicKey);
  } catch {
    return false;
  }
}

/** The parts that certificates of a secret play. */
export interface Parts extends Leaves {
  /** All but the certificates of the leaf's key, as found, none twice. */
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

/** The parts of what is to be written. Throws InvalidCertificate. */
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
 * Plans the new certificates of all places of a secret. A place keeps what it was for: one with the leaf alone stays so,
 * one that held the root holds today's, and the chain goes where the chain was; if it was nowhere, into the chain field.
 * Throws InvalidCertificate.
 */
export function planCertificates(places: readonly Place[], before: Parts, next: NextContent): PlacePlan[] {
  const after = nextParts(next);
  // The same set in another order is no change: the order that the secret has was somebody's choice.
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

/** The root that a place gets; undefined where the one that is there is right, or none was. */
function nextRoot(place: Place, roles: readonly Role[], after: Parts): Uint8Array | undefined {
  const held = place.certificates.filter((_, i) => roles[i] === 'root');
  if (held.length === 0 || after.roots.some((root) => includes(held, root))) return undefined;
  return after.roots[0];
}

interface Target {
  /** Undefined: it stays, and so do its formers. */
  readonly leaf: Uint8Array | undefined;
  /** Undefined: the intermediates stay. */
  readonly chain: readonly Uint8Array[] | undefined;
  /** Undefined: the root stays. */
  readonly root: Uint8Array | undefined;
}

/**
 * A new leaf takes the first place of those of its key, as a server presents the first certificate of a file, and the
 * formers go: none of them certifies the key of a rekey, and no reader takes one for part of the chain.
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

/** New intermediates stand behind the last one, else behind the leaf, else before the root. */
function anchorOf(roles: readonly Role[]): PlacePlan['anchor'] {
  const lastIntermediate = roles.lastIndexOf('intermediate');
  if (lastIntermediate !== -1) return { index: lastIntermediate, side: 'after' };
  const leaf = roles.findIndex(isOfLeafKey);
  if (leaf !== -1) return { index: leaf, side: 'after' };
  return roles.length > 0 ? { index: 0, side: 'before' } : undefined;
}

/** The first certificate of the chain: an intermediate, or the root where the root itself issued the leaf. */
function planIssuer(place: Place, chain: readonly Uint8Array[] | undefined, root: Uint8Array | undefined): PlacePlan {
  const unchanged = chain === undefined && root === undefined;
  const first = chain?.[0] ?? root;
  const added = place.certificates.length === 0 && first !== undefined ? [first] : [];
  const becomes = place.certificates.map((der, i) => (unchanged ? der : i === 0 ? first : undefined));
  return { becomes, added, anchor: undefined };
}
