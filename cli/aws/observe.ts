/** What `doctor` asks AWS: the schedule, the queues and the scan's log. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type AwsOptions, clientConfig } from '../../lambdas/aws/clients.ts';
import type { AwsServiceName } from '../../lambdas/aws/error-meanings.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';

export interface LogLine {
  readonly at: Instant;
  readonly text: string;
}

export interface Observer {
  /** EventBridge Scheduler's value, `ENABLED` or `DISABLED`; undefined if the schedule does not exist. */
  scheduleState(name: string): Promise<string | undefined>;
  /** The number of waiting messages. */
  waiting(queueUrl: string): Promise<number>;
  /** The first thousand lines since `since`; undefined if the log group does not exist. */
  logSince(group: string, since: Instant): Promise<readonly LogLine[] | undefined>;
}

/** Every method throws AccessDenied, Throttled. */
export function observerOf(options: AwsOptions): Observer {
  const config = clientConfig(options);
  return {
    async scheduleState(name) {
      const command = new GetScheduleCommand({ Name: name });
      return asked('scheduler', 'GetSchedule', name, () => new SchedulerClient(config).send(command)).then(
        (answer) => answer?.State,
      );
    },
    async waiting(queueUrl) {
      const attribute = 'ApproximateNumberOfMessages';
      const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [attribute] });
      const answer = await asked('sqs', 'GetQueueAttributes', queueUrl, () => new SQSClient(config).send(command));
      return Number(answer?.Attributes?.[attribute] ?? '0');
    },
    async logSince(group, since) {
      const command = new FilterLogEventsCommand({ logGroupName: group, startTime: since, limit: 1_000 });
      const client = new CloudWatchLogsClient(config);
      const answer = await asked('logs', 'FilterLogEvents', group, () => client.send(command));
      return answer?.events?.map(({ timestamp: at = 0, message: text = '' }) => ({ at, text }));
    },
  };
}

async function asked<T>(
  service: AwsServiceName,
  action: string,
  resource: string,
  send: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await send();
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ResourceNotFoundException') return undefined;
    throw awsError(thrown, { service, action, resource });
  }
}
