/** The parts of a certificate that a renewal must keep, read with a library that the product does not use. */
import 'reflect-metadata';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { X509Certificate } from '@peculiar/x509';
import { keyAlgorithm, kindOf } from './keys.ts';

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

/** Subject, duration, and all extensions except AKI and, after a rekey, SKI. */
export function bytesKept(certificate: string, operation: 'renew' | 'rekey'): KeptBytes {
  const { extensions, subjectName, notBefore, notAfter } = new X509Certificate(certificate);
  const mayChange = [authorityKeyIdentifier, ...(operation === 'rekey' ? [subjectKeyIdentifier] : [])];
  const kept = extensions.filter(({ type }) => !mayChange.includes(type));
  const hex = (bytes: ArrayBuffer) => Buffer.from(bytes).toString('hex');
  return {
    subject: hex(subjectName.toArrayBuffer()),
    extensions: new Map(kept.map(({ type, critical, value }) => [type, `${critical ? 'critical ' : ''}${hex(value)}`])),
    duration: notAfter.getTime() - notBefore.getTime(),
  };
}

/** Returns the subject's DER. */
export const subjectOf = ({ raw }: NodeCertificate): Uint8Array =>
  new Uint8Array(new X509Certificate(new Uint8Array(raw)).subjectName.toArrayBuffer());

/** Returns the kind of a certificate's key, as cert-renewer's answers name it. */
export function nameOfKey(certificate: string): string | undefined {
  const kind = kindOf(new NodeCertificate(certificate).publicKey);
  return kind && keyAlgorithm(kind);
}
