import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { LATE, PROVISIONER_SECRET } from '../../support/declared-stack.ts';
import { issued } from './first.ts';
import { by, type DeclaredWorld, versionsOf, writes } from './world.ts';

const others = [...issued, 'declared/paused'];

export function itIsInTheWay(world: DeclaredWorld): void {
  const { declared, found, secrets } = world;
  const provisionerKey = (key: JsonWebKey) =>
    secrets.send(new PutSecretValueCommand({ SecretId: PROVISIONER_SECRET, SecretString: JSON.stringify(key) }));

  it('fails with code and message, if the CA does not know the key', async () => {
    const versions = await versionsOf(world, others);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await provisionerKey(privateKey.export({ format: 'jwk' }));
    await expect(world.deployStack('declared')).rejects.toThrow(/The CA at localhost:\d+ answered 401/);
    const told = (await world.stackEvents()).filter(
      ({ ResourceType, ResourceStatus = '' }) =>
        ResourceType?.startsWith('Custom::') && ResourceStatus.endsWith('_FAILED'),
    );
    expect(told.map(({ ResourceStatusReason }) => ResourceStatusReason)).toEqual([
      expect.stringMatching(/declared\/late: CaRejected: The CA at localhost:\d+ answered 401/),
    ]);
    const { value, tags } = await found(LATE);
    expect(value).toBe('{}');
    expect(tags).toMatchObject({ 'cert-renewer:profile': 'step-file' });
    expect(await world.parameter(LATE)).toBeUndefined();
    expect(await versionsOf(world, others)).toEqual(versions);
  });

  it('succeeds in the same secret, when it is repeated with the right key', async () => {
    const { arn } = await found(LATE);
    const versions = await versionsOf(world, others);
    await provisionerKey(declared.provisionerKey);
    const asked = await world.calls();
    await world.deployStack('declared');
    const late = await found(LATE);
    expect(late.arn).toBe(arn);
    expect(late.versions).toHaveLength(2);
    expect(await world.refused(LATE)).toEqual([]);
    // The profile of the others allows more now: the deployment checks them and changes nothing.
    expect(await versionsOf(world, others)).toEqual(versions);
    const calls = by(await asked(), 'Declarations');
    expect(calls.filter(({ action }) => action === 'DescribeSecret').length).toBeGreaterThan(others.length - 2);
    const about = new Set(
      writes(calls).flatMap(({ action, about: name }) => (action === 'InvokeFunction' ? [] : [name])),
    );
    expect([...about].filter((name) => !name.includes(LATE))).toEqual([]);
  });
}
