/**
 * Deploys a stack of an assembly as `cdk deploy --method direct` does, without its process: it publishes the stack's files, and has
 * CloudFormation make the stack or change it. The set-up of the e2e tests and the demo deploy with the CDK's own program.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CloudFormationClient,
  CreateStackCommand,
  type CreateStackInput,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type Stack,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { keepStack } from './calls.ts';
import { client, waitFor } from './client.ts';
import { ACCOUNT, type Emulator, REGION } from './ministack.ts';
import type { Assembly } from './stack.ts';
import { zip } from './zip.ts';

/** The files of a stack in an assembly, by the hash of each. */
interface Assets {
  readonly files: Readonly<Record<string, Asset>>;
}

interface Asset {
  readonly source: { readonly path: string; readonly packaging: 'zip' | 'file' };
  readonly destinations: Readonly<Record<string, { readonly bucketName: string; readonly objectKey: string }>>;
}

interface Manifest {
  readonly artifacts: Readonly<Record<string, { readonly properties: StackProperties }>>;
}

interface StackProperties {
  readonly stackName: string;
  readonly templateFile: string;
  readonly cloudFormationExecutionRoleArn: string;
  readonly stackTemplateAssetObjectUrl: string;
}

/** Returns the stack's outputs. @throws Error with CloudFormation's reasons. */
export async function install(
  aws: Pick<Emulator, 'endpoint' | 'env'>,
  { assembly, artifact, isJudged = true }: Assembly,
): Promise<Record<string, string>> {
  const manifest = await json<Manifest>(join(assembly, 'manifest.json'));
  const properties = manifest.artifacts[artifact]?.properties;
  if (properties === undefined) throw new Error(`${assembly} has no stack ${artifact}`);
  await publish(aws, assembly, await json<Assets>(join(assembly, `${artifact}.assets.json`)));
  const { Outputs = [] } = await applied(client(CloudFormationClient, aws), {
    StackName: properties.stackName,
    TemplateURL: properties.stackTemplateAssetObjectUrl.replace('s3://', `https://s3.${REGION}.amazonaws.com/`),
    Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'],
    RoleARN: properties.cloudFormationExecutionRoleArn,
  });
  if (isJudged) await keepStack(aws.env, properties.stackName, join(assembly, properties.templateFile));
  return Object.fromEntries(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
}

/** Reads a file of the assembly, with the account for its placeholders. */
async function json<T>(file: string): Promise<T> {
  const text = await readFile(file, 'utf8');
  const values = { Partition: 'aws', AccountId: ACCOUNT, Region: REGION };
  return JSON.parse(
    text.replace(/\$\{AWS::(Partition|AccountId|Region)\}/g, (_, name: keyof typeof values) => values[name]),
  );
}

async function publish(aws: Pick<Emulator, 'endpoint'>, assembly: string, { files }: Assets): Promise<void> {
  const s3 = client(S3Client, aws);
  for (const { source, destinations } of Object.values(files)) {
    const path = join(assembly, source.path);
    const Body = source.packaging === 'zip' ? await zipped(path) : await readFile(path);
    for (const { bucketName, objectKey } of Object.values(destinations)) {
      await s3.send(new PutObjectCommand({ Bucket: bucketName, Key: objectKey, Body }));
    }
  }
}

/** For a folder without folders in it, as every function's is. */
async function zipped(folder: string): Promise<Uint8Array> {
  const names = (await readdir(folder)).sort();
  const files = names.map(async (name) => [name, await readFile(join(folder, name))] as const);
  return zip(Object.fromEntries(await Promise.all(files)));
}

async function applied(cloudFormation: CloudFormationClient, input: CreateStackInput): Promise<Stack> {
  const { StackName } = input;
  const find = async () => {
    const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return stack;
  };
  const since = new Date();
  const there = await find().catch(() => undefined);
  try {
    await cloudFormation.send(there ? new UpdateStackCommand(input) : new CreateStackCommand(input));
  } catch (error) {
    if (there && String(error).includes('No updates are to be performed')) return there;
    throw error;
  }
  const stack = await waitFor(
    `the stack ${StackName}`,
    async () => {
      const found = await find();
      return found?.StackStatus?.endsWith('_IN_PROGRESS') === false && found;
    },
    { within: 300_000 },
  );
  if (!/^(?:CREATE|UPDATE)_COMPLETE$/.test(stack.StackStatus ?? '')) {
    const { StackEvents = [] } = await cloudFormation.send(new DescribeStackEventsCommand({ StackName }));
    const reasons = StackEvents.filter(
      ({ Timestamp, ResourceStatus }) => Timestamp && Timestamp >= since && ResourceStatus?.endsWith('_FAILED'),
    ).map(({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`);
    throw new Error(`${StackName} is ${stack.StackStatus}:\n${reasons.join('\n')}`);
  }
  return stack;
}
