/** Other encodings of the same public keys. */
import { ECDH } from 'node:crypto';
import { bits, der, integer, oid, sequence } from './index.ts';

export type OtherEncoding = 'compressed' | 'hybrid' | 'without NULL';

const points = new Map([
  [91, { octets: 65, name: 'prime256v1', oid: '1.2.840.10045.3.1.7' }],
  [120, { octets: 97, name: 'secp384r1', oid: '1.3.132.0.34' }],
  [158, { octets: 133, name: 'secp521r1', oid: '1.3.132.0.35' }],
]);

const ecPublicKey = oid('1.2.840.10045.2.1');

/** `spki` is as Node writes it. */
export function recoded(spki: Uint8Array, to: OtherEncoding): Uint8Array {
  if (to === 'without NULL') return sequence(sequence(oid('1.2.840.113549.1.1.1')), bits(spki.subarray(24)));
  const curve = points.get(spki.length);
  if (curve === undefined) throw new Error('no key on one of the three curves');
  const point = ECDH.convertKey(spki.subarray(-curve.octets), curve.name, undefined, undefined, to);
  if (typeof point === 'string') throw new Error('no octets');
  return sequence(sequence(ecPublicKey, oid(curve.oid)), bits(point));
}

const hex = (text: string) => Buffer.from(text, 'hex');

/** SEC 2 section 2.4.2 and RFC 3279 section 2.3.5: P-256 by its numbers. */
const p256Parameters = sequence(
  integer(Uint8Array.of(1)),
  sequence(oid('1.2.840.10045.1.1'), integer(hex('ffffffff00000001000000000000000000000000ffffffffffffffffffffffff'))),
  sequence(
    der(0x04, hex('ffffffff00000001000000000000000000000000fffffffffffffffffffffffc')),
    der(0x04, hex('5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b')),
  ),
  der(
    0x04,
    hex(
      '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    ),
  ),
  integer(hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')),
  integer(Uint8Array.of(1)),
);

/** The SubjectPublicKeyInfo of a P-256 key, with the curve written out. */
export function explicitP256(spki: Uint8Array): Uint8Array {
  return sequence(sequence(ecPublicKey, p256Parameters), bits(spki.subarray(-65)));
}

/** RFC 5915: a P-256 key in SEC1, with the curve written out. */
export function explicitSec1(sec1: Uint8Array): Uint8Array {
  const number = sec1.subarray(7, 39);
  const point = sec1.subarray(-65);
  return sequence(der(0x02, Uint8Array.of(1)), der(0x04, number), der(0xa0, p256Parameters), der(0xa1, bits(point)));
}

/** A key on P-256, P-384 or P-521 in SEC1, its point compressed. */
export function compressedSec1(sec1: Uint8Array, spki: Uint8Array): Uint8Array {
  const curve = points.get(spki.length);
  if (curve === undefined) throw new Error('no key on one of the three curves');
  const size = (curve.octets - 1) / 2;
  const at = sec1.findIndex((octet, i) => i > 4 && octet === 0x04 && sec1[i + 1] === size) + 2;
  const point = ECDH.convertKey(spki.subarray(-curve.octets), curve.name, undefined, undefined, 'compressed');
  if (typeof point === 'string') throw new Error('no octets');
  return sequence(
    der(0x02, Uint8Array.of(1)),
    der(0x04, sec1.subarray(at, at + size)),
    der(0xa0, oid(curve.oid)),
    der(0xa1, bits(point)),
  );
}

/** PKCS#8 of an RSA key whose AlgorithmIdentifier lacks the NULL. */
export function pkcs8WithoutNull(pkcs1: Uint8Array): Uint8Array {
  return sequence(der(0x02, Uint8Array.of(0)), sequence(oid('1.2.840.113549.1.1.1')), der(0x04, pkcs1));
}
