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

/** A name or the base of a subtree, prepared for comparison. */
interface Comparable {
  readonly kind: GeneralNameKind;
  /** The octets of the value: for ip an address, or an address and its mask. */
  readonly octets: Uint8Array;
  /** A host in lower case, or a directory name. Undefined for a name that is not valid for its kind. */
  readonly text: string | undefined;
  /** The part of an e-mail address before the `@`. */
  readonly mailbox?: string;
  /** A host without its first label: of a base, and of a name with a wildcard. */
  readonly parent?: string | undefined;
}

interface Constraints {
  readonly permitted: readonly Comparable[];
  readonly excluded: readonly Comparable[];
}

/** Limit of comparisons (names times subtrees) of a search, as in Go. Only a hostile chain needs more. */
const mostComparisons = 250_000;

/**
 * Checks pairs of certificates, each once. It counts the comparisons of all pairs and rejects a pair that exceeds the limit, so that a
 * chain from outside can't make the search expensive.
 */
export class NameConstraints {
  #left = mostComparisons;
  readonly #constraints = new Map<Certificate, Constraints | undefined>();
  readonly #names = new Map<Certificate, readonly Comparable[]>();
  readonly #problems = new Map<Certificate, Map<Certificate, string | undefined>>();

  /** Returns the issuer's constraints; undefined without the extension. Throws InvalidCertificate if they can't be read or are empty. */
  of(issuer: Certificate): Constraints | undefined {
    return remembered(this.#constraints, issuer, () => {
      const extension = findExtension(issuer, oids.nameConstraints);
      return extension && readConstraints(extension.value);
    });
  }

  /**
   * Returns why `issuer`'s name constraints don't allow `certificate`; undefined if they do. A constraint on a kind of name that is not
   * supported here (otherName, registeredID …) forbids all names of that kind, as section 4.2.1.10 requires. Throws InvalidCertificate for
   * constraints that can't be read.
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
  // If it is unknown (undefined), the name counts as not permitted, and as excluded.
  if (own.length > 0 && !own.some((base) => isWithin(name, base) === true)) {
    return `a name of kind ${name.kind} that is not permitted`;
  }
  const isExcluded = (base: Comparable) => isWithin(name, base) !== false || coversExcluded(name, base);
  if (excluded.some((base) => base.kind === name.kind && isExcluded(base))) {
    return `a name of kind ${name.kind} that is excluded`;
  }
  return undefined;
}

/**
 * Returns why a CA with these constraints can't issue for a name; undefined if it can. Each base is the DER of a GeneralName
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
 * Whether a name is within one of these subtrees. Each base is the DER of a GeneralName (constraintBase). False for a kind of name without
 * a base, and if it is unknown.
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

/** Reads subtrees. RFC 5280 allows no empty list, no minimum except 0, and no maximum. */
function readSubtrees(reader: ElementReader): Comparable[] {
  if (reader.done) throw malformed(what, 'contains an empty list');
  const bases: Comparable[] = [];
  while (!reader.done) {
    const subtree = reader.enter(tags.sequence);
    const base = readGeneralName(subtree, what);
    subtree.end();
    if (base.kind === 'ip' && base.value.length !== 8 && base.value.length !== 32) {
      throw malformed(what, `contains an IP range of ${base.value.length} octets`);
    }
    bases.push(comparableBase(base));
  }
  return bases;
}

/**
 * Returns the names that constraints apply to: the alternative names, the subject and, if no alternative name is an e-mail address, the
 * subject's e-mail addresses.
 */
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
      // A period at the end is an empty label too: RFC 5280 section 4.2.1.6 has no absolute names, and OpenSSL rejects them.
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

/** Prepares a base. It may be part of a name: a domain with a leading period, a host without a mailbox, or an empty text. */
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

/** Returns a host; undefined if it has an empty label, because readers disagree about such a name. */
function hostOf(text: string): string | undefined {
  const host = withoutRoot(text);
  return host.split('.').includes('') ? undefined : host;
}

/**
 * Splits an address at its only `@`. Only a quoted mailbox may contain others (RFC 5321 section 4.1.2). Both parts are '' for any other
 * text.
 */
function splitAddress(address: string): [mailbox: string, host: string] {
  const [, mailbox = '', host = ''] = /^([^@"]*|"(?:[^"\\]|\\.)*")@([^@]*)$/.exec(address) ?? [];
  return [mailbox, host];
}

const authority = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#@:[\]]+)(?::\d*)?(?:[/?#]|$)/i;

/** Returns the host of a URI; undefined for an IP address and without a host, because they can't be compared. */
function hostOfUri(uri: string): string | undefined {
  const host = hostOf(authority.exec(uri)?.[1] ?? '');
  return host === undefined || /^[\d.]+$/.test(host) ? undefined : host;
}

/** Whether a name is in a subtree of its kind; undefined if it is unknown. */
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

/** Whether a host is under a base. A base that begins with a period includes only subdomains; '' includes everything. */
function isUnder(host: string, base: string, subdomains: boolean): boolean {
  if (base === '') return true;
  if (base.startsWith('.')) return host.endsWith(base);
  return host === base || (subdomains && host.endsWith(`.${base}`));
}

/** Whether a wildcard includes an excluded name: `*.example.com` includes `www.example.com`, although it is not under it. */
function coversExcluded(name: Comparable, base: Comparable): boolean {
  return name.kind === 'dns' && name.parent !== undefined && name.parent === base.parent;
}

/** Whether an address is in a range. The base is an address and its mask. */
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
