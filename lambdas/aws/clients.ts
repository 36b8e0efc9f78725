/** What all clients of the AWS SDK have in common. */
import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';

/** Where AWS is. What is left out the SDK finds by itself: Lambda's runtime sets AWS_REGION and the role's credentials. */
export interface AwsOptions {
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: NonNullable<SecretsManagerClientConfig['credentials']>;
  /** A profile of the AWS configuration, as the AWS CLI's --profile; for people's programs. */
  readonly profile?: string;
}

/** These calls answer within a second; one that hangs must not eat the Lambda's time. */
const timeouts = { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true } as const;

/**
 * The configuration that every client is built with: three attempts with the SDK's standard pauses, timeouts in
 * milliseconds, and the SDK's own keep-alive agent of 50 sockets. More attempts are the queue's business.
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

/** `make`, once and when first asked for: for clients that most invocations don't need. A failure is not kept. */
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

/** The pause in milliseconds before attempt 2, 3 …: 100, 200, 400 … */
export function pauseBefore(attempt: number): number {
  return 100 * 2 ** Math.max(0, attempt - 2);
}
