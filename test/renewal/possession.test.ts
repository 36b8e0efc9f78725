/**
 * The forged key: an attacker knows a certificate, which is public, and may write one enrolled secret. Beside the victim's
 * certificate they put their own private part under the victim's public half. This key must not be used.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodePem } from '../../lambdas/domain/pem.ts';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { rotateStep } from '../../lambdas/renewal/entry/rotation.ts';
import { forgeable, forgedEd25519, forgedKey, password, secretsOf } from '../../testkit/certificates/forged.ts';
import { commonNameOnly, type KeyKind, makeKey } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { found } from '../authority/odd.ts';
import { offline, Stack } from '../authority/world.ts';
import { dueDates, hour, internal, pairValue, start, World } from './world.ts';

const token = '11111111-2222-4333-8444-555555555555';
const open = { passwordSecretId: 'profile/password' };
const subject = commonNameOnly('victim.example');

const keys = new Map<string, KeyObject>();

/** One of each kind for all tests, because RSA keys take long to make. */
function keyOf(whose: 'the victim' | 'somebody else', kind: KeyKind): KeyObject {
  const key = keys.get(`${whose} ${kind}`) ?? makeKey(kind);
  keys.set(`${whose} ${kind}`, key);
  return key;
}

/** A world whose profile has a password, with the victim's certificate. `asked` records the questions to CA and KMS. */
async function scene(ca: 'step-ca' | 'own authority', victim: KeyObject) {
  const profile: Profile = ca === 'step-ca' ? { ...internal, ...open } : { ...offline, ...open };
  const world = ca === 'step-ca' ? new World(profile) : await new Stack(profile).hierarchy();
  world.store.add({ name: open.passwordSecretId, value: password });
  const { leaf, chain } =
    world instanceof Stack ? certified(world, victim) : world.ca.issueLeaf({ key: victim, subject, ...dueDates });
  const calls = () => world.faults.count('sign') + world.faults.count('signer') + world.ca.faults.calls.length;
  const before = calls();
  return { world, profile: profile.name, leaf, chain, asked: () => calls() - before };
}

function certified(stack: Stack, key: KeyObject): { leaf: Uint8Array; chain: readonly Uint8Array[] } {
  const { leaf } = stack.enrolLeaf({ name: 'victim', key });
  return { leaf: leaf.der, chain: [stack.certificateOf('issuing').der] };
}

const mismatch = { name: 'KeyMismatch' };

describe.each(['step-ca', 'own authority'] as const)('%s', (ca) => {
  it.each(forgeable)(
    'a forged key of %s is KeyMismatch in every shape and on every way, and nobody is asked',
    async (kind) => {
      const victim = keyOf('the victim', kind);
      const { world, profile, leaf, chain, asked } = await scene(ca, victim);
      const rotating = Object.assign(world, { rotationFunctionArn: 'arn:renew' });
      for (const { name, value } of await secretsOf(leaf, chain, forgedKey(victim, kind))) {
        const arn = world.store.add({ name, value, versionId: 'v1', tags: { [tags.profile]: profile } });
        for (const request of [{}, { dryRun: true }, { mode: 'renew' }, { mode: 'rekey', force: true }]) {
          const tried = renewOnDemand(world, { secretId: arn, ...request });
          await expect(tried, `${name}, ${JSON.stringify(request)}`).rejects.toMatchObject(mismatch);
        }
        await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
        expect(world.store.tagsOf(arn)[tags.failure], name).toMatch(/ KeyMismatch$/);
        world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
        world.store.beginRotation(arn, token);
        const step = rotateStep(rotating, { Step: 'createSecret', SecretId: arn, ClientRequestToken: token });
        await expect(step, `${name}, rotation`).rejects.toMatchObject(mismatch);
        expect(world.store.versionIds(arn).filter((id) => id.startsWith('cert-renewer-'))).toEqual([]);
      }
      expect(asked()).toBe(0);
    },
    30_000,
  );

  it('a forged key of Ed25519, in PKCS#8 of version 2', async () => {
    const victim = makeKey('Ed25519');
    const { world, profile, leaf, asked } = await scene(ca, victim);
    const value = JSON.stringify({
      certificate: encodePem('CERTIFICATE', leaf),
      privateKey: encodePem('PRIVATE KEY', forgedEd25519(victim)),
    });
    const arn = world.store.add({ name: 'forged', value, versionId: 'v1', tags: { [tags.profile]: profile } });
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject(mismatch);
    expect(asked()).toBe(0);
  });

  it.each<KeyKind>(['P-256', 'P-384', 'P-521', 'RSA-2048', 'Ed25519'])(
    'the true key of %s works in every shape',
    async (kind) => {
      const key = keyOf('the victim', kind);
      const { world, profile, leaf, chain } = await scene(ca, key);
      const shapes =
        kind === 'Ed25519' ? [{ name: 'web', value: pairValue(leaf, chain, key) }] : await secretsOf(leaf, chain, key);
      for (const { name, value } of shapes) {
        const arn = world.store.add({ name, value, versionId: 'v1', tags: { [tags.profile]: profile } });
        expect(await renewOnDemand(world, { secretId: arn, mode: 'renew' }), name).toMatchObject({
          outcome: 'renewed',
        });
      }
    },
    30_000,
  );

  it.each(forgeable)('a given key of %s that claims another public half is KeyMismatch', async (kind) => {
    const { world, profile, leaf, chain, asked } = await scene(ca, keyOf('the victim', kind));
    const own = makeKey('P-256');
    const { leaf: mine, chain: above } =
      world instanceof Stack ? certifiedAs(world, own) : world.ca.issueLeaf({ key: own, subject, ...dueDates });
    const secretId = world.store.add({
      name: 'mine',
      value: pairValue(mine, above, own),
      versionId: 'v1',
      tags: { [tags.profile]: profile },
    });
    for (const { name, value } of await secretsOf(leaf, chain, forgedKey(keyOf('somebody else', kind), kind))) {
      world.store.add({ name, value, versionId: 'v1', tags: { [tags.profile]: profile, [tags.paused]: 'true' } });
      for (const dryRun of [true, false]) {
        const tried = renewOnDemand(world, { secretId, privateKey: { secretId: name }, dryRun });
        await expect(tried, name).rejects.toMatchObject(mismatch);
      }
    }
    expect(asked()).toBe(0);
    expect(world.store.versionIds(secretId)).toEqual(['v1']);
  });
});

function certifiedAs(stack: Stack, key: KeyObject): { leaf: Uint8Array; chain: readonly Uint8Array[] } {
  const { leaf } = stack.enrolLeaf({ name: 'mine before', key });
  return { leaf: leaf.der, chain: [stack.certificateOf('issuing').der] };
}

it.each([true, false])(
  'a staged pair under an id like ours, with a forged key (%s): promoted only with its own key',
  async (isForged) => {
    const world = new World();
    const arn = world.enrol();
    // A crash between stage and promote leaves an id that names the version it is based on.
    world.faults.crashAt(4, 'before');
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1).catch(() => undefined);
    world.faults.restart();
    const staged = world.pending(arn) ?? '';
    expect(staged).toMatch(/^cert-renewer-/);
    const victim = makeKey('P-256');
    const dates = { notBefore: start - 60_000, notAfter: start + 24 * hour - 60_000 };
    const { leaf, chain } = world.ca.issueLeaf({ key: victim, subject: commonNameOnly('leaf.example'), ...dates });
    const key = isForged ? forgedKey(victim, 'P-256') : victim;
    const versionId = `${staged.slice(0, -4)}beef`;
    await world.store.discard(arn, staged);
    await world.store.stage(arn, versionId, { kind: 'string', text: pairValue(leaf, chain, key) });
    const issued = world.ca.issued.length;
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 2);
    expect(world.ca.issued.length - issued).toBe(isForged ? 1 : 0);
    expect(world.versionOf(arn) === versionId).toBe(!isForged);
    expect(world.versionOf(arn)).toMatch(/^cert-renewer-/);
  },
);

describe('an imported authority whose key is forged', () => {
  it('signs nothing: neither its own certificate nor a leaf', async () => {
    const stack = await new Stack().hierarchy();
    const { kmsKeyArn: _, ...rest } = await found(stack, 'issuing');
    stack.authorities.set(rest);
    const { arn } = stack.enrolLeaf();
    const [issuing, root] = [stack.certificateOf('issuing'), stack.certificateOf('root')];
    stack.store.write('pki/issuing', pairValue(issuing.der, [root.der], forgedKey(stack.keyOf('issuing'), 'P-256')));
    stack.clock.advance(3_600_000);
    const signed = stack.faults.count('sign');
    await expect(renewOnDemand(stack, { secretId: 'pki/issuing' })).rejects.toMatchObject(mismatch);
    await expect(renewOnDemand(stack, { secretId: arn })).rejects.toMatchObject(mismatch);
    const provider = await providerFor({ type: 'authority', authority: 'issuing' }, stack);
    await expect(provider.answers?.()).rejects.toMatchObject({
      code: 'KeyMismatch',
    });
    expect(stack.faults.count('sign')).toBe(signed);
  });
});

it('a key of another kind does not belong to the certificate, and the message names it', async () => {
  const world = new World();
  const key = makeKey('P-256');
  const { leaf, chain } = world.ca.issueLeaf({ key, subject, ...dueDates });
  const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
  const value = pairValue(leaf, chain, other);
  const arn = world.store.add({ name: 'odd', value, versionId: 'v1', tags: { [tags.profile]: 'internal' } });
  await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ name: 'UnsupportedSecret' });
});
