/** What `doctor` and `status` ask AWS: the schedule, the queues and the logs. */
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type AwsOptions, clientConfig, queueClientConfig } from '../../lambdas/aws/clients.ts';
import type { AwsServiceName } from '../../lambdas/aws/error-meanings.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';

export interface LogLine {
  readonly at: Instant;
  readonly text: string;
}

export interface LogSpan {
  readonly from: Instant;
  readonly to: Instant;
}

export interface Observer {
  /** EventBridge Scheduler's value, `ENABLED` or `DISABLED`; undefined if the schedule does not exist. */
  scheduleState(name: string): Promise<string | undefined>;
  /** The number of waiting messages. */
  waiting(queueUrl: string): Promise<number>;
  /** The first thousand lines since `since`; undefined if the log group does not exist. */
  logSince(group: string, since: Instant): Promise<readonly LogLine[] | undefined>;
  /** The lines of a span that contain a text, oldest first; undefined if the log group does not exist. */
  logWith(group: string, text: string, span: LogSpan): Promise<readonly LogLine[] | undefined>;
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
      const client = new SQSClient(queueClientConfig(options));
      const answer = await asked('sqs', 'GetQueueAttributes', queueUrl, () => client.send(command));
      return Number(answer?.Attributes?.[attribute] ?? '0');
    },
    async logSince(group, since) {
      const command = new FilterLogEventsCommand({ logGroupName: group, startTime: since, limit: 1_000 });
      const client = new CloudWatchLogsClient(config);
      const answer = await asked('logs', 'FilterLogEvents', group, () => client.send(command));
      return answer?.events?.map(({ timestamp: at = 0, message: text = '' }) => ({ at, text }));
    },
    async logWith(group, text, { from, to }) {
      const client = new CloudWatchLogsClient(config);
      const found: LogLine[] = [];
      let token: string | undefined;
      do {
        const command = new FilterLogEventsCommand({
          ...{ logGroupName: group, startTime: from, endTime: to, filterPattern: JSON.stringify(text) },
          ...(token !== undefined && { nextToken: token }),
        });
        const answer = await asked('logs', 'FilterLogEvents', group, () => client.send(command));
        if (answer === undefined) return undefined;
        // A page may be empty although more follow: AWS searches a part of the log for each.
        found.push(...(answer.events ?? []).map(({ timestamp: at = 0, message = '' }) => ({ at, text: message })));
        token = answer.nextToken;
      } while (token !== undefined);
      return found.sort((left, right) => left.at - right.at);
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
