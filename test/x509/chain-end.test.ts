import { describe, expect, it } from 'vitest';
import * as d from '../../lambdas/asn1/writer.ts';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { chainEnd } from '../../lambdas/x509/chain.ts';
import { day, issue, now, party } from './issue.ts';

const [rootCa, interCa, leafParty] = [party('Root'), party('Intermediate'), party('leaf')];
const root = issue(rootCa, rootCa, { ca: true, days: 100 });
const inter = issue(rootCa, interCa, { ca: true, days: 50, pathLength: 0 });
const leaf = issue(interCa, leafParty, { days: 2 });

describe('chainEnd', () => {
  const cases: [what: string, Certificate, Certificate[], Certificate[], end: number, endsWith: string][] = [
    ['a leaf that ends first', leaf, [inter], [root], leaf.notAfter, 'leaf'],
    [
      'a leaf that outlives its intermediate',
      issue(interCa, leafParty, { days: 70 }),
      [inter],
      [root],
      inter.notAfter,
      'chain',
    ],
    ['a leaf alone', issue(interCa, leafParty, { days: 70 }), [], [root], now + 70 * day, 'leaf'],
    ['no roots', issue(interCa, leafParty, { days: 70 }), [inter], [], now + 70 * day, 'leaf'],
    [
      'an intermediate that is past',
      leaf,
      [issue(rootCa, interCa, { ca: true, notAfter: d.time(now - day) })],
      [root],
      now - day,
      'chain',
    ],
    [
      'a stranger that is past',
      leaf,
      [inter, issue(party('X'), party('Y'), { notAfter: d.time(now - day) })],
      [root],
      leaf.notAfter,
      'leaf',
    ],
    ['an expired leaf', issue(interCa, leafParty, { notAfter: d.time(now - day) }), [inter], [root], now - day, 'leaf'],
  ];
  it.each(cases)('%s', (_, subject, pool, roots, end, endsWith) => {
    expect(chainEnd(subject, pool, roots)).toEqual({ end, endsWith });
  });
});
