/**
 * The kinds of keys: their names in X.509, KMS, node:crypto, WebCrypto and JWS, and their signature algorithms. As in step, the algorithm
 * depends only on the key.
 */

import { type Element, malformed, readSequence } from '../asn1/reader.ts';
import { tags } from '../asn1/tags.ts';
import { readBitString, readInteger, readOid } from '../asn1/values.ts';
import * as write from '../asn1/writer.ts';
import type { EcCurve, KeySpec } from '../domain/key-spec.ts';

export interface KeyAlgorithm {
  readonly signatureOid: string;
  /** RFC 4055 section 5 requires NULL with RSA; RFC 5758 and RFC 8410 require no parameters. */
  readonly signatureParameters: 'null' | 'absent';
  /** The digest for node:crypto's sign; null if the algorithm has its own. */
  readonly digest: 'sha256' | 'sha384' | 'sha512' | null;
  readonly webCryptoName: 'ECDSA' | 'Ed25519' | 'RSASSA-PKCS1-v1_5';
  readonly jwsAlgorithm: 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'RS256';
  readonly kmsSigningAlgorithm:
    | 'ECDSA_SHA_256'
    | 'ECDSA_SHA_384'
    | 'ECDSA_SHA_512'
    | 'ED25519_SHA_512'
    | 'RSASSA_PKCS1_V1_5_SHA_256';
  /** KMS accepts RAW messages only up to 4,096 bytes, so DIGEST if the algorithm allows it. */
  readonly kmsMessageType: 'DIGEST' | 'RAW';
}

interface Curve extends KeyAlgorithm {
  readonly curveOid: string;
  readonly kmsKeySpec: string;
  /** The curve's name for node:crypto's ECDH. */
  readonly nodeName: string;
  /** Octets of a coordinate, and of R and S in a signature. */
  readonly octets: number;
}

const curves: Readonly<Record<EcCurve, Curve>> = {
  'P-256': {
    curveOid: '1.2.840.10045.3.1.7',
    octets: 32,
    signatureOid: '1.2.840.10045.4.3.2',
    signatureParameters: 'absent',
    digest: 'sha256',
    webCryptoName: 'ECDSA',
    jwsAlgorithm: 'ES256',
    kmsKeySpec: 'ECC_NIST_P256',
    nodeName: 'prime256v1',
    kmsSigningAlgorithm: 'ECDSA_SHA_256',
    kmsMessageType: 'DIGEST',
  },
  'P-384': {
    curveOid: '1.3.132.0.34',
    octets: 48,
    signatureOid: '1.2.840.10045.4.3.3',
    signatureParameters: 'absent',
    digest: 'sha384',
    webCryptoName: 'ECDSA',
    jwsAlgorithm: 'ES384',
    kmsKeySpec: 'ECC_NIST_P384',
    nodeName: 'secp384r1',
    kmsSigningAlgorithm: 'ECDSA_SHA_384',
    kmsMessageType: 'DIGEST',
  },
  'P-521': {
    curveOid: '1.3.132.0.35',
    octets: 66,
    signatureOid: '1.2.840.10045.4.3.4',
    signatureParameters: 'absent',
    digest: 'sha512',
    webCryptoName: 'ECDSA',
    jwsAlgorithm: 'ES512',
    kmsKeySpec: 'ECC_NIST_P521',
    nodeName: 'secp521r1',
    kmsSigningAlgorithm: 'ECDSA_SHA_512',
    kmsMessageType: 'DIGEST',
  },
};

const ed25519: KeyAlgorithm & { readonly kmsKeySpec: string } = {
  signatureOid: '1.3.101.112',
  signatureParameters: 'absent',
  digest: null,
  webCryptoName: 'Ed25519',
  jwsAlgorithm: 'EdDSA',
  kmsKeySpec: 'ECC_NIST_EDWARDS25519',
  kmsSigningAlgorithm: 'ED25519_SHA_512',
  kmsMessageType: 'RAW',
};

const rsa: KeyAlgorithm = {
  signatureOid: '1.2.840.113549.1.1.11',
  signatureParameters: 'null',
  digest: 'sha256',
  webCryptoName: 'RSASSA-PKCS1-v1_5',
  jwsAlgorithm: 'RS256',
  kmsSigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256',
  kmsMessageType: 'DIGEST',
};

const keyOids = {
  ec: '1.2.840.10045.2.1',
  rsa: '1.2.840.113549.1.1.1',
  rsaPss: '1.2.840.113549.1.1.10',
  ed25519: '1.3.101.112',
} as const;

/** Returns the signature algorithm of a kind of key. */
export function algorithmOf(spec: KeySpec): KeyAlgorithm {
  if (spec.kty === 'RSA') return rsa;
  return spec.kty === 'OKP' ? ed25519 : curves[spec.curve];
}

/** Returns node:crypto's name of a curve. */
export function nodeCurve(curve: EcCurve): string {
  return curves[curve].nodeName;
}

/** Returns KMS's name of a kind of key; undefined for an RSA size that KMS does not have. */
export function kmsKeySpec(spec: KeySpec): string | undefined {
  if (spec.kty === 'RSA') return [2048, 3072, 4096].includes(spec.size) ? `RSA_${spec.size}` : undefined;
  return spec.kty === 'OKP' ? ed25519.kmsKeySpec : curves[spec.curve].kmsKeySpec;
}

/** Returns the JWS algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1). */
export function jwsAlgorithm(spec: KeySpec): KeyAlgorithm['jwsAlgorithm'] {
  return algorithmOf(spec).jwsAlgorithm;
}

/** Returns the DER of the AlgorithmIdentifier for signatures by a kind of key. */
export function signatureAlgorithmDer(spec: KeySpec): Uint8Array {
  const { signatureOid, signatureParameters } = algorithmOf(spec);
  return signatureParameters === 'null'
    ? write.sequence(write.oid(signatureOid), write.nullValue())
    : write.sequence(write.oid(signatureOid));
}

/** The parts of a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
export interface PublicKeyParts {
  /** Undefined for a kind that the product does not support. */
  readonly kind: keyof typeof keyOids | undefined;
  /** For an EC key: the OID of a named curve, or the SEQUENCE of explicit parameters. */
  readonly parameters: Element | undefined;
  /** The contents of the BIT STRING. */
  readonly octets: Uint8Array;
}

/** Reads a SubjectPublicKeyInfo. Throws InvalidCertificate. */
export function publicKeyParts(spki: Uint8Array): PublicKeyParts {
  const what = 'the public key';
  const fields = readSequence(spki, what);
  const algorithm = fields.enter(tags.sequence, what);
  const { octets, unused } = readBitString(fields.take(tags.bitString), what);
  fields.end();
  if (unused > 0) throw malformed(what, 'is not of whole octets');
  const kind = kindOfOid.get(readOid(algorithm.take(tags.oid), what));
  const parameters = kind === 'ec' ? (algorithm.optional(tags.oid) ?? algorithm.optional(tags.sequence)) : undefined;
  return { kind, parameters, octets };
}

/**
 * Returns the kind of key in a DER SubjectPublicKeyInfo. Undefined if the product does not support it: other curves, explicit curve
 * parameters, Ed448, DSA, and keys for RSASSA-PSS only (their CSRs and tokens would need PSS too). Throws InvalidCertificate.
 */
export function keySpecOfSpki(spki: Uint8Array): KeySpec | undefined {
  const parts = publicKeyParts(spki);
  switch (parts.kind) {
    case 'rsa':
      return { kty: 'RSA', size: modulusLength(parts.octets) };
    case 'ed25519':
      return { kty: 'OKP', curve: 'Ed25519' };
    case 'ec': {
      const curve = namedCurve(parts);
      return curve && { kty: 'EC', curve };
    }
    default:
      return undefined;
  }
}

/** Returns the bits of an RSA key's modulus, also of a key for RSASSA-PSS only; undefined for other keys. Throws InvalidCertificate. */
export function rsaModulusLength(spki: Uint8Array): number | undefined {
  const what = 'the public key';
  const fields = readSequence(spki, what);
  const algorithm = readOid(fields.enter(tags.sequence).take(tags.oid), what);
  if (algorithm !== keyOids.rsa && algorithm !== keyOids.rsaPss) return undefined;
  return modulusLength(readBitString(fields.take(tags.bitString), what).octets);
}

const kindOfOid: ReadonlyMap<string, PublicKeyParts['kind']> = new Map([
  [keyOids.ec, 'ec'],
  [keyOids.rsa, 'rsa'],
  [keyOids.ed25519, 'ed25519'],
]);

/** Returns the named curve of an EC key. Undefined for another curve, and for explicit parameters (RFC 5480 section 2.1.1). */
export function namedCurve({ parameters }: PublicKeyParts): EcCurve | undefined {
  return parameters?.tag === tags.oid ? curveOfOid.get(readOid(parameters, 'the public key')) : undefined;
}

const curveOfOid: ReadonlyMap<string, EcCurve> = new Map([
  [curves['P-256'].curveOid, 'P-256'],
  [curves['P-384'].curveOid, 'P-384'],
  [curves['P-521'].curveOid, 'P-521'],
]);

/** Returns the bits of the modulus of an RSAPublicKey (RFC 8017 section A.1.1). */
function modulusLength(rsaPublicKey: Uint8Array): number {
  const what = 'the RSA public key';
  const fields = readSequence(rsaPublicKey, what);
  const modulus = readInteger(fields.take(tags.integer), what);
  const [first = 0] = modulus;
  if (first >= 0x80) throw malformed(what, 'has a negative modulus');
  // A leading 0 octet is there only if the next octet has its highest bit set.
  return (modulus.length - 1) * 8 + bitLength(first);
}

function bitLength(octet: number): number {
  return 32 - Math.clz32(octet);
}

/** Converts an ECDSA signature from the form of X.509 and KMS to that of JWS (RFC 7518 section 3.4: R‖S). Throws InvalidCertificate. */
export function derToRawEcdsa(der: Uint8Array, curve: EcCurve): Uint8Array {
  const what = 'the ECDSA signature';
  const { octets } = curves[curve];
  const raw = new Uint8Array(2 * octets);
  const fields = readSequence(der, what);
  for (const end of [octets, 2 * octets]) {
    const number = readInteger(fields.take(tags.integer), what);
    const magnitude = number[0] === 0 ? number.subarray(1) : number;
    if ((number[0] ?? 0) >= 0x80 || magnitude.length > octets) throw malformed(what, `is not one of ${curve}`);
    raw.set(magnitude, end - magnitude.length);
  }
  fields.end();
  return raw;
}

/** Converts an ECDSA signature from JWS's R‖S to the form of X.509 (RFC 3279 section 2.2.3). Throws InvalidCertificate. */
export function rawToDerEcdsa(raw: Uint8Array, curve: EcCurve): Uint8Array {
  const { octets } = curves[curve];
  if (raw.length !== 2 * octets) throw malformed('the ECDSA signature', `is not one of ${curve}`);
  return write.sequence(write.unsignedInteger(raw.subarray(0, octets)), write.unsignedInteger(raw.subarray(octets)));
}

/** Signature algorithms that can be forged, or nearly so: all with MD2, MD4, MD5 or SHA-1. */
const weakSignatures: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.2', 'md2WithRSAEncryption'],
  ['1.2.840.113549.1.1.3', 'md4WithRSAEncryption'],
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
  ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption'],
  ['1.3.14.3.2.3', 'md5WithRSA'], // this and the next three are OIW's
  ['1.3.14.3.2.15', 'shaWithRSA'],
  ['1.3.14.3.2.27', 'dsaWithSHA1'],
  ['1.3.14.3.2.29', 'sha1WithRSA'],
  ['1.2.840.10040.4.3', 'dsa-with-SHA1'],
  ['1.2.840.10045.4.1', 'ecdsa-with-SHA1'],
]);

/** Returns the name of a weak algorithm; undefined for any other. signature.ts checks RSASSA-PSS, whose hash is in its parameters. */
export function weakSignatureName(signatureOid: string): string | undefined {
  return weakSignatures.get(signatureOid);
}

export function isWeakSignature(signatureOid: string): boolean {
  return weakSignatures.has(signatureOid);
}
