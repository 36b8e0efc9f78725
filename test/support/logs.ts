/** What the functions wrote to CloudWatch Logs. */
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { client, type Endpoint } from './aws.ts';

/** One line that is JSON, as the product writes it; a metric is one too (EMF, with `_aws`). */
export interface LogEntry {
  readonly level?: string;
  readonly message?: string;
  readonly requestId?: string;
  readonly secretArn?: string | null;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly [field: string]: unknown;
}

/** Every line of every log group since then, as it stands there. A line comes when its invocation has ended. */
export async function logText(aws: Endpoint, since = 0): Promise<string[]> {
  const logs = client(CloudWatchLogsClient, aws);
  const { logGroups = [] } = await logs.send(new DescribeLogGroupsCommand({}));
  const lines: string[] = [];
  for (const { logGroupName } of logGroups) {
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName, startTime: since }));
    if (events.length === 10_000) throw new Error(`the log group ${logGroupName} has more lines than one call gives`);
    lines.push(...events.map(({ message = '' }) => message));
  }
  return lines;
}

/** In the order in which they were written. */
export async function logEntries(aws: Endpoint, since = 0): Promise<LogEntry[]> {
  const lines = (await logText(aws, since)).filter((line) => line.startsWith('{'));
  const time = ({ timestamp }: LogEntry): string => String(timestamp); // RFC 3339
  return lines.map((line) => JSON.parse(line) as LogEntry).sort((a, b) => time(a).localeCompare(time(b)));
}

/** The lines about one secret. */
export async function logOf(aws: Endpoint, secretArn: string): Promise<LogEntry[]> {
  return (await logEntries(aws)).filter((entry) => entry.secretArn === secretArn);
}

/** The values of a metric, from its EMF lines: the local AWS makes no metrics of them. */
export function metricValues(entries: readonly LogEntry[], metric: string, profile: string): number[] {
  return entries.flatMap((entry) => {
    const value = entry[metric];
    return '_aws' in entry && entry['Profile'] === profile && typeof value === 'number' ? [value] : [];
  });
}
