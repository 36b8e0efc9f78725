/** The common configuration of all AWS SDK clients. */
import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';

/** The connection to AWS. The SDK finds missing options itself: Lambda sets AWS_REGION and the role's credentials. */
export interface AwsOptions {
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: NonNullable<SecretsManagerClientConfig['credentials']>;
  /** A profile of the AWS configuration, as the AWS CLI's --profile. For the command line. */
  readonly profile?: string;
}

/** These calls usually answer within a second; a hanging one must not use up the Lambda's time. */
const timeouts = { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true } as const;

/**
 * Returns the configuration of a client: three attempts with the SDK's standard pauses, timeouts in milliseconds, and the SDK's keep-alive
 * agent with 50 sockets. The queue makes further attempts.
 */
export function clientConfig(options: AwsOptions) {
  return {
    maxAttempts: 3,
    retryMode: 'standard',
    requestHandler: timeouts,
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
  } as const;
}

/**
 * Returns the configuration of an SQS client. By default the client sends a call to the host of the queue's URL, with a warning on stderr
 * if that is not its endpoint. It would so bypass the endpoint that the user has set: a VPC endpoint, FIPS, or a local AWS.
 */
export function queueClientConfig(options: AwsOptions) {
  return { ...clientConfig(options), useQueueUrlAsEndpoint: false } as const;
}

/** Calls `make` once, when it is first needed. A failure is not kept. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** Returns the pause before an attempt in milliseconds: 100, 200, 400 … before attempt 2, 3, 4 … */
export function pauseBefore(attempt: number): number {
  return 100 * 2 ** Math.max(0, attempt - 2);
}
