import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { client, type Endpoint } from './aws.ts';

/** What `aws sqs start-message-move-task` does with dead letters; the local AWS has no such call. Returns how many there were. */
export async function redrive(aws: Endpoint, deadLetterQueueUrl: string, queueUrl: string): Promise<number> {
  const sqs = client(SQSClient, aws);
  for (let moved = 0; ; ) {
    const receive = new ReceiveMessageCommand({ QueueUrl: deadLetterQueueUrl, MaxNumberOfMessages: 10 });
    const { Messages = [] } = await sqs.send(receive);
    if (Messages.length === 0) return moved;
    for (const { Body, ReceiptHandle } of Messages) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: Body }));
      await sqs.send(new DeleteMessageCommand({ QueueUrl: deadLetterQueueUrl, ReceiptHandle }));
      moved += 1;
    }
  }
}
