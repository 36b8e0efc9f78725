import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { type FunctionHook, invokeFunction } from '../../lambdas/hooks/invoke-function.ts';
import { renewedEvent, reportWorld, secretArn, versionId } from './events.ts';

const functionArn = 'arn:aws:lambda:eu-central-1:111122223333:function:on-renewal';
const hook: FunctionHook = { profile: 'web', type: 'lambda', functionArn };

function setUp(end: Error | { failed: boolean } = { failed: false }) {
  const called: unknown[][] = [];
  const functions = {
    call: async (...call: unknown[]) => {
      called.push(call);
      if (end instanceof Error) throw end;
      return end;
    },
  };
  return { ...reportWorld(), functions, called };
}

describe('a function after a renewal', () => {
  it('is called with the unchanged event', async () => {
    const world = setUp();
    await invokeFunction(world, hook, renewedEvent());
    expect(world.called).toEqual([[functionArn, renewedEvent()]]);
    expect(world.journal.decisions).toMatchObject([
      { secretArn, profile: 'web', reason: { message: expect.stringContaining('accepted the event') } },
    ]);
    expect(world.publisher.events).toEqual([]);
  });

  it('that fails is tried again by Lambda, and not reported yet', async () => {
    const world = setUp({ failed: true });
    await expect(invokeFunction(world, hook, renewedEvent())).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringContaining(`${functionArn} failed: see its log`),
    });
    expect(world.publisher.events).toEqual([]);
    expect(world.journal.total('HookFailed')).toBe(0);
    expect(world.journal.failures).toHaveLength(1);
  });

  it('that does not exist is reported at once', async () => {
    const world = setUp(new RenewalError('InvalidRequest', 'There is no such function.'));
    await invokeFunction(world, hook, renewedEvent());
    expect(world.publisher.of('Certificate Hook Failed')).toMatchObject([
      { secretArn, detail: { hook: 'lambda', versionId, code: 'InvalidRequest' } },
    ]);
  });

  it('is not called for an event that is no renewal of its profile', async () => {
    const world = setUp();
    await invokeFunction(world, hook, renewedEvent({ profile: 'other' }));
    expect(world.called).toEqual([]);
    expect(world.publisher.of('Certificate Hook Failed')).toMatchObject([{ detail: { code: 'InvalidRequest' } }]);
  });
});
