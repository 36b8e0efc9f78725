/** Who signed a certificate, and with what. The arithmetic is OpenSSL's, by way of node:crypto. */
import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { readSequence } from '../asn1/reader.ts';
import { contextTag, tags } from '../asn1/tags.ts';
import { readOid } from '../asn1/values.ts';
import type { Certificate } from '../domain/certificate.ts';
import { nativeCertificate } from '../domain/native-certificate.ts';
import { weakSignatureName } from './algorithms.ts';
import { certificateFields } from './certificate.ts';

const rsassaPss = '1.2.840.113549.1.1.10';

/** One parse each, however often a certificate stands in a chain; roots live as long as the process. */
const nativeCertificates = new WeakMap<Certificate, X509Certificate | null>();
const publicKeys = new WeakMap<Certificate, KeyObject | null>();
/** By certificate and issuer: a path is looked for before a renewal, by the provider and after it. */
const verified = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

/**
 * Whether `issuer`'s key made `certificate`'s signature; names and rights are chain.ts's business. False too for a
 * certificate or a key that OpenSSL does not take.
 */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  const known = verified.get(certificate) ?? new WeakMap<Certificate, boolean>();
  verified.set(certificate, known);
  const found = known.get(issuer) ?? verify(certificate, issuer);
  known.set(issuer, found);
  return found;
}

function verify(certificate: Certificate, issuer: Certificate): boolean {
  const native = remember(nativeCertificates, certificate, () => nativeCertificate(certificate.der));
  const key = remember(publicKeys, issuer, () =>
    createPublicKey({ key: Buffer.from(issuer.spki), format: 'der', type: 'spki' }),
  );
  if (native === null || key === null) return false;
  try {
    return native.verify(key);
  } catch {
    return false; // a key of another kind than the signature's, on some versions of OpenSSL
  }
}

function remember<Value>(
  known: WeakMap<Certificate, Value | null>,
  certificate: Certificate,
  make: () => Value,
): Value | null {
  let value = known.get(certificate);
  if (value === undefined) {
    try {
      value = make();
    } catch {
      value = null;
    }
    known.set(certificate, value);
  }
  return value;
}

/** The algorithm's name where the signature rests on MD5, SHA-1 or older, or does not say on what; else undefined. */
export function weakSignature(certificate: Certificate): string | undefined {
  if (certificate.signatureAlgorithm !== rsassaPss) return weakSignatureName(certificate.signatureAlgorithm);
  try {
    const hash = pssHash(certificate);
    return strongHashes.has(hash) ? undefined : `RSASSA-PSS with hash ${hash}`;
  } catch {
    return 'RSASSA-PSS with parameters that can not be read';
  }
}

/** RFC 4055 section 3.1: the hash's OID; SHA-1 is what holds when the parameters don't name one. */
function pssHash(certificate: Certificate): string {
  const what = 'the signature algorithm';
  const fields = readSequence(certificateFields(certificate.der).signatureAlgorithm, what);
  fields.take(tags.oid);
  const hash = fields.enter(tags.sequence).optional(contextTag(0, true));
  return hash === undefined ? 'SHA-1' : readOid(readSequence(hash.value, what).take(tags.oid), what);
}

/** SHA-2 (RFC 4055 section 2.1), SHA-3 (NIST). */
const strongHashes: ReadonlySet<string> = new Set(
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `2.16.840.1.101.3.4.2.${n}`),
);
