import { describe, expect, test } from 'vitest';
import type { Certificate } from '../../../lambdas/domain/certificate.ts';
import { issuersOf, reachesEnd } from '../../../lambdas/providers/step-ca/chain.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import {
  commonNameOnly,
  type Hierarchy,
  makeHierarchy,
  makeKey,
  makeLeaf,
  signCertificate,
  spkiOf,
} from '../../../testkit/certificates/index.ts';

const now = Date.parse('2026-11-22T08:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const hierarchy = makeHierarchy(now - hour, now + hour);
const root = parseCertificate(hierarchy.root);
const intermediate = parseCertificate(hierarchy.intermediate);

function leafUntil(notAfter: number, issuer: Hierarchy = hierarchy): Certificate {
  const request = { key: makeKey('P-256'), subject: commonNameOnly('leaf.example'), notBefore: now - minute, notAfter };
  return parseCertificate(makeLeaf(request, issuer));
}

/** The intermediate again, with the same name. */
function another(notBefore: number, notAfter: number, key = hierarchy.intermediateKey): Certificate {
  const subject = hierarchy.intermediateName;
  const der = signCertificate(
    { ...intermediate, subject, spki: spkiOf(key), notBefore, notAfter, serialNumber: Uint8Array.of(7) },
    { subject: hierarchy.rootName, key: hierarchy.rootKey },
  );
  return parseCertificate(der);
}

describe('the issuers of a leaf', () => {
  const leaf = leafUntil(now + minute);
  const sameKey = another(now - minute, now + 2 * hour);
  const sameNameOnly = another(now - hour, now + hour, makeKey('P-256'));
  const stranger = parseCertificate(makeHierarchy(now - hour, now + hour, 'Other').intermediate);

  test.each<[string, Certificate[], Certificate[]]>([
    ['none', [], []],
    ['its intermediate, without the root', [root, intermediate], [intermediate]],
    ['not the leaf, nor strangers', [leaf, stranger, intermediate], [intermediate]],
    ['not one of the same name with another key', [sameNameOnly, intermediate], [intermediate]],
    ['two with the same name and key', [intermediate, sameKey], [intermediate, sameKey]],
    ['each once', [intermediate, intermediate], [intermediate]],
  ])('%s', (_, pool, expected) => {
    expect(issuersOf(leaf, pool)).toEqual(expected);
  });

  test('nearest first, in any order of the pool', () => {
    const key = makeKey('P-256');
    const lower = { ...hierarchy, intermediateKey: key, intermediateName: commonNameOnly('Lower') };
    const template = {
      subject: lower.intermediateName,
      spki: spkiOf(key),
      notBefore: now - hour,
      notAfter: now + hour,
    };
    const between = parseCertificate(
      signCertificate(
        { ...template, extensions: [] },
        { subject: hierarchy.intermediateName, key: hierarchy.intermediateKey },
      ),
    );
    const found = issuersOf(leafUntil(now + minute, lower), [root, intermediate, stranger, between]);
    expect(found).toEqual([between, intermediate]);
  });

  test('eight at most, among many that look alike', () => {
    const alike = Array.from({ length: 40 }, (_, at) => another(now - hour, now + hour + at * 1_000));
    expect(issuersOf(leaf, alike)).toHaveLength(8);
  });
});

describe('whether the issuers reach a minute before the end of the leaf, as step-ca checks', () => {
  test.each([
    ['the intermediate ends then', leafUntil(now + hour + minute), true],
    ['it ends a second before', leafUntil(now + hour + minute + 1_000), false],
    ['it ends later', leafUntil(now + minute), true],
  ])('%s', (_, leaf, expected) => {
    expect(reachesEnd(leaf, [intermediate])).toBe(expected);
    expect(reachesEnd(leaf, [])).toBe(false);
    expect(reachesEnd(leaf, [root])).toBe(false);
    expect(reachesEnd(leaf, [intermediate, another(now - hour, now + 3 * hour)])).toBe(true);
  });

  test('not with an intermediate that began after it', () => {
    expect(reachesEnd(leafUntil(now + minute), [another(now + 1_000, now + hour)])).toBe(false);
  });
});
