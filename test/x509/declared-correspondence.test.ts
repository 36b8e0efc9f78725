/** Differences from the declared certificate, one row each. */
import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import { type DeclaredFields, departures } from '../../lambdas/x509/declared-correspondence.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import { distinguishedName } from '../../testkit/certificates/index.ts';
import {
  basicConstraints,
  directory,
  dns,
  email,
  extendedKeyUsage,
  extension,
  ip,
  issue,
  keyUsage,
  otherName,
  party,
  sha1WithRsa,
  subjectAltName,
  type Template,
  uri,
} from './issue.ts';

const [serverAuth, clientAuth, codeSigning] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.3'];
const anyUsage = '2.5.29.37.0';
const ca = party('CA');
const web = party('web.svc.example');
const nameless = distinguishedName();

const declared: DeclaredFields = {
  names: ['dns:web.svc.example', 'ip:10.0.0.7', 'email:ops@svc.example', 'uri:spiffe://svc.example/web'],
  subject: undefined,
  usages: ['serverAuth', 'clientAuth'],
};
const names = [dns('web.svc.example'), ip(10, 0, 0, 7), email('ops@svc.example'), uri('spiffe://svc.example/web')];
const san = (...values: readonly Uint8Array[]): Extension => subjectAltName(...values);
const usual = { san: san(...names), eku: extendedKeyUsage(serverAuth, clientAuth), ku: keyUsage(0) } as const;

interface Parts extends Partial<Template> {
  readonly san?: Extension | undefined;
  readonly eku?: Extension | undefined;
  readonly ku?: Extension | undefined;
  readonly more?: readonly Extension[];
}

/** Builds the declared certificate without a subject, with any part changed; `undefined` omits an extension. */
function leafOf(parts: Parts = {}): Certificate {
  const { san, eku, ku, more = [], ...template } = { ...usual, ...parts };
  const extensions = [san, eku, ku, ...more].filter((each) => each !== undefined);
  return issue(ca, web, { subject: nameless, extensions, ...template });
}

const judged = (parts: Parts, more: Partial<DeclaredFields> = {}) =>
  departures(leafOf(parts), { ...declared, ...more });
const nothing = { problems: [], missing: [] };

describe('the declared certificate', () => {
  it.each<[string, Parts]>([
    ['as it was declared', {}],
    ['its names in another order', { san: san(...names.toReversed()) }],
    ['names that are critical', { san: { ...usual.san, critical: true } }],
    ['its usages in another order', { eku: extendedKeyUsage(clientAuth, serverAuth) }],
    ['a key that may encrypt keys besides', { ku: keyUsage(0, 2) }],
    ['a key that may be used for anything', { ku: undefined }],
    ['said to be no CA', { more: [basicConstraints(false)] }],
    ['extensions that say where to ask', { more: [extension('1.3.6.1.5.5.7.1.1', d.sequence())] }],
    ['a serial number of 20 octets', { serial: d.integer(1n << 152n) }],
  ])('%s', (_, parts) => expect(judged(parts)).toEqual(nothing));
});

describe('names', () => {
  const [, ...others] = names;
  it.each<[string, readonly Uint8Array[], readonly string[]]>([
    ['one missing', others, ['subjectAltName: dns:web.svc.example is missing']],
    ['one added', [...names, dns('evil.example')], ['subjectAltName: dns:evil.example was not declared']],
    [
      'one in the place of another',
      [dns('evil.example'), ...others],
      ['subjectAltName: dns:web.svc.example is missing', 'subjectAltName: dns:evil.example was not declared'],
    ],
    [
      'the same text in another kind',
      [email('web.svc.example'), ...others],
      ['subjectAltName: dns:web.svc.example is missing', 'subjectAltName: email:web.svc.example was not declared'],
    ],
    [
      'an address as text',
      [...names.filter((each) => each !== names[1]), dns('10.0.0.7')],
      ['subjectAltName: ip:10.0.0.7 is missing', 'subjectAltName: dns:10.0.0.7 was not declared'],
    ],
    ['a wildcard added', [...names, dns('*.svc.example')], ['subjectAltName: dns:*.svc.example was not declared']],
    ['another address of the network', [...names, ip(10, 0, 0, 8)], ['subjectAltName: ip:10.0.0.8 was not declared']],
    ['a kind that nothing declares', [...names, otherName()], ['subjectAltName: it has a name of another kind']],
    ['a directory name', [...names, directory(web.name)], ['subjectAltName: it has a name of another kind']],
    [
      'a name with another one behind a NUL',
      [dns('web.svc.example\0.evil.example'), ...others],
      [
        'subjectAltName: dns:web.svc.example is missing',
        'subjectAltName: dns:web.svc.example\\00.evil.example was not declared',
      ],
    ],
  ])('%s', (_, values, problems) => {
    expect(judged({ san: san(...values) })).toEqual({ problems, missing: [] });
  });

  it('none at all: each is reported as missing', () => {
    expect(judged({ san: undefined }).problems).toEqual(
      declared.names.map((name) => `subjectAltName: ${name} is missing`),
    );
  });

  it('of a thousand added ones ten are reported', () => {
    const added = Array.from({ length: 1000 }, (_, i) => dns(`evil-${i}.example`));
    expect(judged({ san: san(...names, ...added) }).problems).toHaveLength(10);
  });
});

describe('the subject', () => {
  const name = (text: string) => parseName(text, 'It');
  const oneOfTheNames = name('CN=web.svc.example');
  const full = name('CN=Web,OU=Ops,O=Example,C=CH');
  const bmp = d.sequence(d.setOf(d.sequence(d.oid('2.5.4.3'), Uint8Array.of(0x1e, 6, 0, 0x57, 0, 0x65, 0, 0x62))));

  it.each<[string, Uint8Array | undefined, Uint8Array]>([
    ['none, as declared', undefined, nameless],
    ['one of the names in the common name, where none was declared', undefined, oneOfTheNames],
    ['an address in the common name', undefined, name('CN=10.0.0.7')],
    ['as declared', full, full],
    ['the common name left out', full, name('OU=Ops,O=Example,C=CH')],
    ['only the common name left out', name('CN=Web'), nameless],
    ['one of the names in the place of the common name', full, name('CN=web.svc.example,OU=Ops,O=Example,C=CH')],
    ['the common name and one of the names', full, name('CN=Web,CN=web.svc.example,OU=Ops,O=Example,C=CH')],
    ['another type of string', name('CN=Web'), bmp],
    [
      'other types of strings',
      name('CN=Web,OU=Ops,O=Example,C=CH'),
      distinguishedName([['C', 'CH', 0x13]], [['O', 'Example', 0x13]], [['OU', 'Ops', 0x0c]], [['CN', 'Web', 0x16]]),
    ],
    [
      'several attributes in one RDN, in the order of another encoding',
      distinguishedName([
        ['OU', 'Ops'],
        ['O', 'Abcde'],
      ]),
      distinguishedName([
        ['OU', '\0O\0p\0s', 0x1e],
        ['O', 'Abcde'],
      ]),
    ],
  ])('may be: %s', (_, subject, found) => expect(judged({ subject: found }, { subject })).toEqual(nothing));

  it.each<[string, Uint8Array | undefined, Uint8Array, string]>([
    ['another common name', full, name('CN=evil.example,OU=Ops,O=Example,C=CH'), 'CN=evil.example,OU=Ops'],
    ['another common name besides', name('CN=Web'), name('CN=evil.example,CN=Web'), 'CN=evil.example,CN=Web'],
    ['a common name where none was declared', undefined, name('CN=evil.example'), 'declared is none'],
    ['a part of a name in it', undefined, name('CN=svc.example'), 'CN=svc.example'],
    ['the name with its kind', undefined, name('CN=dns:web.svc.example'), 'dns:web'],
    ['an attribute added', name('CN=Web'), name('CN=Web,O=Example'), 'O=Example'],
    ['an attribute left out', full, name('CN=Web,OU=Ops,C=CH'), 'declared is "CN=Web,OU=Ops,O=Example,C=CH"'],
    ['an attribute changed', full, name('CN=Web,OU=Dev,O=Example,C=CH'), 'OU=Dev'],
    ['another case', full, name('CN=Web,OU=ops,O=Example,C=CH'), 'OU=ops'],
    ['another order', full, name('CN=Web,O=Example,OU=Ops,C=CH'), 'CN=Web,O=Example,OU=Ops'],
    ['two RDNs in one', name('OU=Ops,O=Example'), name('OU=Ops+O=Example'), 'subject: '],
    ['one RDN in two', name('OU=Ops+O=Example'), name('OU=Ops,O=Example'), 'subject: '],
    ['the subject left out', name('O=Example'), nameless, 'subject: "";'],
    [
      'two attributes that read as one',
      distinguishedName([
        ['O', 'a'],
        ['OU', 'b'],
      ]),
      distinguishedName([['O', 'a\n2.5.4.11 b']]),
      'subject: ',
    ],
  ])('may not be: %s', (_, subject, found, told) => {
    const { problems } = judged({ subject: found }, { subject });
    expect(problems).toEqual([expect.stringMatching(/^subject: .*; declared is /)]);
    expect(problems[0]).toContain(told);
  });

  it('values that are no text are compared by their octets', () => {
    const bits = (octet: number) =>
      d.sequence(d.setOf(d.sequence(d.oid('2.5.4.45'), d.bitString(Uint8Array.of(octet)))));
    expect(judged({ subject: bits(1) }, { subject: bits(1) })).toEqual(nothing);
    expect(judged({ subject: bits(2) }, { subject: bits(1) }).problems).toHaveLength(1);
  });

  it('a long one is cut in the message', () => {
    const { problems } = judged({ subject: distinguishedName([['O', 'x'.repeat(500)]]) });
    expect(problems[0]?.length).toBeLessThan(200);
  });
});

describe('extended key usages', () => {
  const absent = 'extendedKeyUsage: it is missing, which allows every usage';
  it.each<[string, Extension | undefined, readonly string[], readonly string[]]>([
    ['one left out is reported, and no problem', extendedKeyUsage(serverAuth), [], ['clientAuth']],
    ['one added', extendedKeyUsage(serverAuth, clientAuth, codeSigning), ['codeSigning'], []],
    ['one in the place of another', extendedKeyUsage(serverAuth, codeSigning), ['codeSigning'], ['clientAuth']],
    ['every usage', extendedKeyUsage(serverAuth, clientAuth, anyUsage), ['anyExtendedKeyUsage'], []],
    ['one without a name', extendedKeyUsage(serverAuth, clientAuth, '1.2.3.4'), ['1.2.3.4'], []],
  ])('%s', (_, eku, added, missing) => {
    expect(judged({ eku })).toEqual({
      problems: added.map((usage) => expect.stringMatching(`^extendedKeyUsage: .*${usage}.* was not declared$`)),
      missing,
    });
  });

  it('none in the extension', () => {
    const empty = 'extendedKeyUsage: it is empty, which allows no usage';
    expect(judged({ eku: extendedKeyUsage() })).toEqual({ problems: [empty], missing: ['serverAuth', 'clientAuth'] });
  });

  it('no extension at all', () => expect(judged({ eku: undefined })).toEqual({ problems: [absent], missing: [] }));
});

describe('not a CA, and no extension of one', () => {
  const isCa = 'basicConstraints: it is a CA';
  it.each<[string, Parts, readonly string[]]>([
    ['the CA bit', { more: [basicConstraints(true)] }, [isCa]],
    ['the CA bit without a use of the key', { ku: undefined, more: [basicConstraints(true, 0)] }, [isCa]],
    ['keyCertSign', { ku: keyUsage(0, 5) }, ['keyUsage: keyCertSign is for CAs only']],
    ['cRLSign', { ku: keyUsage(0, 6) }, ['keyUsage: cRLSign is for CAs only']],
    [
      'all of it',
      { ku: keyUsage(5, 6), more: [basicConstraints(true)] },
      [
        isCa,
        'keyUsage: keyCertSign is for CAs only',
        'keyUsage: cRLSign is for CAs only',
        'keyUsage: digitalSignature is missing',
      ],
    ],
    ['a key that may not sign', { ku: keyUsage(2) }, ['keyUsage: digitalSignature is missing']],
  ])('%s', (_, parts, problems) => expect(judged(parts)).toEqual({ problems, missing: [] }));
});

describe('critical extensions', () => {
  it.each<[string, Extension, boolean]>([
    ['one that nobody knows', extension('1.2.3.4', d.nullValue(), true), false],
    ['one that nobody knows and may be passed over', extension('1.2.3.4', d.nullValue()), true],
    ['a CA’s name constraints', extension('2.5.29.30', d.sequence(d.context(0)), true), false],
    ['said to be no CA', { ...basicConstraints(false), critical: true }, true],
    ['policies', extension('2.5.29.32', d.sequence(d.sequence(d.oid('2.5.29.32.0'))), true), true],
  ])('%s', (_, more, isTaken) => {
    const problem = /^the extension .* is critical and was not declared, so readers may reject the certificate$/;
    expect(judged({ more: [more] }).problems).toEqual(isTaken ? [] : [expect.stringMatching(problem)]);
  });
});

describe('signature and serial number', () => {
  it.each<[string, Parts, RegExp]>([
    ['SHA-1', { algorithm: sha1WithRsa, outerAlgorithm: sha1WithRsa, digest: 'sha1' }, /the signature is .*too weak/],
    ['a serial number of 0', { serial: d.integer(0) }, /serial number is 0/],
    ['a negative one', { serial: d.integer(-5) }, /serial number is negative/],
    ['one of 21 octets', { serial: d.integer(1n << 160n) }, /serial number has 21 octets, 20 are allowed/],
  ])('%s', (_, parts, problem) => {
    expect(judged(parts)).toEqual({ problems: [expect.stringMatching(problem)], missing: [] });
  });
});
