import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { HookType, SentCommand } from '../../lambdas/domain/hook.ts';
import {
  type DeadLetter,
  isCommandStatus,
  reportCommand,
  reportDeadLetter,
} from '../../lambdas/hooks/report-failure.ts';
import { renewedEvent, reportWorld, secretArn, versionId } from './events.ts';

const documentPrefix = 'cert-renewer-0123456789ab-';

const queueArn = (type: HookType) => `arn:aws:sqs:eu-central-1:111122223333:${type}`;

function setUp(sent?: SentCommand | Error) {
  const asked: string[] = [];
  const commands = {
    find: async (commandId: string) => {
      asked.push(commandId);
      if (sent instanceof Error) throw sent;
      return sent;
    },
  };
  const queues = new Map((['exec', 'sns', 'lambda', 'ecs'] as const).map((type) => [queueArn(type), type]));
  return { ...reportWorld(), commands, queues, asked, documentPrefix };
}

/** The detail of SSM's events (Systems Manager user guide, "Run Command events"). */
const invocation = {
  'command-id': '7e2d1d2e-0000-4444-8888-0123456789ab',
  'document-name': `${documentPrefix}0.web.0.exec`,
  'instance-id': 'i-0123456789abcdef0',
  'requested-date-time': '2026-11-22T08:00:00.000Z',
  status: 'Failed',
};
const { 'instance-id': _, ...command } = invocation;
const sent = (failedOn: number): SentCommand => ({ parameters: { secretArn, versionId }, failedOn });

/** An event in the form in which the stack's rule sends it. */
const statusEvent = (detail: object) => ({
  source: 'aws.ssm',
  'detail-type': 'EC2 Command Status-change Notification',
  detail,
});

describe('a command that SSM accepted', () => {
  it('and that failed on an instance is reported with its secret', async () => {
    const world = setUp(sent(1));
    await reportCommand(world, statusEvent(invocation));
    expect(world.asked).toEqual([invocation['command-id']]);
    expect(world.publisher.events).toEqual([
      {
        type: 'Certificate Hook Failed',
        secretArn,
        detail: {
          profile: 'web',
          hook: 'exec',
          secretArn,
          versionId,
          code: 'Internal',
          message: expect.stringMatching(/status Failed on i-0123456789abcdef0: check the output of command 7e2d1d2e/),
          commandId: invocation['command-id'],
          instanceId: 'i-0123456789abcdef0',
        },
      },
    ]);
    expect(world.journal.total('HookFailed', 'web')).toBe(1);
  });

  it('is reported for its instances, and not again as a whole', async () => {
    const world = setUp(sent(2));
    await reportCommand(world, statusEvent(command));
    expect(world.publisher.events).toEqual([]);
  });

  it('but reached no instance is reported as a whole', async () => {
    const world = setUp(sent(0));
    await reportCommand(
      world,
      statusEvent({ ...command, 'document-name': `${documentPrefix}3.team.web.1.signal`, status: 'TimedOut' }),
    );
    expect(world.publisher.of('Certificate Hook Failed')).toMatchObject([
      {
        secretArn,
        detail: {
          profile: 'team.web',
          hook: 'signal',
          message: expect.stringContaining('TimedOut and reached no instance'),
        },
      },
    ]);
  });

  it('is reported without its secret if AWS has forgotten it', async () => {
    const world = setUp(undefined);
    await reportCommand(world, statusEvent(invocation));
    expect(world.publisher.events).toMatchObject([{ detail: { secretArn: null, versionId: null, profile: 'web' } }]);
    expect(world.publisher.events[0]).not.toHaveProperty('secretArn');
  });

  it('is reported later if SSM is busy', async () => {
    const world = setUp(new RenewalError('Throttled', 'Later.'));
    await expect(reportCommand(world, statusEvent(invocation))).rejects.toMatchObject({
      code: 'Throttled',
    });
    expect(world.publisher.events).toEqual([]);
  });

  it.each([
    'Reload',
    'cert-renewer-ba9876543210-0.web.0.exec',
    `${documentPrefix}web.0.exec`,
    `${documentPrefix}0.web.0.mail`,
    `${documentPrefix}0..exec`,
  ])('is not ours under the name %s', async (document) => {
    const world = setUp(sent(1));
    await expect(reportCommand(world, statusEvent({ ...invocation, 'document-name': document }))).rejects.toMatchObject(
      {
        code: 'InvalidRequest',
      },
    );
    expect(world.publisher.events).toEqual([]);
  });

  it.each([
    [statusEvent({}), true],
    [{ profile: 'web', hook: 'exec', detail: {} }, false],
    [renewedEvent(), false],
    [null, false],
  ])('is recognised by its source: %j', (input, expected) => {
    expect(isCommandStatus(input)).toBe(expected);
  });
});

describe('an undelivered event', () => {
  const letter = (body: unknown, type: HookType, attributes: Record<string, string> = {}): DeadLetter => ({
    body: typeof body === 'string' ? body : JSON.stringify(body),
    eventSourceARN: queueArn(type),
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue }]),
    ),
  });
  const told = async (given: DeadLetter) => {
    const world = setUp();
    await reportDeadLetter(world, given);
    expect(world.publisher.events).toHaveLength(1);
    return world.publisher.of('Certificate Hook Failed')[0]?.detail;
  };

  it.each([
    ['NO_PERMISSIONS', 'AccessDenied'],
    ['THROTTLING', 'Throttled'],
    ['SDK_CLIENT_ERROR', 'Internal'],
    ['RESOURCE_NOT_FOUND', 'Internal'],
  ])('by EventBridge (%s) is %s', async (reason, code) => {
    const topic = 'arn:aws:sns:eu-central-1:111122223333:renewals';
    const attributes = { ERROR_CODE: reason, TARGET_ARN: topic, ERROR_MESSAGE: 'U2VjcmV0', RULE_ARN: 'arn:x' };
    const detail = await told(letter(renewedEvent(), 'sns', attributes));
    expect(detail).toEqual({
      profile: 'web',
      hook: 'sns',
      secretArn,
      versionId,
      code,
      message: expect.stringMatching(new RegExp(`could not deliver the event to ${topic} \\(${reason}\\)`)),
    });
    expect(JSON.stringify(detail)).not.toContain('U2VjcmV0');
  });

  /** Lambda developer guide, "Capturing records of Lambda asynchronous invocations". */
  const record = (responsePayload: unknown, condition = 'RetriesExhausted') => ({
    version: '1.0',
    timestamp: '2026-11-22T08:00:00.000Z',
    requestContext: { requestId: 'r', functionArn: 'arn:f', condition, approximateInvokeCount: 3 },
    requestPayload: renewedEvent(),
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload,
  });

  it('by Lambda, because its function failed with an error of ours, has that error', async () => {
    const detail = await told(letter(record({ errorType: 'Throttled', errorMessage: 'SSM could not.' }), 'exec'));
    expect(detail).toMatchObject({ hook: 'exec', secretArn, code: 'Throttled', message: 'SSM could not.' });
  });

  it.each([
    ['another error', record({ errorType: 'TypeError', errorMessage: 'U2VjcmV0' }), 'RetriesExhausted'],
    ['no answer', record(undefined, 'EventAgeExceeded'), 'EventAgeExceeded'],
    ['a time-out', record({ errorMessage: 'U2VjcmV0 timed out' }), 'RetriesExhausted'],
  ])('by Lambda with %s says where to look, and not what the function printed', async (_name, body, condition) => {
    const detail = await told(letter(body, 'exec'));
    expect(detail).toMatchObject({ code: 'Internal', message: expect.stringContaining(`(${condition}): see its log`) });
    expect(JSON.stringify(detail)).not.toContain('U2VjcmV0');
  });

  it('about the end of a deployment of ECS says of which service, as the event has no secret', async () => {
    const service = 'arn:aws:ecs:eu-central-1:111122223333:service/prod/web';
    const requestPayload = {
      source: 'aws.ecs',
      resources: [service],
      detail: { eventName: 'SERVICE_DEPLOYMENT_FAILED' },
    };
    const body = { ...record({ errorType: 'Throttled', errorMessage: 'The bus is busy.' }), requestPayload };
    const detail = await told(letter(body, 'ecs'));
    expect(detail).toMatchObject({ hook: 'ecs', secretArn: null, code: 'Throttled' });
    expect(detail).toMatchObject({
      message: expect.stringMatching(new RegExp(`^The bus is busy\\..* ${service}\\.$`)),
    });
  });

  it('with an invalid body is reported too', async () => {
    expect(await told(letter('{', 'lambda'))).toMatchObject({ hook: 'lambda', secretArn: null, profile: '' });
  });
});
