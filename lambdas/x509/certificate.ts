/** Parses certificates (RFC 5280 section 4.1). */
import { createHash } from 'node:crypto';
import { type Element, type ElementReader, malformed, readSequence, readSingle } from '../asn1/reader.ts';
import { contextTag, tags } from '../asn1/tags.ts';
import { readBitString, readBoolean, readInteger, readOid, readSmallInteger } from '../asn1/values.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import { type Instant, parseInstant } from '../domain/instant.ts';
import { keptByBytes } from '../domain/kept.ts';
import { keySpecOfSpki } from './algorithms.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsages,
  keyUsages,
  subjectKeyIdentifier,
} from './extensions.ts';
import { alternativeNames } from './general-names.ts';
import { relativeNames } from './names.ts';
import { nameOfOid } from './oids.ts';
import { hex } from './strings.ts';

/** The fields of a certificate as they are encoded. parseCertificate gives their meaning. */
export interface CertificateFields {
  /** 1, 2 or 3. */
  readonly version: number;
  /** The INTEGER's octets. */
  readonly serialNumber: Uint8Array;
  /** DER of the AlgorithmIdentifier. */
  readonly signatureAlgorithm: Uint8Array;
  readonly issuer: Uint8Array;
  readonly notBefore: Element;
  readonly notAfter: Element;
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly issuerUniqueId: Uint8Array | undefined;
  readonly subjectUniqueId: Uint8Array | undefined;
  readonly extensions: readonly Extension[];
}

/**
 * Parses exactly one certificate. It is strict where readers disagree (DER, duplicate extensions, dates). It is lenient with common
 * deviations: an explicit FALSE, characters that a string type does not allow, and a serial number of any length, zero or negative (which
 * stays as two's complement).
 *
 * It checks every extension that the product reads, so that reading it later can't fail. It does not verify the signature; chain.ts does.
 *
 * Throws InvalidCertificate.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const bytes = new Uint8Array(der); // a copy: the caller's buffer may be part of a larger one, or may change
  const fields = certificateFields(bytes);
  relativeNames(fields.issuer, 'the issuer');
  relativeNames(fields.subject, 'the subject');
  keyUsages(fields);
  extendedKeyUsages(fields);
  subjectKeyIdentifier(fields);
  authorityKeyIdentifier(fields);
  alternativeNames(fields);
  const notBefore = readTime(fields.notBefore, 'notBefore');
  const notAfter = readTime(fields.notAfter, 'notAfter');
  if (notAfter < notBefore) throw malformed('the validity', 'ends before it begins');
  const { serialNumber, extensions } = fields;
  const { isCa, pathLength } = basicConstraints(fields);
  return {
    der: bytes,
    serialNumber: hex(serialNumber.length > 1 && serialNumber[0] === 0 ? serialNumber.subarray(1) : serialNumber),
    subject: fields.subject,
    issuer: fields.issuer,
    notBefore,
    notAfter,
    spki: fields.spki,
    keySpec: keySpecOfSpki(fields.spki),
    signatureAlgorithm: readOid(
      readSequence(fields.signatureAlgorithm, 'the signature algorithm').take(tags.oid),
      'the signature algorithm',
    ),
    extensions,
    isCa,
    pathLength,
  };
}

/**
 * As parseCertificate, for the certificate of an issuer. It is kept, with its verified signatures (signature.ts), because the next renewal
 * needs it again. Throws InvalidCertificate.
 */
export const parseIssuer: typeof parseCertificate = keptByBytes(200, parseCertificate);

/** Returns the fields of exactly one certificate, as views of `der`. Throws InvalidCertificate. */
export function certificateFields(der: Uint8Array): CertificateFields {
  const certificate = readSequence(der, 'the certificate');
  const tbs = certificate.enter(tags.sequence, 'the certificate');
  const outer = certificate.take(tags.sequence, 'the signature algorithm').bytes;
  readBitString(certificate.take(tags.bitString, 'the signature'), 'the signature');
  certificate.end();

  const version = readVersion(tbs);
  const serialNumber = readInteger(tbs.take(tags.integer, 'the serial number'), 'the serial number');
  const signatureAlgorithm = tbs.take(tags.sequence, 'the signature algorithm').bytes;
  const issuer = tbs.take(tags.sequence, 'the issuer').bytes;
  const validity = tbs.enter(tags.sequence, 'the validity');
  const notBefore = validity.any();
  const notAfter = validity.any();
  validity.end();
  const subject = tbs.take(tags.sequence, 'the subject').bytes;
  const spki = tbs.take(tags.sequence, 'the public key').bytes;
  const issuerUniqueId = tbs.optional(contextTag(1, false))?.bytes;
  const subjectUniqueId = tbs.optional(contextTag(2, false))?.bytes;
  const wrapped = tbs.optional(contextTag(3, true));
  tbs.end();

  // RFC 5280 section 4.1.1.2. Otherwise the signature could be verified by an algorithm that is not signed.
  if (!sameBytes(outer, signatureAlgorithm))
    throw malformed('the signature algorithm', 'differs from the one in the signed part');
  if (wrapped !== undefined && version !== 3) throw malformed('the version', `is ${version}, but there are extensions`);
  const extensions = wrapped === undefined ? [] : readExtensions(wrapped.value);
  return {
    version,
    serialNumber,
    signatureAlgorithm,
    issuer,
    notBefore,
    notAfter,
    subject,
    spki,
    issuerUniqueId,
    subjectUniqueId,
    extensions,
  };
}

function readVersion(tbs: ElementReader): number {
  const wrapped = tbs.optional(contextTag(0, true));
  if (wrapped === undefined) return 1;
  const inside = readSingle(wrapped.value, tags.integer, 'the version');
  const version = readSmallInteger(inside, 'the version') + 1;
  if (version > 3) throw malformed('the version', `is ${version}`);
  return version;
}

/** Reads the DER of a SEQUENCE of extensions. Throws InvalidCertificate. */
export function readExtensions(der: Uint8Array): Extension[] {
  const what = 'the list of extensions';
  const list = readSequence(der, what);
  const extensions: Extension[] = [];
  const seen = new Set<string>();
  while (!list.done) {
    const extension = readExtension(list.enter(tags.sequence, 'an extension'));
    // RFC 5280 section 4.2. Readers disagree on which of two extensions counts.
    if (seen.has(extension.oid)) throw malformed(what, `contains ${nameOfOid(extension.oid)} twice`);
    seen.add(extension.oid);
    extensions.push(extension);
  }
  return extensions;
}

function readExtension(fields: ElementReader): Extension {
  const oid = readOid(fields.take(tags.oid), 'an extension');
  const critical = fields.optional(tags.boolean);
  const { value } = fields.take(tags.octetString);
  fields.end();
  return { oid, critical: critical !== undefined && readBoolean(critical, nameOfOid(oid)), value };
}

const utcTime = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const generalizedTime = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Reads a time (RFC 5280 section 4.1.2.5): with seconds, without a fraction, in UTC. Years of two digits are 1950 to 2049. */
function readTime({ tag, value }: Element, what: string): Instant {
  const pattern = tag === tags.utcTime ? utcTime : tag === tags.generalizedTime ? generalizedTime : undefined;
  const text = value.length > 15 ? '' : String.fromCharCode(...value);
  const [, year = '', month, day, hour, minute, second] = pattern?.exec(text) ?? [];
  const century = year.length === 2 ? (Number(year) >= 50 ? '19' : '20') : '';
  const instant = parseInstant(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (instant === undefined) throw malformed(what, 'is not a date as YYMMDDhhmmssZ or YYYYMMDDhhmmssZ');
  return instant;
}

/** Returns the SHA-256 of a certificate, lowercase hex without colons. */
export function fingerprintSha256(certificate: Pick<Certificate, 'der'>): string {
  return createHash('sha256').update(certificate.der).digest('hex');
}
