/** The names of the stack's profiles, from the names of their parameters. */
import { type AwsOptions, clientConfig } from '../../lambdas/aws/clients.ts';
import { awsError } from '../../lambdas/aws/errors.ts';

/**
 * Returns the names below a prefix (`/cert-renewer/<stack>/profiles`), sorted. The path ends with a slash, so that the permission for
 * the parameters below it is enough. Throws AccessDenied, Throttled.
 */
export async function listProfileNames(options: AwsOptions, prefix: string): Promise<readonly string[]> {
  const { SSMClient, GetParametersByPathCommand } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient(clientConfig(options));
  const path = `${prefix.replace(/\/$/, '')}/`;
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = new GetParametersByPathCommand({ Path: path, MaxResults: 10, ...(token && { NextToken: token }) });
    const answer = await client.send(page).catch((thrown: unknown) => {
      throw awsError(thrown, { service: 'ssm', action: 'GetParametersByPath', resource: path });
    });
    names.push(...(answer.Parameters ?? []).map(({ Name = '' }) => Name.slice(path.length)));
    token = answer.NextToken;
  } while (token !== undefined);
  return names.sort();
}
