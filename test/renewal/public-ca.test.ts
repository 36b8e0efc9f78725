/** The proof of a declared certificate from a public CA, which changes all that is not declared from one certificate to the next. */
import { describe, expect, it } from 'vitest';
import type { DeclaredUsage } from '../../lambdas/domain/declaration.ts';
import type { DeclaredContent } from '../../lambdas/domain/wanted.ts';
import { verifyIssued } from '../../lambdas/renewal/steps/5-verify.ts';
import { parseCertificate, parseIssuer } from '../../lambdas/x509/certificate.ts';
import { parseName } from '../../lambdas/x509/name-text.ts';
import {
  basicConstraints,
  clientAuth,
  codeSigning,
  commonNameOnly,
  distinguishedName,
  extendedKeyUsage,
  extension,
  keyUsage,
  makeHierarchy,
  makeKey,
  makePublicLeaf,
  type PublicLeaf,
  type PublicStyle,
  publicStyles,
  serverAuth,
  spkiOf,
  subjectAltName,
} from '../../testkit/certificates/index.ts';

const hour = 3_600_000;
const day = 24 * hour;
const now = Date.UTC(2026, 10, 22, 12);
/** The CA has changed its intermediate since the present certificate. */
const old = makeHierarchy(now - 1000 * day, now + 1000 * day, 'Old');
const recent = makeHierarchy(now - 10 * day, now + 1000 * day, 'Recent');
const stranger = makeHierarchy(now - 10 * day, now + 1000 * day, 'Stranger');
const roots = [old, recent].map(({ root }) => parseIssuer(root));
const [oldKey, key, otherKey] = [makeKey(), makeKey(), makeKey()];
const { classic, tlsserver, shortlived, commercial } = publicStyles;

/** Declared names, and the same in the form of generalName: an IPv6 address by its octets. */
interface Names {
  readonly declared: readonly string[];
  readonly encoded?: readonly string[];
}

const apex: Names = { declared: ['dns:example.com', 'dns:*.example.com'] };
const label = 'a'.repeat(63);
const namesOf: Readonly<Record<string, Names>> = {
  'an apex and its wildcard': apex,
  'names too long for a common name': { declared: [`dns:${label}.${label}.example.com`, `dns:${label}.example.com`] },
  'international names': { declared: ['dns:xn--bcher-kva.example', 'dns:*.xn--mnchen-3ya.xn--p1ai'] },
  addresses: {
    declared: ['ip:192.0.2.7', 'ip:2001:db8::7'],
    encoded: ['ip:192.0.2.7', 'ip:20010db8000000000000000000000007'],
  },
  'a hundred names': { declared: Array.from({ length: 100 }, (_, n) => `dns:host-${n}.example.com`) },
};

interface Case {
  readonly names?: Names;
  /** Of the present certificate. null: there is none. */
  readonly before?: PublicStyle | null;
  readonly after: PublicStyle;
  readonly usages?: readonly DeclaredUsage[];
  readonly more?: Partial<DeclaredContent>;
  readonly change?: PublicLeaf['change'];
  readonly notBefore?: number;
  readonly issuer?: typeof recent;
}

/** Verifies a CA's answer, as the worker does. */
function judge({ names = apex, before = classic, after, usages = ['serverAuth'], more, ...odd }: Case) {
  const { declared, encoded = declared } = names;
  const { issuer = recent, notBefore = now - hour, change } = odd;
  const renewed = makePublicLeaf({ key, names: encoded, notBefore, style: after, ...(change && { change }) }, issuer);
  const present = before && {
    replaced: parseCertificate(
      makePublicLeaf({ key: oldKey, names: encoded, notBefore: now - 60 * day, style: before }, old),
    ),
  };
  return verifyIssued(
    { leaf: parseCertificate(renewed), pool: [parseIssuer(issuer.intermediate)] },
    {
      wanted: {
        content: { kind: 'declared', names: declared, subject: undefined, usages, duration: undefined, ...more },
        key: { kind: 'new', spec: { kty: 'EC', curve: 'P-256' } },
        end: { laterThan: Number.NEGATIVE_INFINITY, orEqual: true },
      },
      spki: spkiOf(key),
      roots,
      ...present,
    },
    now,
  );
}

const codesOf = (terms: Case) => judge(terms).warnings.map(({ code }) => code);
const styles = Object.entries(publicStyles);

describe('a certificate of a public CA replaces the one before', () => {
  const pairs = styles.flatMap(([was, before]) => styles.map(([came, after]) => ({ was, came, before, after })));

  it.each(pairs)('$was, then $came', ({ before, after }) => {
    const usages: DeclaredUsage[] = after.usages.length > 1 ? ['serverAuth', 'clientAuth'] : ['serverAuth'];
    const shorter = after.validity < before.validity ? ['ValidityShortened'] : [];
    const found = judge({ before, after, usages });
    expect(found.warnings.map(({ code }) => code)).toEqual(shorter);
    expect(found.end).toBe(found.leaf.notAfter);
    expect(found.chain.map(({ der }) => der)).toEqual([new Uint8Array(recent.intermediate)]);
  });

  it.each(Object.entries(namesOf))('with %s', (_, names) => {
    for (const after of [tlsserver, shortlived]) expect(judge({ names, after }).leaf.isCa).toBe(false);
  });

  it.each([apex, namesOf['international names'] ?? apex])('with a common name that is one of its names', (names) => {
    expect(codesOf({ names, after: commercial, before: tlsserver })).toEqual([]);
  });

  it('with a declared common name, which it leaves out', () => {
    const subject = parseName('CN=example.com', 'It');
    expect(codesOf({ after: tlsserver, more: { subject } })).toEqual([]);
  });

  it('is the first one', () => {
    for (const [, after] of styles) {
      expect(codesOf({ before: null, after, usages: ['serverAuth', 'clientAuth'] }).includes('ValidityShortened')).toBe(
        false,
      );
    }
  });
});

describe('usages', () => {
  it('a missing one is a warning that names it', () => {
    expect(judge({ after: tlsserver, usages: ['serverAuth', 'clientAuth'] }).warnings).toEqual([
      { code: 'UsageMissing', message: expect.stringContaining('clientAuth') },
    ]);
  });

  it('an added one is refused, and the message names the CA’s template', () => {
    expect(() => judge({ after: classic })).toThrow(
      /extendedKeyUsage: clientAuth .* was not declared\. Check .*template/,
    );
  });
});

describe('the validity', () => {
  const lasting = (validity: number): PublicStyle => ({ ...tlsserver, validity });

  it.each<[string, number, readonly string[]]>([
    ['as long as before', 90 * day, []],
    ['longer', 91 * day, []],
    ['a minute shorter, as clocks differ', 90 * day - 60_000, []],
    ['a second shorter than that', 90 * day - 61_000, ['ValidityShortened']],
    ['of 6 days, which ends before the present certificate', 6 * day, ['ValidityShortened']],
  ])('may be %s', (_, validity, codes) => expect(codesOf({ after: lasting(validity) })).toEqual(codes));

  it('the warning has both validities', () => {
    expect(judge({ after: lasting(6 * day) }).warnings).toEqual([
      { code: 'ValidityShortened', message: expect.stringMatching(/143h59m59s, .* 2159h59m59s/) },
    ]);
  });

  it('is compared with the declared duration where there is one', () => {
    const more = { duration: 47 * day };
    expect(codesOf({ after: lasting(47 * day), more })).toEqual([]);
    expect(codesOf({ after: lasting(46 * day), more, before: lasting(10 * day) })).toEqual(['ValidityShortened']);
  });
});

describe('what is not declared is refused', () => {
  type Change = NonNullable<PublicLeaf['change']>;
  const having =
    (added: ReturnType<typeof extension>): Change =>
    ({ extensions, ...template }) => ({
      ...template,
      extensions: [...extensions.filter(({ oid }) => oid !== added.oid), added],
    });
  const san = (...names: readonly string[]): Change => having(subjectAltName(...names));

  it.each<[string, Change, RegExp]>([
    ['a name more', san('dns:example.com', 'dns:*.example.com', 'dns:www.example.com'), /www\.example\.com was not/],
    ['a name less', san('dns:example.com'), /dns:\*\.example\.com is missing/],
    ['no name', san(), /dns:example\.com is missing/],
    ['another common name', (t) => ({ ...t, subject: commonNameOnly('www.example.com') }), /subject: /],
    [
      'an organization',
      (t) => ({ ...t, subject: distinguishedName([['O', 'Evil']], [['CN', 'example.com']]) }),
      /subject: /,
    ],
    ['the CA bit', having(basicConstraints(true)), /it is a CA/],
    ['a key that signs certificates', having(keyUsage('digitalSignature', 'keyCertSign')), /keyCertSign/],
    ['another key', (t) => ({ ...t, spki: spkiOf(otherKey) }), /public key: not the requested one/],
    ['the key before', (t) => ({ ...t, spki: spkiOf(oldKey) }), /public key: not the requested one/],
    ['code signing', having(extendedKeyUsage(serverAuth, codeSigning)), /codeSigning .* was not declared/],
    ['client authentication', having(extendedKeyUsage(serverAuth, clientAuth)), /clientAuth .* was not declared/],
    ['every usage', having(extendedKeyUsage('2.5.29.37.0')), /anyExtendedKeyUsage .* was not declared/],
    // RFC 6962 section 3.1: a precertificate, which no reader takes.
    ['the poison', having(extension('1.3.6.1.4.1.11129.2.4.3', Uint8Array.of(5, 0), true)), /is critical/],
    ['a start after more than a minute', (t) => ({ ...t, notBefore: now + 61_000 }), /notBefore: /],
    ['an end that is past', (t) => ({ ...t, notAfter: now - 1000 }), /expired/],
  ])('%s', (_, change, problem) => {
    const failed = expect.objectContaining({ code: 'CertificateRejected', message: expect.stringMatching(problem) });
    expect(() => judge({ after: tlsserver, change })).toThrow(failed);
  });

  it('another CA, which no root of the profile knows', () => {
    expect(() => judge({ after: tlsserver, issuer: stranger })).toThrow(
      expect.objectContaining({ code: 'CertificateRejected', message: expect.stringContaining('chain: ') }),
    );
  });
});
