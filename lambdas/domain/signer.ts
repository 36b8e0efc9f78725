import type { KeyObject } from 'node:crypto';
import type { KeySpec } from './key-spec.ts';

/**
 * Signs with one private key, which is in memory or in KMS. The algorithm follows from the key:
 * ECDSA with SHA-256, SHA-384, SHA-512 for P-256, P-384, P-521; RSASSA-PKCS1-v1_5 with SHA-256; Ed25519.
 */
export interface Signer {
  readonly keySpec: KeySpec;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /**
   * Returns the signature over `data` (not over a digest). An ECDSA signature is DER (RFC 3279 section 2.2.3), as in X.509 and KMS.
   * For the R‖S format of JWS see x509/algorithms.ts.
   *
   * Throws KmsDenied, KmsUnavailable.
   */
  sign(data: Uint8Array): Promise<Uint8Array>;
  /** The key in memory, which TLS client authentication needs. Undefined for a key in KMS. */
  readonly privateKey?: KeyObject;
  /** ARN of a key in KMS. */
  readonly kmsKeyArn?: string;
}
