import { expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { parseAskCaRequest } from '../../lambdas/policy/request.ts';
import { askCa } from '../../lambdas/renewal/entry/ask-ca.ts';
import { internal, World } from './world.ts';

const asking = (answers: () => Promise<void>) => {
  const world = new World(internal);
  const provider = Object.assign(world.ca, { answers });
  return { clock: world.clock, profiles: world.profiles, providerFor: async () => provider };
};

it('asks the CA of the profile, and returns its answer', async () => {
  let asked = 0;
  const world = asking(async () => {
    asked += 1;
  });
  expect(await askCa(world, 'internal')).toEqual({ profile: 'internal', ca: 'step-ca', durationMs: 0 });
  expect(asked).toBe(1);
  const refusing = asking(() => Promise.reject(new RenewalError('CaUnavailable', 'no answer')));
  await expect(askCa(refusing, 'internal')).rejects.toMatchObject({ code: 'CaUnavailable' });
  await expect(askCa(world, 'nowhere')).rejects.toMatchObject({ code: 'UnknownProfile' });
});

it.each([[{ askCa: '' }], [{ askCa: 1 }], [{ askCa: 'a b' }], [{ askCa: 'internal', secretId: 'web' }]])(
  'refuses %j',
  (request) => {
    expect(() => parseAskCaRequest(request)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
  },
);
