/** Acting as a function of the stack: with its role's own credentials, and no policy changed for it. */
import { CreateFunctionCommand, GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { type Credentials, client, type Endpoint, invoke, uniqueName, waitFor } from './aws.ts';
import { zip } from './zip.ts';

const code = `export const handler = async () => ({
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  sessionToken: process.env.AWS_SESSION_TOKEN,
});`;

/** Credentials of the role that a function runs as: another function with the same role tells them. */
export async function actAs(aws: Endpoint, functionName: string): Promise<Credentials> {
  const lambda = client(LambdaClient, aws);
  const { Role } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
  return credentialsOf(aws, Role);
}

/** Credentials of a role that Lambda may assume. */
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
