/** The replacement for a flag of `step ca rekey`, and its effect. */
import { expect } from 'vitest';
import type { Local } from '../../support/local.ts';
import { camel } from '../../support/on-demand.ts';
import { type FreshSecret, isKeyOf, type Renewer, serialOf } from '../../support/renewer.ts';

export type World = Local & Renewer;

export interface Row {
  /** What a user writes here, and its effect. */
  readonly here: string;
  readonly see: (world: World) => Promise<void>;
}

export const ours = { profile: 'internal', paused: 'true' };

/** Checks that the new pair is in the same secret, and that the old one is AWSPREVIOUS. */
export async function expectRekeyed(world: World, secret: FreshSecret, answer: { outcome: string }): Promise<void> {
  expect(answer).toMatchObject({ outcome: 'rekeyed' });
  const { certificate, stages } = await world.reader(secret.arn);
  expect(serialOf(certificate)).not.toBe(serialOf(secret.leaf.certificate));
  expect(isKeyOf(secret.leaf.key, certificate)).toBe(false);
  expect(stages.get('AWSPREVIOUS')).toBe(secret.versionId);
}

export async function expectUntouched(world: World, secret: FreshSecret): Promise<void> {
  const { value, versionId } = await world.look(secret.arn);
  expect(value).toBe(camel(secret.leaf, secret.leaf.keyPem));
  expect(versionId).toBe(secret.versionId);
  expect(await world.versions(secret.arn)).toEqual([secret.versionId]);
}

/** Each of these fields beside a good secretId. */
export const refusedFields = (...all: readonly object[]): Row => ({
  here: `${all.map((fields) => JSON.stringify(fields)).join(', ')}: refused`,
  see: async (world) => {
    const secret = await world.fresh();
    for (const fields of all) {
      expect(await world.refused({ secretId: secret.arn, ...fields })).toMatchObject({ errorType: 'InvalidRequest' });
    }
    await expectUntouched(world, secret);
  },
});
