/**
 * Extended key usages along a path, by the rules of OpenSSL's `-purpose` (docs/decisions/0009). The leaf keeps a usage only if every CA
 * certificate above it, also the trusted one, names that usage or has no such extension. For OpenSSL, anyExtendedKeyUsage in a CA
 * certificate does not include other usages.
 */
import type { Certificate } from '../domain/certificate.ts';
import { extendedKeyUsages } from './extensions.ts';
import { alternativeNames } from './general-names.ts';
import { relativeNames } from './names.ts';
import { nameOfOid, oids } from './oids.ts';

/** A purpose of a certificate. */
export interface Usage {
  readonly name: string;
  /** A CA certificate with the extension must name one of these. */
  readonly allowedBy: readonly string[];
}

const serverAuth: Usage = {
  name: 'serverAuth',
  allowedBy: [oids.serverAuth, oids.microsoftSgc, oids.netscapeSgc],
};
const clientAuth: Usage = { name: 'clientAuth', allowedBy: [oids.clientAuth] };
const emailProtection: Usage = { name: 'emailProtection', allowedBy: [oids.emailProtection] };
/** Usages that OpenSSL checks on the leaf and on every CA. The first one of a leaf is its purpose. */
const judgedByOpenssl: readonly Usage[] = [serverAuth, clientAuth, emailProtection];

/** Usages that OpenSSL does not check on CAs. OpenSSL has no purpose for anyExtendedKeyUsage. */
const notNested: ReadonlySet<string> = new Set([
  oids.anyExtendedKeyUsage,
  oids.codeSigning,
  oids.ocspSigning,
  oids.timeStamping,
]);

/**
 * Returns the usages of a leaf that its path may take away. A leaf without the extension is for servers and clients, and for mail if it has
 * an e-mail address. A CA certificate without it has no such usages.
 */
export function usagesOf(leaf: Certificate): readonly Usage[] {
  const named = extendedKeyUsages(leaf);
  if (named === undefined) {
    if (leaf.isCa) return [];
    return hasAddress(leaf) ? judgedByOpenssl : [serverAuth, clientAuth];
  }
  const judged = judgedByOpenssl.filter(({ allowedBy }) => allowedBy.some((oid) => named.includes(oid)));
  const known = new Set([...notNested, ...judged.flatMap(({ allowedBy }) => allowedBy)]);
  const others = [...new Set(named)].filter((oid) => !known.has(oid));
  // RFC 5280 section 4.2.1.12; OpenSSL has no rule for these.
  return [...judged, ...others.map((oid) => ({ name: nameOfOid(oid), allowedBy: [oid, oids.anyExtendedKeyUsage] }))];
}

function hasAddress({ subject, extensions }: Certificate): boolean {
  return (
    alternativeNames({ extensions }).some(({ kind }) => kind === 'email') ||
    relativeNames(subject)
      .flat()
      .some(({ type }) => type === oids.emailAddress)
  );
}

/** Returns the usages that `issuer` allows. */
export function usagesThrough(usages: readonly Usage[], issuer: Certificate): readonly Usage[] {
  const named = extendedKeyUsages(issuer);
  if (named === undefined) return usages;
  return usages.filter(({ allowedBy }) => allowedBy.some((oid) => named.includes(oid)));
}

/**
 * Whether a certificate is usable with the usages that its path leaves. A certificate for servers must keep that usage, otherwise one for
 * clients, otherwise one for mail. If it names none of these, one remaining usage is enough.
 */
export function isOfUse(leaf: Certificate, usages: readonly Usage[], left: readonly Usage[]): boolean {
  const [first] = usages;
  if (first === undefined) return true;
  const isNamed = extendedKeyUsages(leaf) !== undefined && judgedByOpenssl.includes(first);
  return isNamed ? left.includes(first) : left.length > 0;
}

/** Returns the names of the leaf's usages that a path, leaf first, leaves. */
export function usagesLeft(path: readonly Certificate[]): readonly string[] {
  const [leaf, ...issuers] = path;
  if (leaf === undefined) return [];
  return issuers.reduce(usagesThrough, usagesOf(leaf)).map(({ name }) => name);
}

/** Returns the names of the leaf's usages that a path, leaf first, takes away. */
export function usagesTaken(path: readonly Certificate[]): readonly string[] {
  const left = usagesLeft(path);
  return usagesLeft(path.slice(0, 1)).filter((usage) => !left.includes(usage));
}
