import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { hour, Stack, start, year } from './world.ts';

const serials = (stack: Stack) => stack.bundled().map(({ serialNumber }) => serialNumber);
const inspect = async (stack: Stack, name: string) => {
  const { arn, currentVersionId = '' } = stack.store.summary(`pki/${name}`);
  expect(await renewQueued(stack, { secretArn: arn, versionId: currentVersionId }, 1)).toEqual({});
};

describe('the trust bundle', () => {
  it('is filled by the first inspection of a root, and left alone by the next', async () => {
    const stack = await new Stack().hierarchy();
    await inspect(stack, 'root');
    await inspect(stack, 'issuing');
    expect(serials(stack)).toEqual([stack.certificateOf('root').serialNumber]);
    const versions = stack.store.versionIds(stack.bundle);
    await inspect(stack, 'root');
    expect(stack.store.versionIds(stack.bundle)).toEqual(versions);
  });

  it('holds the new root, and the old one until its end', async () => {
    const stack = await new Stack().hierarchy();
    const old = stack.certificateOf('root');
    stack.clock.set(start + 8 * year);
    await inspect(stack, 'root');
    const renewed = stack.certificateOf('root');
    expect(renewed.serialNumber).not.toBe(old.serialNumber);
    expect(serials(stack)).toEqual([renewed.serialNumber, old.serialNumber]);
    stack.clock.set(old.notAfter);
    await inspect(stack, 'root');
    expect(serials(stack)).toEqual([renewed.serialNumber, old.serialNumber]);
    stack.clock.advance(1);
    await inspect(stack, 'root');
    expect(serials(stack)).toEqual([renewed.serialNumber]);
  });

  it('holds the roots of all authorities, also of two that are written at once', async () => {
    const stack = await new Stack().hierarchy();
    stack.declare('second', { create: { subject: 'CN=Second Root', validity: year } });
    const { createAuthority } = await import('../../lambdas/authority/create.ts');
    await createAuthority(stack, 'second');
    await Promise.all([inspect(stack, 'root'), inspect(stack, 'second')]);
    expect(new Set(serials(stack))).toEqual(
      new Set(['root', 'second'].map((name) => stack.certificateOf(name).serialNumber)),
    );
  });

  it('that could not be written is completed later, and the renewal stays', async () => {
    const stack = await new Stack().hierarchy();
    await inspect(stack, 'root');
    const old = stack.certificateOf('root').serialNumber;
    stack.clock.advance(hour);
    stack.faults.failBefore('stage', new RenewalError('AccessDenied', 'no'), {
      matches: ({ args: [arn] }) => arn === stack.bundle,
    });
    expect(await renewOnDemand(stack, { secretId: 'pki/root' })).toMatchObject({ outcome: 'renewed' });
    expect(serials(stack)).toEqual([old]);
    stack.clock.advance(hour);
    await inspect(stack, 'root');
    expect(serials(stack)).toEqual([stack.certificateOf('root').serialNumber, old]);
  });

  it('holds no intermediate and no leaf', async () => {
    const stack = await new Stack().hierarchy();
    stack.clock.advance(hour);
    stack.enrolLeaf();
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    await renewOnDemand(stack, { secretId: 'web/tls' });
    expect(serials(stack)).toEqual([stack.certificateOf('root').serialNumber]);
  });

  it('is not changed by a dry run', async () => {
    const stack = await new Stack().hierarchy();
    expect(serials(stack)).toEqual([stack.certificateOf('root').serialNumber]);
    stack.store.write(stack.bundle, '{}');
    await renewOnDemand(stack, { secretId: 'pki/root', dryRun: true, expiresIn: '1h' });
    expect(serials(stack)).toEqual([]);
  });
});
