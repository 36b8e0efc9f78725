/** Name constraints (RFC 5280 section 4.2.1.10): the names that a CA may issue for. */
import type { Certificate } from '../domain/certificate.ts';
import { contextTag, DerReader, malformed, sequenceOf, tags } from './der.ts';
import { findExtension } from './extensions.ts';
import {
  alternativeNames,
  asciiText,
  type GeneralName,
  type GeneralNameKind,
  readGeneralName,
} from './general-names.ts';
import { type Attribute, type RelativeName, relativeNames } from './names.ts';
import { oids } from './oids.ts';
import { decodeString, hex, sameBytes } from './strings.ts';

const what = 'the nameConstraints extension';

interface Constraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** Names times subtrees. Go draws the line there too: beyond it somebody wants to keep us busy. */
const mostComparisons = 250_000;

/**
 * Why `issuer`'s name constraints don't let it stand above `certificate`, or undefined when they do. A constraint on a
 * kind of name that is not judged here (otherName, registeredID …) forbids every name of that kind, as section 4.2.1.10
 * demands of those who don't process it. Throws InvalidCertificate for constraints that can't be read.
 */
export function nameConstraintProblem(issuer: Certificate, certificate: Certificate): string | undefined {
  const extension = findExtension(issuer, oids.nameConstraints);
  if (extension === undefined) return undefined;
  const { permitted, excluded } = readConstraints(extension.value);
  const names = constrainedNames(certificate);
  if (names.length * (permitted.length + excluded.length) > mostComparisons) return 'too many names and constraints';
  for (const name of names) {
    const within = (base: GeneralName) => base.kind === name.kind && isWithin(name, base) !== false;
    // What can't be told (undefined) is outside of what is permitted, and inside of what is excluded.
    const surely = (base: GeneralName) => isWithin(name, base) === true;
    const own = permitted.filter(({ kind }) => kind === name.kind);
    if (own.length > 0 && !own.some(surely)) return `a name of kind ${name.kind} outside of what is permitted`;
    if (excluded.some((base) => within(base) || coversExcluded(name, base))) {
      return `a name of kind ${name.kind} that is excluded`;
    }
  }
  return undefined;
}

function readConstraints(value: Uint8Array): Constraints {
  const fields = sequenceOf(value, what);
  const permitted = fields.optional(contextTag(0, true));
  const excluded = fields.optional(contextTag(1, true));
  fields.end();
  return {
    permitted: permitted === undefined ? [] : readSubtrees(new DerReader(permitted.value, what)),
    excluded: excluded === undefined ? [] : readSubtrees(new DerReader(excluded.value, what)),
  };
}

/** RFC 5280 knows no minimum but 0 and no maximum. */
function readSubtrees(reader: DerReader): GeneralName[] {
  const bases: GeneralName[] = [];
  while (!reader.done) {
    const subtree = reader.enter(tags.sequence);
    const base = readGeneralName(subtree, what);
    subtree.end();
    if (base.kind === 'ip' && base.value.length !== 8 && base.value.length !== 32) {
      throw malformed(what, `holds an IP range of ${base.value.length} octets`);
    }
    bases.push(base);
  }
  return bases;
}

/** Its alternative names, its subject, and the subject's e-mail addresses where no alternative name is one. */
function constrainedNames({ subject, extensions }: Certificate): GeneralName[] {
  const names = alternativeNames({ extensions });
  const relative = relativeNames(subject);
  if (relative.length > 0) names.push({ kind: 'directoryName', value: subject });
  if (!names.some(({ kind }) => kind === 'email')) {
    const addresses = relative.flat().filter(({ type }) => type === oids.emailAddress);
    names.push(...addresses.map(({ value }): GeneralName => ({ kind: 'email', value: value.value })));
  }
  return names;
}

/** Whether the name lies in the subtree; undefined when that can't be told. */
type Judge = (name: Uint8Array, base: Uint8Array) => boolean | undefined;

const judges: Partial<Record<GeneralNameKind, Judge>> = {
  dns: (name, base) => isUnder(hostName(name), hostName(base), true),
  email: isMailboxWithin,
  uri: isUriWithin,
  ip: isAddressWithin,
  directoryName: isNameWithin,
};

function isWithin(name: GeneralName, base: GeneralName): boolean | undefined {
  return judges[name.kind]?.(name.value, base.value);
}

function hostName(octets: Uint8Array): string {
  return asciiText(octets).toLowerCase().replace(/\.$/, '');
}

/** A base that starts with a period takes subdomains only; '' takes everything. */
function isUnder(host: string, base: string, subdomains: boolean): boolean {
  if (base === '') return true;
  if (base.startsWith('.')) return host.endsWith(base);
  return host === base || (subdomains && host.endsWith(`.${base}`));
}

/** `*.example.com` stands for the excluded `www.example.com` too, although it does not lie under it. */
function coversExcluded(name: GeneralName, base: GeneralName): boolean {
  if (name.kind !== 'dns' || base.kind !== 'dns') return false;
  const [label = '', ...parent] = hostName(name.value).split('.');
  const [, ...parentOfBase] = hostName(base.value).replace(/^\./, '').split('.');
  return label.includes('*') && parent.join('.') === parentOfBase.join('.');
}

/** A base is one mailbox, the mailboxes of one host, or with a leading period those of the hosts below it. */
function isMailboxWithin(name: Uint8Array, base: Uint8Array): boolean | undefined {
  const [mailbox, constraint] = [asciiText(name), asciiText(base)];
  const at = mailbox.lastIndexOf('@');
  if (at <= 0 || at === mailbox.length - 1) return undefined;
  const host = mailbox.slice(at + 1).toLowerCase();
  const baseAt = constraint.lastIndexOf('@');
  if (baseAt === -1) return isUnder(host, constraint.toLowerCase(), false);
  return mailbox.slice(0, at) === constraint.slice(0, baseAt) && host === constraint.slice(baseAt + 1).toLowerCase();
}

const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:[\]]+)(?::\d*)?(?:[/?#]|$)/i;

/** The base is a host, or with a leading period the hosts below it. Addresses and URIs without a host can't be judged. */
function isUriWithin(name: Uint8Array, base: Uint8Array): boolean | undefined {
  const host = authority.exec(asciiText(name))?.[1]?.toLowerCase().replace(/\.$/, '');
  if (host === undefined || /^[\d.]+$/.test(host)) return undefined;
  return isUnder(host, asciiText(base).toLowerCase(), false);
}

/** The base is an address and its mask. */
function isAddressWithin(name: Uint8Array, base: Uint8Array): boolean {
  const { length } = name;
  return (
    base.length === 2 * length &&
    name.every((octet, i) => {
      const mask = base[length + i] ?? 0xff;
      return (octet & mask) === ((base[i] ?? 0) & mask);
    })
  );
}

/** The base's RDNs are the first ones of the name. */
function isNameWithin(name: Uint8Array, base: Uint8Array): boolean {
  const names = relativeNames(name);
  return relativeNames(base).every((rdn, i) => {
    const own = names[i];
    return own !== undefined && isSameRdn(own, rdn);
  });
}

function isSameRdn(a: RelativeName, b: RelativeName): boolean {
  return a.length === b.length && a.every((one) => b.some((other) => isSameAttribute(one, other)));
}

/** Section 7.1: the type of string, letter case and runs of spaces don't count. */
function isSameAttribute(a: Attribute, b: Attribute): boolean {
  if (a.type !== b.type) return false;
  return sameBytes(a.value.bytes, b.value.bytes) || prepared(a) === prepared(b);
}

function prepared({ value }: Attribute): string {
  const text = decodeString(value);
  if (text === undefined) return `#${hex(value.bytes)}`;
  return `"${text.normalize('NFKC').toLowerCase().trim().split(/\s+/).join(' ')}`;
}
