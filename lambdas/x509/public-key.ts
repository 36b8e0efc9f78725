/** Compares public keys. X.509 allows several encodings of a key. */
import { ECDH } from 'node:crypto';
import { tags } from '../asn1/tags.ts';
import * as write from '../asn1/writer.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { EcCurve } from '../domain/key-spec.ts';
import { namedCurve, nodeCurve, publicKeyParts } from './algorithms.ts';

/**
 * Whether two DER SubjectPublicKeyInfo contain the same key. A point may be compressed (RFC 5480 section 2.2). The NULL after rsaEncryption
 * may be missing (RFC 3279 section 2.3.1 requires it, but OpenSSL and others accept its absence). Explicit curve parameters don't equal a
 * named curve. Throws InvalidCertificate.
 */
export function samePublicKey(a: Uint8Array, b: Uint8Array): boolean {
  return sameBytes(a, b) || sameBytes(canonicalSpki(a), canonicalSpki(b));
}

/**
 * Returns the usual form of a SubjectPublicKeyInfo: NULL for RSA, an uncompressed point for a named curve. Others stay unchanged, also a
 * point that is not on its curve, which OpenSSL rejects wherever the key is used.
 */
export function canonicalSpki(spki: Uint8Array): Uint8Array {
  const parts = publicKeyParts(spki);
  if (parts.kind === 'rsa') {
    return write.sequence(
      write.sequence(write.oid('1.2.840.113549.1.1.1'), write.nullValue()),
      write.bitString(parts.octets),
    );
  }
  const curve = parts.kind === 'ec' ? namedCurve(parts) : undefined;
  if (curve === undefined || parts.parameters === undefined || parts.octets[0] === uncompressed) return spki;
  const point = wholePoint(parts.octets, curve);
  if (point === undefined) return spki;
  return write.sequence(write.sequence(write.oid('1.2.840.10045.2.1'), parts.parameters.bytes), write.bitString(point));
}

/** Whether an EC key has explicit curve parameters, which RFC 5480 section 2.1.1 forbids. */
export function hasExplicitParameters(spki: Uint8Array): boolean {
  const { kind, parameters } = publicKeyParts(spki);
  return kind === 'ec' && parameters?.tag === tags.sequence;
}

/** The first octet of an uncompressed point (SEC 1 section 2.3.3). */
const uncompressed = 0x04;

/** Returns the uncompressed point; undefined if the octets are not a point of the curve. */
function wholePoint(point: Uint8Array, curve: EcCurve): Uint8Array | undefined {
  try {
    const found = ECDH.convertKey(point, nodeCurve(curve), undefined, undefined, 'uncompressed');
    return typeof found !== 'string' && found[0] === uncompressed ? new Uint8Array(found) : undefined;
  } catch {
    return undefined;
  }
}
