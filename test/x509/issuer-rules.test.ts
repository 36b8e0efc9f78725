import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { verifyPath } from '../../lambdas/x509/chain.ts';
import { mayName, namesAsIssuer, namesKeyOf } from '../../lambdas/x509/issuer-rules.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { golden } from './golden.ts';
import * as make from './issue.ts';
import { issue, now, party } from './issue.ts';
import { opensslAccepts } from './openssl.ts';

const [rootCa, leafParty] = [party('Root'), party('leaf')];
const root = issue(rootCa, rootCa, { ca: true, days: 100 });
const caExtensions = [make.basicConstraints(true), make.keyUsage(5, 6)];
const refused = (problem: string) => ({ ok: false, problem: expect.stringContaining(problem) });

describe('a critical extension of an intermediate', () => {
  const policy = d.oid('1.3.6.1.4.1.32473.1');
  /** 10.0.0.0/8. */
  const addresses = d.sequence(
    d.sequence(d.octetString(Uint8Array.of(0, 1)), d.sequence(d.bitString(Uint8Array.of(10)))),
  );
  const distributionPoints = d.sequence(d.sequence(d.context(0, d.context(0, make.uri('http://crl.example')))));
  const extensions: [what: string, oid: string, value: Uint8Array][] = [
    ['cRLDistributionPoints', oids.crlDistributionPoints, distributionPoints],
    ['freshestCRL', '2.5.29.46', distributionPoints],
    ['subjectAltName', oids.subjectAltName, d.sequence(make.dns('ca.example'))],
    ['issuerAltName', oids.issuerAltName, d.sequence(make.dns('ca.example'))],
    ['extendedKeyUsage', oids.extendedKeyUsage, d.sequence(d.oid(oids.serverAuth), d.oid(oids.clientAuth))],
    ['certificatePolicies', oids.certificatePolicies, d.sequence(d.sequence(policy))],
    ['policyMappings', oids.policyMappings, d.sequence(d.sequence(policy, d.oid('1.3.6.1.4.1.32473.2')))],
    ['policyConstraints', oids.policyConstraints, d.sequence(d.contextPrimitive(0, Uint8Array.of(3)))],
    ['inhibitAnyPolicy', oids.inhibitAnyPolicy, d.integer(3)],
    ['nameConstraints', oids.nameConstraints, d.sequence(d.context(0, d.sequence(make.dns('example'))))],
    ['netscapeCertType', oids.netscapeCertType, make.namedBits(5)],
    ['the Netscape comment', '2.16.840.1.113730.1.13', d.element(0x16, make.ascii('hello'))],
    ['ocspNoCheck', oids.ocspNoCheck, d.nullValue()],
    ['address blocks', oids.ipAddressBlocks, addresses],
    [
      'authorityInfoAccess',
      oids.authorityInfoAccess,
      d.sequence(d.sequence(d.oid('1.3.6.1.5.5.7.48.1'), make.uri('http://o'))),
    ],
    ['tlsFeature', oids.tlsFeature, d.sequence(d.integer(5))],
    ['cRLNumber', '2.5.29.20', d.integer(1)],
    ['one that nobody knows', '1.3.6.1.4.1.32473.9', d.utf8String('x')],
  ];
  const made = extensions.map(([, oid, value], i) => {
    const ca = party(`CA ${i}`);
    const issuer = issue(rootCa, ca, { extensions: [...caExtensions, make.extension(oid, value, true)] });
    const leaf = issue(ca, leafParty, { extensions: [make.subjectAltName(make.dns('leaf.example'))] });
    return { ca, issuer, leaf };
  });

  it('is accepted if openssl accepts it', () => {
    const leaves = made.map(({ leaf }) => leaf);
    const judged = opensslAccepts({ leaves, issuers: made.map(({ issuer }) => issuer), roots: [root] });
    const found = made.map(({ leaf, issuer }) => verifyPath(leaf, [issuer], [root], now).ok);
    const names = (verdicts: readonly boolean[]) => extensions.filter((_, i) => verdicts[i]).map(([what]) => what);
    expect(names(found)).toEqual(names(judged));
  });

  it.each([oids.authorityKeyIdentifier, oids.subjectKeyIdentifier])('%s is refused, in a root too', (oid) => {
    const critical = make.extension(
      oid,
      oid === oids.subjectKeyIdentifier ? d.octetString(make.ascii('x')) : d.sequence(),
      true,
    );
    const trusted = issue(rootCa, rootCa, { extensions: [...caExtensions, critical] });
    const leaf = issue(rootCa, leafParty);
    expect(verifyPath(leaf, [], [trusted], now)).toEqual(refused('which must not be critical'));
    const ca = party('CA');
    const issuer = issue(rootCa, ca, { extensions: [...caExtensions, critical] });
    expect(verifyPath(issue(ca, leafParty), [issuer], [root], now)).toEqual(refused('which must not be critical'));
  });

  it('that limits addresses is refused above a leaf with addresses', () => {
    const blocks = make.extension(oids.ipAddressBlocks, addresses, true);
    const ca = party('CA');
    const issuer = issue(rootCa, ca, { extensions: [...caExtensions, blocks] });
    const leaf = issue(ca, leafParty, { extensions: [blocks] });
    expect(verifyPath(leaf, [issuer], [root], now)).toEqual(refused('which is not checked here'));
  });
});

describe('name constraints of an intermediate', () => {
  it.each([
    ['that are empty', d.sequence()],
    ['with an empty list of what is permitted', d.sequence(d.context(0))],
    ['with an empty list of what is excluded', d.sequence(d.context(0, d.sequence(make.dns('example'))), d.context(1))],
    [
      'with NULL for both lists',
      d.sequence(d.contextPrimitive(0, new Uint8Array()), d.contextPrimitive(1, new Uint8Array())),
    ],
  ])('%s are refused', (_, value) => {
    const ca = party('CA');
    const issuer = issue(rootCa, ca, {
      extensions: [...caExtensions, make.extension(oids.nameConstraints, value, true)],
    });
    const leaf = issue(ca, leafParty, { extensions: [make.subjectAltName(make.dns('leaf.example'))] });
    expect(verifyPath(leaf, [issuer], [root], now)).toEqual(refused("are empty or can't be read"));
  });
});

describe('the key of an issuer', () => {
  const rsa = (modulusLength: number, type: 'rsa' | 'rsa-pss' = 'rsa'): KeyObject =>
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength }).privateKey
      : generateKeyPairSync('rsa-pss', { modulusLength, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' })
          .privateKey;
  const sha256WithRsa = d.sequence(d.oid('1.2.840.113549.1.1.11'), d.nullValue());

  it.each([
    ['RSA with 1024 bits', 1024, false],
    ['RSA with 2040 bits', 2040, false],
    ['RSA with 2048 bits', 2048, true],
  ])('%s', (_, bits, isTaken) => {
    const ca = party('CA', rsa(bits));
    const issuer = issue(rootCa, ca, { ca: true });
    const leaf = issue(ca, leafParty, { algorithm: sha256WithRsa });
    expect(verifyPath(leaf, [issuer], [root], now)).toEqual(
      isTaken ? expect.objectContaining({ ok: true }) : refused(`has ${bits} bits; expected at least 2048`),
    );
    // The user has decided to trust a root.
    expect(verifyPath(leaf, [], [issue(ca, ca, { ca: true, algorithm: sha256WithRsa })], now)).toMatchObject({
      ok: true,
    });
  });

  it('for RSASSA-PSS only must not be shorter', () => {
    const ca = party('CA', rsa(1024, 'rsa-pss'));
    const leaf = issue(ca, leafParty, { algorithm: sha256WithRsa });
    expect(verifyPath(leaf, [issue(rootCa, ca, { ca: true })], [root], now)).toEqual(refused('has 1024 bits'));
  });

  it('with explicit curve parameters is refused, in a root too', () => {
    const { spki } = parseCertificate(golden('key-p256-explicit'));
    const ca = { ...party('CA'), spki };
    const leaf = issue(ca, leafParty);
    expect(verifyPath(leaf, [issue(rootCa, ca, { ca: true })], [root], now)).toEqual(
      refused('has explicit curve parameters'),
    );
    expect(verifyPath(leaf, [], [issue(ca, ca, { ca: true })], now)).toEqual(refused('has explicit curve parameters'));
  });
});

describe('of two certificates with one name and key the issuer is the one that is named', () => {
  const ca = party('CA');
  const keyId = (text: string) => d.octetString(make.ascii(text));
  const by = (days: number, serial: number, ...more: Extension[]) =>
    issue(rootCa, ca, { days, serial: d.integer(serial), extensions: [...caExtensions, ...more] });
  const ski = (text: string) => make.extension(oids.subjectKeyIdentifier, keyId(text));
  const aki = (...fields: Uint8Array[]) => make.extension(oids.authorityKeyIdentifier, d.sequence(...fields));
  const issuerName = (name: Uint8Array) => d.context(1, make.dns('other'), make.directory(name));
  const serialNumber = (...octets: number[]) => d.contextPrimitive(2, Uint8Array.from(octets));
  const [right, wrong] = [by(20, 129, ski('right')), by(50, 130, ski('wrong'))];
  const leafBy = (...extensions: Extension[]) => issue(ca, leafParty, { days: 70, extensions });
  const issuerOf = (leaf: Certificate) => {
    const result = verifyPath(leaf, [wrong, right], [root], now);
    return result.ok ? result.path[1] : result.problem;
  };

  const rows: [string, Extension[], Certificate | string][] = [
    ['by the identifier of the key', [aki(d.contextPrimitive(0, make.ascii('right')))], right],
    ['by its serial number', [aki(serialNumber(0, 129))], right],
    ['by its issuer and serial number', [aki(issuerName(rootCa.name), serialNumber(0, 129))], right],
    ['or none, where nothing is named', [], wrong],
    ['or none, where only its issuer is named', [aki(issuerName(rootCa.name))], wrong],
    ['or none, where the names of its issuer hold no directory', [aki(d.context(1, make.dns('other')))], wrong],
    ['by a key that is not here', [aki(d.contextPrimitive(0, make.ascii('other')))], 'names another issuer'],
    ['by another serial number', [aki(serialNumber(5))], 'names another issuer'],
    ['by another issuer', [aki(issuerName(make.commonNameOnly('Else')))], 'names another issuer'],
    ['by what can not be read', [aki(Uint8Array.of(0xa1, 9))], 'names another issuer'],
  ];
  it.each(rows)('%s', (_, extensions, found) => {
    const expected = typeof found === 'string' ? expect.stringContaining(found) : found;
    expect(issuerOf(leafBy(...extensions))).toEqual(expected);
  });

  it('and openssl agrees', () => {
    const named = rows.filter(([what]) => !what.startsWith('or none') && !what.includes('not be read'));
    const leaves = named.map(([, extensions]) => leafBy(...extensions));
    const withRight = opensslAccepts({ leaves, issuers: [right], roots: [root] });
    expect(withRight).toEqual(named.map(([, , found]) => found === right));
    expect(opensslAccepts({ leaves, issuers: [wrong], roots: [root] })).toEqual(named.map(() => false));
  });

  it('and if the issuer names no key, any may be meant', () => {
    const nameless = by(30, 131);
    const leaf = leafBy(aki(d.contextPrimitive(0, make.ascii('other'))));
    expect(verifyPath(leaf, [nameless], [root], now)).toMatchObject({ ok: true });
  });

  it('a root need not name itself', () => {
    const odd = issue(rootCa, rootCa, {
      extensions: [...caExtensions, ski('root'), aki(d.contextPrimitive(0, make.ascii('else')))],
    });
    expect(verifyPath(issue(rootCa, leafParty), [], [odd], now)).toMatchObject({ ok: true });
  });
});

describe('a reference to the issuer', () => {
  const aki = (...fields: Uint8Array[]) => make.extension(oids.authorityKeyIdentifier, d.sequence(...fields));
  const ski = (id: string) => make.extension(oids.subjectKeyIdentifier, d.octetString(make.ascii(id)));
  const leafWith = (...extensions: Extension[]) => issue(rootCa, leafParty, { extensions });
  const caWith = (serialNumber: string, ...extensions: Extension[]) => ({
    ...issue(rootCa, rootCa, { extensions: [...caExtensions, ...extensions] }),
    serialNumber,
  });
  const serial = (...octets: number[]) => aki(d.contextPrimitive(2, Uint8Array.from(octets)));

  it.each<[string, Extension, string, boolean]>([
    ['two octets', serial(1, 2), '0102', true],
    ['the last of two octets', serial(1, 2), '02', false],
    ['a zero before the highest bit', serial(0, 0x81), '81', true],
    ['zero', serial(0), '00', true],
    ['another', serial(3), '02', false],
  ])('may have a serial number of %s', (_, extension, of, expected) => {
    expect(namesAsIssuer(leafWith(extension), caWith(of))).toBe(expected);
  });

  it('names a key if both have an identifier, and the same one', () => {
    const [named, silent] = [leafWith(aki(d.contextPrimitive(0, make.ascii('one')))), leafWith()];
    expect(namesKeyOf(named, caWith('01', ski('one')))).toBe(true);
    expect(namesKeyOf(named, caWith('01', ski('two')))).toBe(false);
    expect(namesKeyOf(named, caWith('01'))).toBe(false);
    expect(namesKeyOf(silent, caWith('01', ski('one')))).toBe(false);
    expect(namesKeyOf(silent, caWith('01'))).toBe(false);
  });

  it('that can’t be read names nothing, and the error has the place', () => {
    const odd = leafWith(aki(Uint8Array.of(0xa1, 9)));
    expect(mayName(odd, caWith('01'))).toBe(false);
    expect(mayName(leafWith(), caWith('01'))).toBe(true);
    const noName = leafWith(aki(d.context(1, d.integer(1))));
    expect(() => namesAsIssuer(noName, caWith('01'))).toThrow(
      'the authorityKeyIdentifier extension contains something',
    );
  });
});
