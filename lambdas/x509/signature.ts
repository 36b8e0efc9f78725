/** Verifies signatures of certificates. OpenSSL does the arithmetic, through node:crypto. */
import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { readSequence } from '../asn1/reader.ts';
import { contextTag, tags } from '../asn1/tags.ts';
import { readOid } from '../asn1/values.ts';
import type { Certificate } from '../domain/certificate.ts';
import { nativeCertificate } from '../domain/native-certificate.ts';
import { weakSignatureName } from './algorithms.ts';
import { certificateFields } from './certificate.ts';

const rsassaPss = '1.2.840.113549.1.1.10';

/** Parsed certificates and keys. Roots stay as long as the process. */
const nativeCertificates = new WeakMap<Certificate, X509Certificate | null>();
const publicKeys = new WeakMap<Certificate, KeyObject | null>();
/** Results by certificate and issuer: a path is verified before a renewal, by the provider, and after it. */
const verified = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

/**
 * Whether `issuer`'s key made `certificate`'s signature. chain.ts checks names and rights. Also false if OpenSSL can't read the certificate
 * or the key.
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
    return false; // a key of another kind than the signature's, in some versions of OpenSSL
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

/** Returns the name of a weak signature algorithm: MD5, SHA-1 or older, or an unknown hash. Undefined for a strong one. */
export function weakSignature(certificate: Certificate): string | undefined {
  if (certificate.signatureAlgorithm !== rsassaPss) return weakSignatureName(certificate.signatureAlgorithm);
  try {
    const hash = pssHash(certificate);
    return strongHashes.has(hash) ? undefined : `RSASSA-PSS with hash ${hash}`;
  } catch {
    return "RSASSA-PSS with parameters that can't be read";
  }
}

/** Returns the OID of the hash (RFC 4055 section 3.1). Without parameters it is SHA-1. */
function pssHash(certificate: Certificate): string {
  const what = 'the signature algorithm';
  const fields = readSequence(certificateFields(certificate.der).signatureAlgorithm, what);
  fields.take(tags.oid);
  const hash = fields.enter(tags.sequence).optional(contextTag(0, true));
  return hash === undefined ? 'SHA-1' : readOid(readSequence(hash.value, what).take(tags.oid), what);
}

/** SHA-2 (RFC 4055 section 2.1) and SHA-3 (NIST). */
const strongHashes: ReadonlySet<string> = new Set(
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `2.16.840.1.101.3.4.2.${n}`),
);
