/**
 * Which of step-ca's two ways a certificate can go, as measured on v0.30.2. Neither way exists for a leaf that may not
 * authenticate a TLS client: Go demands clientAuth of a chain in a token as well.
 */
import type { KeyObject } from 'node:crypto';
import type { Certificate } from '../../domain/certificate.ts';
import { RenewalError } from '../../domain/errors.ts';
import type { Credential } from '../../domain/ports.ts';
import { extendedKeyUsages, findExtension, keyUsages } from '../../x509/extensions.ts';
import { nameOfOid, oids } from '../../x509/oids.ts';
import { keyOf } from './key.ts';

export const advice = 'A certificate with it, or a profile with another kind of CA, is the way.';

/** Why no way leads to step-ca; undefined if one does. A half-sentence for a message. */
export function clientObstacle(leaf: Certificate): string | undefined {
  const usages = extendedKeyUsages(leaf);
  if (usages === undefined || usages.includes(oids.clientAuth) || usages.includes(oids.anyExtendedKeyUsage)) {
    return undefined;
  }
  return `its extended key usage has no clientAuth (found: ${usages.map(nameOfOid).join(', ')})`;
}

/** Why step-ca would refuse a token for this leaf; undefined if nothing in the leaf speaks against it. */
export function tokenObstacle(leaf: Certificate): string | undefined {
  if (!keyUsages(leaf)?.includes('digitalSignature')) return 'its key usage has no digitalSignature';
  if (findExtension(leaf, oids.stepProvisioner) === undefined) return 'it has no step-ca provisioner extension';
  // The CA looks at the leaf one minute before its end, when this one was not valid yet.
  if (leaf.notAfter - leaf.notBefore < 60_000) return 'its validity is under a minute';
  return undefined;
}

/** Throws CaRejected for a leaf that step-ca takes by neither way, KeyMismatch, and InvalidRequest without a key. */
export function checkRenewable(current: Pick<Credential, 'leaf' | 'key'>): void {
  const { leaf } = current;
  const { privateKey } = keyOf(current);
  // A key in KMS can sign a token, and never takes part in TLS.
  const obstacle = clientObstacle(leaf) ?? (privateKey === undefined ? tokenObstacle(leaf) : undefined);
  if (obstacle === undefined) return;
  throw new RenewalError(
    'CaRejected',
    `step-ca takes this certificate neither by TLS nor by a token: ${obstacle}. ${advice}`,
  );
}

/** The key that proves itself by TLS. Throws InvalidRequest where this leaf with this key can't do that, KeyMismatch. */
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
    "The certificate's key is in KMS and never leaves it, but step-ca's rekey wants TLS client authentication with the old key: use the mode renew, which signs a token, or a profile of another kind of CA.",
  );
}

function noClientAuth(obstacle: string): RenewalError {
  return new RenewalError(
    'InvalidRequest',
    `The certificate can't be rekeyed at step-ca: ${obstacle}, so step-ca takes it neither by TLS nor by a token. ${advice}`,
  );
}
