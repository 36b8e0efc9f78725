import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventBridgePublisher } from '../../lambdas/aws/eventbridge.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import type { RenewalEvent } from '../../lambdas/domain/result.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

const aws = mockClient(EventBridgeClient);
const named = (name: string) => Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: 400 } });
const event = (label: string | number, message = 'x'): RenewalEvent => ({
  type: 'Certificate Renewal Failed',
  secretArn: `arn:${label}`,
  detail: {
    ...{ secretArn: `arn:${label}`, name: 'web', profile: 'internal', code: 'CaUnavailable', message },
    ...{ retryable: true, failures: 1, notAfter: null },
  },
});
const many = (count: number, message?: string) => Array.from({ length: count }, (_, index) => event(index, message));
const calls = () => aws.commandCalls(PutEventsCommand).map(({ args }) => args[0].input.Entries ?? []);
const bytes = (entries: ReturnType<typeof calls>[number]) =>
  entries.reduce(
    (sum, { Source = '', DetailType = '', Detail = '', Resources = [] }) =>
      sum + Buffer.byteLength(Source + DetailType + Detail + Resources.join('')),
    0,
  );

let clock: FakeClock;
const open = () => eventBridgePublisher({ region: 'eu-central-1', eventBusName: 'renewals', clock })(noLimits);
beforeEach(() => {
  aws.reset();
  clock = new FakeClock();
  aws
    .on(PutEventsCommand)
    .callsFake(({ Entries }) => ({ FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: 'e' })) }));
});

test('an entry holds the event as JSON, with the version of its form', async () => {
  const scan: RenewalEvent = {
    type: 'Scan Completed',
    detail: {
      listed: 1,
      enqueued: 1,
      notDue: 0,
      paused: 0,
      backingOff: 0,
      waiting: 0,
      invalid: 0,
      unknown: 0,
      overdue: 0,
      durationMs: 3,
    },
  };
  const first = event(1);
  const publisher = open();
  await Promise.all([publisher.publish(first), publisher.publish(scan)]);
  const common = { Source: 'cert-renewer', EventBusName: 'renewals' };
  expect(calls()).toEqual([
    [
      {
        ...common,
        DetailType: first.type,
        Resources: ['arn:1'],
        Detail: JSON.stringify({ version: '1', ...first.detail }),
      },
      { ...common, DetailType: scan.type, Resources: [], Detail: JSON.stringify({ version: '1', ...scan.detail }) },
    ],
  ]);
});

describe('events that are published together', () => {
  test('are sent by tens', async () => {
    const publisher = open();
    await Promise.all(many(23).map((each) => publisher.publish(each)));
    expect(calls().map(({ length }) => length)).toEqual([10, 10, 3]);
    expect(
      calls()
        .flat()
        .map(({ Resources }) => Resources?.[0]),
    ).toEqual(many(23).map((_, index) => `arn:${index}`));
  });

  test('are sent before those that are published later', async () => {
    const publisher = open();
    await publisher.publish(event(1));
    await publisher.publish(event(2));
    expect(calls().map(({ length }) => length)).toEqual([1, 1]);
  });

  test('are limited to 256 KB, counted in bytes of UTF-8', async () => {
    const publisher = open();
    await Promise.all(many(7, 'ü'.repeat(50_000)).map((each) => publisher.publish(each)));
    expect(calls().map(({ length }) => length)).toEqual([2, 2, 2, 1]);
    for (const entries of calls()) expect(bytes(entries)).toBeLessThanOrEqual(256 * 1024);
  });

  test('are sent, except for one that is larger than that', async () => {
    const publisher = open();
    const outcomes = await Promise.allSettled(
      [event(1), event(2, 'x'.repeat(300_000)), event(3)].map((each) => publisher.publish(each)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'Internal' } });
    expect(calls().flat()).toHaveLength(2);
  });
});

describe('an entry that is refused', () => {
  const refusing = (code: string, times: number) => {
    let left = times;
    aws.on(PutEventsCommand).callsFake(({ Entries }) => ({
      Entries: Entries.map(({ Resources }: { Resources: string[] }) =>
        Resources[0] === 'arn:1' && left-- > 0 ? { ErrorCode: code, ErrorMessage: 'x' } : { EventId: 'e' },
      ),
    }));
  };
  const settle = async () => {
    const publisher = open();
    const outcomes = await Promise.allSettled(many(3).map((each) => publisher.publish(each)));
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'published' : outcome.reason.code));
  };

  test.each(['ThrottlingException', 'InternalFailure', 'InternalException'])(
    'temporarily (%s) is sent again, alone',
    async (code) => {
      refusing(code, 2);
      expect(await settle()).toEqual(['published', 'published', 'published']);
      expect(calls().map((entries) => entries.map(({ Resources }) => Resources?.[0]))).toEqual([
        ['arn:0', 'arn:1', 'arn:2'],
        ['arn:1'],
        ['arn:1'],
      ]);
      expect(clock.sleeps.slice(1)).toEqual([100, 200]);
    },
  );

  test('three times is Throttled, and the others are published', async () => {
    refusing('ThrottlingException', 3);
    expect(await settle()).toEqual(['published', 'Throttled', 'published']);
    expect(calls()).toHaveLength(3);
  });

  test.each([
    ['AccessDeniedException', 'AccessDenied'],
    ['MalformedDetail', 'Internal'],
  ])('permanently (%s) is not sent again', async (name, code) => {
    refusing(name, 1);
    expect(await settle()).toEqual(['published', code, 'published']);
    expect(calls()).toHaveLength(1);
  });
});

test.each([
  ['AccessDeniedException', 'AccessDenied'],
  ['ThrottlingException', 'Throttled'],
  ['ResourceNotFoundException', 'Internal'],
])('a call that fails with %s fails all of its events', async (name, code) => {
  aws.on(PutEventsCommand).rejects(named(name));
  const publisher = open();
  const outcomes = await Promise.allSettled(many(2).map((each) => publisher.publish(each)));
  expect(outcomes).toMatchObject([{ reason: { code } }, { reason: { code } }]);
});
