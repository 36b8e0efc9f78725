/** What a certificate must be to stand above another one, without regard to the rest of the path. */

import { ElementReader } from '../asn1/reader.ts';
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import { quote } from '../domain/quote.ts';
import { rsaModulusLength } from './algorithms.ts';
import {
  authorityCertificate,
  authorityKeyIdentifier,
  findExtension,
  keyUsages,
  subjectKeyIdentifier,
} from './extensions.ts';
import { readGeneralName, subjectAltNames } from './general-names.ts';
import { comparableName, formatName } from './names.ts';
import { nameOfOid, oids } from './oids.ts';
import { hasExplicitParameters } from './public-key.ts';
import { hex } from './strings.ts';

/**
 * Critical extensions that may stand in a CA certificate: those judged here, and those that allow nothing by themselves.
 * They are the ones that OpenSSL 3 takes (supported_nids in its crypto/x509/v3_purp.c), but for proxyCertInfo, which makes
 * a CA certificate invalid. AKI and SKI are not among them, as RFC 5280 wants both not critical.
 */
const knownExtensions: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.nameConstraints,
  oids.subjectAltName,
  oids.crlDistributionPoints,
  oids.certificatePolicies,
  oids.policyMappings,
  oids.policyConstraints,
  oids.inhibitAnyPolicy,
  oids.ocspNoCheck,
  oids.netscapeCertType,
]);

/** They bound the Internet resources that the leaf claims (RFC 3779), so they bound nothing for a leaf that claims none. */
const resourceExtensions: ReadonlySet<string> = new Set([oids.ipAddressBlocks, oids.autonomousSystemIds]);

const leastRsaBits = 2048;

/**
 * Why `issuer` may stand above no certificate at all, or undefined. A trusted one may be weaker: who configured it decided
 * so, and nothing rests on its signature. Never throws on a certificate that parseCertificate gave.
 */
export function issuerProblem(issuer: Certificate, isTrusted: boolean): string | undefined {
  // A version 1 root has no extensions, so nothing could say that it is a CA but being trusted.
  if (!issuer.isCa && !(isTrusted && issuer.extensions.length === 0)) return `${nameOf(issuer)} is not a CA`;
  if (keyUsages(issuer)?.includes('keyCertSign') === false)
    return `${nameOf(issuer)} may not sign certificates (keyUsage)`;
  return extensionProblem(issuer) ?? keyProblem(issuer, isTrusted);
}

function extensionProblem(issuer: Certificate): string | undefined {
  const unknown = issuer.extensions.find(
    ({ oid, critical }) => critical && !knownExtensions.has(oid) && !resourceExtensions.has(oid),
  );
  if (unknown === undefined) return undefined;
  const isKeyIdentifier = unknown.oid === oids.authorityKeyIdentifier || unknown.oid === oids.subjectKeyIdentifier;
  const why = isKeyIdentifier ? 'must not be critical' : 'is not known';
  return `${nameOf(issuer)} has the critical extension ${nameOfOid(unknown.oid)}, which ${why}`;
}

/** RFC 5480 section 2.1.1 forbids curves that are written out: who chooses the curve can forge signatures (CVE-2020-0601). */
function keyProblem(issuer: Certificate, isTrusted: boolean): string | undefined {
  try {
    if (hasExplicitParameters(issuer.spki))
      return `the EC key of ${nameOf(issuer)} has its curve written out, not named`;
    const bits = rsaModulusLength(issuer.spki) ?? leastRsaBits;
    if (bits >= leastRsaBits || isTrusted) return undefined;
    return `the RSA key of ${nameOf(issuer)} has ${bits} bits, and ${leastRsaBits} are the least`;
  } catch {
    return `the key of ${nameOf(issuer)} can't be read`;
  }
}

/** Why `issuer` bounds resources that `leaf` claims; that is not judged here. */
export function resourceProblem(leaf: Certificate, issuer: Certificate): string | undefined {
  const bound = issuer.extensions.find(
    ({ oid, critical }) => critical && resourceExtensions.has(oid) && findExtension(leaf, oid) !== undefined,
  );
  return bound && `${nameOf(issuer)} bounds what ${nameOf(leaf)} has in ${nameOfOid(bound.oid)}, which is not judged`;
}

/**
 * Whether `certificate` may mean `issuer` by its authorityKeyIdentifier (RFC 5280 section 4.2.1.1). Of several
 * certificates of one name and key it may mean one. OpenSSL finds no issuer where this is false. What is not there
 * contradicts nothing. Throws InvalidCertificate for an extension that is malformed behind its keyIdentifier.
 */
export function namesAsIssuer(certificate: Certificate, issuer: Certificate): boolean {
  const [named, actual] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(issuer)];
  if (named !== undefined && actual !== undefined && !sameBytes(named, actual)) return false;
  const { issuer: names, serialNumber } = authorityCertificate(certificate);
  if (serialNumber !== undefined && !isSerialNumber(serialNumber, issuer)) return false;
  const above = names && directoryName(names);
  return above === undefined || comparableName(above) === comparableName(issuer.issuer);
}

/** Whether `certificate` says that `issuer`'s key signed it: by the key's identifier, and both have one. */
export function namesKeyOf(certificate: Certificate, issuer: Certificate): boolean {
  const [named, actual] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(issuer)];
  return named !== undefined && actual !== undefined && sameBytes(named, actual);
}

function isSerialNumber(octets: Uint8Array, { serialNumber }: Certificate): boolean {
  const isPadded = octets.length > 1 && octets[0] === 0;
  return hex(isPadded ? octets.subarray(1) : octets) === serialNumber;
}

/** The first directory name of GeneralNames. */
function directoryName(names: Uint8Array): Uint8Array | undefined {
  const what = 'the authorityKeyIdentifier extension';
  for (const reader = new ElementReader(names, what); !reader.done; ) {
    const { kind, value } = readGeneralName(reader, what);
    if (kind === 'directoryName') return value;
  }
  return undefined;
}

/** For messages: the subject, and where there is none the first of the other names. */
export function nameOf(certificate: Certificate): string {
  return quote(formatName(certificate.subject) || firstName(certificate));
}

function firstName(certificate: Certificate): string {
  try {
    return subjectAltNames(certificate)[0] ?? '';
  } catch {
    return ''; // malformed, which others tell
  }
}

/** Whether `certificate` may mean `issuer` as its issuer (AKI). What can't be read names nobody. */
export function mayName(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return namesAsIssuer(certificate, issuer);
  } catch {
    return false;
  }
}
