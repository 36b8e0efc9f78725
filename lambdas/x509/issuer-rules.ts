/** The rules for the certificate of an issuer, without regard to the rest of the path. */

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
 * Critical extensions that a CA certificate may have: those that are checked here, and those that allow nothing by themselves. They are the
 * ones of OpenSSL 3 (supported_nids in its crypto/x509/v3_purp.c) without proxyCertInfo, which makes a CA certificate invalid. AKI and SKI
 * are not among them: RFC 5280 requires both to be not critical.
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

/** They limit the leaf's Internet resources (RFC 3779), so they have no effect on a leaf without such an extension. */
const resourceExtensions: ReadonlySet<string> = new Set([oids.ipAddressBlocks, oids.autonomousSystemIds]);

const leastRsaBits = 2048;

/**
 * Returns why `issuer` can't be an issuer of any certificate; undefined if it can. A trusted one may be weaker, because it was configured
 * and its own signature does not matter. Never throws for a certificate from parseCertificate.
 */
export function issuerProblem(issuer: Certificate, isTrusted: boolean): string | undefined {
  // A version 1 root has no extensions. It counts as a CA only if it is trusted.
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

/** RFC 5480 section 2.1.1 forbids explicit parameters: with a curve of its own an attacker can forge signatures (CVE-2020-0601). */
function keyProblem(issuer: Certificate, isTrusted: boolean): string | undefined {
  try {
    if (hasExplicitParameters(issuer.spki))
      return `the EC key of ${nameOf(issuer)} has explicit curve parameters instead of a named curve`;
    const bits = rsaModulusLength(issuer.spki) ?? leastRsaBits;
    if (bits >= leastRsaBits || isTrusted) return undefined;
    return `the RSA key of ${nameOf(issuer)} has ${bits} bits; expected at least ${leastRsaBits}`;
  } catch {
    return `the key of ${nameOf(issuer)} can't be read`;
  }
}

/** Returns why `issuer` limits resources of `leaf`, which is not checked here; undefined if it does not. */
export function resourceProblem(leaf: Certificate, issuer: Certificate): string | undefined {
  const bound = issuer.extensions.find(
    ({ oid, critical }) => critical && resourceExtensions.has(oid) && findExtension(leaf, oid) !== undefined,
  );
  return bound && `${nameOf(issuer)} limits ${nameOfOid(bound.oid)} of ${nameOf(leaf)}, which is not checked here`;
}

/**
 * Whether the authorityKeyIdentifier of `certificate` matches `issuer` (RFC 5280 section 4.2.1.1). It may select one of several
 * certificates with the same name and key. Without a match OpenSSL finds no issuer. A missing part matches anything. Throws
 * InvalidCertificate for an extension that is malformed after its keyIdentifier.
 */
export function namesAsIssuer(certificate: Certificate, issuer: Certificate): boolean {
  const [named, actual] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(issuer)];
  if (named !== undefined && actual !== undefined && !sameBytes(named, actual)) return false;
  const { issuer: names, serialNumber } = authorityCertificate(certificate);
  if (serialNumber !== undefined && !isSerialNumber(serialNumber, issuer)) return false;
  const above = names && directoryName(names);
  return above === undefined || comparableName(above) === comparableName(issuer.issuer);
}

/** Whether the key identifiers of `certificate` and `issuer` are both there and equal. */
export function namesKeyOf(certificate: Certificate, issuer: Certificate): boolean {
  const [named, actual] = [authorityKeyIdentifier(certificate), subjectKeyIdentifier(issuer)];
  return named !== undefined && actual !== undefined && sameBytes(named, actual);
}

function isSerialNumber(octets: Uint8Array, { serialNumber }: Certificate): boolean {
  const isPadded = octets.length > 1 && octets[0] === 0;
  return hex(isPadded ? octets.subarray(1) : octets) === serialNumber;
}

/** Returns the first directory name of GeneralNames. */
function directoryName(names: Uint8Array): Uint8Array | undefined {
  const what = 'the authorityKeyIdentifier extension';
  for (const reader = new ElementReader(names, what); !reader.done; ) {
    const { kind, value } = readGeneralName(reader, what);
    if (kind === 'directoryName') return value;
  }
  return undefined;
}

/** Returns a name for messages: the subject or, if it is empty, the first of the other names. */
export function nameOf(certificate: Certificate): string {
  return quote(formatName(certificate.subject) || firstName(certificate));
}

function firstName(certificate: Certificate): string {
  try {
    return subjectAltNames(certificate)[0] ?? '';
  } catch {
    return ''; // malformed, reported elsewhere
  }
}

/** Returns the same as namesAsIssuer; false if the extension can't be read. */
export function mayName(certificate: Certificate, issuer: Certificate): boolean {
  try {
    return namesAsIssuer(certificate, issuer);
  } catch {
    return false;
  }
}
