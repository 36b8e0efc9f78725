/** Unit tests of the other entries: on demand, with an end, native rotation, and the check of a CA. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { mostTags, tags } from '../../lambdas/domain/tags.ts';
import { askCa } from '../../lambdas/renewal/entry/ask-ca.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { renewWithEnd } from '../../lambdas/renewal/entry/with-end.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { freshDates, hour, internal, pairOf, start, World } from './world.ts';

const busy = new RenewalError('Throttled', 'slow down');
const refused = new RenewalError('SecretChanged', 'AWS refuses');
const ever = { times: Infinity };
const noted = (world: World, arn: string) => world.store.tagsOf(arn)[tags.failure];

describe('a request on demand without options', () => {
  it('is logged with its action, and nothing else', async () => {
    const world = new World();
    await expect(renewOnDemand(world, { secret: 'x' })).rejects.toMatchObject({ code: 'InvalidRequest' });
    expect(world.journal.failures).toEqual([
      { secretArn: null, error: expect.objectContaining({ code: 'InvalidRequest' }), final: true },
    ]);
    expect(world.publisher.events).toEqual([]);
  });
});

describe('a renewal with a given end', () => {
  it('is done whether due or not, to the second', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.ca.tamper = (template) => ({ ...template, notAfter: start + 30 * hour });
    const result = await renewWithEnd(world, { secretId: arn, notAfter: start + 30 * hour + 999 });
    expect(result).toMatchObject({ outcome: 'rekeyed', reason: { code: 'Forced' }, notAfter: '2026-11-23T18:00:00Z' });
    expect(world.ca.faults.calls[0]?.args.at(-1)).toMatchObject({ wanted: { notAfter: start + 30 * hour } });
    expect(world.journal.decisions).toMatchObject([{ secretArn: arn, outcome: 'rekeyed' }]);
  });

  it('asks for no end if the request names none', async () => {
    const world = new World();
    await renewOnDemand(world, { secretId: world.enrol() });
    const request: unknown = world.ca.faults.calls[0]?.args.at(-1);
    expect(request).toMatchObject({ wanted: expect.not.objectContaining({ notAfter: expect.anything() }) });
  });

  it('is recorded as a try on demand if it fails', async () => {
    const world = new World();
    const arn = world.enrol({ ...freshDates, tags: { [tags.failure]: '3 2026-11-22T11:00:00Z CaRejected' } });
    world.store.setTags(arn, { [tags.versionId]: 'v1' });
    const error = new RenewalError('CaRejected', 'no');
    world.ca.faults.failBefore('rekey', error);
    await expect(renewWithEnd(world, { secretId: arn, notAfter: start + 30 * hour })).rejects.toBe(error);
    expect(world.publisher.of('Certificate Renewal Failed')).toMatchObject([{ detail: { failures: 3 } }]);
    expect(noted(world, arn)).toBe('3 2026-11-22T11:00:00Z CaRejected');
  });

  it('that lost its race is not recorded', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('promote', refused, ever);
    await expect(renewWithEnd(world, { secretId: arn, notAfter: start + 30 * hour })).rejects.toBe(refused);
    expect(world.journal.failures).toEqual([]);
    expect(world.publisher.events).toEqual([]);
  });

  it('with an unexpected error is Internal', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.ca.faults.failBefore('rekey', new TypeError('fetch failed'));
    const tried = renewWithEnd(world, { secretId: arn, notAfter: start + 30 * hour });
    await expect(tried).rejects.toMatchObject({ code: 'Internal' });
    expect(noted(world, arn)).toMatch(/ Internal$/);
  });

  it('does not promote a pair that was staged for another end', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.faults.failBefore('promote', new RenewalError('AccessDenied', 'no'));
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ code: 'AccessDenied' });
    const end = start + 30 * hour;
    world.ca.tamper = (template) => ({ ...template, notAfter: end });
    await renewWithEnd(world, { secretId: arn, notAfter: end });
    expect(pairOf(world.store.value(arn)).leaf.notAfter).toBe(end);
    expect(world.ca.issued).toHaveLength(2);
  });

  it('promotes a pair that was staged for the same end', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const end = start + 30 * hour;
    world.ca.tamper = (template) => ({ ...template, notAfter: end });
    world.faults.failBefore('promote', new RenewalError('AccessDenied', 'no'));
    await expect(renewWithEnd(world, { secretId: arn, notAfter: end })).rejects.toMatchObject({ code: 'AccessDenied' });
    await renewWithEnd(world, { secretId: arn, notAfter: end });
    expect(world.ca.issued).toHaveLength(1);
  });
});

describe('the check of a CA', () => {
  const withAuthority = () => {
    const world = new World(internal);
    const asked: string[] = [];
    const authorities = new FakeAuthorities(authority('root'), authority('issuing'));
    const providerFor: World['providerFor'] = async ({ name }) => {
      asked.push(name);
      return world.ca;
    };
    return { asked, world: Object.assign(world, { authorities, providerFor }) };
  };

  it('uses the profile of an authority of the stack', async () => {
    const { asked, world } = withAuthority();
    expect(await askCa(world, 'authority:issuing')).toMatchObject({ profile: 'authority:issuing' });
    expect(await askCa(world, 'internal')).toMatchObject({ profile: 'internal' });
    expect(asked).toEqual(['authority:issuing', 'internal']);
    expect(world.authorities.faults.calls).toMatchObject([{ args: ['issuing'] }]);
  });

  it('fails for an authority that the stack does not have', async () => {
    const { world } = withAuthority();
    const error = { code: 'UnknownProfile', message: expect.stringContaining('no profile authority:other') };
    await expect(askCa(world, 'authority:other')).rejects.toMatchObject(error);
    world.authorities.find = async () => undefined;
    await expect(askCa(world, 'authority:root')).rejects.toMatchObject({ code: 'UnknownProfile' });
  });

  it('returns the time that it took, also for a CA without such a check', async () => {
    const { world } = withAuthority();
    world.ca.answers = async () => world.clock.advance(250);
    expect(await askCa(world, 'internal')).toEqual({ profile: 'internal', ca: 'step-ca', durationMs: 250 });
    Object.assign(world.ca, { answers: undefined });
    expect(await askCa(world, 'internal')).toEqual({ profile: 'internal', ca: 'step-ca', durationMs: 0 });
  });
});

describe('native rotation', () => {
  const token = '11111111-2222-4333-8444-555555555555';
  const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

  function rotating(more: Parameters<World['enrol']>[0] = {}) {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const arn = world.enrol({ ...freshDates, ...more });
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    world.store.beginRotation(arn, token);
    const call = (Step: string) => rotateStep(world, { Step, SecretId: arn, ClientRequestToken: token });
    return { world, arn, call };
  }

  it('has the reason: Secrets Manager rotates the secret', async () => {
    const { world, call } = rotating();
    for (const step of steps) await call(step);
    expect(world.publisher.of('Certificate Renewed')).toMatchObject([
      { detail: { reason: { code: 'Requested', message: 'Secrets Manager rotates the secret.' }, warnings: [] } },
    ]);
    expect(world.journal.metrics).toEqual([{ metric: 'Renewed', profile: 'internal', value: 1 }]);
  });

  it.each([
    [
      'another function rotates',
      (world: World, arn: string) => world.store.setRotation(arn, { enabled: true, functionArn: 'arn:other' }),
    ],
    ['has no profile', (world: World, arn: string) => world.store.setTags(arn, {}, [tags.profile])],
  ])('of a secret that %s is refused, and leaves nothing on it', async (_, change) => {
    const { world, arn, call } = rotating();
    change(world, arn);
    await expect(call('createSecret')).rejects.toMatchObject({
      concerns: 'foreign',
      message: expect.stringMatching(/\S/),
    });
    expect(world.publisher.events).toEqual([]);
    expect(noted(world, arn)).toBeUndefined();
    expect(world.ca.issued).toEqual([]);
  });

  it('of a secret that another function rotates is an invalid request', async () => {
    const { world, arn, call } = rotating();
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:other' });
    await expect(call('createSecret')).rejects.toMatchObject({ code: 'InvalidRequest' });
  });

  it('of a secret without a value says what to do', async () => {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const rotation = { enabled: true, functionArn: 'arn:renew' };
    const arn = world.store.add({ name: 'empty', tags: { [tags.profile]: 'internal' }, rotation });
    world.store.beginRotation(arn, token);
    const tried = rotateStep(world, { Step: 'createSecret', SecretId: arn, ClientRequestToken: token });
    await expect(tried).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: 'The secret empty has no value yet: store the first certificate and its key in it.',
    });
    expect(world.journal.failures).toMatchObject([{ secretArn: arn, final: true }]);
  });

  it('of an authority that waits for its first certificate is not recorded as a failure', async () => {
    const world = Object.assign(new World(), {
      rotationFunctionArn: 'arn:renew',
      authorities: new FakeAuthorities(authority('issuing')),
    });
    const rotation = { enabled: true, functionArn: 'arn:renew' };
    const arn = world.store.add({ name: 'pki/issuing', value: '{}', rotation });
    world.store.beginRotation(arn, token);
    const tried = rotateStep(world, { Step: 'createSecret', SecretId: arn, ClientRequestToken: token });
    await expect(tried).rejects.toMatchObject({ code: 'InvalidRequest', concerns: 'foreign' });
    expect(world.publisher.events).toEqual([]);
    expect(noted(world, arn)).toBeUndefined();
  });

  it('needs room for the status tags', async () => {
    const crowd = Object.fromEntries(Array.from({ length: mostTags - 1 }, (_, n) => [`tag-${n}`, 'x']));
    const { world, call } = rotating({ tags: crowd });
    await expect(call('createSecret')).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('Remove a tag.'),
    });
    expect(world.ca.issued).toEqual([]);
  });

  it('continues if the tag version-id can’t be written: that is logged', async () => {
    const { world, arn, call } = rotating();
    for (const step of steps.slice(0, 3)) await call(step);
    world.faults.failBefore('tag', busy);
    await call('finishSecret');
    expect(world.versionOf(arn)).toBe(token);
    expect(world.journal.failures).toEqual([{ secretArn: arn, error: busy, step: 'keeping track of events' }]);
    expect(world.publisher.of('Certificate Renewed')).toHaveLength(1);
  });

  it('that was called without a rotation is refused, with the reason', async () => {
    const { world, arn, call } = rotating();
    world.store.dropPending(arn, token);
    await expect(call('createSecret')).rejects.toMatchObject({
      code: 'InvalidRequest',
      concerns: 'request',
      message: `Version ${token} of web/tls is not AWSPENDING: start a rotation in Secrets Manager, which calls this step itself.`,
    });
    expect(world.publisher.events).toEqual([]);
  });

  it('that would promote an invalid pair names the version, and says to rotate again', async () => {
    const { world, arn, call } = rotating();
    await world.store.stage(arn, token, { kind: 'string', text: 'rubbish' });
    await expect(call('finishSecret')).rejects.toMatchObject({
      code: 'CertificateRejected',
      message: `Version ${token} of web/tls has no pair that can replace the current one: rotate the secret again.`,
    });
    expect(world.versionOf(arn)).toBe('v1');
  });

  it('logs and throws an error after the promotion', async () => {
    const { world, arn, call } = rotating();
    for (const step of steps.slice(0, 3)) await call(step);
    const error = new TypeError('fetch failed');
    world.faults.failBefore('publish', error);
    await expect(call('finishSecret')).rejects.toMatchObject({ code: 'Internal' });
    expect(world.journal.failures).toEqual([{ secretArn: arn, error, step: 'after promotion' }]);
  });

  it('reads nothing in a step that has nothing to do', async () => {
    const { world, call } = rotating();
    await call('setSecret');
    expect(world.faults.calls.map(({ method }) => method)).toEqual(['describe']);
    for (const step of steps) await call(step);
    const reads = world.faults.count('read');
    for (const step of steps) await call(step);
    expect(world.faults.count('read')).toBe(reads);
  });

  it('whose staged version is temporarily unreadable throws that error', async () => {
    const { world, call } = rotating();
    await call('createSecret');
    world.faults.failBefore('read', busy, { matches: ({ args }) => args[1] === token });
    await expect(call('testSecret')).rejects.toBe(busy);
  });

  it('sends an unsent event only in finishSecret', async () => {
    const { world, call } = rotating();
    for (const step of steps.slice(0, 3)) await call(step);
    world.faults.failBefore('publish', busy);
    await expect(call('finishSecret')).rejects.toBe(busy);
    for (const step of steps.slice(0, 3)) await call(step);
    expect(world.publisher.events).toEqual([]);
  });

  it('leaves a staged successor to createSecret', async () => {
    const { world, arn, call } = rotating();
    await call('createSecret');
    world.store.setTags(arn, { [tags.kty]: 'OKP' });
    world.faults.failBefore('promote', new RenewalError('AccessDenied', 'no'));
    await expect(call('createSecret')).rejects.toMatchObject({ code: 'AccessDenied' });
    const reads = world.faults.calls.length;
    await call('testSecret');
    await call('finishSecret');
    expect(world.versionOf(arn)).toBe('v1');
    expect(new Set(world.faults.calls.slice(reads).map(({ method }) => method))).toEqual(new Set(['describe', 'read']));
  });

  it.each<[string, (world: World, arn: string) => void]>([
    ['was taken off what it had staged', (world, arn) => world.store.dropPending(arn, token)],
    [
      'was taken off, and our own version is current',
      (world, arn) => {
        world.store.dropPending(arn, token);
        world.store.write(arn, world.store.value(arn), `cert-renewer-00000000-${'0'.repeat(32)}`);
      },
    ],
  ])('whose label %s', async (name, change) => {
    const { world, arn, call } = rotating();
    if (!name.includes('our own')) await call('createSecret');
    change(world, arn);
    await expect(call('createSecret')).rejects.toMatchObject({ code: 'InvalidRequest', concerns: 'request' });
  });

  it('that was not begun, of a secret without a value, is an invalid request', async () => {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const rotation = { enabled: true, functionArn: 'arn:renew' };
    const arn = world.store.add({ name: 'empty', tags: { [tags.profile]: 'internal' }, rotation });
    const tried = rotateStep(world, { Step: 'createSecret', SecretId: arn, ClientRequestToken: token });
    await expect(tried).rejects.toMatchObject({ code: 'InvalidRequest' });
  });

  it('accepts no certificate that ends when the present one does', async () => {
    const { world, call } = rotating();
    world.ca.tamper = (template) => ({ ...template, notAfter: freshDates.notAfter });
    await expect(call('createSecret')).rejects.toMatchObject({ code: 'CertificateRejected' });
  });

  it('whose staged version may not be read throws that error', async () => {
    const { world, call } = rotating();
    await call('createSecret');
    const denied = new RenewalError('AccessDenied', 'no');
    world.faults.failBefore('read', denied, { ...ever, matches: ({ args }) => args[1] === token });
    await expect(call('testSecret')).rejects.toBe(denied);
    await expect(call('createSecret')).rejects.toBe(denied);
  });

  it('with invalid tags fails, and is reported', async () => {
    const { world, arn, call } = rotating({ tags: { [tags.expiresIn]: 'soon' } });
    await expect(call('createSecret')).rejects.toMatchObject({ code: 'InvalidTag' });
    expect(world.publisher.of('Certificate Renewal Failed')).toMatchObject([{ detail: { profile: 'internal' } }]);
    expect(world.journal.metrics).toEqual([{ metric: 'Failed', profile: 'internal', value: 1 }]);
    expect(noted(world, arn)).toMatch(/ InvalidTag$/);
  });

  it('that began under another token, of a secret without a value, is an invalid request', async () => {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const rotation = { enabled: true, functionArn: 'arn:renew' };
    const arn = world.store.add({ name: 'empty', tags: { [tags.profile]: 'internal' }, rotation });
    world.store.beginRotation(arn, '11111111-2222-4333-8444-666666666666');
    const tried = rotateStep(world, { Step: 'createSecret', SecretId: arn, ClientRequestToken: token });
    await expect(tried).rejects.toMatchObject({ code: 'InvalidRequest' });
  });

  it('ends after a rollback from the version that was made in its place', async () => {
    const { world, arn, call } = rotating();
    await call('createSecret');
    world.store.setTags(arn, { [tags.kty]: 'OKP' });
    await call('createSecret');
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
    world.store.moveStage(arn, 'AWSCURRENT', 'v1');
    await expect(call('createSecret')).rejects.toMatchObject({ code: 'InvalidRequest', concerns: 'request' });
    expect(world.versionOf(arn)).toBe('v1');
  });
});
