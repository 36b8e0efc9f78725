/**
 * Extended key usages along a path, as OpenSSL's `-purpose` judges them (docs/decisions/0009): a usage reaches the leaf
 * only if every CA certificate above it, the trusted one included, names that usage or has no such extension. To OpenSSL
 * anyExtendedKeyUsage in a CA certificate is one more usage, and no pass for the others.
 */
import type { Certificate } from '../domain/certificate.ts';
import { extendedKeyUsages } from './extensions.ts';
import { alternativeNames } from './general-names.ts';
import { relativeNames } from './names.ts';
import { nameOfOid, oids } from './oids.ts';

/** What a certificate is used for. */
export interface Usage {
  readonly name: string;
  /** A CA certificate that has the extension must name one of these. */
  readonly allowedBy: readonly string[];
}

const serverAuth: Usage = {
  name: 'serverAuth',
  allowedBy: [oids.serverAuth, oids.microsoftSgc, oids.netscapeSgc],
};
const clientAuth: Usage = { name: 'clientAuth', allowedBy: [oids.clientAuth] };
const emailProtection: Usage = { name: 'emailProtection', allowedBy: [oids.emailProtection] };
/** For these OpenSSL asks of the leaf and of every CA. The first one that a leaf has is what it is for. */
const judgedByOpenssl: readonly Usage[] = [serverAuth, clientAuth, emailProtection];

/** Of what is above these OpenSSL asks nothing but to be a CA, and for anyExtendedKeyUsage it has no purpose. */
const notNested: ReadonlySet<string> = new Set([
  oids.anyExtendedKeyUsage,
  oids.codeSigning,
  oids.ocspSigning,
  oids.timeStamping,
]);

/**
 * The usages of a leaf that its path may take away. Without the extension it is for servers and clients, and for mail
 * where it has an address; a CA certificate without it is for certificates, and nothing can be taken away.
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
  // RFC 5280 section 4.2.1.12, as OpenSSL has no rule for these.
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

/** Those of `usages` that `issuer` lets through. */
export function usagesThrough(usages: readonly Usage[], issuer: Certificate): readonly Usage[] {
  const named = extendedKeyUsages(issuer);
  if (named === undefined) return usages;
  return usages.filter(({ allowedBy }) => allowedBy.some((oid) => named.includes(oid)));
}

/**
 * Whether a certificate is of use with what its path leaves of its usages. A server's certificate has to stay one, else a
 * client's, else one for mail. Where nothing of the kind is named, one usage that is left will do.
 */
export function isOfUse(leaf: Certificate, usages: readonly Usage[], left: readonly Usage[]): boolean {
  const [first] = usages;
  if (first === undefined) return true;
  const isNamed = extendedKeyUsages(leaf) !== undefined && judgedByOpenssl.includes(first);
  return isNamed ? left.includes(first) : left.length > 0;
}

/** The names of the leaf's usages that a path, leaf first, leaves. */
export function usagesLeft(path: readonly Certificate[]): readonly string[] {
  const [leaf, ...issuers] = path;
  if (leaf === undefined) return [];
  return issuers.reduce(usagesThrough, usagesOf(leaf)).map(({ name }) => name);
}

/** The names of those that a path, leaf first, takes away: the leaf has them, and no use of them. */
export function usagesTaken(path: readonly Certificate[]): readonly string[] {
  const left = usagesLeft(path);
  return usagesLeft(path.slice(0, 1)).filter((usage) => !left.includes(usage));
}
