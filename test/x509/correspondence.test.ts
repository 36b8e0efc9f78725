import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate, Extension } from '../../lambdas/domain/certificate.ts';
import type { Mode } from '../../lambdas/domain/profile.ts';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { allowedDifferences, differences } from '../../lambdas/x509/correspondence.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { golden } from './golden.ts';
import * as make from './issue.ts';
import { day, extension, issue, now, party } from './issue.ts';

const [ca, newCa, oldKey, newKey] = [party('CA'), party('New CA'), party('leaf'), party('leaf')];

/** One extension of each kind that a certificate may have, by OID. */
const held: readonly Extension[] = [
  make.keyUsage(0, 2),
  extension(oids.extendedKeyUsage, d.sequence(d.oid(oids.serverAuth), d.oid(oids.clientAuth))),
  make.basicConstraints(false),
  make.subjectAltName(make.dns('leaf.example'), make.ip(192, 0, 2, 1), make.otherName()),
  extension(oids.certificatePolicies, d.sequence(d.sequence(d.oid('1.3.6.1.4.1.32473.1')))),
  extension(oids.nameConstraints, d.sequence(d.context(0, d.sequence(make.dns('example')))), true),
  extension(
    oids.authorityInfoAccess,
    d.sequence(d.sequence(d.oid('1.3.6.1.5.5.7.48.1'), make.uri('http://ocsp.example'))),
  ),
  extension(
    oids.crlDistributionPoints,
    d.sequence(d.sequence(d.context(0, d.context(0, make.uri('http://crl.example'))))),
  ),
  extension(oids.tlsFeature, d.sequence(d.integer(5))),
  extension('1.3.6.1.4.1.32473.9', d.utf8String('our own'), true),
];
const issued: readonly Extension[] = [
  make.subjectKeyIdentifier(oldKey.spki),
  make.authorityKeyIdentifier(ca.spki),
  extension(oids.sctList, d.octetString(Uint8Array.of(1))),
  extension(oids.stepProvisioner, d.sequence(d.integer(1), d.octetString(make.ascii('old')))),
];
const before = issue(ca, oldKey, { extensions: [...held, ...issued] });

type Change = Parameters<typeof issue>[2];
function successor(operation: Mode, more: Change = {}): Certificate {
  const subject = operation === 'renew' ? oldKey : newKey;
  return issue(newCa, subject, { extensions: [...held, ...issued], days: 7, ...more });
}

const modes: readonly Mode[] = ['renew', 'rekey'];
const without = (list: readonly Extension[], oid: string) => list.filter((extension) => extension.oid !== oid);
const all = [...held, ...issued];
const replaced = (extension: Extension) => all.map((old) => (old.oid === extension.oid ? extension : old));

describe.each(modes)('%s: corresponds', (operation) => {
  it('with another issuer, serial number, validity and order of the extensions', () => {
    expect(differences(before, successor(operation), operation)).toEqual([]);
    expect(differences(before, successor(operation, { extensions: all.toReversed() }), operation)).toEqual([]);
  });

  const ofTheCa = [oids.sctList, oids.stepProvisioner];
  it.each(ofTheCa)('without %s', (oid) => {
    const gone = successor(operation, { extensions: without(all, oid) });
    expect(differences(before, gone, operation)).toEqual([]);
  });

  it.each([oids.authorityKeyIdentifier, ...ofTheCa])('with another value of %s, and with a new one', (oid) => {
    const other = successor(operation, {
      extensions: replaced(extension(oid, d.sequence(d.contextPrimitive(0, Uint8Array.of(9))))),
    });
    expect(differences(before, other, operation)).toEqual([]);
    const lacking = issue(ca, oldKey, { extensions: without(all, oid) });
    expect(differences(lacking, successor(operation), operation)).toEqual([]);
  });

  it('with another algorithm of the signature', () => {
    const other = successor(operation, { algorithm: d.sequence(d.oid('1.2.840.10045.4.3.3')), digest: 'sha384' });
    expect(differences(before, other, operation)).toEqual([]);
  });

  it('with issuerUniqueID', () => {
    expect(
      differences(before, successor(operation, { between: [d.contextPrimitive(1, Uint8Array.of(0, 1))] }), operation),
    ).toEqual([]);
  });

  it('with a serial number of 20 octets', () => {
    const serial = d.unsignedInteger(new Uint8Array(20).fill(0xff));
    expect(differences(before, successor(operation, { serial }), operation)).toEqual([]);
  });
});

it('rekey: corresponds with another subjectKeyIdentifier, and with one where none was', () => {
  expect(
    differences(before, successor('rekey', { extensions: replaced(make.subjectKeyIdentifier(newKey.spki)) }), 'rekey'),
  ).toEqual([]);
  const lacking = issue(ca, oldKey, { extensions: without(all, oids.subjectKeyIdentifier) });
  expect(differences(lacking, successor('rekey'), 'rekey')).toEqual([]);
});

describe.each(modes)('%s: is refused', (operation) => {
  const refused = (certificate: Certificate, problem: string, old: Certificate = before) =>
    expect(differences(old, certificate, operation)).toEqual([expect.stringContaining(problem)]);

  it('the same certificate again', () => refused(parseCertificate(before.der), 'the old one, unchanged'));

  it.each([oids.authorityKeyIdentifier, oids.subjectKeyIdentifier])(
    'without extension %s, which was present',
    (oid) => {
      refused(successor(operation, { extensions: without(all, oid) }), 'and is now absent');
    },
  );

  it('with an authorityKeyIdentifier that does not name a key any more', () => {
    const empty = extension(oids.authorityKeyIdentifier, d.sequence());
    refused(successor(operation, { extensions: replaced(empty) }), 'authorityKeyIdentifier');
    const before = issue(ca, oldKey, { extensions: replaced(empty) });
    expect(differences(before, successor(operation, { extensions: replaced(empty) }), operation)).toEqual([]);
  });

  it.each(held)('without extension $oid', ({ oid }) => {
    refused(successor(operation, { extensions: without(all, oid) }), 'and is now absent');
  });

  it.each(held)('with another value of extension $oid', ({ oid, critical }) => {
    const values = new Map([
      [oids.keyUsage as string, make.namedBits(0)],
      [oids.extendedKeyUsage as string, d.sequence(d.oid(oids.serverAuth))],
      [oids.basicConstraints as string, d.sequence(d.boolean(true))],
      [oids.subjectAltName as string, d.sequence(make.dns('leaf.example'), make.ip(192, 0, 2, 1))],
    ]);
    const other = extension(oid, values.get(oid) ?? d.sequence(), critical);
    refused(successor(operation, { extensions: replaced(other) }), `(${oid})`.slice(1, -1));
  });

  it.each(all)('with the other criticality of extension $oid', (extension) => {
    const turned = { ...extension, critical: !extension.critical };
    const [was, came] = extension.critical ? ['critical', 'not critical'] : ['not critical', 'critical'];
    refused(successor(operation, { extensions: replaced(turned) }), `was ${was}, and is now ${came}`);
  });

  it.each(held)('with extension $oid that was absent', ({ oid }) => {
    const lacking = issue(ca, oldKey, { extensions: without(all, oid) });
    refused(successor(operation), 'was absent, and is now', lacking);
  });

  const free = [oids.authorityKeyIdentifier, oids.sctList, oids.stepProvisioner];
  it.each(free)('with %s that was absent, and critical', (oid) => {
    const lacking = issue(ca, oldKey, { extensions: without(all, oid) });
    const critical = all.map((extension) => (extension.oid === oid ? { ...extension, critical: true } : extension));
    refused(successor(operation, { extensions: critical }), 'was absent, and is now critical', lacking);
  });

  const cases: [what: string, problem: string, Change][] = [
    ['another subject', 'the subject was "CN=leaf", and is now "CN=other"', { subject: make.commonNameOnly('other') }],
    ['no subject', 'and is now ""', { subject: make.commonNameOnly('') }],
    [
      'the subject in another type of string',
      'in another encoding',
      {
        subject: d.sequence(d.setOf(make.attribute(oids.commonName, make.text('printableString', make.ascii('leaf'))))),
      },
    ],
    ['another public key', 'public key is', { spki: operation === 'renew' ? newKey.spki : oldKey.spki }],
    [
      'the old serial number',
      'serial number is the old one',
      { serial: d.unsignedInteger(Buffer.from(before.serialNumber, 'hex')) },
    ],
    ['the serial number 0', 'the serial number is 0', { serial: d.integer(0) }],
    ['the serial number -1', 'the serial number is negative', { serial: d.element(2, Uint8Array.of(0xff)) }],
    ['the serial number -128', 'the serial number is negative', { serial: d.element(2, Uint8Array.of(0x80)) }],
    [
      'a serial number below 0 of many octets',
      'the serial number is negative',
      { serial: d.element(2, new Uint8Array(16).fill(0x81)) },
    ],
    ['a serial number of 21 octets', 'has 21 octets', { serial: d.unsignedInteger(new Uint8Array(21).fill(1)) }],
    ['a signature with SHA-1', 'sha1WithRSAEncryption', { algorithm: make.sha1WithRsa }],
    ['subjectUniqueID', 'subjectUniqueID was absent', { between: [d.contextPrimitive(2, Uint8Array.of(0, 1))] }],
    [
      'an extension nobody asked for',
      '1.2.3.4 was absent, and is now 0500',
      { extensions: [...all, extension('1.2.3.4', d.nullValue())] },
    ],
    [
      'the poison of a precertificate',
      '1.3.6.1.4.1.11129.2.4.3 was absent',
      { extensions: [...all, extension('1.3.6.1.4.1.11129.2.4.3', d.nullValue(), true)] },
    ],
  ];
  it.each(cases)('%s', (_, problem, change) => refused(successor(operation, change), problem));

  it('another order of the alternative names: their value differs', () => {
    const turned = make.subjectAltName(make.ip(192, 0, 2, 1), make.dns('leaf.example'), make.otherName());
    refused(successor(operation, { extensions: replaced(turned) }), 'was [dns:leaf.example ip:192.0.2.1]');
  });

  it('version 2 instead of version 3', () => {
    const plain = issue(ca, oldKey, { extensions: [] });
    refused(successor(operation, { extensions: [], version: d.integer(1) }), 'version was 3, and is now 2', plain);
    expect(
      differences(
        issue(ca, oldKey, { extensions: [], version: undefined }),
        successor(operation, { extensions: [] }),
        operation,
      ),
    ).toEqual([]);
  });

  it('several at once: each is reported', () => {
    const other = successor(operation, {
      subject: make.commonNameOnly('other'),
      extensions: without(without(all, oids.keyUsage), oids.tlsFeature),
    });
    expect(differences(before, other, operation)).toHaveLength(3);
  });
});

describe('renew: a subjectKeyIdentifier must stay', () => {
  it.each([
    ['another one', replaced(make.subjectKeyIdentifier(newKey.spki)), 'subjectKeyIdentifier (2.5.29.14) was'],
    ['none', without(all, oids.subjectKeyIdentifier), 'and is now absent'],
  ])('%s', (_, extensions, problem) => {
    expect(differences(before, successor('renew', { extensions }), 'renew')).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it('a new one: the message says that a rekey accepts it', () => {
    const lacking = issue(ca, oldKey, { extensions: without(all, oids.subjectKeyIdentifier) });
    expect(differences(lacking, successor('renew'), 'renew')).toEqual([expect.stringContaining('use the mode rekey')]);
  });
});

describe('golden certificates', () => {
  const [leaf, renewed, rekeyed] = ['step-leaf', 'step-renewed', 'step-rekeyed'].map((name) =>
    parseCertificate(golden(name)),
  );
  if (!leaf || !renewed || !rekeyed) throw new Error('no golden certificates');

  it('step-ca’s answer corresponds', () => {
    expect(differences(leaf, renewed, 'renew')).toEqual([]);
    expect(differences(leaf, rekeyed, 'rekey')).toEqual([]);
    expect(differences(renewed, rekeyed, 'rekey')).toEqual([]);
  });

  it('but not for the other operation', () => {
    expect(differences(leaf, renewed, 'rekey')).toEqual(['the public key is the old one, but a rekey replaces it']);
    expect(differences(leaf, rekeyed, 'renew')).toEqual([
      'the public key is another one, but a renewal keeps it',
      expect.stringContaining('subjectKeyIdentifier'),
    ]);
  });
});

describe('a message has the old and the new value', () => {
  const none = issue(ca, oldKey, { extensions: [] });
  const told = (came: Extension) => differences(none, successor('renew', { extensions: [came] }), 'renew');
  const added = (name: string, value: string) => [`the extension ${name} was absent, and is now ${value}`];
  const hosts = (count: number) => Array.from({ length: count }, (_, i) => `h${i}`);
  const hostList = (count: number) =>
    hosts(count)
      .map((host) => `dns:${host}`)
      .join(' ');
  const sansOf = (names: readonly string[]) => make.subjectAltName(...names.map((name) => make.dns(name)));
  const start = (extension: Extension) => `${Buffer.from(extension.value).toString('hex').slice(0, 48)}\u2026`;
  const longest = 'a'.repeat(256 - 'dns:'.length);

  const cases: [what: string, Extension, told: string[]][] = [
    ['key usages', make.keyUsage(0, 2), added('keyUsage (2.5.29.15)', '[digitalSignature keyEncipherment] (030205a0)')],
    [
      'extended key usages',
      extension(oids.extendedKeyUsage, d.sequence(d.oid(oids.serverAuth))),
      added('extendedKeyUsage (2.5.29.37)', '[serverAuth (1.3.6.1.5.5.7.3.1)] (300a06082b06010505070301)'),
    ],
    [
      'basicConstraints',
      make.basicConstraints(false),
      added('basicConstraints (2.5.29.19)', 'cA false, pathLen absent (3000)'),
    ],
    [
      'a path length',
      make.basicConstraints(true, 0),
      added('basicConstraints (2.5.29.19)', 'cA true, pathLen 0 (30060101ff020100)'),
    ],
    ['24 octets', extension('1.2.3', new Uint8Array(24)), added('1.2.3', '00'.repeat(24))],
    ['25 octets', extension('1.2.3', new Uint8Array(25)), added('1.2.3', `${'00'.repeat(24)}\u2026`)],
    [
      'ten names',
      sansOf(hosts(10)),
      added('subjectAltName (2.5.29.17)', `[${hostList(10)}] (${start(sansOf(hosts(10)))})`),
    ],
    [
      'eleven names',
      sansOf(hosts(11)),
      added('subjectAltName (2.5.29.17)', `[${hostList(10)} \u2026] (${start(sansOf(hosts(11)))})`),
    ],
    [
      'names of 256 characters',
      sansOf([longest]),
      added('subjectAltName (2.5.29.17)', `[dns:${longest}] (${start(sansOf([longest]))})`),
    ],
    [
      'names of 257 characters',
      sansOf([`${longest}b`]),
      added('subjectAltName (2.5.29.17)', `[dns:${longest}\u2026] (${start(sansOf([`${longest}b`]))})`),
    ],
    [
      'a subjectKeyIdentifier',
      extension(oids.subjectKeyIdentifier, Uint8Array.of(4, 1, 9)),
      added(
        'subjectKeyIdentifier (2.5.29.14)',
        '040109; the CA adds it if it is missing, so use the mode rekey instead',
      ),
    ],
  ];
  it.each(cases)('%s', (_, came, expected) => expect(told(came)).toEqual(expected));

  it('another subjectKeyIdentifier: the message does not advise a rekey', () => {
    const identified = (octet: number) => [extension(oids.subjectKeyIdentifier, Uint8Array.of(4, 1, octet))];
    expect(
      differences(
        issue(ca, oldKey, { extensions: identified(1) }),
        successor('renew', { extensions: identified(2) }),
        'renew',
      ),
    ).toEqual(['the extension subjectKeyIdentifier (2.5.29.14) was 040101, and is now 040102']);
  });

  it('a subjectUniqueID', () => {
    const identified = { extensions: [], between: [d.contextPrimitive(2, Uint8Array.of(0, 1))] };
    expect(differences(none, successor('renew', identified), 'renew')).toEqual([
      'the subjectUniqueID was absent, and is now 82020001',
    ]);
  });
});

it('messages stay short for any certificates', () => {
  const long = (fill: string) =>
    issue(ca, oldKey, {
      notAfter: d.time(now + day),
      subject: make.commonNameOnly(fill.repeat(9_000)),
      extensions: [
        make.subjectAltName(...Array.from({ length: 5_000 }, (_, i) => make.dns(`${fill}${i}.example`))),
        extension('1.2.3', d.octetString(new Uint8Array(9_000))),
      ],
    });
  const found = differences(long('a'), long('b'), 'renew');
  expect(found).toHaveLength(2);
  for (const text of found) expect(text.length).toBeLessThan(1_000);
});

it('every allowed difference gives its reason', () => {
  for (const { reason } of allowedDifferences) expect(reason.length).toBeGreaterThan(10);
});
