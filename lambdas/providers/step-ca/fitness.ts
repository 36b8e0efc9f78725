/**
 * Which of step-ca's two ways a certificate can go, as measured on v0.30.2. Neither way exists for a leaf that may not
 * authenticate a TLS client: Go demands clientAuth of a chain in a token as well.
 */
import type { Certificate } from '../../domain/certificate.ts';
import { extendedKeyUsages, findExtension, keyUsages } from '../../x509/extensions.ts';
import { nameOfOid, oids } from '../../x509/oids.ts';

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
