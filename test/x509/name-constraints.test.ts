import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { NameConstraints } from '../../lambdas/x509/name-constraints.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { golden } from './golden.ts';
import * as make from './issue.ts';
import { directory, dns, email, ip, issue, otherName, party, subjectAltName, uri } from './issue.ts';

const ca = party('CA');
const C = (text: string) => d.setOf(make.attribute('2.5.4.6', make.text('printableString', make.ascii(text))));
const O = (text: string, encode = d.utf8String) => d.setOf(make.attribute('2.5.4.10', encode(text)));
const OU = (text: string) => d.setOf(make.attribute('2.5.4.11', d.utf8String(text)));
/** An RDN of two attributes. */
const CO = (country: string, organization: string) =>
  d.setOf(
    make.attribute('2.5.4.6', make.text('printableString', make.ascii(country))),
    make.attribute('2.5.4.10', d.utf8String(organization)),
  );
/** A SET OF is sorted by its encodings, and a longer one comes later. */
const country = make.attribute('2.5.4.6', make.text('printableString', make.ascii('CH')));
const oneLetter = (value: Uint8Array) => make.attribute('2.5.4.10', value);
const number = (value: number) => O('', () => d.integer(value));
const mailAttribute = (text: string) =>
  d.setOf(make.attribute(oids.emailAddress, make.text('ia5String', make.ascii(text))));
const printable = (text: string) => make.text('printableString', make.ascii(text));

function constraints(permitted: Uint8Array[], excluded: Uint8Array[]) {
  const subtrees = (number: number, bases: Uint8Array[]) =>
    bases.length === 0 ? [] : [d.context(number, ...bases.map((base) => d.sequence(base)))];
  const value = d.sequence(...subtrees(0, permitted), ...subtrees(1, excluded));
  return issue(ca, ca, { extensions: [make.extension(oids.nameConstraints, value, true)] });
}

const holding = (...names: Uint8Array[]) =>
  issue(ca, party(''), { extensions: names.length > 0 ? [subjectAltName(...names)] : [] });
const named = (...rdns: Uint8Array[]) => issue(ca, { ...ca, name: d.sequence(...rdns) }, { extensions: [] });

function nameConstraintProblem(issuer: Certificate, certificate: Certificate): string | undefined {
  return new NameConstraints().problem(issuer, certificate);
}

describe('inside a permitted subtree', () => {
  const table: [what: string, base: Uint8Array, name: Uint8Array, inside: boolean][] = [
    ['the host', dns('example.org'), dns('example.org'), true],
    ['a host below', dns('example.org'), dns('a.b.Example.ORG'), true],
    ['a wildcard below', dns('example.org'), dns('*.example.org'), true],
    ['a host that only ends alike', dns('example.org'), dns('badexample.org'), false],
    ['letters beyond ASCII as they are', dns('strasse.example'), dns('stra\u00dfe.example'), false],
    ['a host above', dns('a.example.org'), dns('example.org'), false],
    ['a wildcard above', dns('a.example.org'), dns('*.example.org'), false],
    ['with a leading period: below', dns('.example.org'), dns('a.example.org'), true],
    ['with a leading period: not itself', dns('.example.org'), dns('example.org'), false],
    ['everything', dns(''), dns('a.example'), true],
    ['an absolute host', dns('example.org'), dns('www.example.org.'), false],
    ['an absolute wildcard', dns('example.org'), dns('*.example.org.'), false],
    ['a host with an empty label before it', dns('example.org'), dns('.example.org'), false],
    ['a host with an empty label inside', dns('example.org'), dns('a..example.org'), false],
    ['a host with an empty label, everything', dns(''), dns('.example.org'), false],
    ['a name without any label', dns(''), dns(''), false],
    ['an address with two @', email('example.org'), email('jo@evil.example@example.org'), false],
    ['an address with two @, everything', email(''), email('jo@@example.org'), false],
    ['an address with an @ in quotes', email('example.org'), email('"jo@home"@example.org'), true],
    ['an address with quotes that do not end', email('example.org'), email('"jo@example.org'), false],
    ['an address of a host with an empty label', email('.example.org'), email('jo@.example.org'), false],
    ['a base with two @', email('jo@a@example.org'), email('x@example.org'), false],
    ['a base without a mailbox', email('@example.org'), email('x@example.org'), false],
    ['a URI of a host with an empty label', uri('.example.org'), uri('https://.example.org/'), false],
    ['a mailbox', email('jo@example.org'), email('jo@EXAMPLE.org'), true],
    ['another letter case of a mailbox', email('jo@example.org'), email('Jo@example.org'), false],
    ['the same mailbox of another host', email('jo@example.org'), email('jo@evil.example'), false],
    ['a host of mailboxes', email('example.org'), email('x@example.org'), true],
    ['not the hosts below it', email('example.org'), email('x@a.example.org'), false],
    ['hosts below', email('.example.org'), email('x@a.example.org'), true],
    ['hosts below, not itself', email('.example.org'), email('x@example.org'), false],
    ['a mailbox without a host', email('example.org'), email('example.org'), false],
    ['a mailbox with an empty host', email(''), email('jo@'), false],
    ['a host without a mailbox', email('example.org'), email('@example.org'), false],
    ['a URI of the host', uri('example.org'), uri('https://example.org/x'), true],
    ['a URI with user and port', uri('example.org'), uri('https://u:p@Example.org:8443?x'), true],
    [
      'a URI of another host, the right one as user',
      uri('example.org'),
      uri('https://example.org@evil.example/'),
      false,
    ],
    ['a URI of a host below', uri('example.org'), uri('https://a.example.org/'), false],
    ['a URI of a host below, with a period', uri('.example.org'), uri('spiffe://a.example.org/ns'), true],
    ['a URI without a host', uri('example.org'), uri('urn:example.org'), false],
    ['a URI of the host with a period behind', uri('example.org'), uri('https://example.org./x'), true],
    ['a URI of a host that starts with a digit', uri('.example.org'), uri('https://1.example.org/'), true],
    ['a URI of a host that ends with a digit', uri('host1'), uri('https://host1/'), true],
    ['a URI with an address', uri(''), uri('https://192.0.2.1/'), false],
    ['a URI with an IPv6 address', uri(''), uri('https://[::1]/'), false],
    ['an address in the range', ip(10, 0, 0, 0, 255, 0, 0, 0), ip(10, 9, 8, 7), true],
    ['an address in a range that ends within an octet', ip(10, 16, 0, 0, 255, 240, 0, 0), ip(10, 31, 0, 1), true],
    ['an address behind such a range', ip(10, 16, 0, 0, 255, 240, 0, 0), ip(10, 32, 0, 1), false],
    ['an address outside', ip(10, 0, 0, 0, 255, 0, 0, 0), ip(11, 9, 8, 7), false],
    ['IPv6 where IPv4 is permitted', ip(0, 0, 0, 0, 0, 0, 0, 0), ip(...new Array(16).fill(0)), false],
    [
      'IPv6',
      ip(0x20, 1, ...new Array(14).fill(0), 0xff, 0xff, ...new Array(14).fill(0)),
      ip(0x20, 1, ...new Array(14).fill(9)),
      true,
    ],
    ['the directory', directory(d.sequence(C('DE'), O('A'))), directory(d.sequence(C('DE'), O('A'), O('b'))), true],
    [
      'in another type of string and letter case',
      directory(d.sequence(O('Acme  Ltd', printable))),
      directory(d.sequence(O(' acme ltd'))),
      true,
    ],
    ['in another order', directory(d.sequence(C('DE'), O('A'))), directory(d.sequence(O('A'), C('DE'))), false],
    ['in another type of attribute', directory(d.sequence(O('A'))), directory(d.sequence(OU('A'))), false],
    [
      'without the space between words',
      directory(d.sequence(O('Acme Ltd'))),
      directory(d.sequence(O('AcmeLtd'))),
      false,
    ],
    ['with a dotless i', directory(d.sequence(O('sinir'))), directory(d.sequence(O('s\u0131n\u0131r'))), false],
    ['both attributes of an RDN', directory(d.sequence(CO('DE', 'A'))), directory(d.sequence(CO('DE', 'a'))), true],
    [
      'both attributes of an RDN, which another type of string puts in another order',
      directory(d.sequence(d.setOf(oneLetter(d.utf8String('E')), country))),
      directory(d.sequence(d.setOf(oneLetter(make.text('bmpString', Uint8Array.of(0, 0x45))), country))),
      true,
    ],
    ['one attribute of an RDN of two', directory(d.sequence(CO('DE', 'A'))), directory(d.sequence(O('A'))), false],
    [
      'an RDN of two where one is alike',
      directory(d.sequence(CO('DE', 'A'))),
      directory(d.sequence(CO('FR', 'A'))),
      false,
    ],
    ['a value that is no text', directory(d.sequence(number(5))), directory(d.sequence(number(5))), true],
    ['another value that is no text', directory(d.sequence(number(5))), directory(d.sequence(number(6))), false],
    ['a shorter name', directory(d.sequence(C('DE'), O('A'))), directory(d.sequence(C('DE'))), false],
    [
      'a value that looks like hex of another',
      directory(d.sequence(O('x', () => d.integer(5)))),
      directory(d.sequence(O('#020105'))),
      false,
    ],
    ['a kind that is not judged', otherName(), otherName(), false],
  ];
  it.each(table)('%s', (_, base, name, inside) => {
    const problem = nameConstraintProblem(constraints([base], []), holding(name));
    expect(problem).toEqual(inside ? undefined : expect.stringContaining('that is not permitted'));
  });

  it('a name of a kind without a subtree is allowed', () => {
    expect(
      nameConstraintProblem(constraints([dns('example.org')], []), holding(email('x@y'), otherName())),
    ).toBeUndefined();
  });

  it('one subtree of several is enough, and every name needs one', () => {
    const two = constraints([dns('a.example'), dns('b.example')], []);
    expect(nameConstraintProblem(two, holding(dns('b.example'), dns('a.example')))).toBeUndefined();
    expect(nameConstraintProblem(two, holding(dns('b.example'), dns('c.example')))).toContain('kind dns');
  });

  it('the subject counts as a directory name, and its e-mail addresses count if there are no others', () => {
    const inDe = constraints([directory(d.sequence(C('DE')))], []);
    expect(nameConstraintProblem(inDe, named(C('DE'), O('x')))).toBeUndefined();
    expect(nameConstraintProblem(inDe, named(C('FR')))).toContain('directoryName');
    expect(nameConstraintProblem(inDe, named())).toBeUndefined();
    const mail = constraints([email('example.org')], []);
    expect(nameConstraintProblem(mail, named(mailAttribute('a@example.org')))).toBeUndefined();
    expect(nameConstraintProblem(mail, named(O('x'), mailAttribute('a@evil.example')))).toContain('email');
    expect(nameConstraintProblem(mail, named(O('x')))).toBeUndefined();
    const both = (name: Uint8Array) =>
      issue(ca, { ...ca, name: d.sequence(mailAttribute('a@evil.example')) }, { extensions: [subjectAltName(name)] });
    expect(nameConstraintProblem(mail, both(email('a@example.org')))).toBeUndefined();
    expect(nameConstraintProblem(mail, both(dns('example.org')))).toContain('email');
  });
});

describe('excluded subtrees', () => {
  const table: [what: string, base: Uint8Array, name: Uint8Array, excluded: boolean][] = [
    ['a host below', dns('example.org'), dns('a.example.org'), true],
    ['the host with a period behind', dns('example.org'), dns('example.org.'), true],
    ['another host', dns('example.org'), dns('example.com'), false],
    ['a wildcard that covers it', dns('www.example.org'), dns('*.example.org'), true],
    ['a wildcard with letters that covers it', dns('www.example.org'), dns('w*.example.org'), true],
    ['a wildcard beside it', dns('www.example.org'), dns('*.a.example.org'), false],
    ['an address', ip(10, 0, 0, 0, 255, 0, 0, 0), ip(10, 0, 0, 1), true],
    ['an address beside', ip(10, 0, 0, 0, 255, 0, 0, 0), ip(11, 0, 0, 1), false],
    ['a mailbox that can not be read', email('example.org'), email('nobody'), true],
    ['a base that can not be read', email('a@b@c'), email('x@y.example'), true],
    ['a host that can not be read', dns('example.org'), dns('.evil.example'), true],
    ['an address with two @', email('example.org'), email('a@b@evil.example'), true],
    ['a wildcard alone covers a name of one label', dns('www'), dns('*'), true],
    ['a wildcard covers a base with a leading period', dns('.www.example.org'), dns('*.example.org'), true],
    ['a URI that can not be read', uri('example.org'), uri('mailto:x'), true],
    ['a kind that is not judged', otherName(), otherName(), true],
    ['a wildcard of another kind', dns('www.example.org'), email('*.example.org'), false],
    ['a wildcard, another kind excluded', email('www.example.org'), dns('*.example.org'), false],
    ['another kind', dns('example.org'), uri('https://example.org/'), false],
  ];
  it.each(table)('%s', (_, base, name, excluded) => {
    const problem = nameConstraintProblem(constraints([], [base]), holding(name));
    expect(problem).toEqual(excluded ? expect.stringContaining('that is excluded') : undefined);
  });

  it('have priority over permitted ones', () => {
    const both = constraints([dns('example.org')], [dns('a.example.org')]);
    expect(nameConstraintProblem(both, holding(dns('b.example.org')))).toBeUndefined();
    expect(nameConstraintProblem(both, holding(dns('x.a.example.org')))).toContain('excluded');
  });
});

it('are read as openssl encodes them', () => {
  const issuer = parseCertificate(golden('everything'));
  expect(
    nameConstraintProblem(issuer, holding(dns('a.example.org'), ip(10, 1, 1, 1), email('x@example.com'))),
  ).toBeUndefined();
  expect(nameConstraintProblem(issuer, holding(dns('a.example.com')))).toContain('not permitted');
  expect(nameConstraintProblem(issuer, holding(ip(11, 1, 1, 1)))).toContain('not permitted');
  expect(nameConstraintProblem(issuer, holding(email('x@a.example.net')))).toContain('excluded');
  expect(nameConstraintProblem(parseCertificate(golden('policies')), holding(dns('x')))).toBeUndefined();
});

it('refuses a minimum, a maximum, an IP range of 5 octets', () => {
  const raw = (...subtree: Uint8Array[]) =>
    issue(ca, ca, {
      extensions: [make.extension(oids.nameConstraints, d.sequence(d.context(0, d.sequence(...subtree))))],
    });
  const invalid = expect.objectContaining({ code: 'InvalidCertificate' });
  expect(() => nameConstraintProblem(raw(dns('a'), d.contextPrimitive(1, Uint8Array.of(1))), holding())).toThrow(
    invalid,
  );
  expect(() => nameConstraintProblem(raw(ip(1, 2, 3, 4, 5)), holding())).toThrow(invalid);
  expect(() => nameConstraintProblem(raw(ip(1, 2, 3, 4, 5)), holding())).toThrow('IP range of 5 octets');
  const none = (...fields: Uint8Array[]) =>
    issue(ca, ca, { extensions: [make.extension(oids.nameConstraints, d.sequence(...fields))] });
  expect(() => nameConstraintProblem(none(), holding())).toThrow('the nameConstraints extension is empty');
  expect(() => nameConstraintProblem(none(d.context(0)), holding())).toThrow('contains an empty list');
});

it('refuses bytes after the lists', () => {
  const value = d.sequence(d.context(0, d.sequence(dns('a'))), d.nullValue());
  const issuer = issue(ca, ca, { extensions: [make.extension(oids.nameConstraints, value)] });
  expect(() => nameConstraintProblem(issuer, holding())).toThrow('nameConstraints extension has bytes after');
});

it('a search compares as few pairs as needed, and each pair once', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => dns(`a${i}.example`));
  const search = new NameConstraints();
  const issuer = constraints(
    [],
    Array.from({ length: 250 }, (_, i) => dns(`b${i}.example`)),
  );
  const leaves = Array.from({ length: 5 }, () => holding(...many(250)));
  for (const leaf of leaves.slice(0, 4)) expect(search.problem(issuer, leaf)).toBeUndefined();
  for (let time = 0; time < 9; time++) expect(search.problem(issuer, leaves[0] ?? issuer)).toBeUndefined();
  expect(search.problem(issuer, leaves[4] ?? issuer)).toContain('too many');
  expect(search.problem(constraints([], [dns('b.example')]), holding(dns('a.example')))).toContain('too many');
  expect(search.problem(constraints([], [dns('b.example')]), holding())).toBeUndefined();
});

it('refuses too many comparisons', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => dns(`a${i}.example`));
  const [few, all] = [holding(...many(250)), holding(...many(251))];
  expect(nameConstraintProblem(constraints(many(1_000), []), few)).toBeUndefined();
  expect(nameConstraintProblem(constraints([], many(1_000)), few)).toContain('excluded');
  for (const issuer of [
    constraints(many(1_000), []),
    constraints([], many(1_000)),
    constraints(many(500), many(500)),
  ]) {
    expect(nameConstraintProblem(issuer, all)).toContain('too many');
  }
});
