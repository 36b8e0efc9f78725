import { RenewalError } from '../../domain/errors.ts';
import type { Credential } from '../../domain/ports.ts';
import type { Signer } from '../../domain/signer.ts';
import { samePublicKey } from '../../x509/public-key.ts';

/**
 * The credential's key, which must be its leaf's: node notices a wrong key of the same type only, and sends no client
 * certificate at all for one of another type, so that the CA's answer would mislead.
 *
 * Throws InvalidRequest without a key, KeyMismatch.
 */
export function keyOf({ leaf, key }: Pick<Credential, 'leaf' | 'key'>): Signer {
  if (key === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      'The secret holds no key for the certificate: step-ca renews for whoever proves the old key, in the secret or in KMS.',
    );
  }
  if (samePublicKey(leaf.spki, key.spki)) return key;
  throw new RenewalError(
    'KeyMismatch',
    'The key is not that of the certificate: put a certificate and its own key into the secret.',
  );
}
