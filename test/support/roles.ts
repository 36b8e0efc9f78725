/** Acts as a function of the stack, with its role's own credentials and no changed policy. */
import { CreateRoleCommand, IAMClient, ListRoleTagsCommand, PutRolePolicyCommand, type Tag } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import {
  type Credentials,
  client,
  type Endpoint,
  invoke,
  uniqueName,
  waitFor,
} from '../../testkit/local-aws/client.ts';
import { ACCOUNT } from '../../testkit/local-aws/ministack.ts';
import { zip } from '../../testkit/local-aws/zip.ts';
import { userWith } from '../local-aws/iam.ts';

const code = `export const handler = async () => ({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  sessionToken: process.env.AWS_SESSION_TOKEN,
});`;

/** Returns the credentials of the role of a function. Another function with the same role reports them. */
export async function actAs(aws: Endpoint, functionName: string): Promise<Credentials> {
  const lambda = client(LambdaClient, aws);
  const { Role } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
  return credentialsOf(aws, Role);
}

/** Returns credentials of a role that Lambda may assume. */
export async function credentialsOf(aws: Endpoint, Role: string | undefined): Promise<Credentials> {
  const lambda = client(LambdaClient, aws);
  const FunctionName = uniqueName('act-as');
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Role,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Timeout: 10,
      Code: { ZipFile: zip({ 'index.mjs': code }) },
    }),
  );
  return waitFor('the credentials of the role', async () => {
    const { payload, error } = await invoke<Credentials>(aws, FunctionName);
    return error === undefined && payload.sessionToken !== undefined && payload;
  });
}

/** Makes a role with these tags and these permissions (an action, or statements), and returns the credentials of its session. */
export async function inRole(
  aws: Endpoint,
  allowed: string | readonly object[],
  tags: Readonly<Record<string, string>> = {},
): Promise<Credentials> {
  const iam = client(IAMClient, aws);
  const RoleName = uniqueName('operator');
  const Tags: Tag[] = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const trust = [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' }];
  const AssumeRolePolicyDocument = policyOf(trust);
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument, Tags }));
  const statements = typeof allowed === 'string' ? [{ Effect: 'Allow', Action: allowed, Resource: '*' }] : allowed;
  const PolicyDocument = policyOf(statements);
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'may', PolicyDocument }));
  const user = await userWith(aws, { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' });
  const assume = new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'operator' });
  const { Credentials: got } = await client(STSClient, aws, user).send(assume);
  const {
    AccessKeyId: accessKeyId = '',
    SecretAccessKey: secretAccessKey = '',
    SessionToken: sessionToken = '',
  } = got ?? {};
  return { accessKeyId, secretAccessKey, sessionToken };
}

/** Makes a role that nobody may assume. `tags` returns its tags now. */
export async function bareRole(aws: Endpoint): Promise<{ readonly name: string; readonly tags: () => Promise<Tag[]> }> {
  const iam = client(IAMClient, aws);
  const RoleName = uniqueName('operators');
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: policyOf([]) }));
  return { name: RoleName, tags: async () => (await iam.send(new ListRoleTagsCommand({ RoleName }))).Tags ?? [] };
}

const policyOf = (Statement: readonly unknown[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
