import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import { keySpecOfSpki, signatureAlgorithmDer } from '../../lambdas/x509/algorithms.ts';
import { keyIdentifier } from '../../lambdas/x509/extension-values.ts';
import { buildLeafCertificate, differingLeafFields, leafKeyUsages } from '../../lambdas/x509/leaf-certificate.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import type { LeafCertificateRequest } from '../../lambdas/x509/peculiar.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  day,
  dns,
  ecKey,
  email,
  encodeExtension,
  extendedKeyUsage,
  extension,
  ip,
  issue,
  keyUsage,
  now,
  party,
  spkiOf,
  subjectAltName,
  uri,
} from './issue.ts';

const issuer = issue(party('CA'), party('CA'), { ca: true });
const spki = spkiOf(ecKey());
const nameless = d.sequence();
const subject = parseName('CN=web.svc.example,O=Exämple', 'It');
const p256 = { kty: 'EC', curve: 'P-256' } as const;
const base: LeafCertificateRequest = {
  ...{ subject: nameless, spki, issuer, issuerKeySpec: p256 },
  serialNumber: Uint8Array.of(0x44, 2, 3, 4, 5, 6, 7, 8),
  names: ['dns:web.svc.example'],
  keyUsages: ['digitalSignature'],
  usages: [oids.serverAuth, oids.clientAuth],
  ...{ notBefore: now, notAfter: now + day },
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const names = (critical: boolean, ...values: Uint8Array[]): Extension => ({ ...subjectAltName(...values), critical });

/** The same certificate, written by hand. */
function tbsOf(request: LeafCertificateRequest, extensions: readonly Extension[]): Uint8Array {
  return d.sequence(
    d.context(0, d.integer(2)),
    d.unsignedInteger(request.serialNumber),
    signatureAlgorithmDer(request.issuerKeySpec),
    issuer.subject,
    d.sequence(d.time(request.notBefore), d.time(request.notAfter)),
    request.subject,
    request.spki,
    d.context(3, d.sequence(...extensions.map(encodeExtension))),
  );
}

const identifierOf = (key: Uint8Array) => extension(oids.subjectKeyIdentifier, d.octetString(keyIdentifier(key)));
const asAsked = (key: Uint8Array, usage: Extension, sans: Extension, usages = base.usages): readonly Extension[] => [
  usage,
  extendedKeyUsage(...usages),
  identifierOf(key),
  authorityKeyIdentifier(issuer.spki),
  sans,
];
const web = dns('web.svc.example');

describe('a leaf is byte for byte as written by hand', () => {
  const rsa = spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
  const edwards = spkiOf(generateKeyPairSync('ed25519').privateKey);
  const every = ['dns:*.svc.example', 'ip:10.0.0.7', 'ip:2001:db8::1', 'email:a@example.com', 'uri:spiffe://e/w'];
  const ipv6 = ip(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  it.each<[string, Partial<LeafCertificateRequest>, Extension, Extension]>([
    ['without a subject', {}, keyUsage(0), names(true, web)],
    ['with a subject', { subject }, keyUsage(0), names(false, web)],
    [
      'with every kind of name',
      { names: every },
      keyUsage(0),
      names(true, dns('*.svc.example'), ip(10, 0, 0, 7), ipv6, email('a@example.com'), uri('spiffe://e/w')),
    ],
    ['for a key of RSA', { spki: rsa }, keyUsage(0, 2), names(true, web)],
    ['for a key of Ed25519', { spki: edwards }, keyUsage(0), names(true, web)],
    ['below a key of RSA', { issuerKeySpec: { kty: 'RSA', size: 2048 } }, keyUsage(0), names(true, web)],
    ['for clients', { usages: [oids.clientAuth] }, keyUsage(0), names(true, web)],
  ])('%s', async (_, more, usage, sans) => {
    const key = more.spki ?? spki;
    const request = { ...base, ...more, keyUsages: leafKeyUsages(keySpecOfSpki(key) ?? p256) };
    const expected = tbsOf(request, asAsked(key, usage, sans, request.usages));
    expect(hex(await buildLeafCertificate(request))).toBe(hex(expected));
  });

  it('values that the library can’t write are refused, without a quote', async () => {
    const building = buildLeafCertificate({ ...base, names: ['ip:no address'] });
    await expect(building).rejects.toMatchObject({
      code: 'CertificateRejected',
      message: expect.not.stringContaining('no address'),
    });
  });
});

describe('a certificate is read back before it is signed', () => {
  const parts = asAsked(spki, keyUsage(0), names(true, web));
  const withOne = (changed: Extension) => parts.map((each) => (each.oid === changed.oid ? changed : each));
  const without = (oid: string) => parts.filter((each) => each.oid !== oid);
  it.each<[string, readonly Extension[], readonly string[]]>([
    ['as asked', parts, []],
    ['a CA', [...parts, basicConstraints(true)], ['no CA', 'basicConstraints (2.5.29.19)']],
    ['another use of the key', withOne(keyUsage(0, 2)), ['key usage']],
    ['no use of the key', without(oids.keyUsage), ['key usage', 'keyUsage (2.5.29.15)']],
    ['a use that readers may pass over', withOne({ ...keyUsage(0), critical: false }), ['keyUsage (2.5.29.15)']],
    ['another usage', withOne(extendedKeyUsage(oids.serverAuth)), ['extended key usage']],
    ['no usage', without(oids.extendedKeyUsage), ['extended key usage', 'extendedKeyUsage (2.5.29.37)']],
    ['another name', withOne(names(true, dns('evil.example'))), ['names']],
    ['a name more', withOne(names(true, web, dns('evil.example'))), ['names']],
    ['a name of another kind', withOne(names(true, email('web.svc.example'))), ['names']],
    ['names that readers may pass over', withOne(names(false, web)), ['subjectAltName (2.5.29.17)']],
    ['no name', without(oids.subjectAltName), ['names', 'subjectAltName (2.5.29.17)']],
    ['another issuer’s key', withOne(authorityKeyIdentifier(spki)), ['authorityKeyIdentifier (2.5.29.35)']],
    ['no issuer’s key', without(oids.authorityKeyIdentifier), ['authorityKeyIdentifier (2.5.29.35)']],
    ['another key’s name', withOne(identifierOf(issuer.spki)), ['subject key identifier']],
    [
      'no name of the key',
      without(oids.subjectKeyIdentifier),
      ['subject key identifier', 'subjectKeyIdentifier (2.5.29.14)'],
    ],
  ])('%s', (_, extensions, found) => {
    expect(differingLeafFields(tbsOf(base, extensions), base)).toEqual(found);
  });

  it.each<[string, Partial<LeafCertificateRequest>, string]>([
    ['the serial number', { serialNumber: Uint8Array.of(1) }, 'serial number'],
    ['the issuer', { issuer: { ...issuer, subject } }, 'issuer'],
    ['the subject', { subject }, 'subject'],
    ['the key', { spki: issuer.spki }, 'public key'],
    ['notBefore', { notBefore: now - 1000 }, 'notBefore'],
    ['notAfter', { notAfter: now + 2 * day }, 'notAfter'],
    ['the signature', { issuerKeySpec: { kty: 'EC', curve: 'P-384' } }, "a form that can't be read back"],
  ])('%s', (_, asked, problem) => {
    expect(differingLeafFields(tbsOf(base, parts), { ...base, ...asked })).toContain(problem);
  });
});
