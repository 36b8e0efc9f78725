import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import { parseCertificate, parseIssuer } from '../../lambdas/x509/certificate.ts';
import { extendedKeyUsages, findExtension, keyUsages, subjectKeyIdentifier } from '../../lambdas/x509/extensions.ts';
import { describeCertificate } from '../../lambdas/x509/facts.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { golden, goldenNames } from './golden.ts';
import * as make from './issue.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('golden certificates', () => {
  it('are complete', () => expect(goldenNames).toHaveLength(38));

  it.each(goldenNames)('%s reads as node:crypto reads it', (name) => {
    const der = golden(name);
    const certificate = parseCertificate(der);
    const node = new X509Certificate(der);
    const description = describeCertificate(certificate);
    // node writes the sign of a negative number, and no leading zeros
    const odd: Record<string, string> = { 'serial-negative': '-05', 'serial-zero': '0' };
    const serial = odd[name] ?? certificate.serialNumber.toUpperCase();
    expect(serial).toBe(node.serialNumber);
    expect(description.notBefore).toBe(new Date(node.validFrom).toISOString().replace('.000', ''));
    expect(description.notAfter).toBe(new Date(node.validTo).toISOString().replace('.000', ''));
    expect(certificate.isCa).toBe(node.ca);
    expect(description.fingerprintSha256).toBe(node.fingerprint256.replaceAll(':', '').toLowerCase());
    expect(hex(certificate.spki)).toBe(node.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'));
    expect(hex(certificate.der)).toBe(hex(der));
    expect(extendedKeyUsages(certificate)).toEqual(node.keyUsage);
    expect(findExtension(certificate, oids.subjectAltName) === undefined).toBe(node.subjectAltName === undefined);
  });

  const kinds: [file: string, keyAlgorithm: string | null, signatureAlgorithm: string][] = [
    ['key-p256', 'EC P-256', '1.2.840.10045.4.3.2'],
    ['key-p384', 'EC P-384', '1.2.840.10045.4.3.2'],
    ['key-p521', 'EC P-521', '1.2.840.10045.4.3.2'],
    ['key-p224', null, '1.2.840.10045.4.3.2'],
    ['key-p256-explicit', null, '1.2.840.10045.4.3.2'],
    ['key-ed25519', 'OKP Ed25519', '1.3.101.112'],
    ['key-ed448', null, '1.3.101.113'],
    ['key-rsa2048', 'RSA 2048', '1.2.840.113549.1.1.11'],
    ['key-rsa1023', 'RSA 1023', '1.2.840.113549.1.1.11'],
    ['key-rsa-pss', null, '1.2.840.113549.1.1.10'],
    ['signed-sha1', 'RSA 2048', '1.2.840.113549.1.1.5'],
  ];
  it.each(kinds)('%s holds %s and is signed with %s', (file, keyAlgorithm, signatureAlgorithm) => {
    const certificate = parseCertificate(golden(file));
    expect(describeCertificate(certificate).keyAlgorithm).toBe(keyAlgorithm);
    expect(certificate.signatureAlgorithm).toBe(signatureAlgorithm);
  });

  const serials: [string, string][] = [
    ['serial-20-octets', 'ffeeddccbbaa99887766554433221100ffeeddcc'],
    ['serial-small', '80'],
    ['serial-zero', '00'],
    ['serial-negative', 'fb'],
  ];
  it.each(serials)('%s: %s', (file, serial) => expect(parseCertificate(golden(file)).serialNumber).toBe(serial));

  it('have all extensions', () => {
    const certificate = parseCertificate(golden('everything'));
    expect(certificate.isCa).toBe(true);
    expect(certificate.pathLength).toBe(3);
    expect(keyUsages(certificate)).toEqual(['keyAgreement', 'keyCertSign', 'cRLSign', 'decipherOnly']);
    expect(extendedKeyUsages(certificate)).toEqual([oids.serverAuth, oids.clientAuth, '1.3.6.1.4.1.32473.3']);
    expect(subjectKeyIdentifier(certificate)).toHaveLength(20);
    expect(certificate.extensions.filter(({ critical }) => critical).map(({ oid }) => oid)).toEqual([
      oids.basicConstraints,
      oids.keyUsage,
      oids.nameConstraints,
    ]);
  });
});

const ca = make.party('CA');
const plain: make.Template = {
  issuer: ca.name,
  issuerKey: ca.key,
  subject: make.commonNameOnly('leaf'),
  spki: ca.spki,
};
const parse = (more: Partial<make.Template>) => parseCertificate(make.encodeCertificate({ ...plain, ...more }));
const utc = (text: string) => d.element(0x17, make.ascii(text));
const generalized = (text: string) => d.element(0x18, make.ascii(text));

describe('refused', () => {
  const withExtension = (oid: string, value: Uint8Array) => ({ extensions: [make.extension(oid, value)] });
  const refused: [what: string, problem: string, Partial<make.Template>][] = [
    ['version 4', 'version is 4', { version: d.integer(3) }],
    ['a negative version', 'version is negative', { version: d.integer(-1) }],
    ['extensions in version 1', 'version is 1', { version: undefined, extensions: [make.keyUsage(0)] }],
    ['extensions in version 2', 'version is 2', { version: d.integer(1), extensions: [make.keyUsage(0)] }],
    [
      'another algorithm outside',
      'the signature algorithm differs from the one in the signed part',
      { outerAlgorithm: make.sha1WithRsa },
    ],
    ['an extension twice', 'keyUsage (2.5.29.15) twice', { extensions: [make.keyUsage(0), make.keyUsage(1)] }],
    ['an empty RDN', 'subject has an empty RDN', { subject: d.sequence(d.setOf()) }],
    ['an issuer with an empty RDN', 'issuer has an empty RDN', { issuer: d.sequence(d.setOf()) }],
    ['a subject that is no list of SETs', 'the subject', { subject: d.sequence(d.integer(1)) }],
    [
      'bytes behind the extensions',
      'bytes after',
      { between: [], rawExtensions: Buffer.concat([d.context(3, d.sequence()), d.nullValue()]) },
    ],
    ['extensions that are two lists', 'bytes after', { rawExtensions: d.context(3, d.sequence(), d.sequence()) }],
    [
      'an extension with bytes behind',
      'bytes after',
      {
        rawExtensions: d.context(
          3,
          d.sequence(d.sequence(d.oid('1.2.3'), d.octetString(Uint8Array.of()), d.nullValue())),
        ),
      },
    ],
    [
      'a validity that ends before it begins',
      'the validity ends before it begins',
      { notBefore: utc('261122000001Z'), notAfter: utc('261122000000Z') },
    ],
    ['a public key that is none', 'public key', { spki: d.sequence(d.nullValue()) }],
    [
      'an RSA key that is none',
      'RSA public key',
      { spki: d.sequence(d.sequence(d.oid('1.2.840.113549.1.1.1'), d.nullValue()), d.bitString(d.nullValue())) },
    ],
    [
      'an RSA key with a negative modulus',
      'negative modulus',
      {
        spki: d.sequence(
          d.sequence(d.oid('1.2.840.113549.1.1.1'), d.nullValue()),
          d.bitString(d.sequence(d.integer(-5), d.integer(3))),
        ),
      },
    ],
    [
      'broken basicConstraints',
      'basicConstraints',
      withExtension(oids.basicConstraints, d.sequence(d.integer(1), d.boolean(true))),
    ],
    [
      'a negative pathLenConstraint',
      'basicConstraints',
      withExtension(oids.basicConstraints, d.sequence(d.boolean(true), d.integer(-1))),
    ],
    ['a broken keyUsage', 'keyUsage', withExtension(oids.keyUsage, d.integer(1))],
    ['a broken extendedKeyUsage', 'extendedKeyUsage', withExtension(oids.extendedKeyUsage, d.sequence(d.integer(1)))],
    ['a broken subjectKeyIdentifier', 'subjectKeyIdentifier', withExtension(oids.subjectKeyIdentifier, d.sequence())],
    [
      'a broken authorityKeyIdentifier',
      'authorityKeyIdentifier',
      withExtension(oids.authorityKeyIdentifier, d.integer(1)),
    ],
    ['an IP address of 5 octets', '5 octets', { extensions: [make.subjectAltName(make.ip(1, 2, 3, 4, 5))] }],
    [
      'an alternative name of kind 9',
      'not a GeneralName',
      { extensions: [make.subjectAltName(d.contextPrimitive(9, make.ascii('x')))] },
    ],
    [
      'a constructed dNSName',
      'not a GeneralName',
      { extensions: [make.subjectAltName(d.context(2, make.ascii('x')))] },
    ],
    [
      'a directoryName that is none',
      'subjectAltName',
      { extensions: [make.subjectAltName(make.directory(d.nullValue()))] },
    ],
  ];
  it.each(refused)('%s', (_, problem, template) => {
    expect(() => parse(template)).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    expect(() => parse(template)).toThrow(problem);
  });

  const algorithm = d.sequence(d.oid('1.2.840.10045.4.3.2'));
  const someDate = utc('261122000000Z');
  const outer = (...fields: Uint8Array[]) => d.sequence(...fields);
  /** Builds a TBSCertificate with one field replaced. */
  const inner = (at: number, field: Uint8Array) => {
    const fields = [
      d.integer(1),
      algorithm,
      ca.name,
      d.sequence(someDate, someDate),
      make.commonNameOnly('leaf'),
      ca.spki,
    ];
    return outer(d.sequence(...fields.with(at, field)), algorithm, d.bitString(Uint8Array.of(1)));
  };
  const extension = (...fields: Uint8Array[]) => d.context(3, d.sequence(d.sequence(...fields)));
  const badOid = d.element(0x06, Uint8Array.of(0x80));
  const places: [problem: string, der: Uint8Array][] = [
    ['the certificate is missing', new Uint8Array()],
    ['the certificate has tag 0x02 instead of 0x30', outer(d.integer(1))],
    ['the signature algorithm has tag 0x02', outer(d.sequence(), d.integer(1))],
    ['the signature has tag 0x05 instead of 0x03', outer(d.sequence(), algorithm, d.nullValue())],
    ['the signature is not a BIT STRING', outer(d.sequence(), algorithm, d.element(0x03, new Uint8Array()))],
    [
      'the certificate has bytes after its end',
      outer(d.sequence(), algorithm, d.bitString(Uint8Array.of(1)), d.nullValue()),
    ],
    ['the serial number has tag 0x05 instead of 0x02', inner(0, d.nullValue())],
    ['the serial number is an INTEGER without octets', inner(0, d.element(0x02, new Uint8Array()))],
    ['the signature algorithm has tag 0x05 instead of 0x30', inner(1, d.nullValue())],
    ['the issuer has tag 0x05 instead of 0x30', inner(2, d.nullValue())],
    ['the validity has tag 0x05 instead of 0x30', inner(3, d.nullValue())],
    ['the validity has bytes after its end', inner(3, d.sequence(someDate, someDate, someDate))],
    ['notBefore is not a date', inner(3, d.sequence(d.nullValue(), someDate))],
    ['the subject has tag 0x05 instead of 0x30', inner(4, d.nullValue())],
    ['the public key has tag 0x05 instead of 0x30', inner(5, d.nullValue())],
    ['the version has tag 0x05 instead of 0x02', make.encodeCertificate({ ...plain, version: d.nullValue() })],
    [
      'the signature algorithm has tag 0x02 instead of 0x06',
      make.encodeCertificate({ ...plain, algorithm: d.sequence(d.integer(1)) }),
    ],
    ['the signature algorithm is not an OID', make.encodeCertificate({ ...plain, algorithm: d.sequence(badOid) })],
    [
      'the list of extensions has tag 0x02',
      make.encodeCertificate({ ...plain, rawExtensions: d.context(3, d.integer(1)) }),
    ],
    [
      'an extension has tag 0x02 instead of 0x30',
      make.encodeCertificate({ ...plain, rawExtensions: d.context(3, d.sequence(d.integer(1))) }),
    ],
    [
      'an extension is not an OID',
      make.encodeCertificate({ ...plain, rawExtensions: extension(badOid, d.octetString(new Uint8Array())) }),
    ],
  ];
  it.each(places)('with the place: %s', (problem, der) => {
    expect(() => parseCertificate(der)).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    expect(() => parseCertificate(der)).toThrow(`can't be read: ${problem}`);
  });

  it('bytes after the certificate, and what is no certificate', () => {
    const der = make.encodeCertificate(plain);
    const refuse = (bytes: Uint8Array) =>
      expect(() => parseCertificate(bytes)).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    refuse(Buffer.concat([der, Uint8Array.of(0)]));
    refuse(Buffer.concat([der, der]));
    refuse(der.subarray(0, -1));
    refuse(new Uint8Array(0));
    refuse(Buffer.from('-----BEGIN CERTIFICATE-----\n'));
  });

  const dates: [what: string, Uint8Array][] = [
    ['no seconds', utc('2611220000Z')],
    ['a time zone', utc('261122000000+0100')],
    ['no Z', utc('261122000000')],
    ['30 February', utc('260230000000Z')],
    ['hour 24', utc('261122240000Z')],
    ['second 60', utc('261122235960Z')],
    ['month 13', utc('261322000000Z')],
    ['letters', utc('26112200000aZ')],
    ['a fraction', generalized('20261122000000.5Z')],
    ['two digits of the year', generalized('261122000000Z')],
    ['four digits of the year', utc('20261122000000Z')],
    ['another type', d.utf8String('261122000000Z')],
    ['another type and a long year', d.utf8String('20261122000000Z')],
    ['half a million digits', utc('1'.repeat(500_000))],
    ['nothing', utc('')],
  ];
  it.each(dates)('a date with %s', (_, notAfter) =>
    expect(() => parse({ notAfter })).toThrow('notAfter is not a date'),
  );
});

describe('accepted', () => {
  const dates: [string, Uint8Array, string][] = [
    ['year 50', utc('500101000000Z'), '1950-01-01T00:00:00Z'],
    ['year 49', utc('491231235959Z'), '2049-12-31T23:59:59Z'],
    ['year 00', utc('000101000000Z'), '2000-01-01T00:00:00Z'],
    ['29 February', utc('280229000000Z'), '2028-02-29T00:00:00Z'],
    ['a GeneralizedTime before 2050', generalized('20261122080000Z'), '2026-11-22T08:00:00Z'],
    ['the end of time', generalized('99991231235959Z'), '9999-12-31T23:59:59Z'],
  ];
  it.each(dates)('a date with %s', (_, date, text) => {
    expect(describeCertificate(parse({ notBefore: date, notAfter: date })).notAfter).toBe(text);
  });

  it('FALSE written explicitly, as many encoders do', () => {
    const value = d.sequence(d.boolean(false));
    const rawExtensions = d.context(
      3,
      d.sequence(d.sequence(d.oid(oids.basicConstraints), d.boolean(false), d.octetString(value))),
    );
    expect(parse({ rawExtensions })).toMatchObject({ isCa: false, extensions: [{ critical: false }] });
  });

  it('unique identifiers, and version 1 written explicitly', () => {
    expect(
      parse({ between: [d.contextPrimitive(1, Uint8Array.of(0)), d.contextPrimitive(2, Uint8Array.of(0))] }).extensions,
    ).toEqual([]);
    expect(parse({ version: d.integer(0) }).extensions).toEqual([]);
  });

  it('a serial number of 40 octets', () => {
    expect(parse({ serial: d.unsignedInteger(new Uint8Array(40).fill(0xab)) }).serialNumber).toBe('ab'.repeat(40));
  });

  it('a buffer that the caller reuses later: the certificate has its own copy', () => {
    const der = make.encodeCertificate(plain);
    const certificate = parseCertificate(der);
    const subject = hex(certificate.subject);
    der.fill(0);
    expect(hex(certificate.subject)).toBe(subject);
  });
});

describe('an issuer', () => {
  const der = golden('step-intermediate');

  it('is parsed once, in any buffer', () => {
    const first = parseIssuer(der);
    expect(first).toEqual(parseCertificate(der));
    expect(parseIssuer(Buffer.concat([Buffer.alloc(3), der]).subarray(3))).toBe(first);
    expect(parseIssuer(golden('step-root'))).not.toBe(first);
  });

  it('is dropped after many others', () => {
    const first = parseIssuer(der);
    // The last byte of the signature makes each a different certificate.
    for (let count = 0; count < 256; count++) {
      const other = Buffer.from(der);
      other.writeUInt8(count, other.length - 1);
      parseIssuer(other);
    }
    expect(parseIssuer(der)).not.toBe(first);
    expect(parseIssuer(der)).toEqual(first);
  });

  it('that is invalid is refused each time', () => {
    for (let time = 0; time < 2; time++) expect(() => parseIssuer(new Uint8Array([1, 2]))).toThrow();
  });
});
