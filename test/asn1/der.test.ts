import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ElementReader, readSequence, readSingle } from '../../lambdas/asn1/reader.ts';
import { tags } from '../../lambdas/asn1/tags.ts';
import { readBitString, readBoolean, readInteger, readOid, readSmallInteger } from '../../lambdas/asn1/values.ts';
import * as d from '../../lambdas/asn1/writer.ts';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const only = (text: string) => new ElementReader(hex(text), 'the element').any();

describe('ElementReader refuses', () => {
  const refused: [what: string, der: string, problem: string][] = [
    ['nothing', '', 'cut short'],
    ['a tag alone', '30', 'cut short'],
    ['contents that are cut', '04 03 0102', 'cut short'],
    ['a length that is cut', '04 82 01', 'cut short'],
    ['a length that is cut, with the rest 0', '04 84 01', 'cut short'],
    ['an indefinite length', '30 80 0000', 'indefinite'],
    ['a long length below 128', '04 81 01 00', 'not minimal'],
    ['a long length with a leading 0', `04 82 0080 ${'00'.repeat(128)}`, 'not minimal'],
    ['a length of 5 octets', '04 85 0100000000', 'more than four'],
    ['a length of 126 octets', `04 fe ${'ff'.repeat(126)}`, 'more than four'],
    ['4 GiB', '04 84 ffffffff 00', 'cut short'],
    ['a tag of two octets', '1f 81 01 00', 'several octets'],
  ];
  it.each(refused)('%s', (_, der, problem) => {
    expect(() => only(der)).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    expect(() => only(der)).toThrow(problem);
  });

  it('another tag, a missing element, bytes behind the end', () => {
    expect(() => readSingle(hex('0400'), tags.integer, 'it')).toThrow('it has tag 0x04 instead of 0x02');
    expect(() => new ElementReader(hex(''), 'it').take(tags.integer)).toThrow('it is missing');
    expect(() => readSingle(hex('0201 01 00'), tags.integer, 'it')).toThrow('bytes after its end');
    expect(() => readSequence(hex('3000 3000'), 'it')).toThrow('bytes after its end');
  });
});

describe('the primitive types refuse', () => {
  const refused: [what: string, read: () => unknown, problem?: string][] = [
    ['a BOOLEAN of 01', () => readBoolean(only('0101 01'), 'it'), 'it is not a DER BOOLEAN'],
    ['a BOOLEAN without octets', () => readBoolean(only('0100'), 'it')],
    ['a BOOLEAN of two octets', () => readBoolean(only('0102 ffff'), 'it')],
    ['an INTEGER without octets', () => readInteger(only('0200'), 'it'), 'INTEGER without octets'],
    ['an INTEGER with a spare 00', () => readInteger(only('0202 007f'), 'it'), 'INTEGER with superfluous octets'],
    ['an INTEGER with a spare ff', () => readInteger(only('0202 ff80'), 'it')],
    ['a small INTEGER that is negative', () => readSmallInteger(only('0201 ff'), 'it')],
    ['a small INTEGER that is -128', () => readSmallInteger(only('0201 80'), 'it'), 'negative or too large'],
    ['a small INTEGER of 5 octets', () => readSmallInteger(only('0205 0100000000'), 'it')],
    ['a BIT STRING without octets', () => readBitString(only('0300'), 'it'), 'it is not a BIT STRING'],
    ['a BIT STRING with 8 unused bits', () => readBitString(only('0302 0800'), 'it')],
    ['an empty BIT STRING with unused bits', () => readBitString(only('0301 01'), 'it')],
    ['a BIT STRING with padding of 1', () => readBitString(only('0302 0101'), 'it'), 'padding that is not 0'],
    ['an OID without octets', () => readOid(only('0600'), 'it'), 'it is not an OID'],
    ['an OID that is cut', () => readOid(only('0602 2a86'), 'it')],
    ['an OID that is cut behind an 80', () => readOid(only('0603 2a8180'), 'it'), 'it is not an OID'],
    ['an OID with a spare 80', () => readOid(only('0603 2a8001'), 'it')],
    ['an OID that starts with 80', () => readOid(only('0602 8001'), 'it'), 'OID with superfluous octets'],
    ['an OID of 129 octets', () => readOid(only(`068181 ${'01'.repeat(129)}`), 'it')],
  ];
  it.each(refused)('%s', (_, read, problem = 'it') => {
    expect(read).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    expect(read).toThrow(problem);
  });
});

describe('known encodings', () => {
  const integers: [number | bigint, string][] = [
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [256, '02020100'],
    [-1, '0201ff'],
    [-128, '020180'],
    [-129, '0202ff7f'],
  ];
  it.each(integers)('INTEGER %s', (value, der) => expect(toHex(d.integer(value))).toBe(der));

  const identifiers: [string, string][] = [
    ['0.0', '060100'],
    ['0.39', '060127'],
    ['1.0', '060128'],
    ['2.5.4.3', '0603550403'],
    ['2.999.3', '0603883703'],
    ['1.2.840.113549.1.1.11', '06092a864886f70d01010b'],
    ['2.25.340282366920938463463374607431768211455', '06146983ffffffffffffffffffffffffffffffffff7f'],
  ];
  it.each(identifiers)('OID %s', (dotted, der) => {
    expect(toHex(d.oid(dotted))).toBe(der);
    expect(readOid(only(der), 'it')).toBe(dotted);
  });

  const times: [string, string][] = [
    ['1949-12-31T23:59:59Z', '180f31393439313233313233353935395a'],
    ['1950-01-01T00:00:00Z', '170d3530303130313030303030305a'],
    ['2049-12-31T23:59:59Z', '170d3439313233313233353935395a'],
    ['2050-01-01T00:00:00Z', '180f32303530303130313030303030305a'],
  ];
  it.each(times)('%s', (text, der) => expect(toHex(d.time(Date.parse(text)))).toBe(der));

  const smallIntegers: [string, number][] = [
    ['020100', 0],
    ['0202 0100', 256],
    ['0204 7fffffff', 2 ** 31 - 1],
  ];
  it.each(smallIntegers)('a small INTEGER %s', (der, value) => {
    expect(readSmallInteger(only(der), 'it')).toBe(value);
  });

  it('an empty BIT STRING, and an OID of 128 octets', () => {
    expect(readBitString(only('0301 00'), 'it')).toEqual({ octets: new Uint8Array(0), unused: 0 });
    expect(readOid(only(`068180 ${'01'.repeat(128)}`), 'it')).toBe(`0.1${'.1'.repeat(127)}`);
  });

  it('SET OF is sorted', () => expect(toHex(d.setOf(d.integer(2), d.integer(1)))).toBe('3106020101020102'));

  it('unsigned integers', () => {
    expect(toHex(d.unsignedInteger(hex('00 00 80')))).toBe('02020080');
    expect(toHex(d.unsignedInteger(hex('00 00')))).toBe('020100');
    expect(toHex(d.unsignedInteger(hex('')))).toBe('020100');
    expect(toHex(d.unsignedInteger(hex('7f')))).toBe('02017f');
  });
});

describe('properties', () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

  it('reads back what was encoded, around every change of the length of the length', () => {
    const lengths = fc.constantFrom(0, 1, 127, 128, 255, 256, 65_535, 65_536, 70_000);
    fc.assert(
      fc.property(lengths, fc.integer({ min: 0, max: 255 }), (length, fill) => {
        const element = readSingle(d.octetString(new Uint8Array(length).fill(fill)), tags.octetString, 'it');
        expect(element.value.length).toBe(length);
        expect(element.value.every((octet) => octet === fill)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('reads consecutive elements without a gap', () => {
    fc.assert(
      fc.property(fc.array(bytes(200)), (values) => {
        const reader = readSequence(d.sequence(...values.map((value) => d.octetString(value))), 'it');
        for (const value of values) expect(reader.take(tags.octetString).value).toEqual(value);
        reader.end();
      }),
    );
  });

  it('encodes every INTEGER minimally and keeps its value', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
        const octets = readInteger(readSingle(d.integer(value), tags.integer, 'it'), 'it');
        expect(BigInt.asIntN(octets.length * 8, BigInt(`0x${toHex(octets)}`))).toBe(value);
        if (value >= 0n) expect(d.unsignedInteger(octets)).toEqual(d.integer(value));
      }),
    );
  });

  it('reads back every OID', () => {
    const arc = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 128n }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 }), arc, fc.array(arc, { maxLength: 4 }), (first, second, rest) => {
        const dotted = [first, first < 2 ? second % 40n : second, ...rest].join('.');
        expect(readOid(readSingle(d.oid(dotted), tags.oid, 'it'), 'it')).toBe(dotted);
      }),
    );
  });

  it('encodes each element that was read to the same bytes', () => {
    fc.assert(
      fc.property(bytes(40), (input) => {
        try {
          const { tag, value, bytes: whole } = new ElementReader(input, 'it').any();
          expect(d.element(tag, value)).toEqual(whole);
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidCertificate' });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
