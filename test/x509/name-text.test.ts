import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { formatName } from '../../lambdas/x509/names.ts';
import { distinguishedName } from '../../testkit/certificates/index.ts';
import { cpuTime } from '../support/cpu-time.ts';

const name = (text: string) => parseName(text, 'The subject');

describe('a name from its text', () => {
  test.each<[string, string]>([
    ['CN=Example Root', 'CN=Example Root'],
    ['CN=Example Root,O=Example,C=CH', 'CN=Example Root,O=Example,C=CH'],
    ['CN = Example Root , O = Example', 'CN=Example Root,O=Example'],
    ['cn=x,OU=y+L=z', 'CN=x,L=z+OU=y'], // a SET OF is sorted by its DER
    ['CN=Doe\\, Jane \\+ Sons \\"x\\"', 'CN=Doe\\, Jane \\+ Sons \\"x\\"'],
    ['CN=\\ lead and trail\\ ', 'CN=\\ lead and trail\\ '],
    ['CN=Z\\c3\\bcrich', 'CN=Zürich'],
    ['CN=Zürich ✓', 'CN=Zürich ✓'],
    ['DC=pki,DC=example', 'DC=pki,DC=example'],
    ['2.5.4.3=x', 'CN=x'],
    ['1.3.6.1.4.1.99999.1=x', '1.3.6.1.4.1.99999.1=#0c0178'],
    ['CN=a\\\\', 'CN=a\\\\'],
    ['CN=a=b', 'CN=a=b'],
    ['CN=  a', 'CN=a'],
    ['CN=a\\\\ ', 'CN=a\\\\'], // an escaped backslash, then a space that does not belong to the value
    ['CN=\\ef\\bb\\bfa', 'CN=\\ef\\bb\\bfa'], // a byte order mark stays
    ['1.39.1=x', '1.39.1=#0c0178'],
    ['2.16.840.1=x', '2.16.840.1=#0c0178'],
    [`description=${'x'.repeat(1012)}`, `description=${'x'.repeat(1012)}`], // 1024 characters
  ])('%s', (text, formatted) => {
    expect(formatName(name(text))).toBe(formatted);
  });

  test('has its RDNs in the DER from the last one on, as in openssl and Go', () => {
    const expected = distinguishedName([['C', 'CH', 0x13]], [['O', 'Example']], [['CN', 'Example Root']]);
    expect(Buffer.from(name('CN=Example Root,O=Example,C=CH'))).toEqual(Buffer.from(expected));
  });

  test.each([
    ['', /needs a subject/],
    ['  ', /needs a subject/],
    ['Example', /has no =/],
    ['CN=', /CN is empty/],
    ['CN=x,', /has no =/],
    ['XX=x', /neither a known type/],
    ['CN=a;b', /escaped/],
    ['CN=a"b', /escaped/],
    ['CN=a\\', /escaped/],
    ['CN=\\ff', /UTF-8/],
    ['CN=#0c0178', /hex/],
    ['C=Switzerland', /more than 2/],
    ['C=ch', /country/],
    [`CN=${'x'.repeat(65)}`, /more than 64/],
    [`O=${'x'.repeat(1100)}`, /more than 1024/],
    ['serialNumber=ä', /PrintableString/],
    ['DC=ä', /ASCII/],
    ['9.9.9=x', /neither a known type/],
    ['1.40.1=x', /neither a known type/],
    ['x1.2.3=x', /"x1.2.3" is neither a known type/],
    ['1.2.3x=x', /"1.2.3x" is neither a known type/],
    ['CN=x, Example ', /"Example" has no =/],
  ])('%j is refused, with the reason', (text, why) => {
    const thrown = () => name(text);
    expect(thrown).toThrowError(why);
    expect(thrown).toThrowError(expect.objectContaining({ code: 'InvalidRequest' }));
  });

  test('formatName’s text is read back as the same name', () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => !/\p{Surrogate}/u.test(text) && [...text].length <= 64);
    const rdn = fc.tuple(fc.constantFrom('CN', 'O', 'OU', 'L'), value);
    fc.assert(
      fc.property(fc.array(rdn, { minLength: 1, maxLength: 4 }), (rdns) => {
        const der = distinguishedName(...rdns.map(([type, text]) => [[type as 'CN', text] as const]));
        expect(Buffer.from(name(formatName(der)))).toEqual(Buffer.from(der));
      }),
    );
  });

  test('a long hostile text is refused quickly', () => {
    const started = cpuTime();
    for (const text of [`CN=${'\\'.repeat(1020)}`, ','.repeat(1024), '+'.repeat(1024), `CN=${' '.repeat(1000)}x`]) {
      try {
        name(text);
      } catch {
        // most are refused
      }
    }
    expect(cpuTime() - started).toBeLessThan(200);
  });
});
