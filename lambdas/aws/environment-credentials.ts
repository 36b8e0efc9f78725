/**
 * Credentials from the environment, where Lambda's runtime puts those of the function's role. At bundling this module
 * takes the place of `@aws-sdk/credential-provider-node` (an alias of esbuild's), whose chain of files, SSO, instance
 * metadata and so on is half of a bundle and can find nothing in a Lambda.
 *
 * With environment-config.ts the one module beside compose.ts that reads process.env. It reads at each call: the SDK keeps
 * the answer, and a process lives no longer than the credentials it was started with.
 */
interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What the SDK's clients import by this name and call once each: a function that gives a provider of credentials. */
export function defaultProvider(): () => Promise<Credentials> {
  return async () => {
    const accessKeyId = process.env['AWS_ACCESS_KEY_ID'];
    const secretAccessKey = process.env['AWS_SECRET_ACCESS_KEY'];
    const sessionToken = process.env['AWS_SESSION_TOKEN'];
    if (!accessKeyId || !secretAccessKey) throw new NoCredentialsError();
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  };
}

class NoCredentialsError extends Error {
  constructor() {
    super(
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: this bundle reads its credentials from there only.',
    );
    this.name = 'CredentialsProviderError'; // the SDK's own name for it, see errors.ts
  }
}
