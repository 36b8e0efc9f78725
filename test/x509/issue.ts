/**
 * Certificates for these tests, in which every field can be anything: versions that don't exist, dates that aren't,
 * two algorithms at once. (testkit/fakes/certificates.ts makes the ordinary ones.)
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { tags } from '../../lambdas/asn1/read.ts';
import * as d from '../../lambdas/asn1/write.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { oids } from '../../lambdas/x509/oids.ts';

export const day = 86_400_000;
export const now: Instant = Date.UTC(2026, 10, 22, 12);

export const ecKey = (namedCurve = 'P-256'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;
export const spkiOf = (key: KeyObject): Uint8Array =>
  new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));

export const attribute = (type: string, value: Uint8Array): Uint8Array => d.sequence(d.oid(type), value);
/** A Name of one common name; '' is the empty Name. */
export const named = (cn: string): Uint8Array =>
  cn === '' ? d.sequence() : d.sequence(d.setOf(attribute(oids.commonName, d.utf8String(cn))));

export const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const ext = (oid: string, value: Uint8Array, critical = false): Extension => ({ oid, critical, value });
export const basicConstraints = (isCa: boolean, pathLength?: number): Extension =>
  ext(
    oids.basicConstraints,
    d.sequence(...(isCa ? [d.boolean(true)] : []), ...(pathLength === undefined ? [] : [d.integer(pathLength)])),
    true,
  );
export const keyUsage = (...bits: number[]): Extension => ext(oids.keyUsage, d.namedBits(bits), true);
export const dns = (name: string): Uint8Array => d.contextPrimitive(2, ascii(name));
export const email = (name: string): Uint8Array => d.contextPrimitive(1, ascii(name));
export const uri = (name: string): Uint8Array => d.contextPrimitive(6, ascii(name));
export const ip = (...octets: number[]): Uint8Array => d.contextPrimitive(7, Uint8Array.from(octets));
export const directory = (name: Uint8Array): Uint8Array => d.context(4, name);
export const otherName = (): Uint8Array => d.context(0, d.oid('1.2.3'), d.context(0, d.utf8String('x')));
export const sans = (...names: Uint8Array[]): Extension => ext(oids.subjectAltName, d.sequence(...names));
export const ski = (spki: Uint8Array): Extension =>
  ext(oids.subjectKeyIdentifier, d.octetString(createHash('sha1').update(spki).digest()));
export const aki = (issuerSpki: Uint8Array): Extension =>
  ext(oids.authorityKeyIdentifier, d.sequence(d.contextPrimitive(0, createHash('sha1').update(issuerSpki).digest())));

const ecdsaSha256 = d.sequence(d.oid('1.2.840.10045.4.3.2'));
export const sha1WithRsa = d.sequence(d.oid('1.2.840.113549.1.1.5'), d.nullValue());

export interface Template {
  /** The INTEGER in the DER: 0 is version 1; undefined leaves it out. */
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
  /** In place of the extensions, with its tag. */
  readonly rawExtensions?: Uint8Array;
  readonly issuerKey: KeyObject;
}

let serials = 1;

export const encodeExtension = ({ oid, critical, value }: Extension): Uint8Array =>
  d.sequence(d.oid(oid), ...(critical ? [d.boolean(true)] : []), d.octetString(value));

/** DER, signed with ECDSA and SHA-256 unless the template says otherwise. */
export function encodeCertificate(t: Template): Uint8Array {
  const algorithm = t.algorithm ?? ecdsaSha256;
  const version = 'version' in t ? t.version : d.integer(2);
  const extensions = t.extensions?.length ? d.context(3, d.sequence(...t.extensions.map(encodeExtension))) : undefined;
  const tbs = d.sequence(
    ...(version === undefined ? [] : [d.context(0, version)]),
    t.serial ?? d.integer(serials++),
    algorithm,
    t.issuer,
    d.sequence(t.notBefore ?? d.time(now - day), t.notAfter ?? d.time(now + day)),
    t.subject,
    t.spki,
    ...(t.between ?? []),
    ...[t.rawExtensions ?? extensions].filter((e) => e !== undefined),
  );
  const signature = sign(t.digest ?? 'sha256', tbs, t.issuerKey);
  return d.sequence(tbs, t.outerAlgorithm ?? algorithm, d.bitString(signature));
}

/** A name with its key, to issue under. */
export interface Party {
  readonly name: Uint8Array;
  readonly key: KeyObject;
  readonly spki: Uint8Array;
}

export function party(cn: string, key: KeyObject = ecKey()): Party {
  return { name: named(cn), key, spki: spkiOf(key) };
}

/** A certificate of `subject` by `issuer`; a leaf's or, with `ca`, a CA's. */
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
      notAfter: d.time(now + days * day),
      ...template,
      extensions: template.extensions ?? own,
    }),
  );
}

/** A string of any type, its octets as they are. */
export const text = (tag: keyof typeof tags, octets: Uint8Array): Uint8Array => d.encode(tags[tag], octets);
