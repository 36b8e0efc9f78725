/** Calls Lambda functions: the user's functions after a renewal, and the product's own functions. */
import { type CallPolicy, call } from '../domain/calls.ts';
import type { FunctionAnswer, RenewFunction } from '../domain/declaring.ts';
import { RenewalError } from '../domain/errors.ts';
import type { FunctionCaller } from '../domain/hook.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';
import { clientByArn } from './regions.ts';

/** Milliseconds that a user's function may take: ten seconds less than the caller's own limit (cdk/hooks/hook.ts). */
export const longestCall = 890_000;

const arnForm = { what: 'a Lambda function', form: 'arn:aws:lambda:<region>:<account>:function:<name>' };

/** Returns a FunctionCaller. Its client is loaded with the first call. It calls a function in the Region of its ARN. */
export function lambdaFunctions(options: AwsOptions = {}): FunctionCaller {
  const sdk = once(() => import('./sdk/lambda.ts'));
  const clientOf = clientByArn(arnForm, async (region) => {
    const { LambdaClient } = await sdk();
    const config = clientConfig({ ...options, region });
    const requestHandler = { ...config.requestHandler, requestTimeout: longestCall };
    // One attempt: a second one would call the function again while it may still run. Lambda's own queue tries again later.
    return new LambdaClient({ ...config, requestHandler, maxAttempts: 1 });
  });
  return {
    async call(functionArn, event) {
      try {
        const client = await clientOf(functionArn);
        const { InvokeCommand } = await sdk();
        const Payload = Buffer.from(JSON.stringify(event));
        const { FunctionError } = await client.send(new InvokeCommand({ FunctionName: functionArn, Payload }));
        return { failed: FunctionError !== undefined };
      } catch (thrown) {
        if (thrown instanceof Error && thrown.name === 'TimeoutError') throw tooLong(functionArn, thrown);
        throw awsError(thrown, { service: 'lambda', action: 'Invoke', resource: functionArn });
      }
    },
  };
}

/** Returns the error for a timeout. It is not retryable, because the next try would take as long. */
function tooLong(functionArn: string, cause: Error): RenewalError {
  const seconds = longestCall / 1000;
  return new RenewalError(
    'Internal',
    `The function ${functionArn} did not answer within ${seconds} s, and may still run: see its log, and make it faster.`,
    { cause },
  );
}

/** Returns a function that starts a Lambda function with an event and does not wait for it. Throws AccessDenied, Throttled. */
export function functionStarter(options: AwsOptions = {}): (functionArn: string, event: unknown) => Promise<void> {
  const sdk = once(async () => {
    const loaded = await import('./sdk/lambda.ts');
    return { ...loaded, client: new loaded.LambdaClient(clientConfig(options)) };
  });
  return async (functionArn, event) => {
    try {
      const { client, InvokeCommand } = await sdk();
      const Payload = Buffer.from(JSON.stringify(event));
      await client.send(new InvokeCommand({ FunctionName: functionArn, InvocationType: 'Event', Payload }));
    } catch (thrown) {
      throw awsError(thrown, { service: 'lambda', action: 'Invoke', resource: functionArn });
    }
  };
}

/** Milliseconds that the renew function may take (cdk/cert-renewer.ts, workerTimeout), with some for the network. */
const longestRenewal = 100_000;

/** Returns a client of the renew function, which calls it as `aws lambda invoke` does. */
export function renewFunction(functionArn: string, options: AwsOptions = {}): (policy: CallPolicy) => RenewFunction {
  const start = functionStarter(options);
  const sdk = once(async () => {
    const loaded = await import('./sdk/lambda.ts');
    const config = clientConfig(options);
    const requestHandler = { ...config.requestHandler, requestTimeout: longestRenewal };
    // One attempt: a call without an answer may have begun, and the caller checks again anyway.
    return { ...loaded, client: new loaded.LambdaClient({ ...config, requestHandler, maxAttempts: 1 }) };
  });

  async function ask(request: unknown): Promise<FunctionAnswer> {
    try {
      const { client, InvokeCommand } = await sdk();
      const command = new InvokeCommand({ FunctionName: functionArn, Payload: Buffer.from(JSON.stringify(request)) });
      const { Payload, FunctionError } = await client.send(command);
      return functionAnswer(Payload, FunctionError);
    } catch (thrown) {
      throw awsError(thrown, { service: 'lambda', action: 'Invoke', resource: functionArn });
    }
  }

  return (policy) => ({
    ask: (request) => call(policy, 'invoke', () => ask(request)),
    start: (request) => call(policy, 'start', () => start(functionArn, request)),
  });
}

function functionAnswer(payload: Uint8Array | undefined, failure: string | undefined): FunctionAnswer {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(payload ?? []).toString() || 'null');
  } catch {
    answer = null;
  }
  if (failure === undefined) return { kind: 'answered', answer };
  const { errorType, errorMessage } = Object(answer);
  return {
    kind: 'failed',
    errorType: typeof errorType === 'string' && errorType !== '' ? errorType : failure,
    message: typeof errorMessage === 'string' ? errorMessage : 'The function failed without a message: see its log.',
  };
}
