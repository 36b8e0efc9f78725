import 'reflect-metadata';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { readSequence } from '../../lambdas/asn1/reader.ts';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { algorithmOf, keySpecOfSpki } from '../../lambdas/x509/algorithms.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { createNamedCsr, differingRequestFields } from '../../lambdas/x509/named-csr.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import {
  commonNameOnly,
  dns,
  ecKey,
  email,
  encodeExtension,
  ip,
  keyUsage,
  spkiOf,
  subjectAltName,
  uri,
} from './issue.ts';

/** A signer like one in KMS: its private half is never visible, and a signature takes time. */
function signerOf(key: KeyObject, seen: Uint8Array[] = []): Signer {
  const spki = spkiOf(key);
  const keySpec = keySpecOfSpki(spki);
  if (keySpec === undefined) throw new Error('not a key of the product');
  return {
    keySpec,
    spki,
    kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1',
    sign: async (data) => {
      seen.push(data);
      return new Uint8Array(sign(algorithmOf(keySpec).digest, data, key));
    },
  };
}

const names = [
  'dns:www.example.com',
  'dns:*.example.com',
  'dns:xn--bcher-kva.example',
  'ip:192.0.2.1',
  'ip:2001:db8::1',
  'email:a@example.com',
  'uri:spiffe://example.com/a',
];

describe('createNamedCsr', () => {
  const keys: [string, () => KeyObject][] = [
    ['P-256', () => ecKey('P-256')],
    ['P-384', () => ecKey('P-384')],
    ['P-521', () => ecKey('P-521')],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
    ['RSA 2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ];
  it.each(keys)('%s: another library reads it and verifies its signature', async (_, makeKey) => {
    const signer = signerOf(makeKey());
    const subject = parseName('CN=www.example.com,O=Example', 'It');
    const csr = new Pkcs10CertificateRequest(Buffer.from(await createNamedCsr(signer, { subject, names })));
    expect(await csr.verify()).toBe(true);
    expect(csr.subject).toBe('O=Example, CN=www.example.com');
    expect(Buffer.from(csr.publicKey.rawData).equals(signer.spki)).toBe(true);
    const [extension, ...more] = csr.extensions;
    expect(more).toEqual([]);
    expect(extension instanceof SubjectAlternativeNameExtension && extension.critical).toBe(false);
    expect(csr.attributes).toHaveLength(1);
  });

  it('openssl reads its names', async () => {
    const der = await createNamedCsr(signerOf(ecKey()), { subject: commonNameOnly(''), names });
    const read = ['req', '-inform', 'DER', '-noout', '-text', '-verify'];
    const { stdout: text, stderr } = spawnSync('openssl', read, { input: der, encoding: 'utf8' });
    expect(stderr).toMatch(/verify OK/);
    expect(text).toMatch(/Subject Alternative Name: critical\s+DNS:www\.example\.com, DNS:\*\.example\.com, /);
    expect(text).toContain('IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, email:a@example.com');
    expect(text).toContain('URI:spiffe://example.com/a');
  });

  it('contains only its subject if there are no names', async () => {
    const seen: Uint8Array[] = [];
    const signer = signerOf(ecKey(), seen);
    await createNamedCsr(signer, { subject: commonNameOnly('leaf.example'), names: [] });
    const bare = d.sequence(d.integer(0), commonNameOnly('leaf.example'), signer.spki, d.context(0));
    expect(seen).toEqual([bare]);
  });

  const notWritten = (problem: string) =>
    `The certificate request was not signed: ${problem}. Expected names such as dns:www.example.com, ip:192.0.2.1, ip:2001:db8::1, email:a@example.com or uri:spiffe://example.com/a.`;
  const odd = 'found 1 name not in the form dns:, ip:, email: or uri: and a value in ASCII';
  const different = 'it would differ from the requested names in names';
  const unreadable = "it would differ from the requested names in a form that can't be read back";
  const none = 'one of its names is not valid for its kind';
  it.each([
    ['a kind that is none', 'rid:1.2.3', odd],
    ['no kind', 'www.example.com', odd],
    ['no name', 'dns:', odd],
    ['what is not ASCII', 'dns:bücher.example', odd],
    ['two names in one', 'dns:a.example\ndns:b.example', odd],
    ['an address in another form', 'ip:2001:DB8::1', different],
    ['an address with zeros', 'ip:2001:db8:0:0:0:0:0:1', different],
    ['no address', 'ip:example.com', none],
    ['a network', 'ip:192.0.2.0/24', unreadable],
    ['a backslash', 'dns:a\\.example', different],
  ])('nothing is signed for %s', async (_, name, problem) => {
    const seen: Uint8Array[] = [];
    const asked = createNamedCsr(signerOf(ecKey(), seen), {
      subject: commonNameOnly(''),
      names: ['dns:a.example', name],
    });
    const message = notWritten(problem);
    await expect(asked).rejects.toMatchObject({ code: 'InvalidRequest', concerns: 'certificate', message });
    expect(seen).toEqual([]);
  });

  it('fails for a signer with another key than it shows, and passes on a signer’s error', async () => {
    const forged = { ...signerOf(ecKey()), spki: spkiOf(ecKey()) };
    const request = { subject: commonNameOnly('a'), names: ['dns:a.example'] };
    await expect(createNamedCsr(forged, request)).rejects.toMatchObject({ code: 'InvalidRequest' });
    const denied = { ...signerOf(ecKey()), sign: () => Promise.reject(new Error('denied')) };
    await expect(createNamedCsr(denied, request)).rejects.toThrow('denied');
  });
});

describe('a CSR is read back', () => {
  const spki = spkiOf(ecKey());
  const subject = commonNameOnly('a');
  const asked = { subject, names: ['dns:a.example', 'ip:192.0.2.1', 'email:a@b.example', 'uri:urn:a'] };
  const san = subjectAltName(dns('a.example'), ip(192, 0, 2, 1), email('a@b.example'), uri('urn:a'));
  const requested = (...extensions: Extension[]) =>
    d.sequence(d.oid('1.2.840.113549.1.9.14'), d.setOf(d.sequence(...extensions.map(encodeExtension))));
  const info = (attributes: readonly Uint8Array[], version = 0, name = subject, key = spki) =>
    d.sequence(d.integer(version), name, key, d.context(0, ...attributes));

  const behind = (written: Uint8Array) =>
    d.sequence(
      ...readSequence(written, 'it')
        .rest()
        .map(({ bytes }) => bytes),
      d.nullValue(),
    );

  it.each<[string, Uint8Array, string[]]>([
    ['as asked', info([requested(san)]), []],
    ['another subject', info([requested(san)], 0, commonNameOnly('b')), ['subject']],
    ['another key', info([requested(san)], 0, subject, spkiOf(ecKey())), ['public key']],
    ['no names', info([]), ['names', 'extensions']],
    ['a name less', info([requested(subjectAltName(dns('a.example')))]), ['names']],
    ['critical names', info([requested({ ...san, critical: true })]), ['extensions']],
    ['more than names', info([requested(san, keyUsage(5))]), ['extensions']],
    ['another extension in their place', info([requested(keyUsage(5))]), ['names', 'extensions']],
    ['something behind the attributes', behind(info([requested(san)])), ["a form that can't be read back"]],
    [
      'an attribute with two values',
      info([d.sequence(d.oid('1.2.840.113549.1.9.14'), d.setOf(d.sequence(encodeExtension(san))), d.setOf())]),
      ["a form that can't be read back"],
    ],
    [
      'an attribute of another type with names in it',
      info([d.sequence(d.oid(oids.emailAddress), d.setOf(d.sequence(encodeExtension(san))))]),
      ["a form that can't be read back"],
    ],
    ['another version', info([requested(san)], 1), ["a form that can't be read back"]],
    ['two attributes', info([requested(san), requested(san)]), ["a form that can't be read back"]],
    ['another attribute', info([d.sequence(d.oid(oids.emailAddress), d.setOf())]), ["a form that can't be read back"]],
    ['no request', d.sequence(), ["a form that can't be read back"]],
  ])('%s', (_, written, problems) => {
    expect(differingRequestFields(written, spki, asked)).toEqual(problems);
  });
});
