import { describe, expect, test } from 'vitest';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { certificateFields, parseCertificate } from '../../lambdas/x509/certificate.ts';
import { differences } from '../../lambdas/x509/correspondence.ts';
import { lint } from '../../lambdas/x509/lint.ts';
import { newSerialNumber, reissue, signCertificate } from '../../lambdas/x509/reissue.ts';
import { isSignedBy } from '../../lambdas/x509/signature.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  der,
  extension,
  signCertificate as forge,
  keyUsage,
  makeKey,
  octets,
  oid,
  sequence,
  spkiOf,
  subjectKeyIdentifier,
} from '../../testkit/certificates/index.ts';
import { fakeEntropy } from '../../testkit/fakes/entropy.ts';
import { signerFor } from '../../testkit/fakes/signer.ts';
import { golden, goldenNames } from './golden.ts';
import * as make from './issue.ts';

const now = Date.UTC(2026, 10, 22);
const serialNumber = newSerialNumber(fakeEntropy());
const dates = { notBefore: now, notAfter: now + 86_400_000 };
const issuerKey = makeKey('P-256');
const issuer = parseCertificate(
  forge(
    {
      subject: commonNameOnly('Issuer'),
      spki: spkiOf(issuerKey),
      serialNumber: Uint8Array.of(0x99, 1),
      notBefore: now - 1000,
      notAfter: now + 999_000_000,
      extensions: [basicConstraints(true), keyUsage('keyCertSign'), subjectKeyIdentifier(spkiOf(issuerKey))],
    },
    { subject: commonNameOnly('Issuer'), key: issuerKey },
  ),
);
const signer = signerFor(issuerKey, { inKms: true });

describe('a successor', () => {
  test.each(goldenNames.map((name) => [name, parseCertificate(golden(name))] as const))(
    'of %s has the same contents, byte for byte',
    async (_, certificate) => {
      const request = { certificate, issuer, signer, serialNumber, ...dates, authorityKey: 'today' as const };
      const after = parseCertificate(await reissue(request));
      expect(isSignedBy(after, issuer)).toBe(true);
      expect(after.subject).toEqual(certificate.subject);
      expect(after.spki).toEqual(certificate.spki);
      const others = (each: Certificate) => each.extensions.filter(({ oid: id }) => id !== '2.5.29.35');
      expect(others(after)).toEqual(others(certificate));
      expect(differences(certificate, after, 'renew')).toEqual([]);
      for (const { value } of others(certificate)) {
        expect(Buffer.from(after.der).includes(Buffer.from(value))).toBe(true);
      }
    },
  );

  test('keeps what is not DER unchanged: an explicit FALSE, and unique identifiers', async () => {
    const key = makeKey('P-256');
    const written = sequence(oid('1.3.6.1.4.1.99999.7'), der(0x01, Uint8Array.of(0)), octets(Uint8Array.of(5, 0)));
    const uniqueId = der(0x82, Uint8Array.of(0, 1, 2));
    const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
    const time = (text: string) => der(0x17, Buffer.from(text));
    const tbs = sequence(
      der(0xa0, der(0x02, Uint8Array.of(2))),
      der(0x02, Uint8Array.of(7)),
      algorithm,
      issuer.subject,
      sequence(time('261121000000Z'), time('261123000000Z')),
      commonNameOnly('odd'),
      spkiOf(key),
      uniqueId,
      der(0xa3, sequence(written)),
    );
    const certificate = parseCertificate(sequence(tbs, algorithm, der(0x03, Uint8Array.of(0, 1))));
    const successor = await reissue({ certificate, issuer, signer, serialNumber, ...dates, authorityKey: 'keep' });
    expect(Buffer.from(successor).includes(Buffer.concat([uniqueId, der(0xa3, sequence(written))]))).toBe(true);
  });

  test.each<[number, Uint8Array | undefined]>([
    [1, undefined],
    [2, der(0x02, Uint8Array.of(1))],
    [3, der(0x02, Uint8Array.of(2))],
  ])(
    'of a version %i certificate keeps the version, and is version 3 if it has an extension',
    async (version, encoded) => {
      const { key, spki, name } = make.party('v');
      const names = { subject: name, issuer: issuer.subject };
      const old = parseCertificate(make.encodeCertificate({ ...names, version: encoded, spki, issuerKey: key }));
      const request = { certificate: old, issuer, signer, serialNumber, ...dates };
      const extended = certificateFields(await reissue({ ...request, authorityKey: 'today' }));
      expect(extended).toMatchObject({ version: 3, extensions: [{ oid: '2.5.29.35' }] });
      const bare = certificateFields(await reissue({ ...request, authorityKey: 'keep' }));
      expect(bare).toMatchObject({ version, extensions: [] });
    },
  );

  test.each([true, false])('keeps the criticality of key identifiers: %s', async (critical) => {
    const key = makeKey('P-256');
    const extensions = [subjectKeyIdentifier(spkiOf(key)), authorityKeyIdentifier(spkiOf(key))];
    const old = forge(
      {
        subject: commonNameOnly('c'),
        spki: spkiOf(key),
        ...dates,
        extensions: extensions.map((e) => ({ ...e, critical })),
      },
      { subject: issuer.subject, key: issuerKey },
    );
    const request = { issuer, signer, serialNumber, ...dates, authorityKey: 'today' as const };
    const spki = spkiOf(makeKey('P-256'));
    const successor = await reissue({ ...request, certificate: parseCertificate(old), spki });
    expect(parseCertificate(successor).extensions).toEqual([
      { ...subjectKeyIdentifier(spki), critical },
      { ...authorityKeyIdentifier(issuer.spki), critical },
    ]);
  });
});

describe('the authority key identifier of a CA certificate', () => {
  const spki = spkiOf(makeKey('P-256'));
  const identifier = subjectKeyIdentifier(issuer.spki).value.subarray(2);
  const withSerial = (serial: Uint8Array) =>
    extension('2.5.29.35', sequence(der(0x80, identifier), der(0xa1, der(0xa4, issuer.subject)), der(0x82, serial)));
  const serialAlone = (serial: Uint8Array) =>
    extension('2.5.29.35', sequence(der(0xa1, der(0xa4, issuer.subject)), der(0x82, serial)));

  test.each<[string, ReturnType<typeof extension>[], ReturnType<typeof extension>[]]>([
    ['stays, where it names the key', [authorityKeyIdentifier(issuer.spki)], [authorityKeyIdentifier(issuer.spki)]],
    ['stays absent', [], []],
    [
      'stays, where it names the certificate',
      [withSerial(Uint8Array.of(0, 0x99, 1))],
      [withSerial(Uint8Array.of(0, 0x99, 1))],
    ],
    ['changes, where it names another key', [authorityKeyIdentifier(spki)], [authorityKeyIdentifier(issuer.spki)]],
    [
      'stays, where it names the certificate alone',
      [serialAlone(Uint8Array.of(0, 0x99, 1))],
      [serialAlone(Uint8Array.of(0, 0x99, 1))],
    ],
    [
      'changes, where it names another certificate',
      [withSerial(Uint8Array.of(7))],
      [authorityKeyIdentifier(issuer.spki)],
    ],
  ])('%s', async (_, before, after) => {
    const old = forge(
      { subject: commonNameOnly('Sub'), spki, ...dates, extensions: [basicConstraints(true, 0), ...before] },
      { subject: issuer.subject, key: issuerKey },
    );
    const certificate = parseCertificate(old);
    const successor = await reissue({ certificate, issuer, signer, serialNumber, ...dates, authorityKey: 'keep' });
    const found = parseCertificate(successor).extensions.filter(({ oid: id }) => id === '2.5.29.35');
    expect(found).toEqual(after);
  });

  test('stays if the issuer does not name its key', async () => {
    const nameless = { ...issuer, extensions: [] };
    const old = forge(
      { subject: commonNameOnly('Sub'), spki, ...dates, extensions: [authorityKeyIdentifier(spki)] },
      { subject: issuer.subject, key: issuerKey },
    );
    const request = { certificate: parseCertificate(old), issuer: nameless, signer, serialNumber, ...dates };
    const successor = await reissue({ ...request, authorityKey: 'keep' });
    expect(parseCertificate(successor).extensions).toEqual([authorityKeyIdentifier(spki)]);
  });

  test('that is truncated is refused with its name', async () => {
    const cut = extension('2.5.29.35', sequence(der(0x80, identifier), Uint8Array.of(0xa1, 9)));
    const old = forge(
      { subject: commonNameOnly('Sub'), spki, ...dates, extensions: [cut] },
      { subject: issuer.subject, key: issuerKey },
    );
    const request = { certificate: parseCertificate(old), issuer, signer, serialNumber, ...dates };
    await expect(async () => reissue({ ...request, authorityKey: 'keep' })).rejects.toThrow(
      'the authorityKeyIdentifier extension is cut short',
    );
  });
});

test('serial numbers are positive, of 16 octets and never the same', () => {
  const entropy = fakeEntropy('serials');
  const serials = Array.from({ length: 1000 }, () => newSerialNumber(entropy));
  expect(serials.every((each) => each.length === 16 && (each[0] ?? 0) >= 0x40 && (each[0] ?? 0) < 0x80)).toBe(true);
  expect(new Set(serials.map((each) => Buffer.from(each).toString('hex'))).size).toBe(1000);
  expect(newSerialNumber(() => new Uint8Array(16))[0]).toBe(0x40);
  expect(newSerialNumber(() => new Uint8Array(16).fill(0xff))[0]).toBe(0x7f);
});

test('a signature that does not verify is CertificateRejected', async () => {
  const other = signerFor(makeKey('P-256'));
  const broken = { ...signer, sign: (data: Uint8Array) => other.sign(data) };
  const rubbish = { ...signer, sign: async () => Uint8Array.of(1, 2, 3) };
  for (const each of [broken, rubbish]) {
    const made = reissue({ certificate: issuer, issuer, signer: each, serialNumber, ...dates, authorityKey: 'keep' });
    await expect(made).rejects.toMatchObject({
      code: 'CertificateRejected',
      message: expect.stringContaining(`under the authority's public key (${signer.kmsKeyArn}): nothing was stored`),
    });
  }
  const local = { ...other, sign: async () => Uint8Array.of(1, 2, 3) };
  await expect(signCertificate(Uint8Array.of(0x30, 0), local)).rejects.toThrow("authority's public key: nothing");
  await expect(signCertificate(Uint8Array.of(0x30, 0), signer)).rejects.toMatchObject({ code: 'CertificateRejected' });
});

describe('the lint', () => {
  const key = makeKey('P-256');
  const sound = {
    subject: commonNameOnly('leaf'),
    spki: spkiOf(key),
    serialNumber,
    ...dates,
    extensions: [keyUsage('digitalSignature'), authorityKeyIdentifier(issuer.spki)],
  };
  const found = (more: Partial<typeof sound>, by = issuer) =>
    lint(parseCertificate(forge({ ...sound, ...more }, { subject: by.subject, key: issuerKey })), issuer).join('; ');

  test.each<[string, Partial<typeof sound>, RegExp]>([
    ['nothing', {}, /^$/],
    ['nothing in a serial number of 8 octets', { serialNumber: new Uint8Array(8).fill(0x11) }, /^$/],
    ['nothing in a serial number of 20 octets', { serialNumber: new Uint8Array(20).fill(0x11) }, /^$/],
    ['nothing without a key usage', { extensions: [] }, /^$/],
    ['a short serial number', { serialNumber: Uint8Array.of(0x11, 2, 3) }, /3 octets/],
    ['a long serial number', { serialNumber: new Uint8Array(21).fill(0x11) }, /21 octets/],
    ['an end after its issuer’s', { notAfter: issuer.notAfter + 1000 }, /after its issuer/],
    ['no validity', { notAfter: now }, /does not end after it begins/],
    ['another AKI', { extensions: [authorityKeyIdentifier(spkiOf(key))] }, /authority key identifier/],
    ['keyCertSign without a CA', { extensions: [keyUsage('keyCertSign')] }, /may sign certificates/],
    ['a CA without SKI', { extensions: [keyUsage('keyCertSign'), basicConstraints(true)] }, /without a subject key/],
  ])('finds %s', (_, more, finding) => {
    expect(found(more)).toMatch(finding);
  });

  test.each([0x80, 0x81, 0xff])('finds a negative serial number, of %i first', (first) => {
    const serial = der(0x02, Uint8Array.of(first), new Uint8Array(15));
    const named = { subject: commonNameOnly('leaf'), issuer: issuer.subject };
    const made = make.encodeCertificate({ ...named, serial, spki: spkiOf(key), issuerKey });
    expect(lint(parseCertificate(made), issuer).join('; ')).toMatch(/serial number is negative/);
  });

  test('accepts a certificate without an authority key identifier if its issuer does not name its key', () => {
    const nameless = { ...issuer, extensions: [] };
    const certificate = parseCertificate(forge(sound, { subject: issuer.subject, key: issuerKey }));
    expect(lint(certificate, nameless)).toEqual([]);
  });

  test('finds a CA under pathLen 0, and another issuer’s name', () => {
    const narrow = { ...issuer, pathLength: 0 };
    const certificate = parseCertificate(
      forge(
        { ...sound, extensions: [basicConstraints(true), subjectKeyIdentifier(spkiOf(key))] },
        { subject: commonNameOnly('Other'), key: issuerKey },
      ),
    );
    expect(lint(certificate, narrow).join('; ')).toMatch(/name differs from the subject of the issuer.*pathLen 0/);
    expect(lint(issuer, { ...issuer, pathLength: 0 }).join()).not.toMatch(/pathLen/);
  });
});
