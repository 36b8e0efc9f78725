/** A certificate's fields from its DER (RFC 5280 section 4.1). */
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

/** What a certificate holds, field by field, as it stands; parseCertificate tells what it means. */
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
 * One certificate, with nothing behind it. Strict where readers disagree (DER, duplicate extensions, dates), lenient
 * where the world is: a FALSE may be written out, strings may hold characters that their type does not allow, and a
 * serial number may be of any length, zero or negative (its octets then stand as they are, two's complement).
 *
 * Every extension that the product reads is checked here, so that reading it later can't fail. The signature is not
 * looked at: chain.ts does, through node:crypto.
 *
 * Throws InvalidCertificate.
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const bytes = new Uint8Array(der); // a copy: the caller's buffer may be part of a larger one, or change
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
 * The same for one that stands above a leaf: the next renewal meets it again, so that it is parsed once a process, and with it
 * what signature.ts has found out about it. Throws InvalidCertificate.
 */
export const parseIssuer: typeof parseCertificate = keptByBytes(200, parseCertificate);

/** The fields of the one certificate that `der` is, as views of it. Throws InvalidCertificate. */
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

  // RFC 5280 section 4.1.1.2: else a signature could be read under an algorithm that was not signed.
  if (!sameBytes(outer, signatureAlgorithm)) throw malformed('the signature algorithm', 'is not the one inside');
  if (wrapped !== undefined && version !== 3) throw malformed('the version', `is ${version}, yet there are extensions`);
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

/** DER of the SEQUENCE of extensions, read one by one. Throws InvalidCertificate. */
export function readExtensions(der: Uint8Array): Extension[] {
  const what = 'the list of extensions';
  const list = readSequence(der, what);
  const extensions: Extension[] = [];
  const seen = new Set<string>();
  while (!list.done) {
    const extension = readExtension(list.enter(tags.sequence, 'an extension'));
    // RFC 5280 section 4.2; readers would not agree on which of two counts.
    if (seen.has(extension.oid)) throw malformed(what, `holds ${nameOfOid(extension.oid)} twice`);
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

/** RFC 5280 section 4.1.2.5: with seconds, without a fraction, in UTC; two digits of a year are 1950 to 2049. */
function readTime({ tag, value }: Element, what: string): Instant {
  const pattern = tag === tags.utcTime ? utcTime : tag === tags.generalizedTime ? generalizedTime : undefined;
  const text = value.length > 15 ? '' : String.fromCharCode(...value);
  const [, year = '', month, day, hour, minute, second] = pattern?.exec(text) ?? [];
  const century = year.length === 2 ? (Number(year) >= 50 ? '19' : '20') : '';
  const instant = parseInstant(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (instant === undefined) throw malformed(what, 'is not a date as YYMMDDhhmmssZ or YYYYMMDDhhmmssZ');
  return instant;
}

/** SHA-256 of the certificate, lowercase hex without colons. */
export function fingerprintSha256(certificate: Pick<Certificate, 'der'>): string {
  return createHash('sha256').update(certificate.der).digest('hex');
}
