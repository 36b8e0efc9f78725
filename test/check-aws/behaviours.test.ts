/** The results of `npm run check-aws` for an AWS that answers differently, late, or not at all. */
import { describe, expect, it } from 'vitest';
import { otherRegion } from '../../scripts/check-aws/account.ts';
import { type Answers, refuse, thrown, tryGroup } from './scripted-room.ts';

const interruptions = ['ThrottlingException', 'AccessDeniedException'];

describe('1.1', () => {
  it.each(interruptions)('does not take %s as a refusal of the promotion', async (name) => {
    const answers = {
      UpdateSecretVersionStageCommand: ({
        RemoveFromVersionId,
        MoveToVersionId,
      }: Readonly<Record<string, unknown>>) => {
        moves.push(`${RemoveFromVersionId} ${MoveToVersionId}`);
        if (moves.length > 1) throw thrown(name);
      },
    };
    const moves: string[] = [];
    expect((await tryGroup(1, { answers })).told['1.1']).toBe(`not tried: ${name}: no`);
  });
});

describe('3', () => {
  /** `isLate` decides for each message of the role without the tag whether the Deny is not effective yet. */
  const answers = (isLate: () => boolean): Answers => ({
    SendMessageCommand: (_, who) => {
      if (who === 'check-other' && !isLate()) throw thrown('AccessDenied');
    },
    GetQueueAttributesCommand: () => ({ Attributes: { ApproximateNumberOfMessages: '1' } }),
    ReceiveMessageCommand: () => ({ Messages: [{ Body: 'a dead letter', ReceiptHandle: 'x' }] }),
  });

  it('3.2 moves nothing before the Deny is effective', async () => {
    let tries = 0;
    const late = answers(() => tries++ % 4 < 3);
    const { told, sent } = await tryGroup(3, { answers: late });
    expect(told).toEqual({ '3.1': 'as documented', '3.2': 'as documented (it does)' });
    expect(tries).toBe(8);
    expect(sent.filter(({ name }) => name === 'StartMessageMoveTaskCommand')).toHaveLength(2);
  });

  it('3.2 is skipped if the Deny does not become effective', async () => {
    const { told } = await tryGroup(3, { answers: answers(() => true) });
    expect(told['3.1']).toBe('not as documented: a role without the tag may send too');
    expect(told['3.2']).toMatch(/^not tried: the queue's Deny does not hold/);
  });

  it("has roles with permissions for the run's own queues only", async () => {
    const { sent } = await tryGroup(3, { answers: answers(() => false) });
    const policies = sent.filter(({ name }) => name === 'PutRolePolicyCommand').map(({ input }) => input);
    expect(policies).toHaveLength(3);
    for (const { PolicyDocument } of policies) {
      const { Statement } = JSON.parse(String(PolicyDocument));
      expect(Statement).toMatchObject([{ Resource: 'arn:aws:sqs:us-east-1:0:check-*' }]);
    }
  });
});

describe('4', () => {
  /** Answers for queues that do or do not receive what is published, and what a rule sends. */
  const answers = (comes: (queue: string, text: 'published' | 'event') => boolean): Answers => {
    const published = new Map<string, string>();
    let events = 0;
    return {
      PublishCommand: ({ TopicArn, Message }) =>
        published.set(String(TopicArn).split(':').at(-1) ?? '', String(Message)),
      PutEventsCommand: () => {
        events += 1;
      },
      ReceiveMessageCommand: ({ QueueUrl }) => {
        const queue = String(QueueUrl);
        const text = published.get(queue);
        published.delete(queue);
        if (text !== undefined) return comes(queue, 'published') ? { Messages: [{ Body: text }] } : {};
        return events > 0 && comes(queue, 'event') ? { Messages: [{ Body: '"cert-renewer: the CA said' }] } : {};
      },
      ListSubscriptionsByTopicCommand: () => ({ Subscriptions: [{ SubscriptionArn: 'arn:confirmed' }] }),
    };
  };
  const isByRule = (queue: string, text: string) => text === 'published' || queue !== 'check-by-policy';

  it('4.2 is judged if a direct publication to the topic arrives', async () => {
    const { told } = await tryGroup(4, { answers: answers(isByRule) });
    expect(told).toMatchObject({ '4.1': 'as documented', '4.2': 'as documented (nothing came within a minute)' });
  });

  it('4.1 and 4.2 are skipped if the topic delivers nothing to its queue', async () => {
    const { told } = await tryGroup(4, { answers: answers((queue) => queue === 'check-direct') });
    expect(told['4.1']).toMatch(/^not tried: what is published straight to the topic does not come/);
    expect(told['4.2']).toMatch(/^not tried: what is published straight to the topic does not come/);
  });

  it('4.4 is skipped without an answer', async () => {
    const { told } = await tryGroup(4, { answers: answers(isByRule), ask: () => '' });
    expect(told['4.4']).toBe('not tried: the reader did not say what it holds');
  });

  it.each([/confirm/, /should say/])('4.4 is skipped after Ctrl-C at the question %s', async (question) => {
    const ask = (asked: string, interrupt: () => void) => {
      if (question.test(asked)) interrupt();
      return '';
    };
    const { told } = await tryGroup(4, { answers: answers(isByRule), ask });
    expect(told['4.4']).toBe('not tried: interrupted');
  });
});

describe('6', () => {
  it('reads all pages of the log', async () => {
    let looks = 0;
    const pending = { first: ['AWSCURRENT'], second: ['AWSPENDING'] };
    const answers: Answers = {
      CreateSecretCommand: ({ Name }) => ({ ARN: Name }),
      GetFunctionConfigurationCommand: () => ({ State: 'Active' }),
      DescribeSecretCommand: () => ({ VersionIdsToStages: looks++ === 0 ? pending : { first: ['AWSCURRENT'] } }),
      GetSecretValueCommand: () => ({ SecretString: 'current' }),
      FilterLogEventsCommand: ({ nextToken }) =>
        nextToken === undefined
          ? { events: [], nextToken: 'more' }
          : { events: [{ message: 'INFO called {"step":"testSecret","secret":"check-rotates-later"}' }] },
    };
    expect((await tryGroup(6, { answers })).told['6.1']).toBe('as documented');
  });
});

describe('8', () => {
  /** Answers to the put of 101 alarms. */
  const refusing = (name: string): Answers => ({
    PutDashboardCommand: (input) =>
      String(input['DashboardBody']).includes('alarm:check-100') ? refuse(name)(input, undefined) : {},
  });

  it('8.3 takes a refusal of the dashboard’s content as the limit', async () => {
    const { told } = await tryGroup(8, { answers: refusing('DashboardInvalidInputError') });
    expect(told['8.3']).toBe('as documented (DashboardInvalidInputError: no)');
  });

  it.each(interruptions)('8.3 does not take %s as the limit', async (name) => {
    const { told } = await tryGroup(8, { answers: refusing(name) });
    expect(told['8.3']).toBe(`not tried: with 101: ${name}: no`);
  });

  it('8.2 is skipped without a second Region', async () => {
    const { told } = await tryGroup(8, {
      answers: { GetDashboardCommand: () => ({ DashboardBody: 'check-aws' }) },
      secondRegion: undefined,
    });
    expect(told['8.2']).toMatch(/^not tried: no other Region /);
    expect(otherRegion('aws', 'us-east-1')).toBe('us-west-2');
    expect(otherRegion('aws', 'eu-central-1')).toBe('us-east-1');
    expect(otherRegion('aws-iso', 'us-iso-east-1')).toBeUndefined();
  });
});

describe('the customer key', () => {
  const lost = thrown('TimeoutError', { $metadata: { attempts: 5 } });
  const keys: Answers = {
    CreateKeyCommand: () => {
      throw lost;
    },
    ListKeysCommand: ({ Marker }) =>
      Marker === undefined
        ? { Keys: [{ KeyId: 'foreign' }], Truncated: true, NextMarker: 'more' }
        : { Keys: [{ KeyId: 'gone' }, { KeyId: 'ours' }] },
    DescribeKeyCommand: ({ KeyId }) => ({
      KeyMetadata: {
        KeyId,
        Description: KeyId === 'foreign' ? 'payroll' : 'check-key',
        KeyState: KeyId === 'gone' ? 'PendingDeletion' : 'Enabled',
      },
    }),
  };
  const deleted = ({ sent }: Awaited<ReturnType<typeof tryGroup>>) =>
    sent.filter(({ name }) => name === 'ScheduleKeyDeletionCommand').map(({ input }) => input['KeyId']);

  it('is found by its description if the answer to its creation was lost', async () => {
    const tried = await tryGroup(9, { answers: keys });
    expect(deleted(tried)).toEqual(['ours']);
    expect(tried.left).toEqual([]);
  });

  it('is found if an earlier answer was lost and the second try made another', async () => {
    const again = { CreateKeyCommand: () => ({ $metadata: { attempts: 2 }, KeyMetadata: { KeyId: 'second' } }) };
    const tried = await tryGroup(9, { answers: { ...keys, ...again } });
    expect(new Set(deleted(tried))).toEqual(new Set(['second', 'ours']));
  });

  it('is named if that can’t be decided', async () => {
    const denied = { DescribeKeyCommand: refuse('AccessDeniedException') };
    const { left } = await tryGroup(9, { answers: { ...keys, ...denied } });
    expect(left).toEqual([{ what: 'KMS key check-key', why: expect.stringContaining('AccessDeniedException') }]);
    const unlisted = { ListKeysCommand: refuse('AccessDeniedException') };
    expect((await tryGroup(9, { answers: { ...keys, ...unlisted } })).left).toHaveLength(1);
  });

  it.each([
    ['was refused', refuse('AccessDeniedException')],
    ['was made at once', () => ({ $metadata: { attempts: 1, httpStatusCode: 200 }, KeyMetadata: { KeyId: 'ours' } })],
  ])('is not looked for if it %s', async (_, CreateKeyCommand) => {
    const { sent, left } = await tryGroup(9, { answers: { ...keys, CreateKeyCommand } });
    expect(sent.filter(({ name }) => name === 'ListKeysCommand')).toEqual([]);
    expect(left).toEqual([]);
  });
});
