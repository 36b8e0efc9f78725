import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { alternativeNames, subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { commonName, formatName } from '../../lambdas/x509/names.ts';
import { golden } from './golden.ts';
import * as make from './issue.ts';

const CN = '2.5.4.3';
const cn = (value: Uint8Array) => d.sequence(d.setOf(make.attribute(CN, value)));
const big = (text: string, width: number) =>
  Buffer.from(
    [...text].flatMap((c) =>
      [...Array(width).keys()].map((i) => ((c.codePointAt(0) ?? 0) >> (8 * (width - 1 - i))) & 255),
    ),
  );

describe('formatName on golden certificates', () => {
  const names: [file: string, text: string][] = [
    ['name-multi-valued', 'UID=jsmith,OU=Sales+CN=J.  Smith,DC=org,DC=example'],
    [
      'name-escapes',
      'OU=\\ lead,OU=\\#1\\+1=2\\ ,O=Sue\\, Grabbit and Runn\\; \\<best\\>\\\\\\\\,STREET=Am Markt 1,L=München,ST=Bayern,C=DE',
    ],
    [
      'name-others',
      '1.3.6.1.4.1.32473.1=#0c0770726976617465,CN=last,CN=first,1.2.840.113549.1.9.1=#160e6a6f406578616d706c652e6f7267,title=Dr,givenName=Jo,sn=Doe,serialNumber=42',
    ],
    ['name-utf8', 'CN=плюс 🔑,O=Łódź 東京'],
    ['name-bmp-teletex', 'CN=плюс,O=Zürich,O=Łódź 東京'],
    ['name-empty', ''],
    ['step-leaf', 'CN=leaf.example'],
  ];
  it.each(names)('%s', (file, text) => expect(formatName(parseCertificate(golden(file)).subject)).toBe(text));

  it('uses the last common name', () => {
    expect(commonName(parseCertificate(golden('name-others')).subject)).toBe('last');
    expect(commonName(parseCertificate(golden('name-empty')).subject)).toBeUndefined();
    expect(commonName(parseCertificate(golden('step-leaf')).subject)).toBe('leaf.example');
  });
});

describe('RFC 4514 section 4', () => {
  const o = (type: string, text: string) => d.setOf(make.attribute(type, d.utf8String(text)));
  const examples: [text: string, name: Uint8Array][] = [
    [
      'UID=jsmith,DC=example,DC=net',
      d.sequence(
        o('0.9.2342.19200300.100.1.25', 'net'),
        o('0.9.2342.19200300.100.1.25', 'example'),
        o('0.9.2342.19200300.100.1.1', 'jsmith'),
      ),
    ],
    [
      'CN=James \\"Jim\\" Smith\\, III,DC=net',
      d.sequence(o('0.9.2342.19200300.100.1.25', 'net'), o(CN, 'James "Jim" Smith, III')),
    ],
    ['CN=Before\\0dAfter,DC=net', d.sequence(o('0.9.2342.19200300.100.1.25', 'net'), o(CN, 'Before\rAfter'))],
    [
      '1.3.6.1.4.1.1466.0=#04024869',
      d.sequence(d.setOf(make.attribute('1.3.6.1.4.1.1466.0', d.octetString(make.ascii('Hi'))))),
    ],
    ['CN=Lučić', d.sequence(o(CN, 'Lučić'))],
  ];
  it.each(examples)('%s', (text, name) => expect(formatName(name)).toBe(text));
});

it('invalid DER is refused as an invalid name', () => {
  expect(() => formatName(d.integer(1))).toThrow('a name has tag 0x02');
  const more = d.sequence(d.setOf(d.sequence(d.oid(CN), d.utf8String('x'), d.nullValue())));
  expect(() => formatName(more)).toThrow('a name has bytes after its end');
});

describe('values', () => {
  const values: [what: string, value: Uint8Array, text: string][] = [
    ['one space', d.utf8String(' '), '\\ '],
    ['two spaces', d.utf8String('  '), '\\ \\ '],
    ['spaces around', d.utf8String('  a  '), '\\  a \\ '],
    ['#', d.utf8String('#'), '\\#'],
    ['# inside', d.utf8String('a#='), 'a#='],
    ['nothing', d.utf8String(''), ''],
    ['NUL', d.utf8String('a\0'), 'a\\00'],
    ['a line break', d.utf8String('a\nb\u0085\u2028'), 'a\\0ab\\c2\\85\\e2\\80\\a8'],
    ['right to left override', d.utf8String('\u202egnp'), '\\e2\\80\\aegnp'],
    ['a byte order mark', d.utf8String('\ufeffa'), '\\ef\\bb\\bfa'],
    ['every special', d.utf8String('",+;<>\\='), '\\"\\,\\+\\;\\<\\>\\\\='],
    ['PrintableString with letters it does not allow', make.text('printableString', make.ascii('*.a_b@')), '*.a_b@'],
    ['PrintableString beyond ASCII', make.text('printableString', Uint8Array.of(0xe9)), '#1301e9'],
    ['PrintableString in part beyond ASCII', make.text('printableString', Uint8Array.of(0x61, 0x80)), '#13026180'],
    ['IA5String', make.text('ia5String', make.ascii('a')), 'a'],
    ['NumericString', make.text('numericString', make.ascii('1 2')), '1 2'],
    ['VisibleString', make.text('visibleString', make.ascii('a')), 'a'],
    ['TeletexString as Latin-1', make.text('teletexString', Uint8Array.of(0xe9)), 'é'],
    ['BMPString', make.text('bmpString', big('Łx', 2)), 'Łx'],
    ['BMPString with a surrogate pair', make.text('bmpString', Buffer.from('d83ddd11', 'hex')), '🔑'],
    ['BMPString with half of a pair', make.text('bmpString', Buffer.from('d83d', 'hex')), '#1e02d83d'],
    ['BMPString of 3 octets', make.text('bmpString', Uint8Array.of(0, 65, 0)), '#1e03004100'],
    ['UniversalString', make.text('universalString', big('a🔑', 4)), 'a🔑'],
    ['UniversalString with the last of Unicode', make.text('universalString', big('\u{10ffff}', 4)), '\u{10ffff}'],
    ['UniversalString beyond Unicode', make.text('universalString', Uint8Array.of(0, 0x11, 0, 0)), '#1c0400110000'],
    ['UniversalString with a surrogate', make.text('universalString', Uint8Array.of(0, 0, 0xd8, 0)), '#1c040000d800'],
    ['UTF8String that is none', make.text('utf8String', Uint8Array.of(0xc0, 0x80)), '#0c02c080'],
    ['no string at all', d.integer(5), '#020105'],
    ['a SEQUENCE', d.sequence(d.nullValue()), '#30020500'],
  ];
  it.each(values)('%s', (_, value, text) => expect(formatName(cn(value))).toBe(`CN=${text}`));

  /** RFC 4514, section 3, in reverse. */
  const readBack = (text: string) =>
    Buffer.concat(
      [...text.matchAll(/\\([0-9a-f]{2})|\\(.)|([^\\]+)/gs)].map(([, octet, special, plain]) =>
        octet === undefined ? Buffer.from(special ?? plain ?? '') : Buffer.from(octet, 'hex'),
      ),
    ).toString('utf8');

  it('any text can be read back, and contains nothing that could end it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const formatted = formatName(cn(d.utf8String(text))).slice('CN='.length);
        expect(readBack(formatted)).toBe(text);
        expect(formatted).not.toMatch(/(?<!\\)(?:\\\\)*[",+;<>]|^[ #]|[\p{Cc}\u202a-\u202e]/u);
        expect(commonName(cn(d.utf8String(text)))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('all 16-bit units in a BMPString, all code points in a UniversalString', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const units = Buffer.from(text, 'utf16le').swap16();
        expect(commonName(cn(make.text('bmpString', units)))).toBe(text);
        expect(commonName(cn(make.text('universalString', big(text, 4))))).toBe(text);
      }),
    );
  });
});

describe('subjectAltNames', () => {
  it('every kind, in order; kinds without a prefix are left out', () => {
    expect(subjectAltNames(parseCertificate(golden('san-every-kind')))).toEqual([
      'dns:a.example',
      'dns:*.b.example',
      'ip:192.0.2.1',
      'ip:2001:db8::1:0:0:1',
      'ip:::ffff:192.0.2.9',
      'ip:::',
      'email:Jo@example.org',
      'uri:spiffe://example/ns?x=1',
    ]);
    expect(subjectAltNames(parseCertificate(golden('step-leaf')))).toEqual([
      'dns:leaf.example',
      'email:jo@example.org',
      'ip:10.1.2.3',
      'uri:spiffe://example/leaf',
    ]);
    expect(subjectAltNames(parseCertificate(golden('version-1')))).toEqual([]);
  });

  it('a name that looks like two stays one', () => {
    expect(subjectAltNames(parseCertificate(golden('san-odd')))).toEqual([
      'dns:a.example,\\20DNS:b.example',
      'dns:back\\5cslash',
      'uri:https://example/a\\20b',
    ]);
  });

  const sans = (...names: Uint8Array[]) => subjectAltNames({ extensions: [make.subjectAltName(...names)] });
  it.each([
    ['a\nb', 'dns:a\\0ab'],
    ['a\0.example', 'dns:a\\00.example'],
    ['a\x80', 'dns:a\\80'],
    ['m\xfcnchen', 'dns:m\\fcnchen'],
    ['', 'dns:'],
  ])('%j', (name, text) => expect(sans(make.dns(name))).toEqual([text]));

  it('are empty without the extension', () => {
    expect(alternativeNames({ extensions: [] })).toEqual([]);
    expect(alternativeNames({ extensions: [make.subjectAltName(make.ip(192, 0, 2, 1))] })).toEqual([
      { kind: 'ip', value: Uint8Array.of(192, 0, 2, 1) },
    ]);
  });

  it.each<[string, Uint8Array, string]>([
    ['an INTEGER', d.integer(2), 'the subjectAltName extension contains something that is not a GeneralName'],
    ['a directory name with more behind it', d.context(4, d.sequence(), d.nullValue()), 'bytes after its end'],
  ])('%s is refused', (_, name, problem) => {
    expect(() => sans(name)).toThrow(problem);
  });

  const addresses: [string, string][] = [
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['20010db8000100010001000100010001', '2001:db8:1:1:1:1:1:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['00000000000000000000000000000001', '::1'],
    ['00010000000000000000000000000000', '1::'],
    ['00000000000000000000ffffc0000209', '::ffff:192.0.2.9'],
    ['000000000000000000000000c0000209', '::c000:209'],
    ['20010db8000000000000ffffc0000209', '2001:db8::ffff:c000:209'],
    ['fe80000000000000abcdef0123456789', 'fe80::abcd:ef01:2345:6789'],
  ];
  it.each(addresses)('%s is %s', (octets, text) => {
    expect(sans(make.ip(...Buffer.from(octets, 'hex')))).toEqual([`ip:${text}`]);
  });
});
