/** Every case of x509-limbo and BetterTLS as a CA's answer. The certificate to renew differs only in its serial number. */
import { afterAll, expect, it, vi } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Wanted } from '../../lambdas/domain/wanted.ts';
import { parseAnswer, verifyIssued } from '../../lambdas/renewal/steps/5-verify.ts';
import { certificateFields, parseCertificate } from '../../lambdas/x509/certificate.ts';
import { base64, type PathCase, type PathSuite, pathSuite } from '../support/suites.ts';

/** Seconds of CPU time, on a machine that may be busy with other tests. */
vi.setConfig({ testTimeout: 60_000 });
afterAll(() => vi.resetConfig());

/** Returns the leaf with the last bit of its serial number changed. */
function predecessorOf(der: Uint8Array): Uint8Array {
  const { serialNumber } = certificateFields(der);
  const end = serialNumber.byteOffset - der.byteOffset + serialNumber.length;
  return der.with(end - 1, (der[end - 1] ?? 0) ^ 1);
}

function judged({ certificates }: PathSuite, { leaf, pool, roots, now, avoid = [] }: PathCase): string {
  const der = (index: number) => base64(certificates[index] ?? '');
  try {
    const after = parseCertificate(der(leaf));
    const before = parseCertificate(predecessorOf(der(leaf)));
    const wanted: Wanted = {
      content: { kind: 'as it is', leaf: before, chain: [] },
      key: { kind: 'same' },
      end: { laterThan: 0, orEqual: false },
    };
    const trusted = roots.map((index) => parseCertificate(der(index)));
    const expected = { wanted, spki: after.spki, roots: trusted };
    const pair = verifyIssued(parseAnswer([leaf, ...pool].map(der)), expected, Date.parse(now));
    const shunned = new Set(avoid.map((index) => certificates[index]));
    const isShunned = pair.chain.some((one) => shunned.has(Buffer.from(one.der).toString('base64')));
    return isShunned ? 'accept, with a certificate to avoid' : 'accept';
  } catch (error) {
    if (error instanceof RenewalError) return 'reject';
    throw error;
  }
}

it.each(['limbo', 'bettertls'] as const)('%s', (name) => {
  const suite = pathSuite(name);
  const wrong = suite.cases.flatMap((each) => {
    const found = judged(suite, each);
    return found === (each.shouldIssued ?? each.should) ? [] : [`${each.id}: ${found}`];
  });
  expect(wrong).toEqual([]);
});
