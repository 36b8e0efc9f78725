/** Certificates with their keys to begin with, and what of them a renewal has to keep. */
import 'reflect-metadata';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { PairText } from './enrolled.ts';
import { type LeafRequest as BareRequest, makeLeaf } from './fakes/ca.ts';
import { commonNameOnly } from './fakes/certificates.ts';
import type { KeyType } from './local/hierarchy.ts';
import { type CaAccess, forge, type LeafRequest } from './local/leaf.ts';

const hour = 3_600_000;

/** Valid since two hours, for ten more; made down to its bytes, and signed with the CA's intermediate. `key` may be a public one. */
export function bareLeaf(ca: CaAccess, request: Partial<BareRequest> & Pick<BareRequest, 'key'>): PairText {
  const issuer = new x509.X509Certificate(ca.intermediatePem);
  const now = Math.floor(Date.now() / 1000) * 1000;
  const dates = { notBefore: now - 2 * hour, notAfter: now + 10 * hour };
  const whole = { subject: commonNameOnly('leaf.example'), ...dates, ...request };
  const intermediateName = new Uint8Array(issuer.subjectName.toArrayBuffer());
  const leaf = makeLeaf(whole, { intermediateName, intermediateKey: createPrivateKey(ca.intermediateKeyPem) });
  return pairOf(new X509Certificate(leaf), ca, request.key);
}

/** The same dates, of what else step-ca's template can say. */
export async function forged(ca: CaAccess, request: LeafRequest): Promise<PairText> {
  const dates = { notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() + 10 * hour) };
  const { certificate, key } = await forge(ca, { ...dates, ...request });
  return pairOf(certificate, ca, key);
}

const pairOf = (certificate: X509Certificate, ca: CaAccess, key: KeyObject): PairText => ({
  certificate: certificate.toString(),
  chain: ca.intermediatePem,
  ...(key.type === 'private' && { privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString() }),
});

export interface KeptBytes {
  /** DER in hex. */
  readonly subject: string;
  /** `critical` and the DER in hex, by OID. */
  readonly extensions: ReadonlyMap<string, string>;
  /** Milliseconds from notBefore to notAfter. */
  readonly duration: number;
}

const subjectKeyIdentifier = '2.5.29.14';
const authorityKeyIdentifier = '2.5.29.35';

/** What a renewal has to keep, as another library than the product's reads it: all but what names the issuer's key and, after a rekey, the own. */
export function bytesKept(certificate: string, operation: 'renew' | 'rekey'): KeptBytes {
  const { extensions, subjectName, notBefore, notAfter } = new x509.X509Certificate(certificate);
  const mayChange = [authorityKeyIdentifier, ...(operation === 'rekey' ? [subjectKeyIdentifier] : [])];
  const kept = extensions.filter(({ type }) => !mayChange.includes(type));
  const hex = (bytes: ArrayBuffer) => Buffer.from(bytes).toString('hex');
  return {
    subject: hex(subjectName.toArrayBuffer()),
    extensions: new Map(kept.map(({ type, critical, value }) => [type, `${critical ? 'critical ' : ''}${hex(value)}`])),
    duration: notAfter.getTime() - notBefore.getTime(),
  };
}

const curves: Readonly<Record<string, KeyType>> = {
  prime256v1: 'EC P-256',
  secp384r1: 'EC P-384',
  secp521r1: 'EC P-521',
};

/** The kind of a certificate's key, in the words of cert-renewer's answers. */
export function nameOfKey(certificate: string): KeyType | undefined {
  const { asymmetricKeyType, asymmetricKeyDetails = {} } = new X509Certificate(certificate).publicKey;
  if (asymmetricKeyType === 'rsa') return `RSA ${asymmetricKeyDetails.modulusLength ?? 0}`;
  return asymmetricKeyType === 'ed25519' ? 'OKP Ed25519' : curves[asymmetricKeyDetails.namedCurve ?? ''];
}
