/** The e-mails: what the stack's topic receives after a failure, through the deployed rules and function. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ListTopicsCommand, SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { client, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { ACCOUNT, REGION } from '../../testkit/local-aws/ministack.ts';
import { describeWith } from '../support/local.ts';
import { renewerOf } from '../support/renewer.ts';

interface Mail {
  readonly Subject: string;
  readonly Message: string;
}

describeWith(['stack', 'step-ca'], 'the e-mails', (local) => {
  const { emulator, outputs } = local;
  const renewer = renewerOf(local);
  const got: Mail[] = [];
  let look: () => Promise<void>;
  let leave: () => Promise<void> = async () => {};

  beforeAll(async () => {
    const sns = client(SNSClient, emulator);
    const sqs = client(SQSClient, emulator);
    const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
    const TopicArn = Topics.map(({ TopicArn = '' }) => TopicArn).find((arn) => arn.includes('MonitoringTopic'));
    const QueueName = uniqueName('mail');
    const Endpoint = `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}`;
    const allowed = { Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: Endpoint };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...allowed }] });
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes: { Policy } }));
    const subscribe = new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, ReturnSubscriptionArn: true });
    const { SubscriptionArn } = await sns.send(subscribe);
    leave = async () => {
      await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
      await sqs.send(new DeleteQueueCommand({ QueueUrl }));
    };
    look = async () => {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      got.push(...Messages.map(({ Body = '' }): Mail => JSON.parse(Body)));
    };
  });

  afterAll(() => leave());

  const mailAbout = (arn: string) =>
    waitFor('the e-mail', async () => {
      await look();
      return got.find(({ Message }) => Message.includes(arn));
    });

  it('describe the failure for people', async () => {
    const secret = await renewer.fresh({ profile: 'unreachable' });
    await expect(renewer.renew({ secretId: secret.arn })).rejects.toThrow();
    const { Subject, Message } = await mailAbout(secret.arn);
    expect(Subject).toBe(`cert-renewer: ${secret.name} was not renewed (CaUnavailable)`);
    expect(Message).toMatch(
      new RegExp(`^The certificate in ${secret.name} \\(profile unreachable\\) could not be renewed\\.\n`),
    );
    expect(Message).not.toMatch(/^"|"$/);
    expect(Message).toContain(`\n    cert-renewer status ${secret.name} --region ${REGION}\nMore: https://`);
  });

  it('survive a message with quotes, backslashes and line ends', async () => {
    const name = uniqueName('quoted');
    const secretArn = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-AbCdEf`;
    const message = 'It holds "a": <b>, \'c\' and \\d.\nAnd more.';
    const detail = { version: '1', secretArn, name, profile: 'internal', code: 'InvalidTag', message, failures: 1 };
    const entry = {
      EventBusName: outputs['EventBusName'],
      Source: 'cert-renewer',
      DetailType: 'Certificate Renewal Failed',
      Detail: JSON.stringify(detail),
    };
    await client(EventBridgeClient, emulator).send(new PutEventsCommand({ Entries: [entry] }));
    const { Message } = await mailAbout(secretArn);
    expect(Message.split('\n')).toEqual([
      `The certificate in ${name} (profile internal) could not be renewed.`,
      'InvalidTag: It holds "a": <b>, \'c\' and \\d.',
      'And more.',
      'Failures in a row: 1. It expires at unknown.',
      '',
      `Secret: ${secretArn}`,
      expect.stringMatching(`^Account ${ACCOUNT}, Region ${REGION}, at 20`),
      '',
      'To see when the next try is, and what to do before:',
      `    cert-renewer status ${name} --region ${REGION}`,
      expect.stringMatching('^More: https://'),
    ]);
  });
});
