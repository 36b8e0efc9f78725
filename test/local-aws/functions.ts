import { createHash, createHmac } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, CreateFunctionUrlConfigCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { client, type Endpoint, invoke, ROOT, uniqueName, waitFor } from '../../testkit/local-aws/client.ts';
import { zip } from '../../testkit/local-aws/zip.ts';
import { type Behaviour, outcome } from './behaviour.ts';

/** Makes a function with this code, an ES module that exports `handler`. */
export async function deployed(aws: Endpoint, code: string): Promise<string> {
  const name = uniqueName('function');
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  const role = new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) });
  const { Role } = await client(IAMClient, aws).send(role);
  await client(LambdaClient, aws).send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: Role?.Arn,
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Timeout: 10,
      Code: { ZipFile: zip({ 'index.mjs': code }) },
    }),
  );
  return name;
}

/** Calls a function URL, signed as root. ministack's URLs answer at its own endpoint, by the Host header. */
async function callUrl({ endpoint }: Endpoint, url: string): Promise<string> {
  const host = new URL(url).host;
  const now = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${now.slice(0, 8)}/us-east-1/lambda/aws4_request`;
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const canonical = ['GET', '/', '', `host:${host}\nx-amz-date:${now}\n`, 'host;x-amz-date', hash('')].join('\n');
  const key = ['us-east-1', 'lambda', 'aws4_request'].reduce(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    createHmac('sha256', `AWS4${ROOT.secretAccessKey}`).update(now.slice(0, 8)).digest(),
  );
  const signature = createHmac('sha256', key)
    .update(['AWS4-HMAC-SHA256', now, scope, hash(canonical)].join('\n'))
    .digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${ROOT.accessKeyId}/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
  return new Promise((resolve, reject) => {
    const sent = request(endpoint, { headers: { host, 'x-amz-date': now, authorization } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Returns the first bytes of a handler's HTTPS request to a port of this machine. */
async function firstBytes(aws: Endpoint): Promise<string> {
  const name = await deployed(
    aws,
    `import https from 'node:https';
     export const handler = ({ port }) => new Promise((resolve) => {
       const sent = https.get('https://127.0.0.1:' + port, (answer) => { answer.resume(); resolve('answered'); });
       sent.on('error', () => resolve('refused'));
     });`,
  );
  let seen = '';
  const server = createServer((_, answer) => {
    seen = 'plain HTTP';
    answer.end();
  });
  server.on('clientError', (error: Error & { rawPacket?: Buffer }, socket) => {
    seen = error.rawPacket?.[0] === 0x16 ? 'TLS' : 'neither'; // 0x16: a handshake record
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await invoke(aws, name, { port: (server.address() as AddressInfo).port });
  server.closeAllConnections();
  server.close();
  return seen;
}

/** Makes a stack of these resources. Returns its output, if it has one. */
export async function stackOf(
  aws: Endpoint,
  Resources: Readonly<Record<string, unknown>>,
  Outputs?: Readonly<Record<string, unknown>>,
  within = 20_000,
): Promise<string> {
  const StackName = uniqueName('stack');
  const cloudFormation = client(CloudFormationClient, aws);
  const TemplateBody = JSON.stringify({ Resources, Outputs });
  await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody }));
  const { Outputs: found } = await waitFor(
    'the stack',
    async () => {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
      return Stacks?.find(({ StackStatus }) => StackStatus === 'CREATE_COMPLETE');
    },
    { within },
  );
  return found?.[0]?.OutputValue ?? '';
}

/** Returns the Ref of a stack's secret. */
function refOfSecret(aws: Endpoint, Properties: Readonly<Record<string, unknown>>): Promise<string> {
  return stackOf(
    aws,
    { Secret: { Type: 'AWS::SecretsManager::Secret', Properties } },
    { Ref: { Value: { Ref: 'Secret' } } },
  );
}

/** Returns the steps that a rotation calls its function with, and the labels meanwhile. Without `now`, also those at the end. */
async function rotated(aws: Endpoint, patience: number, now: boolean): Promise<unknown> {
  const steps: string[] = [];
  const server = createServer((asked, answer) => {
    steps.push(asked.url?.slice(1) ?? '');
    answer.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const name = await deployed(
    aws,
    `import http from 'node:http';
     export const handler = ({ Step }) => new Promise((resolve, reject) => {
       http.get('http://127.0.0.1:${port}/' + Step, (answer) => answer.resume().on('end', resolve)).on('error', reject);
     });`,
  );
  const secrets = client(SecretsManagerClient, aws);
  const { ARN: SecretId } = await secrets.send(
    new CreateSecretCommand({ Name: uniqueName('rotated'), SecretString: 'x' }),
  );
  const RotationLambdaARN = `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
  const start = new RotateSecretCommand({ SecretId, RotationLambdaARN, RotateImmediately: now });
  const { VersionId = '' } = await secrets.send(start);
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  await waitFor('the steps', async () => steps.length === (now ? 4 : 1), { within: patience }).catch(() => undefined);
  server.close();
  if (now) return { steps, labels: VersionIdsToStages[VersionId] };
  const isPending = async () => {
    const { VersionIdsToStages: later = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
    return Object.values(later).some((labels) => labels.includes('AWSPENDING'));
  };
  await waitFor('the end of the test', async () => !(await isPending()), { within: patience }).catch(() => undefined);
  const labels = Object.values(VersionIdsToStages).flat().sort();
  return { steps, labels, isPendingLeft: await isPending() };
}

export const FUNCTIONS: readonly Behaviour[] = [
  {
    patch: 'rotation',
    observe: (aws, patience) => rotated(aws, patience, true),
    withPatch: { steps: ['createSecret', 'setSecret', 'testSecret', 'finishSecret'], labels: ['AWSPENDING'] },
    without: { steps: [], labels: ['AWSCURRENT'] },
  },
  {
    patch: 'rotation',
    observe: (aws, patience) => rotated(aws, patience, false),
    withPatch: { steps: ['testSecret'], labels: ['AWSCURRENT', 'AWSPENDING'], isPendingLeft: false },
    without: { steps: [], labels: ['AWSCURRENT', 'AWSPREVIOUS'], isPendingLeft: false },
  },
  {
    patch: 'error-type',
    observe: async (aws) => {
      const name = await deployed(
        aws,
        `export const handler = async ({ fail }) => {
           if (!fail) return process.pid;
           throw Object.assign(new Error('why'), { name: 'InvalidRequest' });
         };`,
      );
      const { payload: before } = await invoke(aws, name);
      const { error } = await invoke(aws, name, { fail: true });
      const { payload: after } = await invoke(aws, name);
      return { errorType: error?.errorType, errorMessage: error?.errorMessage, sameWorker: before === after };
    },
    withPatch: { errorType: 'InvalidRequest', errorMessage: 'why', sameWorker: true },
    without: { errorType: 'Runtime.HandlerError', errorMessage: 'why', sameWorker: false },
  },
  { patch: 'tls-to-this-machine', observe: firstBytes, withPatch: 'TLS', without: 'plain HTTP' },
  {
    patch: 'function-url-identity',
    observe: async (aws) => {
      const name = await deployed(
        aws,
        'export const handler = async (event) => event.requestContext.authorizer?.iam?.userArn ?? "nobody";',
      );
      const url = new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: 'AWS_IAM' });
      const { FunctionUrl = '' } = await client(LambdaClient, aws).send(url);
      return (await callUrl(aws, FunctionUrl)).replaceAll('"', '');
    },
    withPatch: 'arn:aws:iam::000000000000:root',
    without: 'nobody',
  },
  {
    patch: 'stack-empty-secret',
    observe: async (aws) => {
      const SecretId = await refOfSecret(aws, { Description: 'empty' });
      const { VersionIdsToStages = {} } = await client(SecretsManagerClient, aws).send(
        new DescribeSecretCommand({ SecretId }),
      );
      return Object.keys(VersionIdsToStages).length;
    },
    withPatch: 0,
    without: 1,
  },
  {
    patch: 'stack-secret-ref',
    observe: async (aws) => {
      const ref = await refOfSecret(aws, { SecretString: 'x' });
      const known = await outcome(client(SecretsManagerClient, aws).send(new DescribeSecretCommand({ SecretId: ref })));
      return [ref.startsWith('arn:') ? 'arn' : 'name', known];
    },
    withPatch: ['arn', 'ok'],
    without: ['name', 'ok'],
  },
];
