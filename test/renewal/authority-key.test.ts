/** The key of an authority of the stack must not be the key of a leaf, under any name and with any CA of the profile. */
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { password } from '../../testkit/certificates/forged.ts';
import { commonNameOnly, makeKey, makeLeaf } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { found, textOf } from '../authority/odd.ts';
import { hour, offline, Stack, start } from '../authority/world.ts';
import { internal, pairValue } from './world.ts';

/** A stack with an offline profile, and a profile whose CA is a step-ca. */
class Mixed extends Stack {
  override readonly providerFor = async (profile: Profile) =>
    profile.ca.type === 'step-ca' ? this.ca : providerFor(profile.ca, this);
}

async function stackOf(): Promise<Mixed> {
  const stack = await new Mixed(offline, { ...internal, passwordSecretId: 'profile/password' }).hierarchy();
  stack.store.add({ name: 'profile/password', value: password });
  return stack;
}

/** An enrolled leaf with its key in the secret. */
function leafOf(stack: Mixed, profile: 'offline' | 'internal'): string {
  if (profile === 'offline') return stack.enrolLeaf().arn;
  const key = makeKey('P-256');
  const subject = commonNameOnly('leaf.example');
  const { leaf, chain } = stack.ca.issueLeaf({
    key,
    subject,
    notBefore: start - 22 * hour,
    notAfter: start + 2 * hour,
  });
  const value = pairValue(leaf, chain, key);
  return stack.store.add({ name: 'web/tls', value, versionId: 'v1', tags: { [tags.profile]: profile } });
}

/** A leaf certificate for an authority's key, as another CA may have issued it, or this one before the rule existed. */
function certifiedFor(stack: Mixed, profile: 'offline' | 'internal', key: KeyObject, kmsKeyId: string): string {
  const request = {
    key,
    subject: commonNameOnly('leaf.example'),
    notBefore: start - 22 * hour,
    notAfter: start + 2 * hour,
  };
  const issuer = {
    intermediateKey: stack.keyOf('issuing'),
    intermediateName: stack.certificateOf('issuing').subject,
  };
  const leaf = profile === 'offline' ? makeLeaf(request, issuer) : stack.ca.issueLeaf(request).leaf;
  const { certificate } = JSON.parse(pairValue(leaf, [], key));
  const value = JSON.stringify({ certificate, kmsKeyId });
  return stack.store.add({ name: 'web/kms', value, versionId: 'v1', tags: { [tags.profile]: profile } });
}

/** Puts the authority's key into its secret, as for an imported authority. */
async function importKey(stack: Mixed, name: string, encrypted = false): Promise<void> {
  const { kmsKeyArn: _, ...rest } = await found(stack, name);
  stack.authorities.set({ ...rest, ...(encrypted && { passwordSecretId: 'profile/password' }) });
  const format = { type: 'pkcs8', format: 'pem' } as const;
  const key = stack.keyOf(name);
  const privateKey = encrypted
    ? key.export({ ...format, cipher: 'aes-256-cbc', passphrase: password })
    : key.export(format);
  const { certificate, certificateChain } = JSON.parse(textOf(stack, `pki/${name}`));
  stack.store.write(`pki/${name}`, JSON.stringify({ certificate, privateKey, certificateChain }));
}

/** Another name of the same key: a replica in another Region, or imported twice. */
const sameMaterial = (stack: Mixed, name: string): string =>
  stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: stack.keyOf(name) });

describe.each(['offline', 'internal'] as const)('profile %s: privateKey of a request', (profile) => {
  const names: [string, (stack: Mixed, name: string) => string][] = [
    ['ARN', (stack, name) => stack.kmsKeyOf(name)],
    ['id', (stack, name) => stack.kmsKeyOf(name).split('/').at(-1) ?? ''],
    [
      'alias',
      (stack, name) => {
        stack.vault.setAlias('pretty', stack.kmsKeyOf(name));
        return 'alias/pretty';
      },
    ],
    [
      'alias ARN',
      (stack, name) => {
        stack.vault.setAlias('pretty', stack.kmsKeyOf(name));
        return 'arn:aws:kms:us-east-1:000000000000:alias/pretty';
      },
    ],
    ['another key of the same material', sameMaterial],
  ];
  it.each(['root', 'issuing'].flatMap((name) => names.map(([how, of]) => [name, how, of] as const)))(
    'the key of %s by its %s is InvalidRequest',
    async (name, _, of) => {
      const stack = await stackOf();
      const arn = leafOf(stack, profile);
      const kmsKeyId = of(stack, name);
      const signed = stack.faults.count('sign');
      for (const dryRun of [true, false]) {
        const tried = renewOnDemand(stack, { secretId: arn, privateKey: { kmsKeyId }, dryRun, force: true });
        await expect(tried).rejects.toMatchObject({
          name: 'InvalidRequest',
          message: expect.stringContaining(`authority ${name}`),
        });
      }
      expect(stack.faults.count('sign')).toBe(signed);
      expect(stack.ca.faults.calls).toEqual([]);
      expect(stack.store.versionIds(arn)).toEqual(['v1']);
      expect(stack.publisher.events).toEqual([]);
    },
  );

  it('the key of an authority that is disabled or has no certificate yet is InvalidRequest too', async () => {
    const stack = await stackOf();
    const arn = leafOf(stack, profile);
    stack.authorities.set({ ...(await found(stack, 'root')), disabled: true });
    stack.declare('new', {});
    for (const name of ['root', 'new']) {
      const tried = renewOnDemand(stack, { secretId: arn, privateKey: { kmsKeyId: stack.kmsKeyOf(name) } });
      await expect(tried).rejects.toMatchObject({ name: 'InvalidRequest' });
    }
  });

  it.each([true, false])(
    'the key of an imported authority in an enrolled secret is InvalidRequest too (encrypted: %s)',
    async (encrypted) => {
      const stack = await stackOf();
      await importKey(stack, 'root', encrypted);
      const arn = leafOf(stack, profile);
      const value = String(stack.keyOf('root').export({ type: 'sec1', format: 'pem' }));
      stack.store.add({
        name: 'given',
        value,
        versionId: 'v1',
        tags: { [tags.profile]: profile, [tags.paused]: 'true' },
      });
      await expect(renewOnDemand(stack, { secretId: arn, privateKey: { secretId: 'given' } })).rejects.toMatchObject({
        name: 'InvalidRequest',
        message: expect.stringContaining('authority root'),
      });
      expect(stack.store.versionIds(arn)).toEqual(['v1']);
    },
  );

  it('another key is accepted, and no authority is read if no key is given', async () => {
    const stack = await stackOf();
    const arn = leafOf(stack, profile);
    const kmsKeyId = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, alias: 'web' });
    const given = await renewOnDemand(stack, { secretId: arn, privateKey: { kmsKeyId: 'alias/web' } });
    expect(given).toMatchObject({ outcome: 'rekeyed' });
    expect(JSON.parse(textOf(stack, arn)).kmsKeyId).toBe(kmsKeyId);
    // From then on the secret names a key in KMS.
    expect(await renewOnDemand(stack, { secretId: arn, force: true })).toMatchObject({ outcome: 'renewed' });
  });
});

it('a secret with its own key, at hand or in KMS, needs no check of the authorities', async () => {
  const stack = await stackOf();
  const arn = leafOf(stack, 'internal');
  stack.store.faults.failBefore('read', new RenewalError('AccessDenied', 'no'), {
    times: Infinity,
    matches: ({ args: [id] }) => String(id).includes('pki'),
  });
  const before = stack.faults.count('read');
  expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
  expect(stack.faults.count('read')).toBe(before + 1);
});

describe('kmsKeyId in a secret', () => {
  it.each(['offline', 'internal'] as const)(
    'profile %s: the key of an authority is UnsupportedSecret',
    async (profile) => {
      for (const name of ['root', 'issuing']) {
        for (const other of [false, true]) {
          const stack = await stackOf();
          const kmsKeyId = other ? sameMaterial(stack, name) : stack.kmsKeyOf(name);
          const arn = certifiedFor(stack, profile, stack.keyOf(name), kmsKeyId);
          const signed = stack.faults.count('sign');
          await expect(renewOnDemand(stack, { secretId: arn, force: true })).rejects.toMatchObject({
            name: 'UnsupportedSecret',
            message: expect.stringContaining(`authority ${name}`),
          });
          await renewQueued(stack, { secretArn: arn, versionId: 'v1' }, 1);
          expect(stack.store.tagsOf(arn)[tags.failure]).toMatch(/UnsupportedSecret$/);
          expect(stack.faults.count('sign')).toBe(signed);
          expect(stack.ca.faults.calls).toEqual([]);
        }
      }
    },
  );

  it('an authority’s certificate in an enrolled secret opens its key to no other CA', async () => {
    const stack = await stackOf();
    const { certificate } = JSON.parse(textOf(stack, 'pki/issuing'));
    const value = JSON.stringify({ certificate, kmsKeyId: stack.kmsKeyOf('issuing') });
    const arn = stack.store.add({ name: 'copy', value, versionId: 'v1', tags: { [tags.profile]: 'internal' } });
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({ name: 'UnsupportedSecret' });
    expect(stack.ca.faults.calls).toEqual([]);
  });

  it('beside another certificate is KeyMismatch', async () => {
    const stack = await stackOf();
    const arn = certifiedFor(stack, 'internal', makeKey('P-256'), stack.kmsKeyOf('issuing'));
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({ name: 'KeyMismatch' });
  });

  it('an alias that moves to an authority’s key between two inspections is noticed', async () => {
    const stack = await stackOf();
    const key = makeKey('P-256');
    stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key, alias: 'web' });
    const arn = certifiedFor(stack, 'internal', key, 'alias/web');
    stack.vault.setAlias('web', stack.kmsKeyOf('issuing'));
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject({ name: 'KeyMismatch' });
    expect(stack.faults.count('sign')).toBe(2); // the first certificates of both authorities
  });
});

describe('an authority that can’t be read', () => {
  const troubles: [string, string, (stack: Mixed) => unknown][] = [
    [
      'its parameter',
      'Throttled',
      (stack) =>
        stack.authorities.faults.failBefore('find', new RenewalError('Throttled', 'slow'), {
          times: Infinity,
          matches: ({ args: [name] }) => name === 'root',
        }),
    ],
    [
      'its secret',
      'AccessDenied',
      async (stack) => {
        await importKey(stack, 'root');
        stack.faults.failBefore('read', new RenewalError('AccessDenied', 'no'), {
          times: Infinity,
          matches: ({ args: [id] }) => id === stack.authorities.all.get('root')?.secretId,
        });
      },
    ],
    [
      'what is in it',
      'UnsupportedSecret',
      async (stack) => {
        await importKey(stack, 'root');
        stack.store.write('pki/root', 'no certificate');
      },
    ],
  ];
  it.each(troubles)('%s: a given key is not used (%s)', async (_, code, trouble) => {
    const stack = await stackOf();
    const arn = leafOf(stack, 'internal');
    const kmsKeyId = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
    await trouble(stack);
    await expect(renewOnDemand(stack, { secretId: arn, privateKey: { kmsKeyId } })).rejects.toMatchObject({
      name: code,
      message: expect.stringContaining('authority root'),
    });
    expect(stack.store.versionIds(arn)).toEqual(['v1']);
    expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'rekeyed' });
  });
});

it('a given key in KMS that can’t sign is no failure of the certificate', async () => {
  const stack = await stackOf();
  const arn = leafOf(stack, 'offline');
  const kmsKeyId = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } });
  stack.faults.failBefore('sign', new RenewalError('KmsDenied', 'no'), { times: Infinity });
  await expect(renewOnDemand(stack, { secretId: arn, privateKey: { kmsKeyId } })).rejects.toMatchObject({
    name: 'KmsDenied',
  });
  expect(stack.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
  expect(stack.publisher.events).toEqual([]);
});

describe('an unrelated authority', () => {
  it.each<[string, (stack: Mixed) => Promise<void>]>([
    ['with no certificate in its secret', async (stack) => void stack.store.write('pki/root', 'no certificate')],
    ['being deleted', async (stack) => stack.store.delete('pki/root')],
    [
      'imported, with no certificate in its secret',
      async (stack) => {
        await importKey(stack, 'root');
        stack.store.write('pki/root', 'no certificate');
      },
    ],
  ])('%s does not stop a leaf that has its key in KMS', async (_, breakIt) => {
    const stack = await stackOf();
    const key = makeKey('P-256');
    const kmsKeyId = stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey: key });
    const arn = certifiedFor(stack, 'internal', key, kmsKeyId);
    await breakIt(stack);
    expect(await renewOnDemand(stack, { secretId: arn })).toMatchObject({ outcome: 'renewed' });
  });
});

it('a multi-Region key is the authority’s by its id in any Region, even before there is a certificate', async () => {
  const stack = await stackOf();
  const arn = leafOf(stack, 'internal');
  stack.declare('new', {});
  const id = 'mrk-0123456789abcdef0123456789abcdef';
  stack.authorities.set({ ...(await found(stack, 'new')), kmsKeyArn: `arn:aws:kms:us-east-1:000000000000:key/${id}` });
  const newKey = () => stack.vault.signer(stack.vault.add({ spec: { kty: 'EC', curve: 'P-256' } }));
  const [own, others] = [await newKey(), await newKey()];
  const inRegion = (keyId: string) => `arn:aws:kms:eu-west-1:000000000000:key/${keyId}`;
  const { vault } = stack;
  const world = Object.assign(stack, {
    vault: {
      signer: async (keyId: string) => {
        if (keyId.endsWith(id)) return { ...others, kmsKeyArn: inRegion(id) };
        return keyId.startsWith('mrk-') ? { ...own, kmsKeyArn: inRegion(keyId) } : vault.signer(keyId);
      },
    },
  });
  const given = (kmsKeyId: string) => renewOnDemand(world, { secretId: arn, privateKey: { kmsKeyId }, dryRun: true });
  await expect(given(id)).rejects.toMatchObject({ name: 'InvalidRequest' });
  expect(await given('mrk-fedcba9876543210fedcba9876543210')).toMatchObject({ outcome: 'planned' });
});
