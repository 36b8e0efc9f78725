import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { EcsService } from '../../lambdas/domain/hook.ts';
import { type EcsHook, isDeploymentState, replaceTasks, reportDeployment } from '../../lambdas/hooks/replace-tasks.ts';
import { renewedEvent, reportWorld, secretArn, versionId } from './events.ts';

const hook: EcsHook = {
  profile: 'web',
  type: 'ecs',
  services: new Map([
    ['web/lb', 'prod/web'],
    ['web/client', 'prod/web'],
    ['web/api', 'default/api'],
  ]),
};
const arnOf = (name: string) => `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-AbCdEf`;

function setUp(end: Error | string | undefined = 'ecs-svc/42') {
  const deployed: EcsService[] = [];
  const deployer = {
    deploy: async (service: EcsService) => {
      deployed.push(service);
      if (end instanceof Error) throw end;
      return end;
    },
  };
  return { ...reportWorld(), deployer, deployed };
}

describe('after a renewal', () => {
  it('the service of the secret is deployed, and the log has its deployment', async () => {
    const world = setUp();
    await replaceTasks(world, hook, renewedEvent());
    expect(world.deployed).toEqual([{ cluster: 'prod', name: 'web' }]);
    expect(world.journal.decisions).toMatchObject([
      {
        secretArn,
        profile: 'web',
        reason: { code: 'Requested', message: expect.stringMatching(/prod\/web.*ecs-svc\/42/) },
      },
    ]);
    expect(world.publisher.events).toEqual([]);
  });

  it('the secret of `out` counts', async () => {
    const world = setUp();
    const out = { secretArn: arnOf('web/api'), versionId };
    await replaceTasks(world, hook, renewedEvent({ out }));
    expect(world.deployed).toEqual([{ cluster: 'default', name: 'api' }]);
  });

  it.each(['web/other', 'web/lb-abcdef', 'web', 'constructor'])(
    'nothing is done for %s, which the hook does not name',
    async (name) => {
      const world = setUp();
      await replaceTasks(world, hook, renewedEvent({ secretArn: arnOf(name) }));
      expect([world.deployed, world.journal.decisions, world.publisher.events]).toEqual([[], [], []]);
    },
  );

  it.each([{ profile: 'other' }, { secretArn: 'web/lb' }])(
    'an event that is no renewal of the profile is reported: %j',
    async (detail) => {
      const world = setUp();
      await replaceTasks(world, hook, renewedEvent(detail));
      expect(world.deployed).toEqual([]);
      expect(world.publisher.of('Certificate Hook Failed')).toMatchObject([{ detail: { code: 'InvalidRequest' } }]);
    },
  );
});

describe('a service that can’t be deployed', () => {
  it('is reported at once if another try would not help', async () => {
    const world = setUp(new RenewalError('InvalidRequest', 'There is no such service.'));
    await replaceTasks(world, hook, renewedEvent());
    expect(world.publisher.events).toEqual([
      {
        type: 'Certificate Hook Failed',
        secretArn,
        detail: {
          ...{ profile: 'web', hook: 'ecs', secretArn, versionId },
          ...{ code: 'InvalidRequest', message: 'There is no such service.' },
        },
      },
    ]);
    expect(world.journal.total('HookFailed', 'web')).toBe(1);
  });

  it.each(['Throttled', 'AccessDenied'] as const)(
    'is tried again by Lambda after %s, and not reported yet',
    async (code) => {
      const world = setUp(new RenewalError(code, 'Later.'));
      await expect(replaceTasks(world, hook, renewedEvent())).rejects.toMatchObject({ code });
      expect(world.publisher.events).toEqual([]);
      expect(world.journal.total('HookFailed')).toBe(0);
      expect(world.journal.failures).toHaveLength(1);
    },
  );
});

/** An event of the Amazon ECS developer guide, "Amazon ECS service deployment state change events". */
const ended = (
  eventName: string,
  service = 'service/prod/web',
  reason = 'ECS deployment circuit breaker: task failed to start.',
) => ({
  version: '0',
  'detail-type': 'ECS Deployment State Change',
  source: 'aws.ecs',
  account: '111122223333',
  region: 'eu-central-1',
  resources: [`arn:aws:ecs:eu-central-1:111122223333:${service}`],
  detail: { eventType: 'ERROR', eventName, deploymentId: 'ecs-svc/42', updatedAt: '2026-11-22T08:00:00Z', reason },
});

describe('a deployment', () => {
  it('that failed is reported, with its service and all secrets of it', async () => {
    const world = setUp();
    await reportDeployment(world, hook, ended('SERVICE_DEPLOYMENT_FAILED'));
    const [event, ...more] = world.publisher.of('Certificate Hook Failed');
    expect(more).toEqual([]);
    expect(event?.detail).toMatchObject({
      profile: 'web',
      hook: 'ecs',
      secretArn: null,
      versionId: null,
      code: 'Internal',
    });
    expect(event).not.toHaveProperty('secretArn');
    for (const part of ['prod/web', 'ecs-svc/42', 'circuit breaker', 'web/lb', 'web/client']) {
      expect(event?.detail).toMatchObject({ message: expect.stringContaining(part) });
    }
    expect(JSON.stringify(event)).not.toContain('api');
    expect(world.journal.total('HookFailed', 'web')).toBe(1);
  });

  it('that is complete is one line of the log, and no event', async () => {
    const world = setUp();
    await reportDeployment(world, hook, ended('SERVICE_DEPLOYMENT_COMPLETED'));
    expect(world.journal.decisions).toMatchObject([
      {
        profile: 'web',
        reason: { code: 'Requested', message: expect.stringMatching(/prod\/web .*runs only tasks of.*ecs-svc\/42/) },
      },
    ]);
    expect([world.publisher.events, world.journal.total('HookFailed')]).toEqual([[], 0]);
  });

  it.each(['SERVICE_DEPLOYMENT_IN_PROGRESS', 'SERVICE_NEW'])('in another state (%s) is not told', async (state) => {
    const world = setUp();
    await reportDeployment(world, hook, ended(state));
    expect([world.publisher.events, world.journal.decisions]).toEqual([[], []]);
  });

  it.each(['service/prod/other', 'service/web', 'cluster/prod/web', 'service/prod/web/x', 'task/prod/web'])(
    'of %s is not of the hook',
    async (service) => {
      const world = setUp();
      await expect(reportDeployment(world, hook, ended('SERVICE_DEPLOYMENT_FAILED', service))).rejects.toMatchObject({
        code: 'InvalidRequest',
      });
      expect(world.publisher.events).toEqual([]);
    },
  );

  it.each([{}, { resources: [] }, { resources: 'x' }, { resources: [null] }])(
    'of no service is refused: %j',
    async (more) => {
      const event = { source: 'aws.ecs', detail: { eventName: 'SERVICE_DEPLOYMENT_FAILED' }, ...more };
      await expect(reportDeployment(setUp(), hook, event)).rejects.toMatchObject({ code: 'InvalidRequest' });
    },
  );

  it('without an id or a reason is reported all the same', async () => {
    const world = setUp();
    const event = { ...ended('SERVICE_DEPLOYMENT_FAILED'), detail: { eventName: 'SERVICE_DEPLOYMENT_FAILED' } };
    await reportDeployment(world, hook, event);
    expect(world.publisher.events).toHaveLength(1);
  });

  it('has a reason that can’t flood the message', async () => {
    const world = setUp();
    await reportDeployment(world, hook, ended('SERVICE_DEPLOYMENT_FAILED', undefined, 'x\n'.repeat(10_000)));
    expect(JSON.stringify(world.publisher.events).length).toBeLessThan(1_000);
  });

  it('is told again after a failure of the bus', async () => {
    const world = setUp();
    const publish = () => Promise.reject(new RenewalError('Throttled', 'Later.'));
    Object.assign(world.publisher, { publish });
    await expect(reportDeployment(world, hook, ended('SERVICE_DEPLOYMENT_FAILED'))).rejects.toMatchObject({
      code: 'Throttled',
    });
  });

  it.each([
    [ended('x'), true],
    [renewedEvent(), false],
    [null, false],
    ['aws.ecs', false],
  ])('is recognised by its source: %j', (input, expected) => {
    expect(isDeploymentState(input)).toBe(expected);
  });
});
