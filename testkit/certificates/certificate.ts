/** Real certificates for tests, in DER. A test can choose every byte, and make unusual and broken certificates. */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { bits, der, integer, oid, sequence, time } from './der.ts';
import { encodeExtension } from './extensions.ts';
import { spkiOf } from './keys.ts';

export interface CertificateTemplate {
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly extensions: readonly Extension[];
  /** Default: 16 random bytes. */
  readonly serialNumber?: Uint8Array;
  readonly odd?: OddParts;
}

/** Elements that no CA writes. Each replaces the usual element. */
export interface OddParts {
  /** The INTEGER: 0 is version 1. `none` omits it. */
  readonly version?: Uint8Array | 'none' | undefined;
  readonly serialNumber?: Uint8Array | undefined;
  /** AlgorithmIdentifier, in both places. */
  readonly algorithm?: Uint8Array | undefined;
  /** AlgorithmIdentifier beside the signature alone. */
  readonly outerAlgorithm?: Uint8Array | undefined;
  /** The digest of the signature, independent of the algorithm named. */
  readonly digest?: string | undefined;
  readonly notBefore?: Uint8Array | undefined;
  readonly notAfter?: Uint8Array | undefined;
  /** Elements after the key: the unique identifiers. */
  readonly behindKey?: readonly Uint8Array[] | undefined;
  /** With its tag [3]. */
  readonly extensions?: Uint8Array | undefined;
}

/** The issuer's name and its private key. */
export interface Issuer {
  readonly subject: Uint8Array;
  readonly key: KeyObject;
}

const schemes: Readonly<Record<string, { digest: string | null; algorithm: Uint8Array }>> = {
  prime256v1: { digest: 'sha256', algorithm: sequence(oid('1.2.840.10045.4.3.2')) },
  secp384r1: { digest: 'sha384', algorithm: sequence(oid('1.2.840.10045.4.3.3')) },
  secp521r1: { digest: 'sha512', algorithm: sequence(oid('1.2.840.10045.4.3.4')) },
  ed25519: { digest: null, algorithm: sequence(oid('1.3.101.112')) },
  rsa: { digest: 'sha256', algorithm: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)) },
};

function schemeOf(key: KeyObject): { digest: string | null; algorithm: Uint8Array } {
  const scheme = schemes[key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? ''];
  if (scheme === undefined) throw new Error('a key of this kind signs no test certificate');
  return scheme;
}

/** Returns a signed certificate, exactly by the template. DER. */
export function signCertificate(template: CertificateTemplate, issuer: Issuer): Uint8Array {
  const { odd = {}, extensions } = template;
  const version = odd.version ?? integer(Uint8Array.of(2));
  const { digest, algorithm } = odd.algorithm ? { digest: 'sha256', algorithm: odd.algorithm } : schemeOf(issuer.key);
  const listed = extensions.length > 0 ? [der(0xa3, sequence(...extensions.map(encodeExtension)))] : [];
  const tbs = sequence(
    ...(version === 'none' ? [] : [der(0xa0, version)]),
    odd.serialNumber ?? integer(template.serialNumber ?? randomBytes(16)),
    algorithm,
    issuer.subject,
    sequence(odd.notBefore ?? time(template.notBefore), odd.notAfter ?? time(template.notAfter)),
    template.subject,
    template.spki,
    ...(odd.behindKey ?? []),
    ...(odd.extensions ? [odd.extensions] : listed),
  );
  return sequence(tbs, odd.outerAlgorithm ?? algorithm, bits(sign(odd.digest ?? digest, tbs, issuer.key)));
}

/** Returns a CSR (RFC 2986) for this key, signed with it. DER. */
export function signRequest(key: KeyObject, subject: Uint8Array): Uint8Array {
  const { digest, algorithm } = schemeOf(key);
  const info = sequence(integer(Uint8Array.of(0)), subject, spkiOf(key), der(0xa0));
  return sequence(info, algorithm, bits(sign(digest, info, key)));
}

/** Returns PEM blocks, one after another. */
export const pem = (...certificates: readonly Uint8Array[]): string =>
  certificates.map((each) => pemBlock('CERTIFICATE', each)).join('');

export function pemBlock(label: string, content: Uint8Array): string {
  const lines = Buffer.from(content)
    .toString('base64')
    .match(/.{1,64}/g);
  return [`-----BEGIN ${label}-----`, ...(lines ?? []), `-----END ${label}-----`, ''].join('\n');
}
