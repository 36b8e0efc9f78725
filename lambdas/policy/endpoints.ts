/**
 * Reads the tag `endpoints`, and judges by the configured `allow` where the probe may connect: a name or an address in the tag, and later each
 * address that a name resolves to. Pure.
 */
import { count } from '../domain/count.ts';
import { RenewalError } from '../domain/errors.ts';
import type { ProbeTerms } from '../domain/profile.ts';
import { quote } from '../domain/quote.ts';
import type { Endpoint } from '../domain/serving.ts';
import { tags } from '../domain/tags.ts';
import { parseIpv4, parseIpv6 } from '../x509/ip-address.ts';

export const mostEndpoints = 5;

/** What an endpoint looks like, for messages. */
export const endpointForm = 'expected host:port or host:port/servername, such as web.example.com:443';

const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
/** A host name. The last label has a letter: a resolver reads `127.1` or `0x7f.1` as an address. */
const hostName = new RegExp(`^(?=.{1,253}$)(?:${label}\\.)*(?![0-9]+$|0[xX])${label}$`);

/**
 * Parses one endpoint. An IPv6 address may be in brackets; AWS does not allow them in a tag, where the port follows the last colon.
 * Undefined for any other text.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [place = '', serverName, ...rest] = text.split('/');
  const colon = place.lastIndexOf(':');
  const port = place.slice(colon + 1);
  const bracketed = place.slice(0, Math.max(colon, 0));
  const host = bracketed.startsWith('[') && bracketed.endsWith(']') ? bracketed.slice(1, -1) : bracketed;
  if (rest.length > 0 || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) return undefined;
  if (serverName !== undefined && !hostName.test(serverName)) return undefined;
  const isAddress = octetsOf(host) !== undefined;
  if (!isAddress && (host !== bracketed || !hostName.test(host))) return undefined;
  const lower = host.toLowerCase();
  return {
    text,
    host: lower,
    isAddress,
    port: Number(port),
    serverName: serverName?.toLowerCase() ?? (isAddress ? undefined : lower),
  };
}

/** Returns the form of an endpoint for the tag. */
export const endpointInTag = (text: string): string => text.replace(/^\[([^\]]*)\]/, '$1');

/**
 * Reads the tag's value. `terms` are those of the profile; without them the stack probes nothing, and only the form is checked. Throws
 * InvalidTag.
 */
export function readEndpoints(value: string, terms: Pick<ProbeTerms, 'allow'> | undefined): readonly Endpoint[] {
  const texts = value.split(' ').filter((text) => text !== '');
  if (texts.length === 0 || texts.length > mostEndpoints) {
    throw invalid(`has ${count(texts.length, 'endpoint')}`, `expected 1 to ${mostEndpoints}, separated by spaces`);
  }
  return texts.map((text) => {
    const endpoint = parseEndpoint(text);
    if (endpoint === undefined) throw invalid(`contains ${quote(text)}`, endpointForm);
    const problem = terms && endpointProblem(endpoint, terms);
    if (problem !== undefined) throw invalid(`contains ${quote(text)}`, problem);
    return endpoint;
  });
}

function invalid(found: string, expected: string): RenewalError {
  return new RenewalError('InvalidTag', `The tag ${tags.endpoints} ${found}: ${expected}. Correct or remove it.`);
}

/** Returns why the probe may not connect to this endpoint, as far as its text shows. Undefined: it may. */
export function endpointProblem(
  { host, isAddress }: Endpoint,
  { allow }: Pick<ProbeTerms, 'allow'>,
): string | undefined {
  if (isAddress) return addressProblem(host, { allow, isNamed: false });
  const bases = allow.flatMap((entry) => (entry.startsWith('dns:') ? [entry.slice(4).toLowerCase()] : []));
  if (bases.some((base) => host === base || host.endsWith(`.${base}`))) return undefined;
  return `probe.allow of the stack does not contain ${host}. It contains ${list(allow)}`;
}

/**
 * Returns why the probe may not connect to an address. `isNamed`: a name that is allowed resolves to it, so the address itself need not be
 * in `allow`, unless it is one of this machine (loopback).
 */
export function addressProblem(
  address: string,
  { allow, isNamed }: { readonly allow: readonly string[]; readonly isNamed: boolean },
): string | undefined {
  const octets = octetsOf(address);
  if (octets === undefined) return `${quote(address)} is not an address`;
  const never = neverAllowed.find(({ range }) => contains(range, octets));
  if (never) return `${address} is ${never.what}, where the probe never connects`;
  const ranges = allow.flatMap((entry) => (entry.startsWith('ip:') ? (rangeOf(entry.slice(3)) ?? []) : []));
  const isLoopback = loopback.some((range) => contains(range, octets));
  if (isLoopback) {
    if (ranges.some((range) => contains(range, octets) && isWithinLoopback(range))) return undefined;
    return `${address} is a loopback address. probe.allow needs a range within 127.0.0.0/8, or ::1, for it`;
  }
  if (isNamed || ranges.some((range) => contains(range, octets))) return undefined;
  return `probe.allow of the stack does not contain the address ${address}. It contains ${list(allow)}`;
}

/** Returns whether an entry of `allow` is valid: `dns:` and a name, or `ip:` and an address with or without a prefix length. */
export function isAllowEntry(entry: string): boolean {
  if (entry.startsWith('dns:')) return hostName.test(entry.slice(4));
  return entry.startsWith('ip:') && rangeOf(entry.slice(3)) !== undefined;
}

const list = (allow: readonly string[]): string =>
  allow.length > 5 ? `${allow.slice(0, 5).join(', ')} and ${allow.length - 5} more` : allow.join(', ');

// ---- Addresses -----------------------------------------------------------------------------------------------------

interface Range {
  readonly octets: readonly number[];
  /** Length of the prefix. */
  readonly bits: number;
}

/**
 * Returns the octets of an address. An IPv6 address that stands for an IPv4 one counts as that one: mapped (::ffff:0:0/96), translated
 * (64:ff9b::/96, RFC 6052; ::ffff:0:0:0/96, RFC 2765), 6to4 (2002::/16) and the obsolete compatible ones (::/96, but not :: and ::1).
 */
function octetsOf(text: string): readonly number[] | undefined {
  const v4 = parseIpv4(text);
  if (v4) return v4;
  const dotted = /^(.*:)(\d{1,3}(?:\.\d{1,3}){3})$/.exec(text);
  const [a, b, c, d] = parseIpv4(dotted?.[2] ?? '') ?? [];
  if (dotted && (a === undefined || b === undefined || c === undefined || d === undefined)) return undefined;
  const hex = (high = 0, low = 0) => ((high << 8) | low).toString(16);
  const v6 = parseIpv6(dotted ? `${dotted[1]}${hex(a, b)}:${hex(c, d)}` : text);
  if (v6 === undefined) return undefined;
  const last = v6.slice(12);
  if (embedding.some((range) => contains(range, v6))) return last;
  if (v6[0] === 0x20 && v6[1] === 0x02) return v6.slice(2, 6);
  const isCompatible = v6.slice(0, 12).every((octet) => octet === 0) && last.slice(0, 3).some((octet) => octet !== 0);
  return isCompatible ? last : v6;
}

function rangeOf(text: string): Range | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const octets = parseIpv4(address) ?? parseIpv6(address);
  if (octets === undefined || rest.length > 0) return undefined;
  const most = octets.length * 8;
  if (length === undefined) return { octets, bits: most };
  const bits = Number(length);
  if (!/^\d{1,3}$/.test(length) || bits > most) return undefined;
  return { octets, bits };
}

function contains({ octets, bits }: Range, address: readonly number[]): boolean {
  if (octets.length !== address.length) return false;
  return octets.every((octet, index) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))) & 0xff;
    return ((octet ^ (address[index] ?? 0)) & mask) === 0;
  });
}

const range = (text: string): Range => rangeOf(text) ?? { octets: [], bits: 0 };

const embedding = [range('::ffff:0:0/96'), range('64:ff9b::/96'), range('::ffff:0:0:0/96')];
const loopback = [range('127.0.0.0/8'), range('::1/128')];

/** A range such as 0.0.0.0/0 does not mean this machine. */
function isWithinLoopback({ octets, bits }: Range): boolean {
  return loopback.some((each) => bits >= each.bits && contains(each, octets));
}

/**
 * Link-local (RFC 3927, RFC 4291) holds the credentials of AWS: instance metadata at 169.254.169.254 and fd00:ec2::254, and those of tasks
 * at 169.254.170.2. "This host" (0.0.0.0, ::) reaches loopback.
 */
const neverAllowed: readonly { readonly range: Range; readonly what: string }[] = [
  { range: range('169.254.0.0/16'), what: 'link-local' },
  { range: range('fe80::/10'), what: 'link-local' },
  { range: range('fd00:ec2::/32'), what: 'an address of AWS metadata' },
  { range: range('0.0.0.0/8'), what: 'no address of a server' },
  { range: range('::/128'), what: 'no address of a server' },
  { range: range('224.0.0.0/4'), what: 'a multicast address' },
  // RFC 8215: each network decides which IPv4 address this is.
  { range: range('64:ff9b:1::/48'), what: 'a translated address of a local network' },
  { range: range('ff00::/8'), what: 'a multicast address' },
  { range: range('255.255.255.255/32'), what: 'a broadcast address' },
];
