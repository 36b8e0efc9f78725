import { expect, test } from 'vitest';
import type { CaReference, Profile } from '../../lambdas/domain/profile.ts';
import { providerFor } from '../../lambdas/providers/index.ts';
import { FakeClock } from '../fakes/clock.ts';
import { fakeEntropy } from '../fakes/entropy.ts';
import { hierarchy, pem, rootPem } from './tls-server.ts';

const profile = (ca: CaReference): Profile => ({ name: 'internal', ca, mode: 'rekey', paused: false });
const world = { clock: new FakeClock(), entropy: fakeEntropy() };

test('a profile of type step-ca has its provider, with its root', async () => {
  const provider = await providerFor(profile({ type: 'step-ca', url: 'https://ca.example', root: rootPem }), world);
  expect(pem(...(await provider.roots()))).toBe(pem(hierarchy.root));
});

test.each<CaReference>([
  { type: 'offline', authority: 'issuing' },
  { type: 'authority', authority: 'issuing' },
  { type: 'infisical', url: 'https://eu.infisical.com', caId: 'id', authSecretId: 'auth' },
])('a profile of type $type has none yet', async (ca) => {
  await expect(providerFor(profile(ca), world)).rejects.toMatchObject({ code: 'InvalidRequest' });
});
