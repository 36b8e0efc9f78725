/** Native rotation where something goes wrong after the promotion: nothing undoes it, and the world is told all the same. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { rotateStep } from '../../lambdas/renewal/rotation.ts';
import { freshDates, pairOf, World } from './world.ts';

const token = '11111111-2222-4333-8444-555555555555';
const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

function rotating() {
  const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
  const arn = world.enrol(freshDates);
  world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
  world.store.beginRotation(arn, token);
  return { world, arn, call: (Step: string) => rotateStep(world, { Step, SecretId: arn, ClientRequestToken: token }) };
}

describe('finishSecret', () => {
  it.each([
    ['publish', 0],
    ['tag', 1],
  ] as const)(
    'that could not %s throws, says nothing of a failed renewal, and makes up for it when called again',
    async (call, before) => {
      const { world, arn, call: step } = rotating();
      for (const name of steps.slice(0, 3)) await step(name);
      const leaf = () => pairOf(world.store.value(arn)).leaf.serialNumber;
      const old = leaf();
      world.faults.failBefore(call, new RenewalError('Throttled', 'slow down'));
      await expect(step('finishSecret')).rejects.toMatchObject({ name: 'Throttled' });
      expect(world.versionOf(arn)).toBe(token);
      expect(world.publisher.events).toHaveLength(before);
      expect(world.store.tagsOf(arn)).not.toHaveProperty(tags.failure);
      const promoted = leaf();
      expect(promoted).not.toBe(old);

      await step('finishSecret');
      await step('finishSecret');
      expect(world.publisher.events).toHaveLength(before + 1);
      expect(world.publisher.events.at(-1)).toMatchObject({
        type: 'Certificate Renewed',
        detail: { operation: 'rekey', versionId: token, serialNumber: promoted, previousSerialNumber: old },
      });
      expect(world.store.tagsOf(arn)[tags.versionId]).toBe(token);
      expect(world.ca.issued).toHaveLength(1);
    },
  );

  it('of a version that was current before any rotation announces nothing', async () => {
    const world = Object.assign(new World(), { rotationFunctionArn: 'arn:renew' });
    const arn = world.enrol({ ...freshDates, versionId: token });
    world.store.setRotation(arn, { enabled: true, functionArn: 'arn:renew' });
    await rotateStep(world, { Step: 'finishSecret', SecretId: arn, ClientRequestToken: token });
    expect(world.publisher.events).toEqual([]);
  });
});
