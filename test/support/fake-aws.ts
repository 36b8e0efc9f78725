/**
 * An HTTP server that answers the calls of `status` and `renew --all`, for sizes that take too long on the local AWS. It
 * answers the SDK's own requests, with secrets that have only tags.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface FakeAwsOptions {
  /** Names of secrets, all enrolled. */
  readonly names: readonly string[];
  /** More tags of each secret, without their prefix. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Called with the number of the page, from 0, before a page of ListSecrets is answered. */
  readonly beforePage?: (page: number) => Promise<void>;
  /** The renew function: an answer, or an error that it throws. */
  readonly renew?: (request: Readonly<Record<string, unknown>>) => Promise<object>;
}

export interface FakeAws {
  readonly env: Readonly<Record<string, string>>;
  readonly close: () => Promise<void>;
}

const account = 'us-east-1:000000000000';
const pageSize = 100;

interface Answer {
  readonly body: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startFakeAws(options: FakeAwsOptions): Promise<FakeAws> {
  const server = createServer(async (request, response) => {
    const { body, status = 200, headers } = await answer(request, await text(request), options);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const env = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' },
    ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
  };
  return { env, close };
}

async function answer({ url = '', headers }: IncomingMessage, body: string, options: FakeAwsOptions): Promise<Answer> {
  const target = String(headers['x-amz-target'] ?? '')
    .split('.')
    .at(-1);
  if (target === 'ListSecrets') return { body: await listSecrets(JSON.parse(body), options) };
  if (target === 'GetParameter') return { body: JSON.stringify({ Parameter: { Value: JSON.stringify(profile) } }) };
  if (url.endsWith('/configuration')) return { body: JSON.stringify(settings) };
  if (url.endsWith('/invocations')) return invocation(JSON.parse(body), options);
  if (body.includes('Action=DescribeStacks')) return { body: stack, headers: { 'content-type': 'text/xml' } };
  return { status: 400, body: JSON.stringify({ __type: 'UnknownOperation', message: `${target} ${url}` }) };
}

const profile = { ca: { type: 'step-ca', url: 'https://ca.example', root: 'PEM' } };
const settings = {
  Environment: { Variables: { PROFILE_PREFIX: '/cert-renewer/CertRenewer/profiles/', SCHEDULE: 'rate(1 hour)' } },
  ...{ State: 'Active', LastUpdateStatus: 'Successful' },
};
const outputs = ['ScanFunctionName', 'RenewFunctionName'].map(
  (key) => `<member><OutputKey>${key}</OutputKey><OutputValue>${key}</OutputValue></member>`,
);
const stack = `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
<StackId>arn:aws:cloudformation:${account}:stack/CertRenewer/1</StackId><StackName>CertRenewer</StackName>
<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${outputs.join('')}</Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;

async function listSecrets({ NextToken }: { NextToken?: string }, options: FakeAwsOptions): Promise<string> {
  const page = Number(NextToken ?? '0');
  await options.beforePage?.(page);
  const { names, tags = {} } = options;
  const Tags = Object.entries({ profile: 'internal', ...tags }).map(([key, Value]) => ({
    Key: `cert-renewer:${key}`,
    Value,
  }));
  const SecretList = names.slice(page * pageSize, (page + 1) * pageSize).map((Name) => ({
    ...{ ARN: `arn:aws:secretsmanager:${account}:secret:${Name}-abcdef`, Name, Tags },
    SecretVersionsToStages: { v1: ['AWSCURRENT'] },
  }));
  const isLast = (page + 1) * pageSize >= names.length;
  return JSON.stringify({ SecretList, ...(!isLast && { NextToken: String(page + 1) }) });
}

async function invocation(request: Readonly<Record<string, unknown>>, { renew }: FakeAwsOptions): Promise<Answer> {
  try {
    return { body: JSON.stringify(await renew?.(request)) };
  } catch (thrown) {
    const { name: errorType, message: errorMessage } = thrown instanceof Error ? thrown : new Error(String(thrown));
    return { body: JSON.stringify({ errorType, errorMessage }), headers: { 'x-amz-function-error': 'Unhandled' } };
  }
}
