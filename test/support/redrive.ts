import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type Credentials, client, type Endpoint } from '../../testkit/local-aws/client.ts';

/**
 * Does what `aws sqs start-message-move-task` does with dead letters, with given credentials: the local AWS has no such call.
 * Returns the number of messages. If it may not send, it throws and leaves them where they are.
 */
export async function redrive(
  aws: Endpoint,
  who: Credentials,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<number> {
  const sqs = client(SQSClient, aws, who);
  for (let moved = 0; ; ) {
    const receive = new ReceiveMessageCommand({ QueueUrl: from, MaxNumberOfMessages: 10, VisibilityTimeout: 1 });
    const { Messages = [] } = await sqs.send(receive);
    if (Messages.length === 0) return moved;
    for (const { Body, ReceiptHandle } of Messages) {
      await sqs.send(new SendMessageCommand({ QueueUrl: to, MessageBody: Body }));
      await sqs.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle }));
      moved += 1;
    }
  }
}
