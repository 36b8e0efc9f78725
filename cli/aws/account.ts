/** The account and Region of the credentials, for the message that a stack is not there. */
import { type AwsOptions, clientConfig } from '../../lambdas/aws/clients.ts';

export interface Place {
  /** Undefined if AWS does not tell. */
  readonly account: string | undefined;
  readonly region: string;
}

/** Every caller may ask for the own identity, whatever policies say. Its client is loaded here, as few commands need it. */
export async function placeOf(options: AwsOptions): Promise<Place> {
  const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const client = new STSClient({ ...clientConfig(options), maxAttempts: 1 });
  const account = await client.send(new GetCallerIdentityCommand({})).then(
    ({ Account }) => Account,
    () => undefined,
  );
  return { account, region: await client.config.region() };
}
