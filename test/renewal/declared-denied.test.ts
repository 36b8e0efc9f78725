/**
 * Failures that prevent the issuance of a declared certificate: each is reported and backed off. The CA is not asked if the
 * fault is elsewhere.
 */
import { describe, expect, it } from 'vitest';
import { type ErrorCode, RenewalError } from '../../lambdas/domain/errors.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { DeclarationDocument } from '../../lambdas/policy/declaration.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { Stack } from '../authority/world.ts';
import { hour, issuing, start, World } from './world.ts';

const profile: Profile = {
  ...issuing,
  issue: { allow: ['dns:svc.example', 'uri:spiffe://svc.example'], maxDuration: 48 * hour },
};

async function declared(more: Partial<DeclarationDocument> = {}, ...profiles: readonly Profile[]) {
  const world = new World(profile, ...profiles);
  const arn = await world.declareCertificate(more);
  return { world, arn, ...looks(world, arn) };
}

const looks = (world: World, arn: string) => ({
  deliver: (delivery: number) => renewQueued(world, { secretArn: arn, versionId: 'v1' }, delivery, start),
  failed: () => world.publisher.of('Certificate Renewal Failed').map(({ detail }) => detail),
  noted: () => world.store.tagsOf(arn)[tags.failure],
  expectNothing: () => {
    expect(world.versionOf(arn)).toBe('v1');
    expect(world.ca.issued).toEqual([]);
    expect(world.faults.count('stage')).toBe(0);
    expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.issued]);
  },
});

/** Returns the schedule's current decision. */
async function planned(world: World): Promise<string> {
  const { plan } = await scan(world, { force: false, dryRun: true });
  const found = plan.find(({ name }) => name === 'web/tls');
  return `${found?.action} ${found?.reason.code}`;
}

describe('the parameter, when SSM denies it', () => {
  it('once, as after a deployment: the message comes back, without an event', async () => {
    const { world, arn, deliver, failed, expectNothing } = await declared();
    world.faults.failBefore('declaration', new RenewalError('AccessDenied', 'refused'));
    expect(await deliver(1)).toEqual({ retryAfter: 30 });
    expectNothing();
    expect(await deliver(2)).toEqual({});
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(failed()).toEqual([]);
  });

  it('permanently: it is reported, and backs off an hour, then two', async () => {
    const { world, arn, deliver, failed, noted, expectNothing } = await declared();
    world.faults.failBefore('declaration', new RenewalError('AccessDenied', 'refused'), { times: Infinity });
    await deliver(1);
    expect(await deliver(2)).toEqual({});
    expect(failed()).toMatchObject([{ code: 'AccessDenied', failures: 1, profile: 'internal' }]);
    expect(noted()).toMatch(/^1 \S+ AccessDenied$/);
    expectNothing();
    expect(await planned(world)).toBe('skip BackingOff');
    world.clock.advance(hour);
    expect(await planned(world)).toBe('issue Missing');
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 2, world.clock.now()); // another message
    expect(failed()).toMatchObject([{ failures: 1 }, { failures: 2 }]);
    world.clock.advance(hour);
    expect(await planned(world)).toBe('skip BackingOff');
  });

  it('leaves an issued certificate as it is', async () => {
    const { world, arn, deliver, failed } = await declared();
    await deliver(1);
    const versionId = world.versionOf(arn);
    world.faults.failBefore('declaration', new RenewalError('AccessDenied', 'refused'), { times: Infinity });
    await renewQueued(world, { secretArn: arn, versionId }, 2, start);
    expect(failed()).toMatchObject([{ code: 'AccessDenied' }]);
    expect(world.versionOf(arn)).toBe(versionId);
  });
});

describe('the parameter, when SSM is busy', () => {
  it('is waited for: 1,000 workers may be cold at once', async () => {
    const { world, arn, deliver } = await declared();
    world.faults.failBefore('declaration', new RenewalError('Throttled', 'slow down', { busy: true }), { times: 3 });
    expect(await deliver(1)).toEqual({});
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    expect(world.clock.sleeps.length).toBe(3);
  });

  it('for longer: the message comes back, and the last delivery reports the failure', async () => {
    const { world, deliver, failed, noted, expectNothing } = await declared();
    world.faults.failBefore('declaration', new RenewalError('Throttled', 'slow down'), { times: Infinity });
    expect(await deliver(1)).toEqual({ retryAfter: 30 });
    expect(await deliver(2)).toEqual({ retryAfter: 120 });
    expect(failed()).toEqual([]);
    expect(await deliver(3)).toEqual({ retryAfter: 0 });
    expect(failed()).toMatchObject([{ code: 'Throttled', retryable: true }]);
    expect(noted()).toMatch(/ Throttled$/);
    expectNothing();
  });
});

describe('KMS', () => {
  const kms: Partial<DeclarationDocument> = { kmsKeyId: 'alias/web' };
  const withKey = async () => {
    const made = await declared(kms);
    const keyArn = made.world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, alias: 'alias/web' });
    return { ...made, keyArn };
  };

  it.each<[ErrorCode, 'signer' | 'sign']>([
    ['KmsDenied', 'signer'],
    ['KmsDenied', 'sign'],
    ['KmsUnavailable', 'signer'],
    ['KmsUnavailable', 'sign'],
  ])('%s at %s of the declared key', async (code, call) => {
    const { world, deliver, failed, noted, expectNothing } = await withKey();
    world.faults.failBefore(call, new RenewalError(code, 'no'), { times: Infinity });
    await deliver(3);
    expect(failed()).toMatchObject([{ code }]);
    expect(noted()).toMatch(new RegExp(` ${code}$`));
    expectNothing();
    expect(await planned(world)).toBe('skip BackingOff');
  });

  it('without the declared key', async () => {
    const { failed, deliver, expectNothing } = await declared(kms);
    await deliver(1);
    expect(failed()).toMatchObject([{ code: 'KmsDenied' }]);
    expectNothing();
  });

  it('with the declared key: one version, the key stays in KMS, and a second inspection changes nothing', async () => {
    const { world, arn, deliver, keyArn } = await withKey();
    await deliver(1);
    const versionId = world.versionOf(arn);
    expect(world.store.value(arn)).toMatchObject({ text: expect.stringContaining(keyArn) });
    await renewQueued(world, { secretArn: arn, versionId }, 1);
    expect(world.versionOf(arn)).toBe(versionId);
  });

  it.each<ErrorCode>(['KmsDenied', 'KmsUnavailable'])('%s at the key of the authority', async (code) => {
    const own: Profile = { ...profile, ca: { type: 'offline', authority: 'issuing' } };
    const world = await new Stack(own).hierarchy();
    const arn = await world.declareCertificate();
    const { deliver, failed, noted } = looks(world, arn);
    world.faults.failBefore('sign', new RenewalError(code, 'no'), { times: Infinity });
    const staged = world.faults.count('stage');
    expect(await deliver(3)).toEqual(code === 'KmsUnavailable' ? { retryAfter: 0 } : {});
    expect(failed()).toMatchObject([{ code, secretArn: arn }]);
    expect(noted()).toMatch(new RegExp(` ${code}$`));
    expect(world.faults.count('stage')).toBe(staged);
    expect(world.versionOf(arn)).toBe('v1');
  });
});

describe('a parameter that is altered outside of the deployment', () => {
  const document = { secretName: 'web/tls', profile: 'internal', dnsNames: ['web.svc.example'] };
  const other: Profile = { ...profile, name: 'other', issue: { allow: ['dns:evil.example'] } };

  it.each<[string, Partial<DeclarationDocument>, RegExp]>([
    [
      'a name outside of allow',
      { dnsNames: ['web.evil.example'] },
      /dns:web\.evil\.example is outside of issue\.allow/,
    ],
    ['one of two', { dnsNames: ['web.svc.example', 'svc.example.evil'] }, /dns:svc\.example\.evil is outside/],
    ['an address', { ipAddresses: ['10.0.0.1'] }, /ip:10\.0\.0\.1 is outside/],
    ['an e-mail address', { emails: ['ops@svc.example'] }, /email:ops@svc\.example is outside/],
    ['a URI of another host', { uris: ['spiffe://evil.example/web'] }, /uri:spiffe.*is outside/],
    ['another common name', { commonName: 'evil.example' }, /common name/],
    ['too long', { duration: '49h' }, /the duration 49h is more than issue\.maxDuration, 48h/],
    [
      'another profile',
      { profile: 'other', dnsNames: ['web.evil.example'] },
      /declared in the profile other.*enrolled in the profile internal/,
    ],
  ])('%s: IssuanceNotAllowed, and the CA is not asked', async (_, more, says) => {
    const { world, arn, deliver, failed, noted, expectNothing } = await declared({}, other);
    world.declarations.set({ ...document, ...more });
    expect(await deliver(1)).toEqual({});
    expect(failed()).toMatchObject([{ code: 'IssuanceNotAllowed', retryable: false, failures: 1 }]);
    expect(failed()[0]?.message).toMatch(says);
    expect(noted()).toMatch(/^1 \S+ IssuanceNotAllowed$/);
    expect(world.ca.faults.calls).toEqual([]);
    expectNothing();
    expect(await planned(world)).toBe('skip BackingOff');
    for (const input of [{ secretId: arn }, { secretId: arn, force: true }, { secretId: arn, dryRun: true }]) {
      await expect(renewOnDemand(world, input)).rejects.toMatchObject({ name: 'IssuanceNotAllowed' });
    }
    expect(world.ca.faults.calls).toEqual([]);
    // The deployment's own declaration is issued.
    world.declarations.set(document);
    expect(await renewOnDemand(world, { secretId: arn })).toMatchObject({ outcome: 'issued' });
  });

  it('leaves an issued certificate as it is', async () => {
    const { world, arn, deliver, failed } = await declared();
    await deliver(1);
    const versionId = world.versionOf(arn);
    const asked = world.ca.faults.calls.length;
    world.declarations.set({ ...document, dnsNames: ['web.evil.example'] });
    await renewQueued(world, { secretArn: arn, versionId }, 1);
    expect(failed()).toMatchObject([{ code: 'IssuanceNotAllowed' }]);
    expect(world.versionOf(arn)).toBe(versionId);
    expect(world.ca.faults.calls).toHaveLength(asked);
  });

  it.each<[string, string, RegExp]>([
    ['no JSON', 'hunter2 {', /it is not JSON/],
    ['an empty text', '', /it is not JSON/],
    ['a list', '[]', /expected an object/],
    ['null', 'null', /expected an object/],
    ['an unknown field', JSON.stringify({ ...document, hunter2: 'hunter3' }), /unknown field "hunter2"/],
    ['no name', JSON.stringify({ secretName: 'web/tls', profile: 'internal' }), /it has no name/],
    ['a wrong name', JSON.stringify({ ...document, dnsNames: ['hunter2..svc'] }), /declaration\.dnsNames\.0: /],
    ['a wrong usage', JSON.stringify({ ...document, usages: ['hunter2'] }), /declaration\.usages\[0\]: /],
    ['a wrong duration', JSON.stringify({ ...document, duration: 'hunter2' }), /declaration\.duration: /],
    ['a wrong shape', JSON.stringify({ ...document, shape: 'hunter2' }), /declaration\.shape: /],
  ])('%s: Internal, with what to do, and without a value', async (_, text, says) => {
    const { world, deliver, failed, expectNothing } = await declared();
    world.declarations.write('web/tls', text);
    expect(await deliver(1)).toEqual({});
    expect(failed()).toMatchObject([{ code: 'Internal', retryable: false }]);
    const message = failed()[0]?.message ?? '';
    expect(message).toMatch(says);
    expect(message).toMatch(/deploy or declare it again/);
    expect(message.replace('unknown field "hunter2"', '')).not.toMatch(/hunter/);
    expect(JSON.stringify(world.journal.failures.map(({ error }) => String(error)))).not.toMatch(/hunter3/);
    expect(world.ca.faults.calls).toEqual([]);
    expectNothing();
  });

  it('of another secret: nothing is issued', async () => {
    const { world, deliver, failed, expectNothing } = await declared();
    world.declarations.write('web/tls', JSON.stringify({ ...document, secretName: 'other' }));
    await deliver(1);
    expect(failed()).toMatchObject([{ code: 'Internal', message: expect.stringMatching(/another secret/) }]);
    expect(world.ca.faults.calls).toEqual([]);
    expectNothing();
  });
});
