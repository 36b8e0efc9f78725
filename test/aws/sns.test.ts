import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { snsTopic } from '../../lambdas/aws/sns.ts';

const aws = mockClient(SNSClient);
const topicArn = 'arn:aws:sns:eu-central-1:111122223333:cert-renewer';
const topic = snsTopic({ topicArn, region: 'eu-central-1' });
const notice = { subject: 'It failed', text: 'Two\nlines with "quotes".' };

beforeEach(() => {
  aws.reset();
  aws.on(PublishCommand).resolves({ MessageId: '1' });
});

test('publishes subject and text as they are', async () => {
  await topic.publish(notice);
  const [call] = aws.commandCalls(PublishCommand);
  expect(call?.args[0].input).toEqual({ TopicArn: topicArn, Subject: notice.subject, Message: notice.text });
});

test.each([
  ['AuthorizationErrorException', 403, 'AccessDenied'],
  ['AuthorizationError', 403, 'AccessDenied'],
  ['ThrottledException', 429, 'Throttled'],
  ['InternalErrorException', 500, 'Throttled'],
  ['NotFoundException', 404, 'Internal'],
])('%s is %s', async (name, httpStatusCode, code) => {
  aws.on(PublishCommand).rejects(Object.assign(new Error('a secret'), { name, $metadata: { httpStatusCode } }));
  const failed = topic.publish(notice);
  await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining('SNS') });
  await expect(failed).rejects.toMatchObject({ message: expect.not.stringContaining('a secret') });
});
