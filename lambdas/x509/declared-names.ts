/** Reads declared names: which ones RFC 5280 section 4.2.1.6 allows, and in which form they are written. */
import { domainToASCII, domainToUnicode } from 'node:url';
import { formatIp, type GeneralName } from './general-names.ts';
import { parseIpv4, parseIpv6 } from './ip-address.ts';

export type NameKind = 'dns' | 'ip' | 'email' | 'uri';

/** `text`: the kind, a colon and the value, in the form of subjectAltNames. */
export type ReadName = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

const name = (kind: NameKind, value: string): ReadName => ({ ok: true, text: `${kind}:${value}` });
const problem = (found: string): ReadName => ({ ok: false, problem: found });

const readers: Readonly<Record<NameKind, (value: string) => ReadName>> = {
  dns: readDnsName,
  ip: readAddress,
  email: readMailbox,
  uri: readUri,
};

/** Reads a declared name. `problem` says what was found and what is expected, without quoting the value. */
export function readDeclaredName(kind: NameKind, value: string): ReadName {
  return readers[kind](value);
}

/** Returns the GeneralName of a text from readDeclaredName. Throws TypeError for any other text. */
export function generalNameOf(text: string): GeneralName {
  const colon = text.indexOf(':');
  const [kind, value] = [text.slice(0, colon), text.slice(colon + 1)];
  if (kind === 'ip') {
    const octets = addressOctets(value);
    if (octets) return { kind, value: octets };
  } else if (kind === 'dns' || kind === 'email' || kind === 'uri') return { kind, value: Buffer.from(value, 'latin1') };
  throw new TypeError(`not a name of a known kind: ${kind}`);
}

/** The preferred name syntax (RFC 1034 section 3.5, RFC 1123 section 2.1); international labels as A-labels (RFC 5890). */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function readDnsName(value: string): ReadName {
  const host = value.toLowerCase();
  const bare = host.startsWith('*.') ? host.slice(2) : host;
  const found = hostProblem(bare);
  if (found !== undefined) return problem(found);
  return host.length > 253 ? problem('it has more than 253 characters') : name('dns', host);
}

/** Returns why a text is not a host name for a certificate; undefined if it is one. `host` is in lower case, without a wildcard. */
function hostProblem(host: string): string | undefined {
  if (/[^\0-\x7f]/.test(host)) {
    const ascii = domainToASCII(host);
    return `it has characters that are not ASCII: expected A-labels${ascii === '' ? '' : `, ${ascii}`}`;
  }
  if (host.includes('*')) return 'a wildcard is allowed only as the whole first label, as in *.example.com';
  if (parseIpv4(host) || parseIpv6(host)) return 'it is an IP address: expected it in ipAddresses';
  const labels = host.split('.');
  if (labels.includes('')) return 'it has an empty label, or a period at its start or end';
  if (!labels.every((each) => label.test(each))) {
    return 'expected labels of letters, digits and hyphens, 63 characters at most, without a hyphen at either end';
  }
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'its last label is a number, so readers would take it for an address';
  const odd = labels.find((each) => each.startsWith('xn--') && !isALabel(each));
  return odd === undefined ? undefined : 'it has a label that begins with xn-- but is not an A-label';
}

/** Whether an A-label survives the conversion to Unicode and back. Others are rejected. */
function isALabel(text: string): boolean {
  const unicode = domainToUnicode(text);
  return unicode !== '' && unicode !== text && domainToASCII(unicode) === text;
}

function addressOctets(value: string): Uint8Array | undefined {
  const dotted = /^::ffff:(\d[\d.]*)$/i.exec(value)?.[1];
  const mapped = dotted === undefined ? undefined : parseIpv4(dotted);
  if (mapped) return Uint8Array.from([...Array<number>(10).fill(0), 0xff, 0xff, ...mapped]);
  const octets = parseIpv4(value) ?? parseIpv6(value);
  return octets && Uint8Array.from(octets);
}

function readAddress(value: string): ReadName {
  const octets = addressOctets(value);
  if (octets) return name('ip', formatIp(octets));
  return problem('expected an IPv4 address such as 192.0.2.1 or an IPv6 address such as 2001:db8::1, not a range');
}

const dotAtom = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/** Reads an e-mail address (RFC 5280 section 7.5): the local part keeps its case, the host is in lower case. */
function readMailbox(value: string): ReadName {
  const [mailbox = '', host = '', ...rest] = value.split('@');
  if (rest.length > 0 || host === '' || mailbox.length > 64 || !dotAtom.test(mailbox)) {
    return problem('expected an address such as ops@example.com, in ASCII');
  }
  const found = hostProblem(host.toLowerCase());
  return found === undefined ? name('email', `${mailbox}@${host.toLowerCase()}`) : problem(`its host: ${found}`);
}

/** Reads a URI (RFC 5280 section 4.2.1.6): absolute and, if it has an authority, with a host in it. */
function readUri(value: string): ReadName {
  const expected = 'expected an absolute URI such as spiffe://example.com/web or urn:uuid:…, in visible ASCII';
  if (!/^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value) || /["<>\\^`{|}]|%(?![0-9A-Fa-f]{2})/.test(value)) {
    return problem(expected);
  }
  const [, scheme = '', rest = ''] = /^([^:]+):(.*)$/.exec(value) ?? [];
  const text = `${scheme.toLowerCase()}:${rest}`; // RFC 3986 section 6.2.2.1, as CAs write it
  const authority = /^\/\/([^/?#]*)/.exec(rest)?.[1];
  if (authority === undefined) return name('uri', text);
  const [, host = ''] = /^(?:[^@]*@)?(\[[^\]]*\]|[^:[\]]*)(?::\d*)?$/.exec(authority) ?? [];
  const isHost = host.startsWith('[')
    ? parseIpv6(host.slice(1, -1))
    : (parseIpv4(host) ?? hostProblem(host.toLowerCase()) === undefined);
  return isHost && host !== '' ? name('uri', text) : problem(`it has no host after ${scheme}://: ${expected}`);
}
