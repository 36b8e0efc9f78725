/** Unit tests of the check whose key a key is, and of what only authorities have. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Authority } from '../../lambdas/domain/authority.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { localSigner } from '../../lambdas/keys/local.ts';
import { keepBundle } from '../../lambdas/renewal/after-promotion.ts';
import { authorityOf, isSecretOf, waitsForCertificate } from '../../lambdas/renewal/authority.ts';
import { refuseAuthorityKey } from '../../lambdas/renewal/authority-key.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { readPair } from '../../lambdas/renewal/pair.ts';
import { authority, FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { freshDates, internal, newKey, pairOf, pairValue, World } from './world.ts';

const kms = (id: string, region = 'us-east-1') => `arn:aws:kms:${region}:000000000000:key/${id}`;
const unavailable = new RenewalError('KmsUnavailable', 'KMS is away');

/** One authority, and whether a key is refused as its own. */
function scene(more: Partial<Authority> = {}, value: string | null = '{}') {
  const world = Object.assign(new World(), { authorities: new FakeAuthorities(authority('root', more)) });
  if (value !== null) world.store.add({ name: 'pki/root', value });
  const judge = (key: Signer, code: 'InvalidRequest' | 'UnsupportedSecret' = 'InvalidRequest') =>
    refuseAuthorityKey(world, key, code, 'The key');
  return { world, judge };
}
const held = (key: KeyObject, world = new World()) => {
  const { leaf, chain } = world.ca.issueLeaf({ key, subject: new Uint8Array([0x30, 0]), ...freshDates });
  return pairValue(leaf, chain, key);
};
const signer = (kmsKeyArn?: string, key = newKey()): Signer => ({
  ...localSigner(key),
  ...(kmsKeyArn && { kmsKeyArn }),
});
const owned = (code: string) => ({
  code,
  message:
    "The key is the key of this stack's authority root. A leaf must not have an authority's key: use another key.",
});

describe('an authority’s key in KMS', () => {
  const mrk = 'mrk-0123456789abcdef0123456789abcdef';

  it.each([
    ['the same ARN', kms('k1'), kms('k1')],
    ['a multi-Region key in another Region', kms(mrk), kms(mrk, 'eu-west-1')],
  ])('is known by %s, even if KMS does not answer', async (_, own, given) => {
    const { world, judge } = scene({ kmsKeyArn: own });
    world.vault.signer = () => Promise.reject(unavailable);
    await expect(judge(signer(given))).rejects.toMatchObject(owned('InvalidRequest'));
    await expect(judge(signer(given), 'UnsupportedSecret')).rejects.toMatchObject(owned('UnsupportedSecret'));
  });

  it.each([
    ['the same id in another Region', kms('k1'), kms('k1', 'eu-west-1')],
    ['another id', kms('k1'), kms('k2')],
    ['another multi-Region key', kms(mrk), kms(`${mrk.slice(0, -1)}0`, 'eu-west-1')],
    ['a multi-Region key, and the given one is at hand', kms(mrk), undefined],
  ])('is looked up in KMS if it may be another: %s', async (_, own, given) => {
    const { world, judge } = scene({ kmsKeyArn: own });
    world.vault.signer = () => Promise.reject(unavailable);
    await expect(judge(signer(given))).rejects.toMatchObject({
      code: 'KmsUnavailable',
      message: 'The key is not used, because it could not be compared with the key of authority root. KMS is away',
    });
    await expect(judge(signer(given), 'UnsupportedSecret')).rejects.toMatchObject({ code: 'KmsUnavailable' });
    world.vault.signer = async () => signer(own);
    await expect(judge(signer(given))).resolves.toBeUndefined();
  });

  it('is known by its public half, before there is a certificate', async () => {
    const { world, judge } = scene({ kmsKeyArn: kms('k1') });
    const key = newKey();
    world.vault.signer = async () => signer(kms('k1'), key);
    await expect(judge(signer(undefined, key))).rejects.toMatchObject(owned('InvalidRequest'));
  });
});

describe('an authority’s key in its secret', () => {
  it('is known by its certificate', async () => {
    const key = newKey();
    const { judge } = scene({}, held(key));
    await expect(judge(signer(undefined, key))).rejects.toMatchObject(owned('InvalidRequest'));
    await expect(judge(signer())).resolves.toBeUndefined();
  });

  it.each([
    ['that has no certificate yet', '{}'],
    ['whose secret is not there', null],
  ])('is unknown for an authority %s', async (_, value) => {
    await expect(scene({}, value).judge(signer())).resolves.toBeUndefined();
  });

  it.each([
    ['is no certificate', 'rubbish'],
    ['has no key', JSON.stringify({ ...JSON.parse(held(newKey())), privateKey: undefined })],
  ])('is uncertain if the secret %s: a request waits, and a leaf does not', async (_, value) => {
    const { judge } = scene({}, value);
    await expect(judge(signer())).rejects.toMatchObject({ code: 'UnsupportedSecret' });
    await expect(judge(signer(), 'UnsupportedSecret')).resolves.toBeUndefined();
  });

  it('is uncertain if the secret may not be read', async () => {
    const { world, judge } = scene({}, held(newKey()));
    world.faults.failBefore('read', new RenewalError('AccessDenied', 'no'));
    await expect(judge(signer())).rejects.toMatchObject({ code: 'AccessDenied' });
  });
});

describe('an authority that the stack names but does not have', () => {
  it('stops a request, and says what to do', async () => {
    const { world, judge } = scene();
    world.authorities.find = async () => undefined;
    await expect(judge(signer())).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringContaining('This stack has no authority root: deploy the stack again.'),
    });
    await expect(judge(signer(), 'UnsupportedSecret')).resolves.toBeUndefined();
  });

  it('is not looked for in a stack without authorities', async () => {
    await expect(refuseAuthorityKey(new World(), signer(), 'InvalidRequest', 'The key')).resolves.toBeUndefined();
  });
});

describe('the secret of an authority', () => {
  const secretOf = (more: Partial<SecretSummary>): SecretSummary => ({
    arn: 'arn:aws:secretsmanager:us-east-1:1:secret:pki/root-AbCdEf',
    name: 'pki/root',
    tags: new Map(),
    versions: new Map(),
    currentVersionId: undefined,
    isReplica: false,
    rotation: { enabled: false },
    ...more,
  });

  it.each([
    ['arn:aws:secretsmanager:us-east-1:1:secret:pki/root-AbCdEf', true],
    ['arn:aws:secretsmanager:us-east-1:1:secret:pki/root', true],
    ['pki/root', true],
    ['pki/roo', false],
    ['arn:aws:secretsmanager:us-east-1:1:secret:pki/roo', false],
    ['arn:aws:secretsmanager:us-east-1:1:secret:pki', false],
  ])('is named %s: %s', (secretId, expected) => {
    expect(isSecretOf({ secretId }, secretOf({}))).toBe(expected);
  });

  it('matches a part of its ARN only if that part is an ARN itself', () => {
    expect(isSecretOf({ secretId: 'pki/' }, secretOf({ arn: 'pki/-AbCdEf', name: 'other' }))).toBe(false);
  });

  it('is found with any tags, and another authority’s error stops only secrets without a profile', async () => {
    const authorities = new FakeAuthorities(authority('broken'), authority('root'));
    const error = new RenewalError('Internal', 'no JSON');
    const matches = ({ args: [name] }: { args: readonly unknown[] }) => name === 'broken';
    authorities.faults.failBefore('find', error, { times: Infinity, matches });
    expect(await authorityOf({ authorities }, secretOf({}))).toMatchObject({ name: 'root' });
    const leaf = secretOf({ name: 'web/tls', arn: 'arn:web', tags: new Map([[tags.profile, 'internal']]) });
    expect(await authorityOf({ authorities }, leaf)).toBeUndefined();
    await expect(authorityOf({ authorities }, { ...leaf, tags: new Map() })).rejects.toBe(error);
    expect(await authorityOf({}, leaf)).toBeUndefined();
    expect(
      await authorityOf({ authorities: new FakeAuthorities(authority('root')) }, { ...leaf, tags: new Map() }),
    ).toBeUndefined();
  });

  it('is unknown if the stack names an authority that it does not have', async () => {
    const authorities = new FakeAuthorities(authority('root'));
    authorities.find = async () => undefined;
    expect(await authorityOf({ authorities }, secretOf({}))).toBeUndefined();
  });

  it('is not due while it waits for its certificate', () => {
    expect(waitsForCertificate({ ...internal, name: 'authority:root' })).toMatchObject({
      action: 'skip',
      code: 'NotDue',
      message: expect.stringContaining('authority:root'),
    });
  });
});

describe('the trust bundle', () => {
  const { leaf } = pairOf({ kind: 'string', text: held(newKey()) });

  it('is kept for authorities only, if the stack has one', async () => {
    const world = new World();
    const secret = world.store.summary(world.enrol());
    const kept: unknown[] = [];
    const keep = async (...args: unknown[]) => void kept.push(args);
    await keepBundle({ journal: world.journal, keepBundle: keep }, { secret, authority: undefined }, leaf, undefined);
    await keepBundle({ journal: world.journal }, { secret, authority: authority('root') }, leaf, undefined);
    expect(kept).toEqual([]);
    expect(world.journal.failures).toEqual([]);
    await keepBundle(
      { journal: world.journal, keepBundle: keep },
      { secret, authority: authority('root') },
      leaf,
      undefined,
    );
    expect(kept).toEqual([[leaf, undefined]]);
  });

  it('that can’t be written is logged, and stops nothing', async () => {
    const world = new World();
    const secret = world.store.summary(world.enrol());
    const keep = () => Promise.reject(unavailable);
    await keepBundle(
      { journal: world.journal, keepBundle: keep },
      { secret, authority: authority('root') },
      leaf,
      undefined,
    );
    expect(world.journal.failures).toEqual([{ secretArn: secret.arn, error: unavailable, step: 'after promotion' }]);
  });
});

describe('a key with two different halves', () => {
  /** The private half of one key with the public half of another. */
  function torn(): string {
    const [one, two] = [newKey(), newKey()].map((key) => key.export({ type: 'pkcs8', format: 'der' }));
    if (!one || !two) throw new Error('no keys');
    const der = Buffer.concat([one.subarray(0, -65), two.subarray(-65)]);
    return String(
      createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }).export({ type: 'pkcs8', format: 'pem' }),
    );
  }

  it('is not accepted from a request', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    world.store.add({ name: 'keys/torn', value: torn(), tags: { [tags.profile]: 'internal' } });
    const tried = renewOnDemand(world, { secretId: arn, privateKey: { secretId: 'keys/torn' } });
    await expect(tried).rejects.toMatchObject({
      code: 'KeyMismatch',
      concerns: 'request',
      message: expect.stringContaining(
        'The private key in keys/torn does not match the public key that is stored with it',
      ),
    });
    expect(world.ca.issued).toEqual([]);
  });
});

describe('an authority’s key in KMS, by any name', () => {
  function stack() {
    const world = new World();
    const key = newKey();
    const kmsKeyArn = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
    const authorities = new FakeAuthorities(authority('root', { kmsKeyArn }));
    world.store.add({ name: 'pki/root', value: '{}' });
    return { world: Object.assign(world, { authorities }), key, kmsKeyArn };
  }

  it('is refused in a request', async () => {
    const { world, kmsKeyArn } = stack();
    const tried = renewOnDemand(world, { secretId: world.enrol(freshDates), privateKey: { kmsKeyId: kmsKeyArn } });
    await expect(tried).rejects.toMatchObject({
      code: 'InvalidRequest',
      concerns: 'request',
      message: expect.stringMatching(/^The key of \$\.privateKey is the key of this stack's authority root/),
    });
  });

  it('is refused for a leaf', async () => {
    const { world, key, kmsKeyArn } = stack();
    const arn = world.enrol({ ...freshDates, key });
    const { privateKey: _, ...rest } = JSON.parse(held(key, world));
    world.store.write(arn, JSON.stringify({ ...rest, kmsKeyId: kmsKeyArn }), 'v2');
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringMatching(/^The kmsKeyId of the secret is the key of this stack's authority root/),
    });
  });

  it('is the authority’s own, even if its secret does not name it', async () => {
    const { world, key, kmsKeyArn } = stack();
    const { privateKey: _, ...rest } = JSON.parse(held(key, world));
    const version = { versionId: 'v2', createdAt: 0, value: { kind: 'string', text: JSON.stringify(rest) } } as const;
    const pair = await readPair(world, { authority: authority('root', { kmsKeyArn }) }, version);
    expect(pair.key?.kmsKeyArn).toBe(kmsKeyArn);
  });
});

it('a pair needs its key, unless the caller says that the CA has it', async () => {
  const world = new World();
  const arn = world.enrol();
  const value = world.store.value(arn);
  const { privateKey: _, ...rest } = JSON.parse(value.kind === 'string' ? value.text : '');
  const version = { versionId: 'v2', createdAt: 0, value: { kind: 'string', text: JSON.stringify(rest) } } as const;
  await expect(readPair(world, {}, version)).rejects.toMatchObject({ code: 'UnsupportedSecret' });
  expect((await readPair(world, { keyIsAtTheCa: true }, version)).key).toBeUndefined();
});
