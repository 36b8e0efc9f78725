/** The nouns of X.509 (RFC 5280). x509/certificate.ts makes them from DER. */
import type { Instant } from './instant.ts';
import type { KeySpec } from './key-spec.ts';

export interface Extension {
  /** Dotted decimal. */
  readonly oid: string;
  readonly critical: boolean;
  /** The DER inside the OCTET STRING. */
  readonly value: Uint8Array;
}

export interface Certificate {
  readonly der: Uint8Array;
  /** Lowercase hex, two digits a byte, no leading 00. */
  readonly serialNumber: string;
  /** DER of the Name. */
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  /** DER of SubjectPublicKeyInfo, as it stands there: the same key may be encoded otherwise (x509/public-key.ts). */
  readonly spki: Uint8Array;
  /** Undefined for a key that the product does not know (P-224, Ed448, DSA …). RSA of any size is known. */
  readonly keySpec: KeySpec | undefined;
  /** OID of the signature's algorithm. */
  readonly signatureAlgorithm: string;
  readonly extensions: readonly Extension[];
  /** basicConstraints cA. */
  readonly isCa: boolean;
  /** basicConstraints pathLenConstraint. */
  readonly pathLength: number | undefined;
}

/** Leaf first, then the chain as it was found: any order, perhaps with certificates that don't belong, no root needed. */
export interface CertificateChain {
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
}
