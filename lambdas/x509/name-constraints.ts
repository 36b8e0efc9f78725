/** Name constraints (RFC 5280 section 4.2.1.10): the names that a CA may issue for. */

import { ElementReader, malformed, readSequence } from '../asn1/reader.ts';
import { contextTag, tags } from '../asn1/tags.ts';
import type { Certificate } from '../domain/certificate.ts';
import { findExtension } from './extensions.ts';
import {
  alternativeNames,
  asciiText,
  type GeneralName,
  type GeneralNameKind,
  readGeneralName,
} from './general-names.ts';
import { comparableName, relativeNames } from './names.ts';
import { oids } from './oids.ts';

const what = 'the nameConstraints extension';

/** A name or the base of a subtree, read once however often it is compared. */
interface Comparable {
  readonly kind: GeneralNameKind;
  /** Of an address, or an address and its mask. */
  readonly octets: Uint8Array;
  /** A host in lowercase, or a directory name; undefined for a name that is not what its kind wants. */
  readonly text: string | undefined;
  /** Of an e-mail address, before the `@`. */
  readonly mailbox?: string;
  /** What stands behind the first label of a host: of a base, and of a name that starts with a wildcard. */
  readonly parent?: string | undefined;
}

interface Constraints {
  readonly permitted: readonly Comparable[];
  readonly excluded: readonly Comparable[];
}

/** Names times subtrees, for all pairs of a search. Go draws the line there too: beyond it somebody wants to keep us busy. */
const mostComparisons = 250_000;

/**
 * Judges pairs of certificates, each once. What is compared is counted over all of them, and a pair that there is no
 * room for any more is refused: a chain from outside can't make the search expensive.
 */
export class NameConstraints {
  #left = mostComparisons;
  readonly #constraints = new Map<Certificate, Constraints | undefined>();
  readonly #names = new Map<Certificate, readonly Comparable[]>();
  readonly #problems = new Map<Certificate, Map<Certificate, string | undefined>>();

  /** The issuer's own; undefined without the extension. Throws InvalidCertificate for what can't be read or is empty. */
  of(issuer: Certificate): Constraints | undefined {
    return remembered(this.#constraints, issuer, () => {
      const extension = findExtension(issuer, oids.nameConstraints);
      return extension && readConstraints(extension.value);
    });
  }

  /**
   * Why `issuer`'s name constraints don't let it stand above `certificate`, or undefined when they do. A constraint on a
   * kind of name that is not judged here (otherName, registeredID …) forbids every name of that kind, as section 4.2.1.10
   * demands of those who don't process it. Throws InvalidCertificate for constraints that can't be read.
   */
  problem(issuer: Certificate, certificate: Certificate): string | undefined {
    const constraints = this.of(issuer);
    if (constraints === undefined) return undefined;
    const known = remembered(this.#problems, issuer, () => new Map<Certificate, string | undefined>());
    return remembered(known, certificate, () => this.#judge(constraints, certificate));
  }

  #judge({ permitted, excluded }: Constraints, certificate: Certificate): string | undefined {
    const names = remembered(this.#names, certificate, () => constrainedNames(certificate).map(comparable));
    const comparisons = names.length * (permitted.length + excluded.length);
    if (comparisons > this.#left) return 'too many names and constraints';
    this.#left -= comparisons;
    for (const name of names) {
      const found = nameProblem(name, { permitted, excluded });
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function nameProblem(name: Comparable, { permitted, excluded }: Constraints): string | undefined {
  const own = permitted.filter(({ kind }) => kind === name.kind);
  // What can't be told (undefined) is outside of what is permitted, and inside of what is excluded.
  if (own.length > 0 && !own.some((base) => isWithin(name, base) === true)) {
    return `a name of kind ${name.kind} outside of what is permitted`;
  }
  const isExcluded = (base: Comparable) => isWithin(name, base) !== false || coversExcluded(name, base);
  if (excluded.some((base) => base.kind === name.kind && isExcluded(base))) {
    return `a name of kind ${name.kind} that is excluded`;
  }
  return undefined;
}

/**
 * Why a CA with these constraints may not issue for the name, or undefined when it may. Bases: DER of a GeneralName each
 * (constraintBase).
 */
export function constraintProblem(
  name: GeneralName,
  { permitted, excluded }: { readonly permitted: readonly Uint8Array[]; readonly excluded: readonly Uint8Array[] },
): string | undefined {
  return nameProblem(comparable(name), { permitted: readBases(permitted), excluded: readBases(excluded) });
}

const readBases = (bases: readonly Uint8Array[]): readonly Comparable[] =>
  bases.map((base) => comparableBase(readGeneralName(new ElementReader(base, what), what)));

/**
 * Whether a name lies within one of these subtrees, by the rules above. `bases`: DER of a GeneralName each (constraintBase). False
 * for a kind of name that no base has, and for what can't be told.
 */
export function isWithinAny(name: GeneralName, bases: readonly Uint8Array[]): boolean {
  const own = comparable(name);
  return readBases(bases).some((base) => base.kind === own.kind && isWithin(own, base) === true);
}

function remembered<Key, Value>(known: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = known.get(key);
  if (value !== undefined || known.has(key)) return value as Value;
  const made = make();
  known.set(key, made);
  return made;
}

function readConstraints(value: Uint8Array): Constraints {
  const fields = readSequence(value, what);
  const permitted = fields.optional(contextTag(0, true));
  const excluded = fields.optional(contextTag(1, true));
  fields.end();
  if (permitted === undefined && excluded === undefined) throw malformed(what, 'is empty');
  return {
    permitted: permitted === undefined ? [] : readSubtrees(new ElementReader(permitted.value, what)),
    excluded: excluded === undefined ? [] : readSubtrees(new ElementReader(excluded.value, what)),
  };
}

/** RFC 5280 knows no empty list, no minimum but 0 and no maximum. */
function readSubtrees(reader: ElementReader): Comparable[] {
  if (reader.done) throw malformed(what, 'holds an empty list');
  const bases: Comparable[] = [];
  while (!reader.done) {
    const subtree = reader.enter(tags.sequence);
    const base = readGeneralName(subtree, what);
    subtree.end();
    if (base.kind === 'ip' && base.value.length !== 8 && base.value.length !== 32) {
      throw malformed(what, `holds an IP range of ${base.value.length} octets`);
    }
    bases.push(comparableBase(base));
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

function comparable({ kind, value }: GeneralName): Comparable {
  switch (kind) {
    case 'dns': {
      // A period at the end is an empty label too: RFC 5280 section 4.2.1.6 has no absolute names, and OpenSSL refuses them.
      const name = asciiText(value).toLowerCase();
      const text = name.split('.').includes('') ? undefined : name;
      return { kind, octets: value, text, parent: text && wildcardParent(text) };
    }
    case 'email': {
      const [mailbox, host] = splitAddress(asciiText(value));
      return { kind, octets: value, text: mailbox ? hostOf(host) : undefined, mailbox };
    }
    case 'uri':
      return { kind, octets: value, text: hostOfUri(asciiText(value)) };
    case 'directoryName':
      return { kind, octets: value, text: comparableName(value) };
    default:
      return { kind, octets: value, text: undefined };
  }
}

/** A base may be a part of a name: a domain with a leading period, a host without a mailbox, nothing at all. */
function comparableBase({ kind, value }: GeneralName): Comparable {
  switch (kind) {
    case 'dns': {
      const text = withoutRoot(asciiText(value));
      return { kind, octets: value, text, parent: text.replace(/^\.?[^.]*\.?/, '') };
    }
    case 'email': {
      const text = asciiText(value).toLowerCase();
      if (!text.includes('@')) return { kind, octets: value, text };
      return comparable({ kind, value });
    }
    case 'uri':
      return { kind, octets: value, text: asciiText(value).toLowerCase() };
    default:
      return comparable({ kind, value });
  }
}

function wildcardParent(host: string): string | undefined {
  const [label = '', ...parent] = host.split('.');
  return label.includes('*') ? parent.join('.') : undefined;
}

function withoutRoot(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** Undefined for what has an empty label: readers would not agree on where it lies. */
function hostOf(text: string): string | undefined {
  const host = withoutRoot(text);
  return host.split('.').includes('') ? undefined : host;
}

/** At the only `@`; only a quoted mailbox may hold more of them (RFC 5321 section 4.1.2). Both '' for anything else. */
function splitAddress(address: string): [mailbox: string, host: string] {
  const [, mailbox = '', host = ''] = /^([^@"]*|"(?:[^"\\]|\\.)*")@([^@]*)$/.exec(address) ?? [];
  return [mailbox, host];
}

const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:[\]]+)(?::\d*)?(?:[/?#]|$)/i;

/** Addresses and URIs without a host can't be judged. */
function hostOfUri(uri: string): string | undefined {
  const host = hostOf(authority.exec(uri)?.[1] ?? '');
  return host === undefined || /^[\d.]+$/.test(host) ? undefined : host;
}

/** Whether the name lies in the subtree of its kind; undefined when that can't be told. */
function isWithin(name: Comparable, base: Comparable): boolean | undefined {
  if (name.kind === 'ip') return isAddressWithin(name.octets, base.octets);
  if (name.text === undefined || base.text === undefined) return undefined;
  switch (name.kind) {
    case 'dns':
      return isUnder(name.text, base.text, true);
    case 'uri':
      return isUnder(name.text, base.text, false);
    case 'email': // a base is one mailbox, the mailboxes of one host, or with a leading period those of the hosts below it
      if (base.mailbox !== undefined) return name.mailbox === base.mailbox && name.text === base.text;
      return isUnder(name.text, base.text, false);
    default: // a directory: the base's RDNs are the first ones of the name
      return name.text.startsWith(base.text);
  }
}

/** A base that starts with a period takes subdomains only; '' takes everything. */
function isUnder(host: string, base: string, subdomains: boolean): boolean {
  if (base === '') return true;
  if (base.startsWith('.')) return host.endsWith(base);
  return host === base || (subdomains && host.endsWith(`.${base}`));
}

/** `*.example.com` stands for the excluded `www.example.com` too, although it does not lie under it. */
function coversExcluded(name: Comparable, base: Comparable): boolean {
  return name.kind === 'dns' && name.parent !== undefined && name.parent === base.parent;
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
