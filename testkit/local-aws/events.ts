import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { client, type Endpoint, uniqueName, waitFor } from './client.ts';

/** An event of a bus. */
export interface BusEvent {
  readonly id: string;
  readonly source: string;
  readonly 'detail-type': string;
  readonly resources: readonly string[];
  readonly time: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EventCollector {
  /** Returns all events so far, in the order of arrival. */
  readonly events: () => Promise<readonly BusEvent[]>;
  /** Waits for the first event that `wanted` accepts. */
  readonly next: (what: string, wanted: (event: BusEvent) => boolean, within?: number) => Promise<BusEvent>;
}

/**
 * Collects the events of a bus from now on, with its own rule and queue.
 * `pattern` selects events, such as { resources: [secretArn] }. The default is all events of cert-renewer.
 */
export async function collectEvents(
  aws: Endpoint,
  busName: string,
  pattern: Readonly<Record<string, readonly unknown[]>> = { source: ['cert-renewer'] },
): Promise<EventCollector> {
  const name = uniqueName('events');
  const sqs = client(SQSClient, aws);
  const bus = client(EventBridgeClient, aws);
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { Policy: policyFor(name) } }),
  );
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  await bus.send(new PutRuleCommand({ Name: name, EventBusName: busName, EventPattern: JSON.stringify(pattern) }));
  await bus.send(
    new PutTargetsCommand({
      Rule: name,
      EventBusName: busName,
      Targets: [{ Id: 'queue', Arn: Attributes?.['QueueArn'] }],
    }),
  );

  const collected: BusEvent[] = [];
  const events = async (): Promise<readonly BusEvent[]> => {
    for (;;) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
      if (Messages.length === 0) return collected;
      collected.push(...Messages.map(({ Body = '' }) => JSON.parse(Body) as BusEvent));
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  };
  const next: EventCollector['next'] = (what, wanted, within) =>
    waitFor(what, async () => (await events()).find(wanted), within === undefined ? {} : { within });
  return { events, next };
}

function policyFor(queueName: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: `arn:aws:sqs:*:*:${queueName}`,
      },
    ],
  });
}
