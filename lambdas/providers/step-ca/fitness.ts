/**
 * Decides which of step-ca's two ways a certificate can use, as measured on v0.30.2. A leaf without clientAuth can use neither: Go also
 * requires it of a chain in a token.
 */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { Credential } from '../../domain/ports.ts';
import { extendedKeyUsages, findExtension, keyUsages } from '../../x509/extensions.ts';
import { nameOfOid, oids } from '../../x509/oids.ts';
import { keyOf } from './key.ts';

export const advice = 'Use a certificate with it, or a profile with another kind of CA.';

/** Returns why neither way is possible; undefined if one is. A part of a sentence for a message. */
export function clientObstacle(leaf: Certificate): string | undefined {
  const usages = extendedKeyUsages(leaf);
  if (usages === undefined || usages.includes(oids.clientAuth) || usages.includes(oids.anyExtendedKeyUsage)) {
    return undefined;
  }
  return `its extended key usage has no clientAuth (found: ${usages.map(nameOfOid).join(', ')})`;
}

/** Returns why step-ca would reject a token for this leaf; undefined if nothing in the leaf prevents it. */
export function tokenObstacle(leaf: Certificate): string | undefined {
  if (!keyUsages(leaf)?.includes('digitalSignature')) return 'its key usage has no digitalSignature';
  if (findExtension(leaf, oids.stepProvisioner) === undefined) return 'it has no step-ca provisioner extension';
  // The CA verifies the leaf one minute before its end, when this one would not be valid yet.
  if (leaf.notAfter - leaf.notBefore < 60_000) return 'its validity is under a minute';
  return undefined;
}

/**
 * Checks that a certificate can be renewed. Throws CaRejected if neither way is possible, KeyMismatch, and InvalidRequest without a key.
 */
export function checkRenewable(current: Pick<Credential, 'leaf' | 'key'>): void {
  const { leaf } = current;
  const { privateKey } = keyOf(current);
  // A key in KMS can sign a token but can't be used for TLS.
  const obstacle = clientObstacle(leaf) ?? (privateKey === undefined ? tokenObstacle(leaf) : undefined);
  if (obstacle === undefined) return;
  throw new RenewalError(
    'CaRejected',
    `step-ca accepts this certificate neither by TLS nor by a token: ${obstacle}. ${advice}`,
  );
}

/** Returns the key for TLS client authentication. Throws InvalidRequest if this leaf with this key can't use it, KeyMismatch. */
export function tlsKeyFor(current: Pick<Credential, 'leaf' | 'key'>): KeyObject {
  const { privateKey } = keyOf(current);
  if (privateKey === undefined) throw keyInKms();
  const obstacle = clientObstacle(current.leaf);
  if (obstacle !== undefined) throw noClientAuth(obstacle);
  return privateKey;
}

function keyInKms(): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    "The certificate's key is in KMS and can't leave it, but step-ca's rekey needs TLS client authentication with the old key: use the mode renew, which signs a token, or a profile with another kind of CA.",
  );
}

function noClientAuth(obstacle: string): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `The certificate can't be rekeyed at step-ca: ${obstacle}, so step-ca accepts it neither by TLS nor by a token. ${advice}`,
  );
}
