/** Compares a new certificate with the old one, field by field, as encoded. Only the differences on the list are allowed. */

import { sameBytes } from '../domain/bytes.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import type { Mode } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import { type CertificateFields, certificateFields } from './certificate.ts';
import { authorityKeyIdentifier, basicConstraints, extendedKeyUsages, keyUsages } from './extensions.ts';
import { subjectAltNames } from './general-names.ts';
import { formatName } from './names.ts';
import { nameOfOid, oids } from './oids.ts';
import { samePublicKey } from './public-key.ts';
import { weakSignature } from './signature.ts';
import { hex } from './strings.ts';

export interface AllowedDifference {
  /** Name of a field, or the OID of an extension. */
  readonly field: string;
  /** Undefined: allowed in both operations. */
  readonly operation?: Mode;
  readonly reason: string;
  /** The extension may be missing in the new certificate. The others may only be added or changed. */
  readonly mayGo?: true;
}

/** All allowed differences. An extension of this list may also be added; it must not become critical. */
export const allowedDifferences: readonly AllowedDifference[] = [
  {
    field: 'serialNumber',
    reason: 'Unique for each certificate of a CA (RFC 5280 section 4.1.2.2): it must differ.',
  },
  { field: 'notBefore', reason: 'The purpose of a renewal; renewal/steps/5-verify.ts checks it.' },
  { field: 'notAfter', reason: 'See notBefore.' },
  { field: 'issuer', reason: 'A CA may have a new intermediate. Instead, the path to the root is verified.' },
  { field: 'issuerUniqueId', reason: 'Belongs to the issuer.' },
  { field: 'signatureAlgorithm', reason: 'Depends on the key of the issuer. Weak algorithms are rejected.' },
  { field: 'spki', operation: 'rekey', reason: 'The purpose of a rekey: it must differ.' },
  {
    field: oids.authorityKeyIdentifier,
    reason:
      'Identifies the key of the issuer. step-ca adds it if it is missing. It must not be removed, because readers may depend on it (RFC 5280 section 4.2.1.1).',
  },
  {
    field: oids.subjectKeyIdentifier,
    operation: 'rekey',
    reason: 'Identifies the new key. It may be added, as step-ca does, because it claims nothing else.',
  },
  { field: oids.sctList, reason: 'Receipts of logs for this certificate (RFC 6962).', mayGo: true },
  { field: oids.stepProvisioner, reason: "step-ca's record of the provisioner.", mayGo: true },
];

/** Octets of a serial number (RFC 5280 section 4.1.2.2). */
const longestSerialNumber = 20;

/**
 * Returns, in words, the differences between a certificate and its replacement that are not allowed: the field, the old value and the new
 * one. An empty list: the certificates correspond. Extensions may have another order. Dates, path and the strength of the key are checked
 * elsewhere. Throws InvalidCertificate only where parseCertificate would.
 */
export function differences(before: Certificate, after: Certificate, operation: Mode): string[] {
  if (sameBytes(before.der, after.der)) return ['the certificate is the old one, unchanged'];
  const [was, came] = [certificateFields(before.der), certificateFields(after.der)];
  const weak = weakSignature(after);
  return [
    ...versionDifferences(was, came),
    ...serialDifferences(before, after),
    ...(weak === undefined ? [] : [`the signature is ${weak}, which is too weak`]),
    ...subjectDifferences(before, after),
    ...keyDifferences(before, after, operation),
    ...uniqueIdDifferences(was, came),
    ...extensionDifferences(before, after, operation),
  ];
}

function versionDifferences(was: CertificateFields, came: CertificateFields): string[] {
  return came.version < was.version ? [`the version was ${was.version}, and is now ${came.version}`] : [];
}

function serialDifferences(before: Certificate, after: Certificate): string[] {
  const { serialNumber } = after;
  if (serialNumber === before.serialNumber) return [`the serial number is the old one, ${shorten(serialNumber)}`];
  return serialProblems(after);
}

/** Returns the problems of a serial number (RFC 5280 section 4.1.2.2), in words. */
export function serialProblems({ der, serialNumber }: Certificate): string[] {
  const octetsFound = certificateFields(der).serialNumber;
  if ((octetsFound[0] ?? 0) >= 0x80) return ['the serial number is negative'];
  if (octetsFound.every((octet) => octet === 0)) return ['the serial number is 0'];
  const octets = serialNumber.length / 2;
  return octets > longestSerialNumber
    ? [`the serial number has ${octets} octets, ${longestSerialNumber} are allowed`]
    : [];
}

function subjectDifferences(before: Certificate, after: Certificate): string[] {
  if (sameBytes(before.subject, after.subject)) return [];
  const [was, came] = [formatName(before.subject), formatName(after.subject)];
  return [`the subject was ${quote(was)}, and is now ${was === came ? 'the same in another encoding' : quote(came)}`];
}

function keyDifferences(before: Certificate, after: Certificate, operation: Mode): string[] {
  const same = samePublicKey(before.spki, after.spki);
  if (operation === 'renew') return same ? [] : ['the public key is another one, but a renewal keeps it'];
  return same ? ['the public key is the old one, but a rekey replaces it'] : [];
}

function uniqueIdDifferences(was: CertificateFields, came: CertificateFields): string[] {
  const [old, now] = [was.subjectUniqueId, came.subjectUniqueId].map((id) => (id === undefined ? 'absent' : hex(id)));
  return old === now ? [] : [`the subjectUniqueID was ${shorten(`${old}`)}, and is now ${shorten(`${now}`)}`];
}

function extensionDifferences(before: Certificate, after: Certificate, operation: Mode): string[] {
  const came = new Map(after.extensions.map((extension) => [extension.oid, extension]));
  const found: string[] = [];
  for (const old of before.extensions) {
    const difference = extensionDifference(old.oid, old, came.get(old.oid), operation);
    if (difference !== undefined) found.push(difference);
    came.delete(old.oid);
  }
  for (const added of came.values()) {
    const difference = extensionDifference(added.oid, undefined, added, operation);
    if (difference !== undefined) found.push(difference);
  }
  return found;
}

function extensionDifference(
  oid: string,
  was: Extension | undefined,
  came: Extension | undefined,
  operation: Mode,
): string | undefined {
  const rule = ruleFor(oid, operation);
  const allowed = rule !== undefined && (rule.mayGo === true || !isGone(was, came));
  // An allowed extension must keep its criticality too, because readers reject an unknown critical extension.
  if (came !== undefined && came.critical !== (was?.critical ?? (allowed ? false : came.critical))) {
    return `the extension ${nameOfOid(oid)} was ${criticality(was)}, and is now ${criticality(came)}`;
  }
  if (allowed || (was && came && sameBytes(was.value, came.value))) return undefined;
  const hint =
    oid === oids.subjectKeyIdentifier && was === undefined
      ? '; the CA adds it if it is missing, so use the mode rekey instead'
      : '';
  return `the extension ${nameOfOid(oid)} was ${describe(was)}, and is now ${describe(came)}${hint}`;
}

/** Whether an extension is missing. An authorityKeyIdentifier without a key counts as missing, if the old one had a key. */
function isGone(was: Extension | undefined, came: Extension | undefined): boolean {
  if (was === undefined || came === undefined) return was !== undefined;
  const namesKey = (extension: Extension) => authorityKeyIdentifier({ extensions: [extension] }) !== undefined;
  return was.oid === oids.authorityKeyIdentifier && namesKey(was) && !namesKey(came);
}

function ruleFor(oid: string, operation: Mode): AllowedDifference | undefined {
  return allowedDifferences.find(
    ({ field, operation: only }) => field === oid && (only === undefined || only === operation),
  );
}

function criticality(extension: Extension | undefined): string {
  if (extension === undefined) return 'absent';
  return extension.critical ? 'critical' : 'not critical';
}

/** Describes an extension's value: in words if it can be read, otherwise the start of its hex. */
function describe(extension: Extension | undefined): string {
  if (extension === undefined) return 'absent';
  const alone = { extensions: [extension] };
  switch (extension.oid) {
    case oids.subjectAltName:
      return quoteList(subjectAltNames(alone), extension);
    case oids.keyUsage:
      return quoteList(keyUsages(alone) ?? [], extension);
    case oids.extendedKeyUsage:
      return quoteList((extendedKeyUsages(alone) ?? []).map(nameOfOid), extension);
    case oids.basicConstraints: {
      const { isCa, pathLength } = basicConstraints(alone);
      return `cA ${isCa}, pathLen ${pathLength ?? 'absent'} (${shorten(hex(extension.value))})`;
    }
    default:
      return shorten(hex(extension.value));
  }
}

/** Adds the hex, because two lists may look the same and still differ (other kinds of names, another encoding). */
function quoteList(items: readonly string[], { value }: Extension): string {
  const shown = items.slice(0, 10).join(' ');
  return `[${shown.length > 256 ? `${shown.slice(0, 256)}…` : shown}${items.length > 10 ? ' …' : ''}] (${shorten(hex(value))})`;
}

function shorten(text: string): string {
  return text.length > 48 ? `${text.slice(0, 48)}…` : text;
}
