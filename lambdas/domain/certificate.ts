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
  /** DER of SubjectPublicKeyInfo, exactly as in the certificate. The same key may have other encodings (x509/public-key.ts). */
  readonly spki: Uint8Array;
  /** Undefined for an unsupported type of key (P-224, Ed448, DSA …). RSA of any size is supported here. */
  readonly keySpec: KeySpec | undefined;
  /** OID of the signature's algorithm. */
  readonly signatureAlgorithm: string;
  readonly extensions: readonly Extension[];
  /** basicConstraints cA. */
  readonly isCa: boolean;
  /** basicConstraints pathLenConstraint. */
  readonly pathLength: number | undefined;
}

/** The leaf and its chain as found: in any order, possibly with unrelated certificates, with or without the root. */
export interface CertificateChain {
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
}
