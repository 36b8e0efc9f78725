/** step-ca's claims, from a ca.json: the renewals that they allow. */
import { describe, expect, it } from 'vitest';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { certificatesIn, day, Stack, start, year } from './world.ts';

const minute = 60_000;
const issuing = (more: object) => ({
  issuing: { create: { subject: 'CN=Example Issuing', validity: 3 * year, pathLength: 0 }, parent: 'root', ...more },
});

describe('claims', () => {
  const refused = (stack: Stack, secretId: string) => expect(renewOnDemand(stack, { secretId })).rejects;

  it('disableRenewal: CaRejected; the provisioner’s claim overrides the authority’s', async () => {
    const stack = await new Stack().hierarchy(
      issuing({
        claims: { disableRenewal: true },
        provisionerClaims: new Map([
          ['open', { disableRenewal: false }],
          ['silent', {}],
        ]),
      }),
    );
    const rejected = { name: 'CaRejected', message: expect.stringMatching(/disableRenewal/) };
    await refused(stack, stack.enrolLeaf({ name: 'a', provisioner: null }).arn).toMatchObject(rejected);
    await refused(stack, stack.enrolLeaf({ name: 'b', provisioner: 'silent' }).arn).toMatchObject(rejected);
    const { arn } = stack.enrolLeaf({ name: 'c', provisioner: 'open' });
    expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
  });

  it('a provisioner that the ca.json does not have: CaRejected; without a ca.json it does not matter', async () => {
    const known = await new Stack().hierarchy(issuing({ provisionerClaims: new Map([['local', {}]]) }));
    await refused(known, known.enrolLeaf({ provisioner: 'gone' }).arn).toMatchObject({
      name: 'CaRejected',
      message: expect.stringMatching(/provisioner/),
    });
    const none = await new Stack().hierarchy();
    const { arn } = none.enrolLeaf({ provisioner: 'gone' });
    expect(await renewOnDemand(none, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
  });

  it.each([
    [0, 'the last second', true],
    [1000, 'a second later', false],
  ])('after expiry only with allowRenewalAfterExpiry (%i ms: %s)', async (late, _, renewable) => {
    for (const claims of [{}, { allowRenewalAfterExpiry: true }]) {
      const stack = await new Stack().hierarchy(issuing({ claims }));
      const { arn } = stack.enrolLeaf({ notBefore: start - day, notAfter: start - late });
      if (renewable || 'allowRenewalAfterExpiry' in claims) {
        expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
      } else {
        await refused(stack, arn).toMatchObject({ name: 'CertificateExpired' });
      }
    }
  });

  it('before its notBefore: NotYetValid', async () => {
    const stack = await new Stack().hierarchy();
    const { arn } = stack.enrolLeaf({ notBefore: start + 1000, notAfter: start + day });
    await refused(stack, arn).toMatchObject({ name: 'NotYetValid' });
  });

  // A day's leaf. The backdate is added to the maximum, as in step-ca.
  it.each<[string, object, RegExp | undefined]>([
    ['a maximum of a day less the backdate', { maxDuration: day - minute }, undefined],
    ['a second less', { maxDuration: day - minute - 1000 }, /maxTLSCertDuration is 23h58m59s/],
    ['a minimum of a day', { minDuration: day }, undefined],
    ['a second more', { minDuration: day + 1000 }, /minTLSCertDuration is 24h0?m?1s/],
  ])('%s', async (_, claims, problem) => {
    const stack = await new Stack().hierarchy(issuing({ claims }));
    const { arn } = stack.enrolLeaf();
    if (problem === undefined) {
      expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
    } else {
      await refused(stack, arn).toMatchObject({ name: 'CaRejected', message: expect.stringMatching(problem) });
    }
  });

  it('the backdate is the configured one', async () => {
    const stack = await new Stack().hierarchy(issuing({ backdate: 5 * minute }));
    const { arn } = stack.enrolLeaf();
    await renewOnDemand(stack, { secretId: arn });
    expect(certificatesIn(stack.store.value(arn)).leaf.notBefore).toBe(start - 5 * minute);
  });
});
