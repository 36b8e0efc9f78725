/**
 * Records which calls of AWS the roles of a whole test run make, and which stacks the roles belong to. The records are in CALLS_FOLDER,
 * if scripts/test.ts has set it. test/calls reads them.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';

/** A deployed stack. */
export interface DeployedStack {
  readonly stackName: string;
  /** The emulator's port. Its journal is `journal-<port>.jsonl`. */
  readonly port: string;
  readonly template: unknown;
  /** CloudFormation's physical ids (names, ARNs or URLs), by logical id. */
  readonly physicalIds: Readonly<Record<string, string>>;
}

const folder = (): string | undefined => process.env['CALLS_FOLDER'];

/** A request of a role to the local AWS as it was sent, without secret values (testkit/local-aws/asked.py). */
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

/** Returns the journal file of the emulator on this port. Undefined without CALLS_FOLDER. */
export function journalOf(port: number | string): string | undefined {
  const to = folder();
  return to === undefined ? undefined : join(to, `journal-${port}.jsonl`);
}

/** Returns the file for the requests to that emulator. Undefined without CALLS_FOLDER. */
export function requestsOf(port: number | string): string | undefined {
  const to = folder();
  return to === undefined ? undefined : join(to, `requests-${port}.jsonl`);
}

/** Records a stack's template and its physical ids. `templateFile` is the file in cdk.out. */
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
