/** Shared by these tests: parties that issue with a name, at one time, and templates in which every field can be anything. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { tags } from '../../lambdas/asn1/tags.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import {
  basicConstraints,
  namedBits as bitsOf,
  commonNameOnly,
  der,
  keyUsage,
  makeKey,
  oid,
  sequence,
  signCertificate,
  spkiOf,
  time,
} from '../../testkit/certificates/index.ts';

export {
  ascii,
  attribute,
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  directory,
  dns,
  email,
  encodeExtension,
  extendedKeyUsage,
  extension,
  ip,
  keyUsage,
  otherName,
  spkiOf,
  subjectAltName,
  subjectKeyIdentifier,
  uri,
} from '../../testkit/certificates/index.ts';

export const namedBits = (...bits: number[]): Uint8Array => bitsOf(bits);

export const day = 86_400_000;
export const now: Instant = Date.UTC(2026, 10, 22, 12);

/** The key may be on a curve that the product does not know. */
export const ecKey = (namedCurve = 'P-256'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;

export const sha1WithRsa = sequence(oid('1.2.840.113549.1.1.5'), der(0x05));

/** Elements in DER that replace the usual fields. */
export interface Template {
  /** The INTEGER in the DER: 0 is version 1; undefined omits it. */
  readonly version?: Uint8Array | undefined;
  readonly serial?: Uint8Array;
  readonly algorithm?: Uint8Array;
  readonly outerAlgorithm?: Uint8Array;
  readonly digest?: string;
  readonly issuer: Uint8Array;
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  /** Elements between the key and the extensions: the unique identifiers. */
  readonly between?: readonly Uint8Array[];
  readonly extensions?: readonly Extension[];
  /** Replaces the extensions, with its tag. */
  readonly rawExtensions?: Uint8Array;
  readonly issuerKey: KeyObject;
}

let serials = 1;

/** DER. */
export function encodeCertificate(template: Template): Uint8Array {
  const { issuer, issuerKey, subject, spki, serial, between, rawExtensions, extensions = [], ...odd } = template;
  const version = 'version' in template ? (template.version ?? 'none') : undefined;
  const count = Buffer.alloc(4);
  count.writeUInt32BE(serials++);
  return signCertificate(
    {
      ...{ subject, spki, extensions, serialNumber: count },
      ...{ notBefore: now - day, notAfter: now + day },
      odd: {
        ...odd,
        version,
        serialNumber: serial,
        behindKey: between,
        extensions: rawExtensions,
      },
    },
    { subject: issuer, key: issuerKey },
  );
}

/** A name with its key, which can issue. */
export interface Party {
  readonly name: Uint8Array;
  readonly key: KeyObject;
  readonly spki: Uint8Array;
}

export function party(cn: string, key: KeyObject = makeKey()): Party {
  return { name: commonNameOnly(cn), key, spki: spkiOf(key) };
}

/** Makes a certificate of `subject` by `issuer`: a leaf's or, with `ca`, a CA's. */
export function issue(
  issuer: Party,
  subject: Party,
  more: Partial<Template> & { readonly ca?: boolean; readonly days?: number; readonly pathLength?: number } = {},
): Certificate {
  const { ca = false, days = 1, pathLength, ...template } = more;
  const own = ca ? [basicConstraints(true, pathLength), keyUsage(5, 6)] : [keyUsage(0)];
  return parseCertificate(
    encodeCertificate({
      issuer: issuer.name,
      issuerKey: issuer.key,
      subject: subject.name,
      spki: subject.spki,
      notAfter: time(now + days * day),
      ...template,
      extensions: template.extensions ?? own,
    }),
  );
}

/** A string of any type, with unchanged octets. */
export const text = (tag: keyof typeof tags, octets: Uint8Array): Uint8Array => der(tags[tag], octets);
