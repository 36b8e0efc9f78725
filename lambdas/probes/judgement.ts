/** Judges what the addresses of an endpoint present. Pure. */
import { hash } from 'node:crypto';
import type { Certificate } from '../domain/certificate.ts';
import { count } from '../domain/count.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import { quote } from '../domain/quote.ts';
import { type Endpoint, type EndpointReport, type ServingWarning, silent } from '../domain/serving.ts';
import { subjectAltNames } from '../x509/general-names.ts';
import { type Anchors, isComplete, parsedChain } from './chain.ts';
import type { Presented } from './endpoint.ts';

export interface Terms {
  /** Of the certificate that is to be served: SHA-256 of its DER, in lowercase hex. */
  readonly fingerprint: string;
  /** Undefined: chains are not judged. */
  readonly anchors: Anchors | undefined;
  readonly now: Instant;
}

/** The judgement of one address. `skipped`: it says nothing about the server. */
interface Seen {
  readonly kind: 'served' | 'stale' | 'unreachable' | 'skipped';
  readonly address: string | undefined;
  readonly leaf: Certificate | undefined;
  readonly says: string;
  readonly warning?: string | undefined;
}

export interface JudgedEndpoint {
  readonly report: EndpointReport;
  readonly warnings: readonly ServingWarning[];
}

/**
 * Returns the report of one endpoint. The worst address decides. An address that this network has no way to counts only if it is the same
 * with all of them: an IPv6 address can't be probed from a network without IPv6.
 */
export function judgeEndpoint(endpoint: Endpoint, presented: readonly Presented[], terms: Terms): JudgedEndpoint {
  const all = presented.map((each) => judgeAddress(endpoint, each, terms));
  const of = (kind: Seen['kind']) => all.filter((each) => each.kind === kind);
  const [stale, unreachable, served, skipped] = [of('stale'), of('unreachable'), of('served'), of('skipped')];
  const bad = [...stale, ...unreachable];
  const state = stale.length > 0 ? 'stale' : bad.length > 0 || served.length === 0 ? 'unreachable' : 'served';
  const shown = (state === 'stale' ? stale : served).find(({ leaf }) => leaf !== undefined)?.leaf;
  return {
    report: {
      endpoint: endpoint.text,
      state,
      serialNumber: shown ? shortSerial(shown.serialNumber) : null,
      notAfter: shown ? formatInstant(shown.notAfter) : null,
      message: sentences([...bad, ...served, ...(bad.length > 0 ? [] : skipped)]),
    },
    warnings: warningsOf(endpoint, served),
  };
}

/** Findings and addresses that a message names. A name may have many addresses, and each another certificate. */
const mostNamed = 5;

/** One sentence for all addresses with the same finding. */
function sentences(all: readonly Seen[]): string {
  const groups = new Map<string, string[]>();
  for (const { says, address } of all) groups.set(says, [...(groups.get(says) ?? []), ...(address ? [address] : [])]);
  const told = [...groups].slice(0, mostNamed).map(([says, addresses]) => `${at(addresses)} ${says}.`);
  const more = groups.size - told.length;
  return [...told, ...(more > 0 ? [`${count(more, 'finding')} more.`] : [])].join(' ');
}

const at = (addresses: readonly string[]): string => (addresses.length === 0 ? 'It' : `At ${listed(addresses)} it`);

function listed(addresses: readonly string[]): string {
  const more = addresses.length - mostNamed;
  return [...addresses.slice(0, mostNamed), ...(more > 0 ? [`${more} more`] : [])].join(' and ');
}

function warningsOf({ text }: Endpoint, served: readonly Seen[]): readonly ServingWarning[] {
  const incomplete = served.filter(({ warning }) => warning !== undefined);
  const [first] = incomplete;
  if (first?.warning === undefined) return [];
  const addresses = listed(incomplete.flatMap(({ address }) => address ?? []));
  return [{ code: 'IncompleteChain', message: `${text} (${addresses}): ${first.warning}.` }];
}

function judgeAddress(endpoint: Endpoint, { address, outcome }: Presented, terms: Terms): Seen {
  if (!outcome.ok) {
    const kind = outcome.problem === 'noRoute' || outcome.problem === 'tooMany' ? 'skipped' : 'unreachable';
    return { kind, address, leaf: undefined, says: problems[outcome.problem](outcome.code) };
  }
  const [der, ...above] = outcome.certificates;
  if (der === undefined) return { kind: 'unreachable', address, leaf: undefined, says: problems.alert('none') };
  const [leaf] = parsedChain([der]);
  if (hash('sha256', der, 'hex') !== terms.fingerprint) {
    return { kind: 'stale', address, leaf, says: leaf ? otherSays(endpoint, leaf, terms.now) : unreadable };
  }
  const isWhole = leaf === undefined || !terms.anchors || isComplete(leaf, parsedChain(above), terms.anchors);
  const warning = isWhole ? undefined : incompleteSays;
  return { kind: 'served', address, leaf, says: 'presents the new certificate', warning };
}

const unreadable = 'presents a certificate that can’t be read: configure the server with the certificate of the secret';

const incompleteSays =
  'a client that has only the root can’t verify the certificate, because the server leaves out an intermediate certificate. Configure it with the whole chain';

function otherSays({ serverName }: Endpoint, leaf: Certificate, now: Instant): string {
  const ends = `${leaf.notAfter < now ? 'ended' : 'ends'} ${formatInstant(leaf.notAfter)}`;
  const which = `serial ${shortSerial(leaf.serialNumber)}, which ${ends}`;
  const names = namesOf(leaf);
  if (serverName !== undefined && !names.some((name) => covers(name, serverName))) {
    const found = names.length === 0 ? 'without a name' : `for ${quotedNames(names)}`;
    return `presents a certificate ${found} (${which}): configure the server with the certificate of the secret for the name ${serverName}, or correct the endpoint`;
  }
  return `presents another certificate (${which}): reload the server`;
}

function quotedNames(names: readonly string[]): string {
  const more = names.length - 3;
  return `${names.slice(0, 3).map(quote).join(', ')}${more > 0 ? ` and ${count(more, 'other name')}` : ''}`;
}

/** A serial number has 20 octets at most (RFC 5280 section 4.1.2.2), but a server may present any. */
const shortSerial = (serial: string): string => (serial.length > 40 ? `${serial.slice(0, 40)}…` : serial);

function namesOf(leaf: Certificate): readonly string[] {
  try {
    return subjectAltNames(leaf).map((name) => name.replace(/^(?:dns|ip):/, ''));
  } catch {
    return [];
  }
}

function covers(name: string, host: string): boolean {
  const lower = name.toLowerCase();
  if (lower === host) return true;
  return lower.startsWith('*.') && host.indexOf('.') > 0 && host.slice(host.indexOf('.')) === lower.slice(1);
}

const check = 'check that the server runs, and that the network of the probe (VPC, security groups) can reach it';

const log = 'see the log of the server';

/** What an address without a certificate did: a clause after "it". */
const problems: Record<(Presented['outcome'] & { ok: false })['problem'], (code: string) => string> = {
  timeout: (code) =>
    code === silent
      ? `accepts the connection and presents no certificate in time: ${log}, and check that the port expects TLS at once`
      : `does not answer in time: ${check}`,
  refused: () => 'refuses the connection, because nothing listens at the port: start the server, or correct the port',
  noRoute: (code) => `can’t be reached from the network of the probe (${code})`,
  closed: () => `closes the connection without a certificate: ${log}`,
  alert: (code) =>
    `refuses the TLS handshake and presents no certificate (${code}): configure the server with a certificate for this name`,
  notTls: (code) => `does not speak TLS 1.2 or 1.3 (${code}): correct the port, or configure TLS`,
  tooLarge: () =>
    'presents certificates that are larger than a client accepts: configure the server with the chain of the secret',
  failed: (code) =>
    `could not be probed, because the connection or the handshake failed (${code}): ${log}, and ${check}`,
  notAllowed: (reason) => `was not probed: ${reason}`,
  unresolved: (code) =>
    `has a name that can’t be resolved (${code}): correct the endpoint, or the DNS of the network of the probe`,
  tooMany: (more) => `has ${more} addresses more, which were not probed`,
};
