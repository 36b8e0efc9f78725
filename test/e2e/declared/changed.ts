import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import type { AnsweredCall } from '../../../testkit/local-aws/every-call.ts';
import { changed } from '../../support/declared-stack.ts';
import { publicHalfOf, publicKeyOf } from '../judges.ts';
import { issued } from './first.ts';
import { type DeclaredWorld, type Kept, versionsOf, writes } from './world.ts';

const isChanged = (name: string): boolean => changed.some((each) => each === name);
const unchanged = [...issued.filter((name) => !isChanged(name)), 'declared/paused'];

export function itChanges(world: DeclaredWorld): void {
  const { found, pair, declared } = world;
  const before = new Map<string, Kept>();
  let calls: readonly AnsweredCall[];

  beforeAll(async () => {
    for (const name of [...issued, 'declared/paused']) before.set(name, await found(name));
    const asked = await world.calls();
    await world.deployStack('changed/declared');
    calls = await asked();
  });

  it.each(changed)('adds one version to %s, and the old pair is AWSPREVIOUS', async (name) => {
    const [was, is] = [before.get(name), await found(name)];
    expect(is.versions).toHaveLength(3);
    expect(is.stages['AWSPREVIOUS']).toBe(was?.stages['AWSCURRENT']);
    expect(is.stages['AWSCURRENT']).toBe(is.tags['cert-renewer:version-id']);
    expect(is.tags['cert-renewer:issued']).toBe(is.tags['cert-renewer:declared']);
    expect(is.tags['cert-renewer:issued']).not.toBe(was?.tags['cert-renewer:issued']);
    const { certificate, privateKey = '' } = await pair(name);
    expect(await publicHalfOf(privateKey)).toBe(await publicKeyOf(certificate));
    const refused = await world.refused(name);
    if (name === 'declared/usages') expect(refused).toEqual([expect.stringMatching(/^sslclient: /)]);
    else expect(refused).toEqual([]);
  });

  it('issues as declared now: names, duration, key', async () => {
    const certificate = async (name: string) => new X509Certificate((await pair(name)).certificate);
    const names = async (name: string) => (await certificate(name)).subjectAltName;
    expect(await names('declared/camel')).toBe(
      'DNS:web.svc.example, DNS:*.web.svc.example, DNS:www.svc.example, IP Address:10.0.0.7',
    );
    expect(await names('declared/tls')).toBe('DNS:one.svc.example, DNS:three.svc.example');
    expect(await names('declared/step')).toBe('DNS:other.svc.example');
    const { validToDate } = await certificate('declared/pem');
    const days = (Number(validToDate) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(19.9);
    expect(days).toBeLessThan(20.1);
    expect((await certificate('declared/rsa')).publicKey.asymmetricKeyDetails).toMatchObject({
      namedCurve: 'secp384r1',
    });
  });

  it.each(unchanged)('leaves the value of %s', async (name) => {
    expect((await found(name)).versions).toEqual(before.get(name)?.versions);
    const arn = before.get(name)?.arn ?? '';
    const put = calls.filter(({ action, about }) => action === 'PutSecretValue' && [name, arn].includes(about));
    expect(put).toEqual([]);
  });

  it('changes only tags or the encryption key where only these differ', async () => {
    const { tags } = await found('declared/settings');
    expect(tags).toMatchObject({ 'cert-renewer:mode': 'renew', 'cert-renewer:paused': 'true' });
    expect(tags).not.toHaveProperty('cert-renewer:expires-in');
    expect(await found('declared/customer')).toMatchObject({ encryptionKey: declared.encryptionKeys[1] });
    const updates = calls.filter(({ action }) => action === 'UpdateSecret');
    expect(updates.map(({ about, members }) => ({ about, members }))).toEqual([
      { about: before.get('declared/customer')?.arn, members: ['ClientRequestToken', 'KmsKeyId', 'SecretId'] },
    ]);
  });

  it('writes no value from the deployment or CloudFormation', () => {
    const values = calls.filter(({ members }) => members.includes('SecretString') || members.includes('SecretBinary'));
    expect(values).toHaveLength(changed.length);
    // The role's name contains the stack's name, because keys of authorities refer to it.
    for (const { action, role } of values) {
      expect({ action, role }).toEqual({ action: 'PutSecretValue', role: expect.stringMatching(/^cert-renewer-ca-/) });
    }
  });

  it('does nothing when it is repeated', async () => {
    const versions = await versionsOf(world, [...issued, 'declared/paused']);
    const asked = await world.calls();
    await world.deployStack('changed/declared');
    expect(writes(await asked()).filter(({ role }) => role !== '')).toEqual([]);
    expect(await versionsOf(world, [...issued, 'declared/paused'])).toEqual(versions);
  });
}
