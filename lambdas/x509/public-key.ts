/** Public keys compared by what they are. For one and the same key X.509 leaves a choice of encodings. */
import { ECDH } from 'node:crypto';
import { tags } from '../asn1/tags.ts';
import * as write from '../asn1/writer.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { EcCurve } from '../domain/key-spec.ts';
import { namedCurve, nodeCurve, publicKeyParts } from './algorithms.ts';

/**
 * Whether two DER SubjectPublicKeyInfo hold the same key: a point may be compressed (RFC 5480 section 2.2), and the NULL
 * behind rsaEncryption missing (RFC 3279 section 2.3.1 wants it, and OpenSSL and others do without). A curve that is
 * written out is not the same as its name. Throws InvalidCertificate for what is no SubjectPublicKeyInfo.
 */
export function samePublicKey(a: Uint8Array, b: Uint8Array): boolean {
  return sameBytes(a, b) || sameBytes(canonicalSpki(a), canonicalSpki(b));
}

/**
 * The SubjectPublicKeyInfo as everybody writes it: NULL for RSA, the point of a named curve not compressed. Anything else
 * as it is, a point too that is not on its curve: OpenSSL refuses that wherever the key is used.
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

/** Whether the curve is written out by its numbers instead of named, which RFC 5480 section 2.1.1 forbids. */
export function hasExplicitParameters(spki: Uint8Array): boolean {
  const { kind, parameters } = publicKeyParts(spki);
  return kind === 'ec' && parameters?.tag === tags.sequence;
}

/** SEC 1 section 2.3.3: 04 and both coordinates. */
const uncompressed = 0x04;

/** The point with both coordinates; undefined for octets that are no point of the curve. */
function wholePoint(point: Uint8Array, curve: EcCurve): Uint8Array | undefined {
  try {
    const found = ECDH.convertKey(point, nodeCurve(curve), undefined, undefined, 'uncompressed');
    return typeof found !== 'string' && found[0] === uncompressed ? new Uint8Array(found) : undefined;
  } catch {
    return undefined;
  }
}
