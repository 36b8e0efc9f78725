import { describe, expect, it } from 'vitest';
import { handleCertificates, parseCertificatesEvent } from '../../lambdas/deployment/certificates.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { formatWait } from '../../lambdas/policy/waiting.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { answered, DeployedWorld, failed, name, offline, skipped, web } from './world.ts';

type Entries = Readonly<Record<string, CertificateEntry>>;

const event = (RequestType: string, certificates: Entries | string, more: object = {}) => ({
  RequestType,
  ResponseURL: 'https://cloudformation.example/?signature=secret',
  StackId: 'arn:aws:cloudformation:eu-central-1:111122223333:stack/CertRenewer/1',
  RequestId: 'request-1',
  LogicalResourceId: 'Certificates7',
  ResourceProperties: propertiesOf(certificates),
  ...more,
});
const propertiesOf = (certificates: Entries | string) => ({
  ServiceToken: 'arn',
  Certificates: typeof certificates === 'string' ? certificates : JSON.stringify(certificates),
  ConfigHash: '1',
});
const PhysicalResourceId = 'cert-renewer-certificates-Certificates7';
const update = (certificates: Entries, before: Entries | string) =>
  event('Update', certificates, { PhysicalResourceId, OldResourceProperties: propertiesOf(before) });

const handle = (world: DeployedWorld, given: object, patience = 570_000) =>
  handleCertificates(world, parseCertificatesEvent(given), world.clock.now() + patience);
const methods = (world: DeployedWorld) => world.faults.calls.map(({ method }) => method);
const www: CertificateEntry = { ...web, dnsNames: ['www.svc.example'] };

describe('Create', () => {
  it('declares, waits, and returns the one secret', async () => {
    const world = new DeployedWorld();
    expect(await handle(world, event('Create', { [name]: web }))).toEqual({
      Status: 'SUCCESS',
      Reason: '1 issued',
      PhysicalResourceId,
      Data: { SecretArn: world.store.summary(name).arn, SecretName: name },
    });
    expect(world.asked).toEqual([{ secretId: world.store.summary(name).arn }]);
    expect(world.journal.decisions).toMatchObject([{ name, outcome: 'issued' }]);
  });

  it('several: all are declared before the first is waited for; no Data', async () => {
    const world = new DeployedWorld();
    const answer = await handle(world, event('Create', { a: web, b: www, c: { ...web, paused: true } }));
    expect(answer).toEqual({ Status: 'SUCCESS', Reason: '1 paused, 2 issued', PhysicalResourceId });
    const order = methods(world);
    expect(order.lastIndexOf('writeParameter')).toBeLessThan(order.indexOf('ask'));
  });

  it('without waiting: the issuance is started', async () => {
    const world = new DeployedWorld();
    const answer = await handle(world, event('Create', { [name]: { ...web, wait: false } }));
    expect(answer).toMatchObject({ Status: 'SUCCESS', Reason: '1 started' });
    expect(world.started).toEqual([{ secretId: world.store.summary(name).arn }]);
    expect(world.asked).toEqual([]);
  });

  it('again, after a failure and its rollback: the retained secret is used', async () => {
    const world = new DeployedWorld();
    world.answers.push(failed('IssuanceNotAllowed', 'Not this.'));
    const create = event('Create', { [name]: web });
    expect(await handle(world, create)).toEqual({
      Status: 'FAILED',
      Reason: `${name}: IssuanceNotAllowed: Not this.`,
      PhysicalResourceId,
    });
    expect(await handle(world, { ...create, RequestType: 'Delete', PhysicalResourceId })).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId,
    });
    expect(world.declarations.documents.size).toBe(0);
    expect(await handle(world, create)).toMatchObject({ Status: 'SUCCESS', Reason: '1 issued' });
    expect(world.store.versionIds(name)).toHaveLength(2);
  });

  it.each([
    ['no JSON', '{', /certificates/],
    [
      'an entry that is none',
      JSON.stringify({ [name]: { dnsNames: [] } }),
      /certificates\["web\/tls"\]\.profile: missing/,
    ],
    ['a name that is none', JSON.stringify({ 'a b': web }), /certificates\["a b"\]/],
  ])('with %s is refused, and can be deleted', async (_, properties, message) => {
    const world = new DeployedWorld();
    await expect(handle(world, event('Create', properties))).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringMatching(message),
    });
    expect(await handle(world, event('Delete', properties))).toMatchObject({ Status: 'SUCCESS' });
  });
});

it('an existing secret is only renewed if it is due: a certificate as declared stays', async () => {
  const world = new DeployedWorld();
  const arn = world.store.add({ name, value: 'x', tags: { [tags.profile]: 'offline' } });
  await handle(world, event('Create', { [name]: { ...web, existing: true } }));
  expect(world.asked).toEqual([{ secretId: arn, expiresIn: '1s' }]);
  await handle(world, update({ [name]: { ...www, existing: true } }, { [name]: web }));
  expect(world.asked[1]).toEqual({ secretId: arn });
});

describe('Update', () => {
  it('changes what differs, and checks the rest once', async () => {
    const world = new DeployedWorld();
    const before = { a: web, b: web, c: web };
    await handle(world, event('Create', before));
    const calls = world.faults.calls.length;
    const answer = await handle(world, update({ a: web, b: www, c: web }, before));
    expect(answer).toMatchObject({ Status: 'SUCCESS', Reason: '2 untouched, 1 issued' });
    const made = world.faults.calls.slice(calls);
    expect(made.filter(({ args: [id] }) => id === 'a' || id === 'c').map(({ method }) => method)).toEqual([
      'describe',
      'describe',
    ]);
    expect(world.store.versionIds('a')).toHaveLength(2);
    expect(world.store.versionIds('b')).toHaveLength(3);
  });

  it('the same declarations in a changed profile are issued again', async () => {
    const world = new DeployedWorld();
    await handle(world, event('Create', { [name]: web }));
    const { hash } = Object(world.state().tags);
    world.profiles.set({ ...offline, key: { kty: 'RSA', size: 4096 } });
    expect(await handle(world, update({ [name]: web }, { [name]: web }))).toMatchObject({ Reason: '1 issued' });
    expect(world.state().tags[tags.declared]).not.toBe(hash);
  });

  it('a removed name is undeclared, and its secret stays as it is', async () => {
    const world = new DeployedWorld();
    await handle(world, event('Create', { a: web, b: www }));
    const before = world.store.tagsOf('b');
    const answer = await handle(world, update({ a: web }, { a: web, b: www }));
    expect(answer).toMatchObject({ Status: 'SUCCESS', Reason: '1 untouched, 1 undeclared', PhysicalResourceId });
    expect(answer.Data).toMatchObject({ SecretName: 'a' });
    expect([...world.declarations.documents.keys()]).toEqual(['a']);
    expect(world.store.tagsOf('b')).toEqual(before);
  });

  it('back to the previous declaration, if the certificate never changed: no CA is waited for', async () => {
    const world = new DeployedWorld();
    await handle(world, event('Create', { [name]: web }));
    world.answers.push(...Array.from({ length: 200 }, () => failed('CaUnavailable', 'The CA is away.')));
    expect(await handle(world, update({ [name]: www }, { [name]: web }))).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/Waited (?:9|10) minutes\. The last answer was CaUnavailable: The CA is away/),
    });
    expect(await handle(world, update({ [name]: web }, { [name]: www }))).toMatchObject({
      Status: 'SUCCESS',
      Reason: '1 there',
    });
    expect(world.state().document.dnsNames).toEqual(['web.svc.example']);
  });

  it('a tag and a key of the previous declaration are removed', async () => {
    const world = new DeployedWorld();
    const before: CertificateEntry = { ...web, expiresIn: '8h', encryptionKey: 'alias/web' };
    await handle(world, event('Create', { [name]: before }));
    expect(world.state().tags[tags.expiresIn]).toBe('8h');
    expect(await handle(world, update({ [name]: web }, { [name]: before }))).toMatchObject({ Reason: '1 there' });
    expect(world.state().tags).not.toHaveProperty([tags.expiresIn]);
    expect(world.store.summary(name).encryptionKey).toBe('alias/aws/secretsmanager');
  });

  it('works if the previous properties can’t be read', async () => {
    const world = new DeployedWorld();
    expect(await handle(world, update({ [name]: web }, '['))).toMatchObject({ Status: 'SUCCESS', Reason: '1 issued' });
  });
});

describe('the wait for a certificate', () => {
  it.each([
    ['an answer that passes', failed('CaUnavailable')],
    ['a function that ended without an answer', failed('Sandbox.Timedout')],
    ['a function whose time was over', failed('Internal')],
    ['a busy Lambda', new RenewalError('Throttled', 'Too many.')],
    ['a role whose permissions have not spread', failed('AccessDenied')],
    ['a key whose policy has not spread', failed('KmsDenied')],
    ['a secret that is not seen yet', failed('SecretNotFound')],
    ['tags that are not seen yet', failed('SecretNotEnrolled')],
    ['a profile that is not seen yet', failed('UnknownProfile')],
    ['a declaration that is not seen yet', failed('NotDeclared')],
    ['a CA that issues later', answered({ outcome: 'pending', reason: { code: 'WaitingForCa', message: 'Since 8.' } })],
    ['an inspection that came too early', skipped('NotDue')],
    ['another worker', failed('SecretChanged')],
    ['a renewal by an older declaration', answered({ outcome: 'rekeyed', reason: { code: 'Expiring', message: '' } })],
  ])('continues after %s', async (_, answer) => {
    const world = new DeployedWorld();
    world.answers.push(answer, answer);
    expect(await handle(world, event('Create', { [name]: web }))).toMatchObject({
      Status: 'SUCCESS',
      Reason: '1 issued',
    });
    expect(world.faults.count('ask')).toBe(3);
    expect(world.clock.now() - new FakeClock().now()).toBeGreaterThanOrEqual(10_000);
  });

  it.each([skipped('AlreadyRenewed'), skipped('NotDue'), failed('SecretChanged')])(
    'ends if another worker has issued it: %j',
    async (answer) => {
      const world = new DeployedWorld();
      world.answers.push(answer);
      world.faults.meanwhile('before', 'ask', () => world.work(name));
      expect(await handle(world, event('Create', { [name]: web }))).toMatchObject({ Reason: '1 there' });
      expect(world.faults.count('ask')).toBe(1);
      expect(world.store.versionIds(name)).toHaveLength(2);
    },
  );

  describe('at a CA that takes no request for an hour', () => {
    const waiting = () => {
      const world = new DeployedWorld();
      const pending = answered({ outcome: 'pending', reason: { code: 'WaitingForCa', message: 'Since 8.' } });
      world.answers.push(pending, pending);
      world.faults.meanwhile('after', 'ask', () => {
        const now = world.clock.now();
        const wait = { since: now, again: now + 900_000, until: now + 3_600_000 };
        const { currentVersionId = '' } = world.store.summary(name);
        world.store.setTags(name, { [tags.order]: formatWait(currentVersionId, wait) });
      });
      return world;
    };

    it('does not ask again', async () => {
      const world = waiting();
      const { Status, Reason } = await handle(world, event('Create', { [name]: web }));
      expect({ Status, Reason }).toEqual({
        Status: 'FAILED',
        Reason: expect.stringMatching(/CaUnavailable.*Since 8\./s),
      });
      expect(world.faults.count('ask')).toBe(1);
    });

    it('ends when a worker of the schedule has issued it', async () => {
      const world = waiting();
      const { clock } = world;
      const start = clock.now();
      const sleep = clock.sleep.bind(clock);
      clock.sleep = async (milliseconds) => {
        await sleep(milliseconds);
        if (clock.now() > start + 60_000) await world.work(name);
      };
      expect(await handle(world, event('Create', { [name]: web }))).toMatchObject({ Reason: '1 there' });
      expect(world.faults.count('ask')).toBe(1);
      expect(clock.now()).toBeLessThan(start + 70_000);
    });
  });

  it('ends if it was paused by hand', async () => {
    const world = new DeployedWorld();
    world.answers.push(skipped('Paused'));
    expect(await handle(world, event('Create', { [name]: web }))).toMatchObject({ Reason: '1 paused' });
  });

  it.each([
    ['IssuanceNotAllowed', failed('IssuanceNotAllowed')],
    ['CaRejected', failed('CaRejected')],
    ['InvalidRequest', skipped('Replica')],
  ])('fails with %s', async (code, answer) => {
    const world = new DeployedWorld();
    world.answers.push(answer);
    const { Status, Reason } = await handle(world, event('Create', { [name]: web }));
    expect({ Status, Reason }).toEqual({ Status: 'FAILED', Reason: expect.stringContaining(`${name}: ${code}: `) });
    expect(world.faults.count('ask')).toBe(1);
  });

  it('fails with a denial that lasts longer than permissions need to spread', async () => {
    const world = new DeployedWorld();
    const start = world.clock.now();
    world.answers.push(...Array.from({ length: 100 }, () => failed('AccessDenied', 'You may not.')));
    const answer = await handle(world, event('Create', { [name]: web }));
    expect(answer).toMatchObject({ Status: 'FAILED', Reason: `${name}: AccessDenied: You may not.` });
    expect(world.clock.now() - start).toBeGreaterThanOrEqual(90_000);
    expect(world.clock.now() - start).toBeLessThan(120_000);
    expect(world.faults.count('ask')).toBeLessThan(10); // each of them is an event
  });

  it('includes the wait for the handler’s own new role', async () => {
    const world = new DeployedWorld();
    world.faults.failBefore('describe', new RenewalError('AccessDenied', 'Not yet.'), { times: 3 });
    expect(await handle(world, event('Create', { [name]: web }))).toMatchObject({ Status: 'SUCCESS' });
  });

  it('that exceeds its time reports the last answer for one, and that the others had no turn', async () => {
    const world = new DeployedWorld();
    world.answers.push(...Array.from({ length: 10 }, () => failed('CaUnavailable', 'Away.')));
    const { Reason } = await handle(world, event('Create', { a: web, b: web, c: web }), 2_500);
    expect(Reason).toMatch(
      /^3 of 3 certificates failed\. .*a: Internal: Waited 1 minute and did not get to this certificate/,
    );
  });
});

describe('several that fail', () => {
  it('are all tried, the first three are reported, and the answer is short', async () => {
    const world = new DeployedWorld();
    const entries = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [
        `${'x'.repeat(400)}${index}`,
        index === 5 ? web : { ...web, dnsNames: ['ä.example'] },
      ]),
    );
    world.answers.push(failed('CaRejected', 'ü'.repeat(5_000)));
    const { Status, Reason } = await handle(world, event('Create', entries));
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/^6 of 6 certificates failed\. x+…: InvalidRequest: .* 3 more failed: see/);
    expect(Reason.length).toBeLessThan(1_500);
    expect(world.journal.failures).toHaveLength(6);
    expect(world.asked).toHaveLength(1);
  });
});

describe('Delete', () => {
  it('removes the declarations; secrets, tags and certificates stay', async () => {
    const world = new DeployedWorld();
    const entries = { a: web, b: www };
    await handle(world, event('Create', entries));
    const before = [world.store.tagsOf('a'), world.store.tagsOf('b')];
    const answer = await handle(world, event('Delete', entries, { PhysicalResourceId: 'failed-1' }));
    expect(answer).toEqual({ Status: 'SUCCESS', Reason: '2 undeclared', PhysicalResourceId: 'failed-1' });
    expect(world.declarations.documents.size).toBe(0);
    expect([world.store.tagsOf('a'), world.store.tagsOf('b')]).toEqual(before);
  });
});

it('500 at once, in 16 concurrent resources, stay below the quotas of SSM and Secrets Manager', async () => {
  const start = new FakeClock().now();
  const perSecond = { ssm: new Map<number, number>(), writes: new Map<number, number>() };
  for (let bucket = 0; bucket < 16; bucket++) {
    const world = new DeployedWorld();
    const count = (kind: 'ssm' | 'writes') => () => {
      const second = Math.floor((world.clock.now() - start) / 1_000);
      perSecond[kind].set(second, (perSecond[kind].get(second) ?? 0) + 1);
    };
    for (const method of ['readParameter', 'writeParameter', 'declaration']) {
      world.faults.meanwhile('before', method, count('ssm'), { times: Number.POSITIVE_INFINITY });
    }
    for (const method of ['create', 'tag']) {
      world.faults.meanwhile('before', method, count('writes'), { times: Number.POSITIVE_INFINITY });
    }
    const names = Array.from({ length: 32 }, (_, index) => `bucket-${bucket}/${index}`);
    const answer = await handle(world, event('Create', Object.fromEntries(names.map((each) => [each, web]))));
    expect(answer).toMatchObject({ Status: 'SUCCESS', Reason: '32 issued' });
    for (const each of names) expect(world.store.versionIds(each)).toHaveLength(2); // {} and one certificate
  }
  expect(Math.max(...perSecond.ssm.values())).toBeLessThanOrEqual(40);
  expect(Math.max(...perSecond.writes.values())).toBeLessThanOrEqual(50);
});
