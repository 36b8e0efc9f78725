/**
 * Where a whole test run leaves which calls of AWS its roles made, and which stacks they belong to: in CALLS_FOLDER, if that
 * is set (scripts/test.ts). test/calls reads it.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';

/** A stack as it was deployed. */
export interface DeployedStack {
  readonly stackName: string;
  /** Of the emulator; its journal is `journal-<port>.jsonl`. */
  readonly port: string;
  readonly template: unknown;
  /** Names, ARNs or URLs by logical id, as CloudFormation tells them. */
  readonly physicalIds: Readonly<Record<string, string>>;
}

const folder = (): string | undefined => process.env['CALLS_FOLDER'];

/** What a role asked of the local AWS, as it went over the wire, but for secrets (testkit/local-aws/asked.py). */
export interface RecordedRequest {
  readonly role: string;
  readonly session: string;
  readonly service: string;
  readonly target: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The file for the journal of the emulator on this port; undefined where nobody wants one. */
export function journalOf(port: number | string): string | undefined {
  const to = folder();
  return to === undefined ? undefined : join(to, `journal-${port}.jsonl`);
}

/** The file for the requests to that emulator; undefined where nobody wants one. */
export function requestsOf(port: number | string): string | undefined {
  const to = folder();
  return to === undefined ? undefined : join(to, `requests-${port}.jsonl`);
}

/** Keep a stack's template with what its logical ids became. `templateFile` is the one in cdk.out. */
export async function keepStack(
  env: Readonly<Record<string, string>>,
  stackName: string,
  templateFile: string,
): Promise<void> {
  const to = folder();
  if (to === undefined) return;
  const endpoint = env['AWS_ENDPOINT_URL'] ?? '';
  const credentials = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const client = new CloudFormationClient({ endpoint, region: env['AWS_REGION'] ?? '', credentials });
  const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ StackName: stackName }));
  client.destroy();
  const { port } = new URL(endpoint);
  const stack: DeployedStack = {
    stackName,
    port,
    template: JSON.parse(await readFile(templateFile, 'utf8')),
    physicalIds: Object.fromEntries(
      StackResources.map(({ LogicalResourceId = '', PhysicalResourceId = '' }) => [
        LogicalResourceId,
        PhysicalResourceId,
      ]),
    ),
  };
  await writeFile(join(to, `stack-${port}-${stackName}.json`), JSON.stringify(stack));
}
