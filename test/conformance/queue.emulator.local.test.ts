import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { sqsQueue } from '../../lambdas/aws/sqs.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { emulatorOptions, systemClock } from '../../testkit/local-aws/adapter-options.ts';
import { client, type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import { describeWith } from '../support/local.ts';
import { type QueueWorld, queueSuite, type Received } from './queue.ts';

describeWith(['emulator'], 'SQS', ({ emulator }) => {
  queueSuite('SQS on the emulator', () => openWorld(emulator));
});

async function openWorld(emulator: Endpoint): Promise<QueueWorld> {
  const sqs = client(SQSClient, emulator);
  const created = await sqs.send(
    new CreateQueueCommand({ QueueName: uniqueName('conformance'), Attributes: { VisibilityTimeout: '300' } }),
  );
  const QueueUrl = created.QueueUrl ?? '';
  return {
    queue: sqsQueue({ ...emulatorOptions(emulator), queueUrl: QueueUrl, clock: systemClock })(noLimits),
    async receive() {
      const all: Received[] = [];
      for (;;) {
        const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
        if (Messages.length === 0) return all;
        for (const { Body = '', ReceiptHandle = '' } of Messages) {
          all.push({ body: JSON.parse(Body), receiptHandle: ReceiptHandle });
        }
      }
    },
    async remove(received) {
      for (const { receiptHandle } of received) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
      }
    },
    close: async () => sqs.destroy(),
  };
}
