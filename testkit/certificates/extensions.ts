/** Extensions of certificates. Any value is possible. */
import { createHash } from 'node:crypto';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { der, integer, namedBits, octets, oid, sequence, yes } from './der.ts';
import { generalName } from './names.ts';

export const extension = (oidText: string, value: Uint8Array, critical = false): Extension => ({
  oid: oidText,
  critical,
  value,
});

export const encodeExtension = ({ oid: id, critical, value }: Extension): Uint8Array =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));

/** Names in the form of `generalName`, or DER of GeneralNames. */
export function subjectAltName(...names: readonly (string | Uint8Array)[]): Extension {
  const encoded = names.map((name) => (typeof name === 'string' ? generalName(name) : name));
  return extension('2.5.29.17', sequence(...encoded));
}

const keyUsageBits = {
  digitalSignature: 0,
  contentCommitment: 1,
  keyEncipherment: 2,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const;
export type KeyUsage = keyof typeof keyUsageBits;

/** Names of usages, or numbers of bits (RFC 5280 section 4.2.1.3). */
export const keyUsage = (...usages: readonly (KeyUsage | number)[]): Extension =>
  extension(
    '2.5.29.15',
    namedBits(usages.map((usage) => (typeof usage === 'number' ? usage : keyUsageBits[usage]))),
    true,
  );

export const serverAuth = '1.3.6.1.5.5.7.3.1';
export const clientAuth = '1.3.6.1.5.5.7.3.2';
export const codeSigning = '1.3.6.1.5.5.7.3.3';
export const emailProtection = '1.3.6.1.5.5.7.3.4';

export const extendedKeyUsage = (...purposes: readonly string[]): Extension =>
  extension('2.5.29.37', sequence(...purposes.map(oid)));

export function basicConstraints(cA: boolean, pathLength?: number): Extension {
  const contents = cA ? [yes] : [];
  if (pathLength !== undefined) contents.push(integer(Uint8Array.of(pathLength)));
  return extension('2.5.29.19', sequence(...contents), true);
}

export const stepProvisionerOid = '1.3.6.1.4.1.37476.9000.64.1';

/** step-ca's provisioner extension. With it the CA finds the claims of a renewal. Type 1 is JWK, 6 is X5C. */
export const stepProvisioner = (name: string, type = 6, credentialId = ''): Extension =>
  extension(
    stepProvisionerOid,
    sequence(integer(Uint8Array.of(type)), octets(Buffer.from(name)), octets(Buffer.from(credentialId))),
  );

/** RFC 5280 section 4.2.1.2, method (1): SHA-1 of the BIT STRING. */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  const headerEnd = 2 + ((spki[1] ?? 0) & 0x80 ? (spki[1] ?? 0) & 0x7f : 0);
  const inside = spki.subarray(headerEnd);
  const algorithmEnd = 2 + (inside[1] ?? 0);
  const bitString = inside.subarray(algorithmEnd);
  const bodyStart = 2 + ((bitString[1] ?? 0) & 0x80 ? (bitString[1] ?? 0) & 0x7f : 0) + 1;
  return new Uint8Array(createHash('sha1').update(bitString.subarray(bodyStart)).digest());
}

export const subjectKeyIdentifier = (spki: Uint8Array): Extension =>
  extension('2.5.29.14', octets(keyIdentifier(spki)));

export const authorityKeyIdentifier = (issuerSpki: Uint8Array): Extension =>
  extension('2.5.29.35', sequence(der(0x80, keyIdentifier(issuerSpki))));
