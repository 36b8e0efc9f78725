import type { KeyObject } from 'node:crypto';
import type { KeySpec } from './key-spec.ts';

/**
 * Something that signs with one private key: a key at hand or a key in KMS. The algorithm follows from the key:
 * ECDSA with SHA-256, SHA-384, SHA-512 for P-256, P-384, P-521; RSASSA-PKCS1-v1_5 with SHA-256; Ed25519.
 */
export interface Signer {
  readonly keySpec: KeySpec;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /**
   * The signature over `data` (not over a digest of it). ECDSA gives DER (RFC 3279 section 2.2.3), as X.509 and KMS
   * have it; JWS wants R‖S, see x509/algorithms.ts.
   *
   * Throws KmsDenied, KmsUnavailable.
   */
  sign(data: Uint8Array): Promise<Uint8Array>;
  /** The key itself, where it is at hand: TLS client authentication needs it. Undefined for a key in KMS. */
  readonly privateKey?: KeyObject;
  /** ARN, for a key in KMS. */
  readonly kmsKeyArn?: string;
}
