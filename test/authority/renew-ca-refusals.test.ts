/** What an authority does not do, and how errors end. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewWithEnd } from '../../lambdas/renewal/entry/with-end.ts';
import { found, fromQueue, oddIntermediate } from './odd.ts';
import { hour, Stack, start, year } from './world.ts';

describe('what an authority does not do', () => {
  it('issue a new key: by tag it is InvalidTag, by request InvalidRequest', async () => {
    const stack = await new Stack().hierarchy();
    await expect(renewOnDemand(stack, { secretId: 'pki/root', mode: 'rekey' })).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
    stack.store.setTags('pki/root', { [tags.mode]: 'rekey' });
    await expect(renewOnDemand(stack, { secretId: 'pki/root' })).rejects.toMatchObject({ name: 'InvalidTag' });
    expect(stack.publisher.of('Certificate Renewal Failed').at(-1)?.detail).toMatchObject({
      profile: 'authority:root',
    });
  });

  it('sign while it is disabled, for itself or for others', async () => {
    const stack = await new Stack().hierarchy();
    stack.authorities.set({ ...(await found(stack, 'root')), disabled: true });
    stack.clock.advance(hour);
    const signed = stack.faults.count('sign');
    const refused = { name: 'CaRejected', message: expect.stringMatching(/disabled/) };
    expect(await renewOnDemand(stack, { secretId: 'pki/root' })).toMatchObject({ reason: { code: 'Paused' } });
    await expect(renewOnDemand(stack, { secretId: 'pki/root', force: true })).rejects.toMatchObject(refused);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject(refused);
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('renew what a CA elsewhere issued', async () => {
    const stack = await new Stack().hierarchy();
    const { parent: _, ...rest } = await found(stack, 'issuing');
    stack.authorities.set(rest);
    stack.clock.advance(hour);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'CaRejected',
      message: expect.stringMatching(/outside of this stack/),
    });
  });

  it('accept a leaf as its certificate', async () => {
    const stack = await new Stack().hierarchy();
    const { leaf } = stack.enrolLeaf({ key: stack.keyOf('issuing') });
    stack.install('issuing', leaf.der);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'InvalidCertificate',
    });
  });

  it('fail without a certificate: that is not due, and no failure', async () => {
    const stack = new Stack();
    stack.declare('root');
    expect(await renewOnDemand(stack, { secretId: 'pki/root' })).toMatchObject({
      outcome: 'skipped',
      profile: 'authority:root',
      reason: { code: 'NotDue', message: expect.stringMatching(/no certificate yet/) },
    });
    expect(await fromQueue(stack, 'root')).toEqual({});
    expect(stack.publisher.events).toEqual([]);
  });

  it('follow a circle of parents for ever', async () => {
    const stack = await new Stack().hierarchy();
    stack.authorities.set({ ...(await found(stack, 'root')), parent: 'issuing' });
    stack.install('root', oddIntermediate(stack));
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'Internal',
      message: expect.stringMatching(/circle/),
    });
  });
});

describe('KMS', () => {
  it.each([
    ['denied', 'KmsDenied', {}],
    ['unavailable', 'KmsUnavailable', { retryAfter: 30 }],
  ] as const)('%s: %s, and nothing is promoted', async (_, code, outcome) => {
    const stack = await new Stack().hierarchy();
    stack.clock.set(start + 2.5 * year);
    const version = stack.store.summary('pki/issuing').currentVersionId;
    stack.vault.faults.failBefore('sign', new RenewalError(code, 'no'), { times: Infinity });
    expect(await fromQueue(stack, 'issuing')).toEqual(outcome);
    expect(stack.store.summary('pki/issuing').currentVersionId).toBe(version);
    expect(stack.store.tagsOf('pki/issuing')[tags.failure]).toMatch(new RegExp(`^1 .* ${code}$`));
  });

  it('that signs with another key than it showed is noticed before anything is stored', async () => {
    const stack = await new Stack().hierarchy();
    const impostor = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    const signer = await stack.vault.signer(impostor);
    const real = stack.vault.signer.bind(stack.vault);
    stack.vault.signer = async (keyId) => ({ ...(await real(keyId)), sign: (data) => signer.sign(data) });
    stack.clock.set(start + 2.5 * year);
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject({
      name: 'CertificateRejected',
      message: expect.stringMatching(/does not verify/),
    });
    expect(stack.store.versionIds('pki/issuing')).toHaveLength(2);
  });
});

it('two renewals at once leave one new version', async () => {
  const stack = await new Stack().hierarchy();
  stack.clock.set(start + 2.5 * year);
  await Promise.all([fromQueue(stack, 'issuing'), fromQueue(stack, 'issuing'), fromQueue(stack, 'issuing')]);
  expect(stack.publisher.of('Certificate Renewed')).toHaveLength(1);
  const { versions, currentVersionId } = stack.store.summary('pki/issuing');
  expect([...versions.values()].filter((stages) => stages.includes('AWSPENDING'))).toHaveLength(
    versions.get(currentVersionId ?? '')?.includes('AWSPENDING') ? 1 : 0,
  );
});

describe('a requested end', () => {
  const ends = (stack: Stack, notAfter: number) => renewWithEnd(stack, { secretId: 'pki/issuing', notAfter });

  it('is the end of the certificate, to the second', async () => {
    const stack = await new Stack().hierarchy();
    await ends(stack, start + 4 * year + 250);
    expect(stack.certificateOf('issuing').notAfter).toBe(start + 4 * year);
  });

  it.each<[string, (stack: Stack) => number]>([
    ['past', () => start - hour],
    ['now', () => start],
    ["today's", (stack) => stack.certificateOf('issuing').notAfter],
    ["less than a second behind today's", (stack) => stack.certificateOf('issuing').notAfter + 999],
    ["beyond the parent's", (stack) => stack.certificateOf('root').notAfter + 1000],
  ])('is refused when it is %s', async (_, end) => {
    const stack = await new Stack().hierarchy();
    const signed = stack.faults.count('sign');
    await expect(ends(stack, end(stack))).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(stack.faults.count('sign')).toBe(signed);
  });

  it('of a root has its limit in the last second of the year 9999', async () => {
    const stack = await new Stack().hierarchy();
    const last = Date.UTC(9999, 11, 31, 23, 59, 59);
    const renewed = (notAfter: number) => renewWithEnd(stack, { secretId: 'pki/root', notAfter });
    await expect(renewed(last + 1000)).rejects.toMatchObject({ name: 'InvalidRequest' });
    await renewed(last);
    expect(stack.certificateOf('root').notAfter).toBe(last);
  });
});
