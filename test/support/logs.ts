/** Reads the functions' logs from CloudWatch Logs. */
import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  paginateDescribeLogGroups,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { client, type Endpoint, fileBegan } from '../../testkit/local-aws/client.ts';

/** A log line in JSON. A metric is such a line too (EMF, with `_aws`). */
export interface LogEntry {
  readonly level?: string;
  readonly message?: string;
  readonly requestId?: string;
  readonly secretArn?: string | null;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly [field: string]: unknown;
}

/** Returns the names of all log groups. */
async function groupNames(logs: CloudWatchLogsClient): Promise<string[]> {
  const names: string[] = [];
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client: logs }, {})) {
    names.push(...logGroups.map(({ logGroupName = '' }) => logGroupName));
  }
  return names;
}

/** Returns no lines for a group that another test has deleted since the listing. */
async function linesOf(logs: CloudWatchLogsClient, logGroupName: string, startTime: number): Promise<string[]> {
  const filter = new FilterLogEventsCommand({ logGroupName, startTime });
  const { events = [] } = await logs.send(filter).catch((error: unknown) => {
    if (error instanceof ResourceNotFoundException) return { events: [] };
    throw error;
  });
  if (events.length === 10_000)
    throw new Error(`${logGroupName} has more lines since ${startTime} than one call gives`);
  return events.map(({ message = '' }) => message);
}

/** Returns every line of every log group since then, unparsed. The lines of an invocation appear when it has ended. */
export async function logText(aws: Endpoint, since = fileBegan()): Promise<string[]> {
  const logs = client(CloudWatchLogsClient, aws);
  const found = (await groupNames(logs)).map((name) => linesOf(logs, name, since));
  return (await Promise.all(found)).flat();
}

/**
 * The log groups of the deployment, by endpoint. They are listed once, because a listing is slow and a deployment has all its
 * groups from the start. Lambda makes the groups of the tests' own functions later.
 */
const ofStack = new Map<string, Promise<string[]>>();

/** In the order of their writing. */
export async function logEntries(aws: Endpoint, since = fileBegan()): Promise<LogEntry[]> {
  const logs = client(CloudWatchLogsClient, aws);
  const names = ofStack.get(aws.endpoint) ?? groupNames(logs);
  ofStack.set(aws.endpoint, names);
  names.catch(() => ofStack.delete(aws.endpoint));
  const found = (await names)
    .filter((name) => !name.startsWith('/aws/lambda/'))
    .map((name) => linesOf(logs, name, since));
  const lines = (await Promise.all(found)).flat().filter((line) => line.startsWith('{'));
  const time = ({ timestamp }: LogEntry): string => String(timestamp); // RFC 3339
  return lines.map((line) => JSON.parse(line) as LogEntry).sort((a, b) => time(a).localeCompare(time(b)));
}

/** Returns the lines about one secret. */
export async function logOf(aws: Endpoint, secretArn: string): Promise<LogEntry[]> {
  return (await logEntries(aws)).filter((entry) => entry.secretArn === secretArn);
}

/** Returns the values of a metric from its EMF lines, because the local AWS makes no metrics of them. */
export function metricValues(entries: readonly LogEntry[], metric: string, profile: string): number[] {
  return entries.flatMap((entry) => {
    const value = entry[metric];
    return '_aws' in entry && entry['Profile'] === profile && typeof value === 'number' ? [value] : [];
  });
}
