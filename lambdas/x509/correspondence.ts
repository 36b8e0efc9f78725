/**
 * Whether a new certificate says what the old one said: compared field by field, each as it is
 * encoded, against the written list of what may differ. What is not on the list may not.
 */

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
  /** A field of the certificate, or the OID of an extension. */
  readonly field: string;
  /** Undefined: in both. */
  readonly operation?: Mode;
  readonly reason: string;
  /** An extension that may be gone; the others may only come or change. */
  readonly mayGo?: true;
}

/** Whatever is allowed to differ. An extension of this list may also come; it may not become critical. */
export const allowedDifferences: readonly AllowedDifference[] = [
  {
    field: 'serialNumber',
    reason: 'Each certificate of a CA has its own (RFC 5280 section 4.1.2.2): it has to differ.',
  },
  { field: 'notBefore', reason: 'A new validity is what a renewal is for; renewal/steps/5-verify.ts judges it.' },
  { field: 'notAfter', reason: 'As notBefore.' },
  { field: 'issuer', reason: 'A CA may have a new intermediate; the path to the root is verified instead.' },
  { field: 'issuerUniqueId', reason: 'Belongs to the issuer.' },
  { field: 'signatureAlgorithm', reason: 'Follows from the key of the issuer; a weak one is refused.' },
  { field: 'spki', operation: 'rekey', reason: 'A new key is what a rekey is for: it has to differ.' },
  {
    field: oids.authorityKeyIdentifier,
    reason:
      'Names the key of the issuer. step-ca adds it to a certificate that had none; where it was, readers may rely on it (RFC 5280 section 4.2.1.1 wants it).',
  },
  {
    field: oids.subjectKeyIdentifier,
    operation: 'rekey',
    reason:
      'Names the key, which is new. It may come where none was: step-ca adds it, and it claims nothing but the key.',
  },
  { field: oids.sctList, reason: 'Receipts of logs for this very certificate (RFC 6962).', mayGo: true },
  { field: oids.stepProvisioner, reason: "step-ca's own note of who issued the certificate.", mayGo: true },
];

/** RFC 5280 section 4.1.2.2, which also wants it above 0. */
const longestSerialNumber = 20;

/**
 * Every difference between a certificate and the one that is to take its place that is not allowed, in words: the field,
 * what it was and what came. None: they correspond. Extensions may come in another order. Dates, path and the key's
 * strength are judged elsewhere. Throws InvalidCertificate only for what parseCertificate would refuse.
 */
export function differences(before: Certificate, after: Certificate, operation: Mode): string[] {
  if (sameBytes(before.der, after.der)) return ['the certificate is the very one that was to be replaced'];
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
  return came.version < was.version ? [`the version was ${was.version}, came as ${came.version}`] : [];
}

function serialDifferences(before: Certificate, after: Certificate): string[] {
  const { serialNumber } = after;
  if (serialNumber === before.serialNumber) return [`the serial number is the old one, ${shorten(serialNumber)}`];
  return serialProblems(after);
}

/** What no serial number may be (RFC 5280 section 4.1.2.2), in words. */
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
  return [`the subject was ${quote(was)}, came as ${was === came ? 'the same in another encoding' : quote(came)}`];
}

function keyDifferences(before: Certificate, after: Certificate, operation: Mode): string[] {
  const same = samePublicKey(before.spki, after.spki);
  if (operation === 'renew') return same ? [] : ['the public key is another one, a renewal keeps it'];
  return same ? ['the public key is the old one, a rekey replaces it'] : [];
}

function uniqueIdDifferences(was: CertificateFields, came: CertificateFields): string[] {
  const [old, now] = [was.subjectUniqueId, came.subjectUniqueId].map((id) => (id === undefined ? 'absent' : hex(id)));
  return old === now ? [] : [`the subjectUniqueID was ${shorten(`${old}`)}, came as ${shorten(`${now}`)}`];
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
  // A critical extension shuts out readers that do not know it, so even a listed one keeps what it was.
  if (came !== undefined && came.critical !== (was?.critical ?? (allowed ? false : came.critical))) {
    return `the extension ${nameOfOid(oid)} was ${criticality(was)}, came as ${criticality(came)}`;
  }
  if (allowed || (was && came && sameBytes(was.value, came.value))) return undefined;
  const hint =
    oid === oids.subjectKeyIdentifier && was === undefined
      ? '; the CA adds it to a certificate that has none, so rekey this one (mode rekey) instead'
      : '';
  return `the extension ${nameOfOid(oid)} was ${describe(was)}, came as ${describe(came)}${hint}`;
}

/** An authority key identifier may stay in form and name no key any more. */
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

/** An extension's value for a reader: in words where they are at hand, else the start of its hex. */
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

/** Two lists may read the same and yet differ (other kinds of names, another encoding): the hex tells them apart. */
function quoteList(items: readonly string[], { value }: Extension): string {
  const shown = items.slice(0, 10).join(' ');
  return `[${shown.length > 256 ? `${shown.slice(0, 256)}…` : shown}${items.length > 10 ? ' …' : ''}] (${shorten(hex(value))})`;
}

function shorten(text: string): string {
  return text.length > 48 ? `${text.slice(0, 48)}…` : text;
}
