import { describe, expect, it, test } from 'vitest';
import {
  declareCertificate,
  documentText,
  emptyVersionId,
  undeclareCertificate,
} from '../../lambdas/deployment/declare.ts';
import { previousOf } from '../../lambdas/deployment/previous-declaration.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { FakeProfiles } from '../../testkit/fakes/profiles.ts';
import type { FakeSecretInput } from '../../testkit/fakes/store.ts';
import { answered, DeployedWorld, failed, name, offline, skipped, web } from './world.ts';

const enrolled = { [tags.profile]: 'offline' };
const written = (world: DeployedWorld) =>
  world.faults.calls
    .map(({ method }) => method)
    .filter((method) => !/^(?:describe|readParameter|declaration)/.test(method));

describe('a declaration', () => {
  it('makes secret, parameter and hash if nothing exists', async () => {
    const world = new DeployedWorld();
    const entry: CertificateEntry = { ...web, expiresIn: '33%', kty: 'EC', curve: 'P-384', encryptionKey: 'alias/web' };
    const { secretArn, hash, isChanged, isIssued } = await declareCertificate(world, name, entry);
    expect({ isChanged, isIssued }).toEqual({ isChanged: true, isIssued: false });
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
    const summary = world.store.summary(name);
    expect(summary).toMatchObject({
      arn: secretArn,
      encryptionKey: 'alias/web',
      currentVersionId: emptyVersionId(name),
    });
    expect(world.store.value(name)).toEqual({ kind: 'string', text: '{}' });
    expect(world.state()).toEqual({
      tags: {
        ...{ [tags.profile]: 'offline', [tags.expiresIn]: '33pct', [tags.kty]: 'EC', [tags.curve]: 'P-384' },
        [tags.declared]: hash,
      },
      document: { secretName: name, profile: 'offline', dnsNames: ['web.svc.example'], kty: 'EC', curve: 'P-384' },
    });
    expect(written(world)).toEqual(['create', 'writeParameter', 'tag']);
  });

  it.each<[string, CertificateEntry, readonly string[] | undefined]>([
    ['its own', { ...web, profile: 'acme', usages: ['clientAuth'] }, ['clientAuth']],
    ['those of an acme CA', { ...web, profile: 'acme' }, ['serverAuth']],
    ['those of any other CA, which need no text', web, undefined],
  ])('has usages: %s', async (_, entry, usages) => {
    const world = new DeployedWorld();
    await declareCertificate(world, name, entry);
    expect(world.state().document.usages).toEqual(usages);
    await world.work(name);
    const again = await declareCertificate(world, name, entry);
    expect(again).toMatchObject({ isChanged: false, isIssued: true });
    const written = await declareCertificate(world, name, {
      ...entry,
      usages: usages && [...usages],
    } as CertificateEntry);
    expect(written.hash).toBe(again.hash);
  });

  it('writes nothing when it is repeated', async () => {
    const world = new DeployedWorld();
    await declareCertificate(world, name, web);
    await world.work(name);
    const calls = world.faults.calls.length;
    const again = await declareCertificate(world, name, web);
    expect(again).toMatchObject({ isChanged: false, isIssued: true });
    expect(world.faults.calls.slice(calls).map(({ method }) => method)).toEqual(['describe', 'readParameter']);
  });

  it.each<
    [string, CertificateEntry, Partial<Record<'parameter' | 'hash' | 'key', boolean>>, Record<string, string>, string[]]
  >([
    [
      'a name more',
      { ...web, dnsNames: ['web.svc.example', 'www.svc.example'] },
      { parameter: true, hash: true },
      {},
      [],
    ],
    ['a window', { ...web, expiresIn: '8h' }, {}, { [tags.expiresIn]: '8h' }, []],
    ['another key', { ...web, kty: 'RSA' }, { parameter: true, hash: true }, { [tags.kty]: 'RSA' }, []],
    ['paused', { ...web, paused: true }, {}, { [tags.paused]: 'true' }, []],
    ['a customer key', { ...web, encryptionKey: 'arn:aws:kms:x:1:key/2' }, { key: true }, {}, []],
    ['settings that only a new secret needs', { ...web, shape: 'tls' }, { parameter: true }, {}, []],
    ['endpoints', { ...web, endpoints: ['a:1', 'b:2'] }, {}, { [tags.endpoints]: 'a:1 b:2' }, []],
  ])('%s: that is changed, and the previous state is returned', async (_, entry, changes, added) => {
    const world = new DeployedWorld();
    const { hash } = await declareCertificate(world, name, web);
    const first = world.state();
    const changed = await declareCertificate(world, name, entry, previousOf(web));
    expect(changed.isChanged).toBe(true);
    expect(changed.hash !== hash).toBe(changes.hash ?? false);
    expect(world.state().tags).toEqual({ ...first.tags, ...added, [tags.declared]: changed.hash });
    expect(JSON.stringify(world.state().document) !== JSON.stringify(first.document)).toBe(changes.parameter ?? false);
    expect(world.faults.count('setEncryptionKey')).toBe(changes.key ? 1 : 0);
    await declareCertificate(world, name, web, previousOf(entry));
    expect(world.state()).toEqual(first);
    expect(world.store.versionIds(name)).toHaveLength(1);
  });

  it('moves to another profile, with its hash', async () => {
    const world = new DeployedWorld();
    const { hash } = await declareCertificate(world, name, web);
    const moved = await declareCertificate(world, name, { ...web, profile: 'other' }, previousOf(web));
    expect(moved.hash).not.toBe(hash);
    expect(world.state().tags).toEqual({ [tags.profile]: 'other', [tags.declared]: moved.hash });
  });

  it('has another hash when the profile’s duration changes, and the parameter stays', async () => {
    const world = new DeployedWorld();
    const { hash } = await declareCertificate(world, name, web);
    const offline = await world.profiles.find('offline');
    if (offline?.issue) world.profiles.set({ ...offline, issue: { ...offline.issue, duration: 86_400_000 } });
    expect((await declareCertificate(world, name, web, previousOf(web))).hash).not.toBe(hash);
    expect(world.faults.count('writeParameter')).toBe(1);
  });

  it('removes a tag that contradicts it, by any writer; others stay', async () => {
    const world = new DeployedWorld();
    const others = { team: 'edge', [tags.paused]: 'true', [tags.mode]: 'renew' };
    const contradicting = { [tags.rekeyPeriod]: '9h', [tags.size]: '4096' };
    world.store.add({ name, value: '{}', tags: { ...enrolled, [tags.declared]: 'x', ...others, ...contradicting } });
    const { hash } = await declareCertificate(world, name, { ...web, expiresIn: '8h', kty: 'EC' });
    expect(world.state().tags).toEqual({
      ...{ ...enrolled, ...others, [tags.expiresIn]: '8h', [tags.kty]: 'EC', [tags.declared]: hash },
    });
  });

  it.each([
    ['arn:aws:kms:eu-central-1:111122223333:key/1234', '1234', 0],
    ['arn:aws:kms:eu-central-1:111122223333:alias/web', 'alias/web', 0],
    ['1234', 'arn:aws:kms:eu-central-1:111122223333:key/1234', 0],
    ['alias/web', 'alias/other', 1],
    [undefined, 'alias/web', 1],
  ])('changes a secret’s key from %s to %s %i times', async (encryptionKey, wanted, times) => {
    const world = new DeployedWorld();
    const found = encryptionKey === undefined ? {} : { encryptionKey };
    world.store.add({ name, value: '{}', tags: { ...enrolled, [tags.declared]: 'x' }, ...found });
    await declareCertificate(world, name, { ...web, encryptionKey: wanted });
    expect(world.faults.count('setEncryptionKey')).toBe(times);
  });

  it('replaces a customer key that is not declared any more by the account’s own; a key that no declaration named stays', async () => {
    const world = new DeployedWorld();
    world.store.add({ name, value: '{}', tags: { ...enrolled, [tags.declared]: 'x' }, encryptionKey: 'alias/web' });
    await declareCertificate(world, name, web);
    expect(world.store.summary(name).encryptionKey).toBe('alias/web');
    await declareCertificate(world, name, web, previousOf({ ...web, encryptionKey: 'alias/web' }));
    expect(world.store.summary(name).encryptionKey).toBe('alias/aws/secretsmanager');
  });
});

describe('a refused declaration', () => {
  it.each<[string, CertificateEntry, string, RegExp]>([
    ['no name', { profile: 'offline' }, 'InvalidRequest', /no name/],
    [
      'two settings that exclude each other',
      { ...web, expiresIn: '8h', rekeyPeriod: '8h' },
      'InvalidRequest',
      /both set/,
    ],
    ['a profile that is not there', { ...web, profile: 'nowhere' }, 'UnknownProfile', /no profile nowhere/],
    ['a profile without issue', { ...web, profile: 'closed' }, 'IssuanceNotAllowed', /no "issue"/],
    ['a CA that renews only', { ...web, profile: 'infisical' }, 'IssuanceNotAllowed', /renewals only/],
    [
      'a name outside',
      { ...web, dnsNames: ['web.example'] },
      'IssuanceNotAllowed',
      /dns:web\.example is outside of issue\.allow/,
    ],
    ['too long', { ...web, duration: '1000h' }, 'IssuanceNotAllowed', /maxDuration/],
    ['a duration that the CA decides', { ...web, profile: 'acme', duration: '24h' }, 'IssuanceNotAllowed', /duration:/],
    [
      'a name outside of the zones',
      { ...web, profile: 'acme', dnsNames: ['web.example'] },
      'IssuanceNotAllowed',
      /dns:web\.example: .*zones/,
    ],
    [
      'an address that the challenge does not prove',
      { profile: 'acme', ipAddresses: ['10.0.0.7'] },
      'IssuanceNotAllowed',
      /ip:10\.0\.0\.7: .*dns-01/,
    ],
    ['pkcs12 without a password', { ...web, shape: 'pkcs12' }, 'InvalidRequest', /passwordSecretId/],
    ['more names than a parameter holds', { ...web, dnsNames: many(100) }, 'InvalidRequest', /holds at most 8192/],
  ])('%s', async (_, entry, code, message) => {
    const world = new DeployedWorld();
    await expect(declareCertificate(world, name, entry)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(written(world)).toEqual([]);
  });

  it.each([
    ['another name', 'web.other.example:443', /endpoints\.1: .*probe\.allow of the stack does not contain web\.other/],
    ['another address', '192.0.2.1:443', /endpoints\.1: .*192\.0\.2\.1/],
    ['a link-local address', '169.254.169.254:80', /endpoints\.1: .*link-local/],
  ])('an endpoint with %s than the stack may probe', async (_, endpoint, message) => {
    const probe = { allow: ['dns:svc.example'], within: 3_600_000 };
    const world = Object.assign(new DeployedWorld(), { profiles: new FakeProfiles({ ...offline, probe }) });
    const entry = { ...web, endpoints: ['web.svc.example:443', endpoint] };
    await expect(declareCertificate(world, name, entry)).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringMatching(message),
    });
    expect(written(world)).toEqual([]);
    expect(await declareCertificate(world, name, { ...entry, endpoints: ['web.svc.example:443'] })).toBeDefined();
    // Without probe the endpoints are only kept.
    expect(await declareCertificate(new DeployedWorld(), name, entry)).toBeDefined();
  });

  it('a long document is written without white space', () => {
    expect(documentText(name, { ...web, dnsNames: many(60) })).not.toContain('\n');
    expect(documentText(name, web)).toContain('\n');
  });
});

/** Names of 130 characters. */
function many(count: number): string[] {
  const labels = `${'a'.repeat(57)}.${'b'.repeat(55)}`;
  return Array.from({ length: count }, (_, index) => `n${String(index).padStart(3, '0')}.${labels}.svc.example`);
}

describe('an existing secret', () => {
  const names = (...sans: string[]) => answered({ outcome: 'planned', reason: { code: 'Forced', message: '' }, sans });
  const owned = { ...enrolled, [tags.declared]: 'x' };
  type Row = [
    what: string,
    secret: Omit<FakeSecretInput, 'name'>,
    entry: CertificateEntry,
    code: string | undefined,
    message?: RegExp,
  ];

  it.each<Row>([
    ['that was declared', { tags: owned, value: 'x' }, web, undefined],
    ['with a certificate by a declaration', { tags: { ...enrolled, [tags.issued]: 'x' }, value: 'x' }, web, undefined],
    ['without a value', { tags: enrolled }, web, undefined],
    [
      'that still has its first value',
      { tags: enrolled, value: '{}', versionId: emptyVersionId(name) },
      web,
      undefined,
    ],
    ['with existing', { tags: enrolled, value: 'x' }, { ...web, existing: true }, undefined],
    ['without a profile', { value: '{}' }, web, 'SecretNotEnrolled', /cert-renewer enrol web\/tls --profile offline/],
    ['without a profile, with existing', { value: '{}' }, { ...web, existing: true }, 'SecretNotEnrolled'],
    [
      'of another profile',
      { tags: { [tags.profile]: 'other', [tags.declared]: 'x' } },
      web,
      'InvalidRequest',
      /enrolled in the profile other/,
    ],
    [
      'of another profile, with existing',
      { tags: { [tags.profile]: 'other' } },
      { ...web, existing: true },
      'InvalidRequest',
    ],
    ['that is a replica', { tags: owned, value: 'x', primaryRegion: 'eu-central-1' }, web, 'InvalidRequest', /Replica/],
    [
      'that another function rotates',
      { tags: owned, rotation: { enabled: true, functionArn: 'x' } },
      web,
      'InvalidRequest',
      /RotationEnabled/,
    ],
    [
      'that our function rotates',
      { tags: owned, rotation: { enabled: true, functionArn: new DeployedWorld().rotationFunctionArn } },
      web,
      undefined,
    ],
    ['of a service', { tags: owned, owningService: 'rds' }, web, 'InvalidRequest', /ManagedByService/],
  ])('%s', async (_, secret, entry, code, message = /./) => {
    const world = new DeployedWorld();
    world.store.add({ name, ...secret });
    const before = world.store.tagsOf(name);
    const declared = declareCertificate(world, name, entry);
    if (code === undefined) {
      expect((await declared).isChanged).toBe(true);
      expect(world.asked).toEqual([]);
      return;
    }
    await expect(declared).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(world.store.tagsOf(name)).toEqual(before);
    expect(written(world)).toEqual([]);
  });

  it.each([
    ['{} of somebody else’s', failed('NotDeclared'), undefined],
    ['a value that is no certificate, and stays so', failed('UnsupportedSecret'), undefined],
    ['nothing, with an old parameter', skipped('Missing'), undefined],
    ['a certificate of these names', names('dns:web.svc.example'), undefined],
    [
      'a certificate of other names',
      names('dns:mail.svc.example'),
      /is for dns:mail\.svc\.example: set "existing": true/,
    ],
    ['a certificate of more names', names('dns:web.svc.example', 'dns:b.svc.example'), /"existing": true/],
    ['an expired certificate', failed('CertificateExpired'), /can't be used \(CertificateExpired\)/],
    ['a CA that is away', failed('CaUnavailable'), /Not now/],
  ])('that is enrolled and holds %s', async (_, answer, message) => {
    const world = new DeployedWorld();
    world.store.add({ name, tags: enrolled, value: 'something' });
    world.answers.push(answer);
    const declared = declareCertificate(world, name, web);
    if (message === undefined) await declared;
    else await expect(declared).rejects.toThrow(message);
    expect(world.asked).toEqual([{ secretId: name, dryRun: true, force: true }]);
    expect(written(world)).toEqual(message === undefined ? ['ask', 'writeParameter', 'tag'] : ['ask']);
  });

  it('that is deleted must be restored first', async () => {
    const world = new DeployedWorld();
    world.store.add({ name, tags: owned, value: 'x' });
    world.store.delete(name);
    await expect(declareCertificate(world, name, web)).rejects.toMatchObject({
      code: 'SecretNotFound',
      message: expect.stringMatching(/restore-secret/),
    });
  });

  it('of an authority is refused', async () => {
    const world = new DeployedWorld();
    world.store.add({ name, tags: owned, value: 'x' });
    world.isAuthority = async (secret) => secret.name === name;
    await expect(declareCertificate(world, name, web)).rejects.toThrow(/an authority of this stack/);
  });

  it('that is required but missing', async () => {
    const world = new DeployedWorld();
    await expect(declareCertificate(world, name, { ...web, existing: true })).rejects.toMatchObject({
      code: 'SecretNotFound',
    });
    expect(written(world)).toEqual([]);
  });
});

describe('a process that ends between two steps', () => {
  const changed: CertificateEntry = {
    ...web,
    dnsNames: ['www.svc.example'],
    rekeyPeriod: '8h',
    encryptionKey: 'alias/b',
  };
  const first: CertificateEntry = { ...web, expiresIn: '8h', encryptionKey: 'alias/a' };
  const cases = ['before', 'after'] as const;

  test.each(cases)(
    'a crash %s any call of the first or of a later declaration leaves a state that the next try completes',
    async (when) => {
      const whole = new DeployedWorld();
      await declareCertificate(whole, name, first);
      await declareCertificate(whole, name, changed, previousOf(first));
      let crashes = 0;
      for (const isFirst of [true, false]) {
        for (let call = 1; call <= 7; call++) {
          const world = new DeployedWorld();
          if (!isFirst) await declareCertificate(world, name, first);
          world.faults.crashAt(call, when);
          const declare = () =>
            isFirst
              ? declareCertificate(world, name, first)
              : declareCertificate(world, name, changed, previousOf(first));
          await declare().catch(() => undefined);
          const { crashed } = world.faults;
          world.faults.restart();
          await declare();
          if (isFirst) await declareCertificate(world, name, changed, previousOf(first));
          expect(world.state()).toEqual(whole.state());
          expect(world.store.summary(name).encryptionKey).toBe('alias/b');
          expect(world.store.versionIds(name)).toHaveLength(1);
          if (crashed) crashes++;
        }
      }
      expect(crashes).toBeGreaterThanOrEqual(9);
    },
  );

  it('a crash before the hash, with a worker in between: the certificate follows the parameter, and the hash then says so', async () => {
    const world = new DeployedWorld();
    world.faults.crashAt(4, 'before'); // describe, create, writeParameter, tag
    await declareCertificate(world, name, web).catch(() => undefined);
    expect(world.state().tags).toEqual(enrolled);
    world.faults.restart();
    await world.work(name);
    expect(await declareCertificate(world, name, web)).toMatchObject({ isIssued: true });
  });
});

describe('concurrent declarations', () => {
  it('two of the same certificate make one secret', async () => {
    const world = new DeployedWorld();
    const both = await Promise.all([declareCertificate(world, name, web), declareCertificate(world, name, web)]);
    expect(new Set(both.map(({ secretArn }) => secretArn)).size).toBe(1);
    expect(world.store.versionIds(name)).toHaveLength(1);
    expect(world.state().tags[tags.declared]).toBe(both[0].hash);
  });

  it('another secret of that name, made meanwhile, is judged like any existing one', async () => {
    const world = new DeployedWorld();
    world.faults.meanwhile('before', 'create', () => world.store.add({ name, value: 'x' }));
    await expect(declareCertificate(world, name, web)).rejects.toMatchObject({ code: 'SecretNotEnrolled' });
  });

  it('a lost answer of the creation does not matter', async () => {
    const world = new DeployedWorld();
    world.faults.loseAnswer('create', new RenewalError('Throttled', 'lost'));
    await expect(declareCertificate(world, name, web)).rejects.toMatchObject({ code: 'Throttled' });
    expect(await declareCertificate(world, name, web)).toMatchObject({ isChanged: true });
  });
});

it('a removed declaration leaves secret, tags and value; a second removal is no error', async () => {
  const world = new DeployedWorld();
  await declareCertificate(world, name, web);
  await world.work(name);
  const { tags: before } = world.state();
  expect(await undeclareCertificate(world, name)).toBe(true);
  expect(await undeclareCertificate(world, name)).toBe(false);
  expect(world.state()).toEqual({ tags: before, document: undefined });
});

it('a resource removes its own declaration, but not one that another resource has made since', async () => {
  const world = new DeployedWorld();
  const [first, second] = ['App/First', 'App/Second'].map((declaredBy) =>
    Object.assign(Object.create(world), { declaredBy }),
  );
  await declareCertificate(first, name, web);
  await declareCertificate(second, name, web);
  expect(await undeclareCertificate(first, name)).toBe(false);
  expect(JSON.parse(world.declarations.documents.get(name) ?? '')).toMatchObject({ declaredBy: 'App/Second' });
  expect(await undeclareCertificate(second, name)).toBe(true);
  await declareCertificate(first, name, web);
  await declareCertificate(world, name, web); // from the command line
  expect(await undeclareCertificate(first, name)).toBe(false);
  expect(await undeclareCertificate(world, name)).toBe(true);
});
