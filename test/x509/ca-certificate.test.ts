import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import { keySpecOfSpki, signatureAlgorithmDer } from '../../lambdas/x509/algorithms.ts';
import { buildCaCertificate, differingFields } from '../../lambdas/x509/ca-certificate.ts';
import { keyIdentifier } from '../../lambdas/x509/extension-values.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import type { CaCertificateRequest } from '../../lambdas/x509/peculiar.ts';
import {
  attribute,
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  day,
  dns,
  ecKey,
  encodeExtension,
  extension,
  ip,
  issue,
  keyUsage,
  now,
  party,
  spkiOf,
} from './issue.ts';

const ca = party('CA');
const p256 = { kty: 'EC', curve: 'P-256' } as const;
const base: CaCertificateRequest = {
  subject: ca.name,
  spki: ca.spki,
  issuer: 'self',
  issuerKeySpec: p256,
  serialNumber: Uint8Array.of(0x44, 2, 3, 4, 5, 6, 7, 8),
  pathLength: 1,
  permitted: [],
  excluded: [],
  notBefore: now,
  notAfter: now + day,
};
const above = party('Parent');
const parent: Certificate = issue(above, above, { ca: true });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The same certificate, written by hand. */
function expected(request: CaCertificateRequest, constraints?: string): Uint8Array {
  const { issuer, subject, spki, pathLength } = request;
  const identifier = d.octetString(keyIdentifier(spki));
  const parentKey = issuer === 'self' ? undefined : d.contextPrimitive(0, keyIdentifier(issuer.spki));
  const extensions = [
    keyUsage(5, 6),
    basicConstraints(true, pathLength),
    extension(oids.subjectKeyIdentifier, identifier),
    ...(parentKey === undefined ? [] : [extension(oids.authorityKeyIdentifier, d.sequence(parentKey))]),
    ...(constraints === undefined ? [] : [extension(oids.nameConstraints, Buffer.from(constraints, 'hex'), true)]),
  ];
  return d.sequence(
    d.context(0, d.integer(2)),
    d.unsignedInteger(request.serialNumber),
    signatureAlgorithmDer(request.issuerKeySpec),
    issuer === 'self' ? subject : issuer.subject,
    d.sequence(d.time(request.notBefore), d.time(request.notAfter)),
    subject,
    spki,
    d.context(3, d.sequence(...extensions.map(encodeExtension))),
  );
}

describe('a CA certificate is byte for byte as written by hand', () => {
  const subject = parseName(
    'CN=Root+OU=Unit,O=Exämple,C=CH,DC=example,emailAddress=a@b.c,serialNumber=1,2.5.4.97=x',
    'It',
  );
  it.each<[string, Partial<CaCertificateRequest>, string?]>([
    ['a root', {}],
    ['without a limit below it', { pathLength: undefined }],
    ['with nothing below it', { pathLength: 0 }],
    ['below another', { issuer: parent }],
    ['until the last second of short dates', { notAfter: Date.UTC(2049, 11, 31, 23, 59, 59) }],
    ['from the first second of long dates on', { notAfter: Date.UTC(2050, 0, 1) }],
    ['for ever', { notAfter: Date.UTC(9999, 11, 31, 23, 59, 59) }],
    ['with every kind of name', { subject }],
    ['with one permitted name', { permitted: [dns('a')] }, '3007a0053003820161'],
    ['with one excluded name', { excluded: [dns('b')] }, '3007a1053003820162'],
    ['with one of each', { permitted: [dns('a')], excluded: [dns('b')] }, '300ea0053003820161a1053003820162'],
    ['with a network', { permitted: [ip(10, 0, 0, 0, 255, 0, 0, 0)] }, '300ea00c300a87080a000000ff000000'],
  ])('%s', async (_, more, constraints) => {
    const request = { ...base, ...more };
    expect(hex(await buildCaCertificate(request))).toBe(hex(expected(request, constraints)));
  });

  it.each([
    ['P-384', ecKey('P-384')],
    ['P-521', ecKey('P-521')],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey],
    ['RSA 2048', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ])('for a key of %s', async (_, key) => {
    const spki = spkiOf(key);
    const request = { ...base, spki, issuerKeySpec: keySpecOfSpki(spki) ?? p256 };
    expect(hex(await buildCaCertificate(request))).toBe(hex(expected(request)));
  });
});

describe('a certificate is read back before it is signed', () => {
  const other = party('Other');
  it.each<[string, Partial<CaCertificateRequest>, string]>([
    ['the serial number', { serialNumber: Uint8Array.of(1) }, 'serial number'],
    ['the issuer', { issuer: { ...parent, subject: other.name } }, 'issuer'],
    ['the subject', { subject: other.name }, 'subject'],
    ['the key', { spki: other.spki }, 'public key'],
    ['the key', { spki: other.spki }, 'subject key identifier'],
    ['notBefore', { notBefore: now - 1000 }, 'notBefore'],
    ['notAfter', { notAfter: now + 2 * day }, 'notAfter'],
    ['the path length', { pathLength: undefined }, 'path length'],
    ['the signature', { issuerKeySpec: { kty: 'EC', curve: 'P-384' } }, "a form that can't be read back"],
    ['the parent', { issuer: parent }, 'authorityKeyIdentifier (2.5.29.35)'],
    ['name constraints', { permitted: [dns('a')] }, 'nameConstraints (2.5.29.30)'],
  ])('%s', async (_, asked, problem) => {
    const tbs = await buildCaCertificate(base);
    expect(differingFields(tbs, base)).toEqual([]);
    expect(differingFields(tbs, { ...base, ...asked })).toContain(problem);
  });

  it('different name constraints', async () => {
    const tbs = await buildCaCertificate({ ...base, permitted: [dns('a')] });
    const found = differingFields(tbs, { ...base, permitted: [dns('b')] });
    expect(found).toEqual(['nameConstraints (2.5.29.30)']);
    expect(differingFields(tbs, base)).toEqual(['nameConstraints (2.5.29.30)']);
  });

  const identifier = extension(oids.subjectKeyIdentifier, d.octetString(keyIdentifier(ca.spki)));
  const asAsked = [keyUsage(5, 6), basicConstraints(true, 1), identifier];
  const withOne = (changed: Extension) => asAsked.map((each) => (each.oid === changed.oid ? changed : each));
  const tbsOf = (extensions: readonly Extension[], version = 2, between: readonly Uint8Array[] = []) =>
    d.sequence(
      d.context(0, d.integer(version)),
      d.unsignedInteger(base.serialNumber),
      signatureAlgorithmDer(p256),
      ca.name,
      d.sequence(d.time(base.notBefore), d.time(base.notAfter)),
      ca.name,
      ca.spki,
      ...between,
      ...(extensions.length === 0 ? [] : [d.context(3, d.sequence(...extensions.map(encodeExtension)))]),
    );
  it.each<[string, Uint8Array, string | undefined]>([
    ['as asked', tbsOf(asAsked), undefined],
    ['another version', tbsOf([], 1), 'version'],
    ['no CA', tbsOf(withOne(basicConstraints(false, 1))), 'CA'],
    ['another use of the key', tbsOf(withOne(keyUsage(0, 5, 6))), 'key usage'],
    ['no use of the key', tbsOf(asAsked.slice(1)), 'key usage'],
    ['no name of the key', tbsOf(asAsked.slice(0, 2)), 'subject key identifier'],
    [
      'a use of the key that readers may pass over',
      tbsOf(withOne({ ...keyUsage(5, 6), critical: false })),
      'keyUsage (2.5.29.15)',
    ],
    [
      'a limit that readers may pass over',
      tbsOf(withOne({ ...basicConstraints(true, 1), critical: false })),
      'basicConstraints (2.5.29.19)',
    ],
    [
      'a critical name of the key',
      tbsOf(withOne({ ...identifier, critical: true })),
      'subjectKeyIdentifier (2.5.29.14)',
    ],
    ['an extension more', tbsOf([...asAsked, authorityKeyIdentifier(ca.spki)]), 'authorityKeyIdentifier (2.5.29.35)'],
    [
      'a unique identifier of its subject',
      tbsOf(asAsked, 2, [d.contextPrimitive(2, Uint8Array.of(0, 1))]),
      'unique identifiers',
    ],
    ['a unique identifier', tbsOf(asAsked, 2, [d.contextPrimitive(1, Uint8Array.of(0, 1))]), 'unique identifiers'],
    ['no certificate', d.sequence(), "a form that can't be read back"],
  ])('%s', (_, tbs, problem) => {
    const found = differingFields(tbs, base);
    if (problem === undefined) expect(found).toEqual([]);
    else expect(found).toContain(problem);
  });

  it.each<[string, Uint8Array]>([
    ['text that is none', attribute(oids.commonName, d.element(0x0c, Uint8Array.of(0xff, 0xfe)))],
    ['an OID of a UUID', attribute('2.25.340282366920938463463374607431768211455', d.utf8String('x'))],
  ])('a parent’s name that would change: %s', async (_, odd) => {
    const issuer = { ...parent, subject: d.sequence(d.setOf(odd)) };
    await expect(buildCaCertificate({ ...base, issuer })).rejects.toMatchObject({
      code: 'CertificateRejected',
      message: expect.stringContaining('it differs in issuer.'),
    });
  });

  it('values that the library does not accept', async () => {
    const issuer = { ...parent, subject: d.sequence(d.integer(1)) };
    await expect(buildCaCertificate({ ...base, issuer })).rejects.toMatchObject({
      code: 'CertificateRejected',
      message: expect.stringContaining("the library can't write it"),
      cause: expect.any(Error),
    });
  });

  it('a parent’s name of old string types stays unchanged', async () => {
    const old = [0x13, 0x14, 0x16, 0x1e].map((tag) => attribute(oids.commonName, d.element(tag, Buffer.from('A*'))));
    const request = { ...base, issuer: { ...parent, subject: d.sequence(...old.map((each) => d.setOf(each))) } };
    expect(hex(await buildCaCertificate(request))).toBe(hex(expected(request)));
    const nameless = { ...base, issuer: { ...parent, subject: commonNameOnly('') } };
    expect(hex(await buildCaCertificate(nameless))).toBe(hex(expected(nameless)));
  });
});
