import { expect, test } from 'vitest';
import type { CaReference, Profile } from '../../lambdas/domain/profile.ts';
import { providerFor } from '../../lambdas/providers/index.ts';
import { FakeAuthorities } from '../../testkit/fakes/authorities.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';
import { fakeEntropy } from '../../testkit/fakes/entropy.ts';
import { FakeKeyVault } from '../../testkit/fakes/key-vault.ts';
import { FakeStore } from '../../testkit/fakes/store.ts';
import { hierarchy, pem, rootPem } from '../../testkit/tls-server.ts';

const profile = (ca: CaReference): Profile => ({ name: 'internal', ca, mode: 'rekey', paused: false });
const world = {
  clock: new FakeClock(),
  entropy: fakeEntropy(),
  store: new FakeStore(),
  vault: new FakeKeyVault(),
};

test('a profile of type step-ca has its provider, with its root', async () => {
  const provider = await providerFor(profile({ type: 'step-ca', url: 'https://ca.example', root: rootPem }), world);
  expect(pem(...(await provider.roots()))).toBe(pem(hierarchy.root));
});

test.each<CaReference>([
  { type: 'offline', authority: 'issuing' },
  { type: 'authority', authority: 'issuing' },
])('a profile of type $type has its provider where the stack has authorities, and else is Internal', async (ca) => {
  await expect(providerFor(profile(ca), world)).rejects.toMatchObject({ code: 'Internal' });
  const provider = await providerFor(profile(ca), { ...world, authorities: new FakeAuthorities() });
  await expect(provider.roots()).rejects.toMatchObject({
    code: 'Internal',
    message: expect.stringMatching(/"issuing"/),
  });
});

test('a profile of type infisical has its provider', async () => {
  const ca = { type: 'infisical', url: 'https://eu.infisical.com', caId: 'id', authSecretId: 'auth' } as const;
  expect(await providerFor(profile(ca), world)).toMatchObject({ renew: expect.any(Function) });
});
