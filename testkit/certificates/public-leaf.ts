/**
 * Leaves as public CAs issue them under the Baseline Requirements of the CA/Browser Forum (section 7.1.2.7). A CA changes everything that
 * is not a name, a key or a usage from one certificate to the next: each style is one that a CA issues or has issued.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { signCertificate } from './certificate.ts';
import { der, integer, octets, oid, sequence } from './der.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  clientAuth,
  extendedKeyUsage,
  extension,
  type KeyUsage,
  keyUsage,
  serverAuth,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';
import type { Hierarchy } from './hierarchy.ts';
import { spkiOf } from './keys.ts';
import { commonNameOnly, uri } from './names.ts';

const day = 86_400_000;

/** What a CA decides by itself. */
export interface PublicStyle {
  /** Milliseconds from notBefore to notAfter, which is the last second of the validity. */
  readonly validity: number;
  /** Whether the first name is the common name. Then the SAN is not critical; without a subject it must be (RFC 5280 section 4.1.2.6). */
  readonly hasCommonName: boolean;
  readonly usages: readonly string[];
  readonly keyUsages: readonly KeyUsage[];
  readonly policies: readonly string[];
  readonly hasOcsp: boolean;
  readonly hasCrl: boolean;
  /** OCSP must-staple (RFC 7633). */
  readonly mustStaple: boolean;
  readonly hasSubjectKeyId: boolean;
  /** Number of SCTs; 0 leaves the list out. */
  readonly receipts: number;
}

const domainValidated = '2.23.140.1.2.1';

export const publicStyles = {
  /** Let's Encrypt's profile `classic` before 2025. */
  classic: {
    ...{ validity: 90 * day, hasCommonName: true, usages: [serverAuth, clientAuth], keyUsages: ['digitalSignature'] },
    ...{ policies: [domainValidated, '1.3.6.1.4.1.44947.1.1.1'], hasOcsp: true, hasCrl: false, mustStaple: true },
    ...{ hasSubjectKeyId: true, receipts: 2 },
  },
  /** Let's Encrypt's profile `tlsserver`. */
  tlsserver: {
    ...{ validity: 90 * day, hasCommonName: false, usages: [serverAuth], keyUsages: ['digitalSignature'] },
    ...{ policies: [domainValidated], hasOcsp: false, hasCrl: true, mustStaple: false },
    ...{ hasSubjectKeyId: false, receipts: 2 },
  },
  /** Let's Encrypt's profile `shortlived`, which also has IP addresses. */
  shortlived: {
    ...{ validity: 160 * 3_600_000, hasCommonName: false, usages: [serverAuth], keyUsages: ['digitalSignature'] },
    ...{ policies: [domainValidated], hasOcsp: false, hasCrl: true, mustStaple: false },
    ...{ hasSubjectKeyId: false, receipts: 3 },
  },
  /** A commercial CA, with policies of its own, and without SCTs, which its servers send by OCSP. */
  commercial: {
    ...{ validity: 199 * day, hasCommonName: true, usages: [serverAuth] },
    ...{ keyUsages: ['digitalSignature', 'keyEncipherment'], policies: ['1.3.6.1.4.1.6449.1.2.2.7', domainValidated] },
    ...{ hasOcsp: true, hasCrl: true, mustStaple: false, hasSubjectKeyId: true, receipts: 0 },
  },
} as const satisfies Readonly<Record<string, PublicStyle>>;

export interface PublicLeaf {
  readonly key: KeyObject;
  /** In the form of generalName. */
  readonly names: readonly string[];
  readonly notBefore: Instant;
  readonly style: PublicStyle;
  /** Changes what is signed. */
  readonly change?: (template: Parameters<typeof signCertificate>[0]) => Parameters<typeof signCertificate>[0];
}

/** Returns a leaf signed with the intermediate's key. DER. */
export function makePublicLeaf(
  { key, names, notBefore, style, change = (template) => template }: PublicLeaf,
  issuer: Pick<Hierarchy, 'intermediateKey' | 'intermediateName'>,
): Uint8Array {
  const spki = spkiOf(key);
  const [first = ''] = names;
  const extensions = [
    keyUsage(...style.keyUsages),
    extendedKeyUsage(...style.usages),
    basicConstraints(false),
    ...(style.hasSubjectKeyId ? [subjectKeyIdentifier(spki)] : []),
    authorityKeyIdentifier(spkiOf(issuer.intermediateKey)),
    informationAccess(style.hasOcsp),
    { ...subjectAltName(...names), critical: !style.hasCommonName },
    extension('2.5.29.32', sequence(...style.policies.map((policy) => sequence(oid(policy))))),
    ...(style.hasCrl ? [distributionPoint(Math.floor(notBefore / 1000) % 100)] : []),
    ...(style.mustStaple ? [extension('1.3.6.1.5.5.7.1.24', sequence(integer(Uint8Array.of(5))))] : []),
    ...(style.receipts > 0 ? [receiptList(style.receipts)] : []),
  ];
  const template = {
    subject: style.hasCommonName ? commonNameOnly(first.slice(first.indexOf(':') + 1)) : commonNameOnly(''),
    spki,
    notBefore,
    notAfter: notBefore + style.validity - 1000, // RFC 5280 section 4.1.2.5: the last second is included
    extensions,
  };
  return signCertificate(change(template), { subject: issuer.intermediateName, key: issuer.intermediateKey });
}

/** Where OCSP answers, if it does, and where the issuer's certificate is (RFC 5280 section 4.2.2.1). */
function informationAccess(hasOcsp: boolean): Extension {
  const at = (method: string, address: string) => sequence(oid(method), uri(address));
  const ocsp = hasOcsp ? [at('1.3.6.1.5.5.7.48.1', 'http://o.ca.example')] : [];
  return extension('1.3.6.1.5.5.7.1.1', sequence(...ocsp, at('1.3.6.1.5.5.7.48.2', 'http://i.ca.example/')));
}

/** RFC 5280 section 4.2.1.13. CAs spread certificates over several lists. */
function distributionPoint(shard: number): Extension {
  const fullName = der(0xa0, der(0xa0, uri(`http://c.ca.example/${shard}.crl`)));
  return extension('2.5.29.31', sequence(sequence(fullName)));
}

/** Receipts of logs (RFC 6962 section 3.3). Their content is random: only logs and browsers read it. */
function receiptList(count: number): Extension {
  const sized = (bytes: Uint8Array) => Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
  const receipts = Array.from({ length: count }, () => sized(randomBytes(119)));
  return extension('1.3.6.1.4.1.11129.2.4.2', octets(sized(Buffer.concat(receipts))));
}
