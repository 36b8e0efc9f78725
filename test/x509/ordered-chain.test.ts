import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { orderedChain } from '../../lambdas/x509/ordered-chain.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { basicConstraints, day, extension, issue, keyUsage, now, party } from './issue.ts';

const [oldRoot, newRoot] = [party('Old Root'), party('New Root')];
const [upperCa, lowerCa, server] = [party('Upper'), party('Lower'), party('leaf')];
const root = issue(newRoot, newRoot, { ca: true, days: 1000 });
const cross = issue(oldRoot, newRoot, { ca: true, days: 500 });
const upper = issue(newRoot, upperCa, { ca: true, days: 300 });
const lower = issue(upperCa, lowerCa, { ca: true, days: 100 });
const leaf = issue(lowerCa, server, { days: 10 });

/** Every order of a few elements. */
function orders<T>(of: readonly T[]): T[][] {
  if (of.length < 2) return [[...of]];
  return of.flatMap((first, at) => orders(of.filter((_, i) => i !== at)).map((rest) => [first, ...rest]));
}

it('takes the issuer whose key identifier the certificate names, although another of the same name and key ends later', () => {
  const key = (id: string) => extension(oids.subjectKeyIdentifier, d.octetString(Buffer.from(id)));
  const keyOf = (id: string) =>
    extension(oids.authorityKeyIdentifier, d.sequence(d.contextPrimitive(0, Buffer.from(id))));
  const ca = [basicConstraints(true), keyUsage(5, 6)];
  const one = issue(upperCa, lowerCa, { extensions: [...ca, key('one')], days: 20 });
  const two = issue(upperCa, lowerCa, { extensions: [...ca, key('two')], days: 90 });
  const named = issue(lowerCa, server, { extensions: [keyUsage(0), keyOf('one')], days: 10 });
  for (const pool of [
    [one, two],
    [two, one],
  ])
    expect(orderedChain(named, pool)).toEqual([one]);
});

describe('the chain in order', () => {
  const stranger = issue(party('Stranger'), party('Of theirs'), { ca: true, days: 900 });
  const oldLower = issue(upperCa, lowerCa, { ca: true, days: 20 });
  const namesake = issue(party('Upper'), party('Lower'), { ca: true, days: 900 });
  const endedCross = issue(oldRoot, newRoot, { ca: true, days: -3, notBefore: d.time(now - 9 * day) });
  const shortCross = issue(oldRoot, newRoot, { ca: true, days: 5 });

  it.each<[string, Certificate[], Certificate[]]>([
    ['in any order', [lower, upper], [lower, upper]],
    ['without the root', [lower, upper, root], [lower, upper]],
    ['without what belongs to another', [lower, stranger, upper], [lower, upper]],
    ['without one of the same name and another key', [namesake, lower, upper], [lower, upper]],
    ['without the leaf', [leaf, lower, upper], [lower, upper]],
    ['by the intermediate that lasts longer', [oldLower, lower, upper], [lower, upper]],
    ['with a cross certificate for readers of the old root', [lower, upper, cross], [lower, upper, cross]],
    ['with it beside the new root', [root, lower, upper, cross], [lower, upper, cross]],
    ['with it though it ends before the leaf', [root, lower, upper, shortCross], [lower, upper, shortCross]],
    ['without one that ended before the leaf began', [lower, upper, endedCross], [lower, upper]],
    ['as far as it goes', [upper, root], []],
    ['of nothing', [], []],
  ])('%s', (_, pool, expected) => {
    const names = (certificates: readonly Certificate[]) => certificates.map(({ serialNumber }) => serialNumber);
    for (const order of orders(pool)) expect(names(orderedChain(leaf, order))).toEqual(names(expected));
  });

  it('is empty for a root, and for a self-signed certificate', () => {
    expect(orderedChain(root, [root, cross])).toEqual([]);
  });

  it('ends in a circle of cross certificates', () => {
    const back = issue(newRoot, oldRoot, { ca: true, days: 500 });
    const chain = orderedChain(leaf, [back, cross, upper, lower]);
    expect(chain).toEqual([lower, upper, cross, back]);
  });

  it('prefers a path by what it needs: a cross certificate above a present root may end early', () => {
    const [otherRoot, otherCa] = [party('Other Root'), party('Lower', lowerCa.key)];
    const brief = issue(otherRoot, otherCa, { ca: true, days: 8 });
    expect(orderedChain(leaf, [brief, root, lower, upper, shortCross])).toEqual([lower, upper, shortCross]);
  });

  it('prefers a path that ends later to a longer one', () => {
    const between = party('Between');
    const brief = issue(between, lowerCa, { ca: true, days: 8 });
    const above = issue(upperCa, between, { ca: true, days: 900 });
    expect(orderedChain(leaf, [brief, above, lower, upper])).toEqual([lower, upper]);
  });

  it('prefers the path that ends later as a whole, although its first issuer ends sooner', () => {
    const [brief, lasting] = [party('Brief'), party('Lasting')];
    const underBrief = issue(brief, lowerCa, { ca: true, days: 900 });
    const underLasting = issue(lasting, lowerCa, { ca: true, days: 50 });
    const above = [
      issue(party('A'), brief, { ca: true, days: 5 }),
      issue(party('B'), lasting, { ca: true, days: 300 }),
    ];
    expect(orderedChain(leaf, [underBrief, underLasting, ...above])).toEqual([underLasting, above[1]]);
  });

  it('continues as far as possible, although the upper part ends before the leaf', () => {
    const brief = issue(newRoot, upperCa, { ca: true, days: 5 });
    expect(orderedChain(leaf, [lower, brief])).toEqual([lower, brief]);
  });

  it('has both certificates of an authority that has changed its key, but not its name', () => {
    const renamed = party('Lower');
    const older = issue(renamed, lowerCa, { ca: true, days: 100 });
    const oldest = issue(upperCa, renamed, { ca: true, days: 100 });
    expect(orderedChain(leaf, [oldest, older, upper])).toEqual([older, oldest, upper]);
  });

  it('has no issuer that is no CA, although it has signed', () => {
    expect(orderedChain(leaf, [issue(upperCa, lowerCa), upper])).toEqual([]);
  });

  const levels = (count: number, each: number) => {
    const parties = Array.from({ length: count + 1 }, (_, level) => party(`Level ${level}`));
    const pool = parties.slice(1).flatMap((issuer, level) => {
      const subject = parties[level] ?? issuer;
      return Array.from({ length: each }, () => issue(issuer, subject, { ca: true, days: 100 }));
    });
    return { bottom: issue(parties[0] ?? lowerCa, server), pool };
  };

  it('has nine issuers at most', () => {
    const { bottom, pool } = levels(12, 1);
    expect(orderedChain(bottom, pool)).toEqual(pool.slice(0, 9));
  });

  it('is found quickly among hundreds of thousands of paths', () => {
    const { bottom, pool } = levels(9, 4);
    const begun = cpuTime();
    expect(orderedChain(bottom, pool)).toHaveLength(9);
    expect(cpuTime() - begun).toBeLessThan(2_000);
  });

  it('is found quickly if all look alike', () => {
    const alike = Array.from({ length: 30 }, (_, i) => issue(newRoot, newRoot, { ca: true, days: 100 + i }));
    const begun = cpuTime();
    orderedChain(issue(newRoot, server), [
      ...alike,
      ...Array.from({ length: 30 }, () => issue(lowerCa, lowerCa, { ca: true })),
    ]);
    expect(cpuTime() - begun).toBeLessThan(2_000);
  });
});
