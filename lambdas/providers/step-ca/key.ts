import { RenewalError } from '../../domain/errors.ts';
import type { Credential } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { samePublicKey } from '../../x509/public-key.ts';

/**
 * Returns the credential's key, which must be its leaf's. Node only notices a wrong key of the same type; with one of another type it sends
 * no client certificate at all, and the CA's answer would mislead.
 *
 * Throws InvalidRequest without a key, KeyMismatch.
 */
export function keyOf({ leaf, key }: Pick<Credential, 'leaf' | 'key'>): Signer {
  if (key === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      'The secret contains no key for the certificate, but step-ca needs a proof of the old key: store the key in the secret, or in KMS.',
    );
  }
  if (samePublicKey(leaf.spki, key.spki)) return key;
  throw new RenewalError(
    'KeyMismatch',
    'The key does not belong to the certificate: store a certificate and its own key in the secret.',
  );
}
