import { describe, expect, it } from 'vitest';
import {
  readCount,
  readElements,
  readExplicit0,
  readFields,
  readFirst,
  readIdentifier,
  readOctets,
  readWholeOctets,
} from '../../lambdas/asn1/ber.ts';
import { MalformedError } from '../../lambdas/asn1/reader.ts';
import { tags } from '../../lambdas/asn1/tags.ts';
import * as write from '../../lambdas/asn1/writer.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (found: Uint8Array): string => Buffer.from(found).toString('hex');
const only = (found: Uint8Array) => readElements(found)[0];

/** Expects an error of the class that callers check. */
function refused(read: () => unknown, why: string): void {
  expect(read).toThrow(MalformedError);
  expect(read).toThrow(why);
}

describe('elements of BER', () => {
  it.each<[string, string, string[]]>([
    ['nothing', '', []],
    ['one, empty', '0500', ['']],
    ['one after the other', '020101 0400 0401ff', ['01', '', 'ff']],
    ['a length of one more byte', `048180${'00'.repeat(128)}`, ['00'.repeat(128)]],
    ['a length of four more bytes', '048400000001 ff', ['ff']],
    ['an indefinite length', '3080 020101 0000', ['020101']],
    ['an indefinite length, and what follows', '3080 0000 0500', ['', '']],
    ['indefinite lengths in each other', '3080 3080 0500 0000 0000', ['308005000000']],
  ])('%s', (_, given, contents) => {
    expect(readElements(bytes(given)).map(({ value }) => hex(value))).toEqual(contents);
    expect(
      readElements(bytes(given))
        .map(({ bytes: whole }) => hex(whole))
        .join(''),
    ).toBe(given.replaceAll(' ', ''));
  });

  it.each<[string, string, string]>([
    ['a tag alone', '04', 'cut short'],
    ['content that is cut', '040201', 'cut short'],
    ['a length that is cut', '0482', 'cut short'],
    ['a length that is cut in the middle', '048201', 'cut short'],
    ['a length of five bytes', '04850000000001ff', 'more than four octets'],
    ['a length of one more byte, of which nothing follows', '048101', 'cut short'],
    ['an indefinite length of a primitive', '0480 0500 0000', 'an indefinite length, and no elements'],
    ['an indefinite length without an end', '3080 0500', 'cut short'],
    ['an end of contents that is none', '3080 0001 00', 'an invalid end of contents'],
    ['a tag of two bytes', '1f8100', 'a tag of several octets'],
    ['more levels than a file has', `${'3080'.repeat(18)}${'0000'.repeat(18)}`, 'too many levels'],
  ])('%s is invalid', (_, given, why) => {
    refused(() => readElements(bytes(given)), why);
  });

  it('nests sixteen indefinite lengths, and no more', () => {
    expect(readElements(bytes(`${'3080'.repeat(16)}${'0000'.repeat(16)}`))).toHaveLength(1);
    refused(() => readElements(bytes(`${'3080'.repeat(17)}${'0000'.repeat(17)}`)), 'too many levels');
  });
});

describe('strings', () => {
  it.each<[string, string, string]>([
    ['whole', '0402abcd', 'abcd'],
    ['IMPLICIT', '8002abcd', 'abcd'],
    ['in pieces', '2408 0401ab 0403cdef01', 'abcdef01'],
    ['in pieces, IMPLICIT', 'a006 0401ab 0401cd', 'abcd'],
    ['in pieces of pieces', '2480 2405 0403abcdef 0401 01 0000', 'abcdef01'],
  ])('%s', (_, given, content) => {
    expect(hex(readOctets(only(bytes(given))))).toBe(content);
  });

  it.each<[string, string]>([
    ['an integer', '020101'],
    ['a sequence', '30030401ab'],
    ['pieces that are no strings', '2403020101'],
    ['nothing', ''],
  ])('%s is invalid', (_, given) => {
    refused(() => readOctets(only(bytes(given))), 'is not an OCTET STRING');
  });

  it('may be in pieces to sixteen levels', () => {
    const nested = (levels: number): Uint8Array =>
      Array.from({ length: levels }).reduce<Uint8Array>(
        (inner) => write.element(0x24, inner),
        write.octetString(bytes('ab')),
      );
    expect(hex(readOctets(only(nested(16))))).toBe('ab');
    refused(() => readOctets(only(nested(17))), 'is not an OCTET STRING');
  });
});

describe('an element of an expected kind', () => {
  it('is a sequence, or the one element of an EXPLICIT [0]', () => {
    expect(readFields(only(bytes('3003020101')))).toHaveLength(1);
    expect(hex(readWholeOctets(only(bytes('0402abcd'))))).toBe('abcd');
    expect(readExplicit0(only(bytes('a003020101')))).toMatchObject({ tag: tags.integer });
  });

  it.each<[string, () => unknown, string]>([
    ['no sequence', () => readFields(only(bytes('3100'))), 'tag 0x31 instead of 0x30'],
    ['no element at all', () => readFields(undefined), 'is missing'],
    ['an empty EXPLICIT', () => readExplicit0(only(bytes('a000'))), 'is not one element'],
    ['an EXPLICIT of two', () => readExplicit0(only(bytes('a004 0500 0500'))), 'is not one element'],
    ['an EXPLICIT that is a string', () => readExplicit0(only(bytes('8003020101'))), 'tag 0x80 instead of 0xa0'],
    ['a string in pieces', () => readWholeOctets(only(bytes('2403040101'))), 'tag 0x24 instead of 0x04'],
  ])('%s', (_, read, why) => {
    refused(read, why);
  });
});

describe('integers', () => {
  it.each<[number, string]>([
    [0, '020100'],
    [1, '020101'],
    [127, '02017f'],
    [128, '02020080'],
    [255, '020200ff'],
    [256, '02020100'],
    [600_000, '02030927c0'],
    [2 ** 39 - 1, '02057fffffffff'],
    [2 ** 39, '0206008000000000'],
  ])('%i', (value, encoded) => {
    expect(hex(write.integer(value))).toBe(encoded);
    expect(readCount(only(bytes(encoded)))).toBe(value);
  });

  it.each<[string, string, string]>([
    ['none', '0200', 'without octets'],
    ['a negative one', '0201ff', 'negative or too large'],
    ['the least negative one', '020180', 'negative or too large'],
    ['one of seven bytes', '020701000000000000', 'negative or too large'],
  ])('%s', (_, encoded, why) => {
    refused(() => readCount(only(bytes(encoded))), why);
  });
});

describe('object identifiers', () => {
  it.each<[string, string]>([
    ['1.2.840.113549.1.5.13', '06092a864886f70d01050d'],
    ['2.16.840.1.101.3.4.1.42', '060960864801650304012a'],
    ['0.9.2342', '0603099226'],
    ['2.999.3', '0603883703'],
    ['1.2.128', '06032a8100'],
    ['1.2.16384', '06042a818000'],
  ])('%s', (dotted, encoded) => {
    expect(readIdentifier(only(bytes(encoded)))).toBe(dotted);
    expect(hex(write.oid(dotted))).toBe(encoded);
  });
});

it('ignores what follows the first element', () => {
  const { element, behind } = readFirst(bytes('3080 0500 0000 0a0a'));
  expect([hex(element.bytes), hex(behind)]).toEqual(['308005000000', '0a0a']);
});
