/** Compares a certificate with its declaration: exactly the declared names and usages, and nothing that gives it more rights. */
import { isDeepStrictEqual } from 'node:util';
import type { Certificate } from '../domain/certificate.ts';
import type { DeclaredUsage } from '../domain/declaration.ts';
import { quote } from '../domain/quote.ts';
import type { DeclaredContent } from '../domain/wanted.ts';
import { serialProblems } from './correspondence.ts';
import { basicConstraints, extendedKeyUsages, keyUsages } from './extensions.ts';
import { alternativeNames, subjectAltNames } from './general-names.ts';
import { type Attribute, formatName, relativeNames } from './names.ts';
import { nameOfOid, oids } from './oids.ts';
import { weakSignature } from './signature.ts';
import { decodeString, hex } from './strings.ts';

export type DeclaredFields = Pick<DeclaredContent, 'names' | 'subject' | 'usages'>;

export interface Departures {
  /** Differences from the declaration that are not allowed, in words. */
  readonly problems: readonly string[];
  /** Declared usages that are missing. */
  readonly missing: readonly DeclaredUsage[];
}

/**
 * Returns the differences. The names must be the declared ones, in any order. The common name may be missing, or be one of the
 * certificate's names. A usage may be missing, but none may be added. Throws InvalidCertificate.
 */
export function departures(leaf: Certificate, declared: DeclaredFields): Departures {
  const found = extendedKeyUsages(leaf);
  const weak = weakSignature(leaf);
  return {
    problems: [
      ...nameProblems(leaf, declared),
      ...subjectProblems(leaf, declared),
      ...usageProblems(found, declared),
      ...caProblems(leaf),
      ...criticalProblems(leaf),
      ...serialProblems(leaf),
      ...(weak === undefined ? [] : [`the signature is ${weak}, which is too weak`]),
    ],
    missing: found === undefined ? [] : declared.usages.filter((usage) => !found.includes(oids[usage])),
  };
}

/** RFC 5280 section 4.2.1.12: without the extension every usage is allowed; with it there must be at least one. */
function usageProblems(found: readonly string[] | undefined, { usages }: DeclaredFields): string[] {
  if (found === undefined) return ['extendedKeyUsage: it is missing, which allows every usage'];
  if (found.length === 0) return ['extendedKeyUsage: it is empty, which allows no usage'];
  const wanted: readonly string[] = usages.map((usage) => oids[usage]);
  return found
    .filter((usage) => !wanted.includes(usage))
    .slice(0, 10)
    .map((usage) => `extendedKeyUsage: ${nameOfOid(usage)} was not declared`);
}

function nameProblems(leaf: Certificate, { names }: DeclaredFields): string[] {
  const found = subjectAltNames(leaf);
  const others = alternativeNames(leaf).length - found.length; // kinds that a declaration can't have
  const missing = names.filter((name) => !found.includes(name));
  const added = found.filter((name) => !names.includes(name));
  return [
    ...missing.map((name) => `subjectAltName: ${name} is missing`),
    ...added.slice(0, 10).map((name) => `subjectAltName: ${name} was not declared`),
    ...(others > 0 ? ['subjectAltName: it has a name of another kind'] : []),
  ];
}

function subjectProblems(leaf: Certificate, { subject, names }: DeclaredFields): string[] {
  const wanted = partsOf(subject);
  const found = partsOf(leaf.subject);
  const texts = new Set([...wanted.commonNames, ...names.map((name) => name.slice(name.indexOf(':') + 1))]);
  if (isDeepStrictEqual(found.rest, wanted.rest) && found.commonNames.every((each) => texts.has(each))) return [];
  const declared = subject === undefined ? 'none' : quote(formatName(subject));
  return [`subject: ${quote(formatName(leaf.subject))}; declared is ${declared}`];
}

interface SubjectParts {
  readonly commonNames: readonly string[];
  /**
   * The other attributes of each RDN, sorted by their text, because DER sorts them by their encoding. RDNs with only a common name are left
   * out.
   */
  readonly rest: readonly (readonly string[])[];
}

/**
 * Reads a name. Values are compared as text, because a CA may use another string type. A value that is not text is compared by its octets.
 */
function partsOf(name: Uint8Array | undefined): SubjectParts {
  const names = name === undefined ? [] : relativeNames(name);
  const textOf = ({ value }: Attribute) => decodeString(value) ?? `#${hex(value.bytes)}`;
  const isCommonName = ({ type }: Attribute) => type === oids.commonName;
  return {
    commonNames: names.flat().filter(isCommonName).map(textOf),
    rest: names
      .map((attributes) => attributes.filter((each) => !isCommonName(each)))
      .filter((attributes) => attributes.length > 0)
      .map((attributes) => attributes.map((each) => `${each.type} ${textOf(each)}`).sort()),
  };
}

function caProblems(leaf: Certificate): string[] {
  const usages = keyUsages(leaf);
  if (usages === undefined) return basicConstraints(leaf).isCa ? ['basicConstraints: it is a CA'] : [];
  const signs = usages.filter((usage) => usage === 'keyCertSign' || usage === 'cRLSign');
  return [
    ...(basicConstraints(leaf).isCa ? ['basicConstraints: it is a CA'] : []),
    ...signs.map((usage) => `keyUsage: ${usage} is for CAs only`),
    ...(usages.includes('digitalSignature') ? [] : ['keyUsage: digitalSignature is missing']),
  ];
}

/** Critical extensions that every reader supports. */
const knownCritical: ReadonlySet<string> = new Set([
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
  oids.basicConstraints,
  oids.certificatePolicies,
]);

/** RFC 5280 section 4.2: a reader must reject a certificate with an unknown critical extension. */
function criticalProblems({ extensions }: Certificate): string[] {
  return extensions
    .filter(({ oid, critical }) => critical && !knownCritical.has(oid))
    .map(
      ({ oid }) =>
        `the extension ${nameOfOid(oid)} is critical and was not declared, so readers may reject the certificate`,
    );
}
