/** The stack's functions: their settings, and invocations as with `aws lambda invoke`. */
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { type AwsOptions, clientConfig, pauseBefore } from '../../lambdas/aws/clients.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import { functionStarter } from '../../lambdas/aws/lambda.ts';
import { isErrorCode, RenewalError } from '../../lambdas/domain/errors.ts';
import { CommandError, type Told, ToldError } from '../exit.ts';
import { inFlags } from '../flags.ts';

/** An error that a function threw, from Lambda's FunctionError. */
export class FunctionFailure extends ToldError {
  readonly errorType: string;

  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }

  told(): Told {
    return { errorType: codeOf(this), message: inFlags(this.message) };
  }
}

export interface FunctionSettings {
  readonly environment: Readonly<Record<string, string>>;
  /** Lambda's values: `Active` here, `Successful` below. */
  readonly state: string;
  readonly lastUpdate: string;
  /** The name of its log group. */
  readonly logGroup: string;
}

export interface Functions {
  /** Throws AccessDenied, Throttled, and IncompleteStack if the function does not exist. */
  settings(functionName: string): Promise<FunctionSettings>;
  /** Returns the answer. Throws FunctionFailure if the function threw, AccessDenied, Throttled, IncompleteStack. */
  invoke(functionName: string, request: unknown): Promise<unknown>;
  /** Invokes without waiting. Throws AccessDenied, Throttled, IncompleteStack. */
  start(functionName: string, request: unknown): Promise<void>;
}

/** Milliseconds: more than the 15 minutes of the scan, as Lambda always answers. */
const patience = 905_000;
/** Only an invocation that Lambda refused is repeated: any other may have begun. */
const attempts = 6;
const notTaken = new Set(['TooManyRequestsException', 'ThrottlingException', 'ResourceConflictException']);

export function functionsOf(options: AwsOptions, sleep: (milliseconds: number) => Promise<void>): Functions {
  const client = new LambdaClient({
    ...clientConfig(options),
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 5_000, requestTimeout: patience, throwOnRequestTimeout: true },
  });

  async function settings(functionName: string): Promise<FunctionSettings> {
    try {
      const answer = await client.send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
      const environment = answer.Environment?.Variables ?? {};
      const logGroup = answer.LoggingConfig?.LogGroup ?? `/aws/lambda/${functionName}`;
      return { environment, state: answer.State ?? '', lastUpdate: answer.LastUpdateStatus ?? '', logGroup };
    } catch (thrown) {
      throw translated(thrown, 'GetFunctionConfiguration', functionName);
    }
  }

  async function invoke(functionName: string, request: unknown): Promise<unknown> {
    const command = () =>
      new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) });
    for (let attempt = 1; ; attempt++) {
      try {
        const { Payload, FunctionError } = await client.send(command());
        const answer: unknown = JSON.parse(Buffer.from(Payload ?? []).toString() || 'null');
        if (FunctionError === undefined) return answer;
        throw failure(answer, FunctionError);
      } catch (thrown) {
        if (thrown instanceof FunctionFailure) throw thrown;
        const passes = thrown instanceof Error && notTaken.has(thrown.name) && attempt < attempts;
        if (!passes) throw translated(thrown, 'Invoke', functionName);
        await sleep(pauseBefore(attempt + 1) * 2);
      }
    }
  }

  const starter = functionStarter(options);
  async function start(functionName: string, request: unknown): Promise<void> {
    try {
      await starter(functionName, request);
    } catch (thrown) {
      throw translated(thrown instanceof RenewalError ? thrown.cause : thrown, 'Invoke', functionName);
    }
  }
  return { settings, invoke, start };
}

function failure(answer: unknown, kind: string): FunctionFailure {
  const { errorType, errorMessage } = Object(answer);
  return new FunctionFailure(
    typeof errorType === 'string' && errorType !== '' ? errorType : kind,
    typeof errorMessage === 'string' ? errorMessage : 'The function failed without a message: see its log.',
  );
}

function translated(thrown: unknown, action: string, functionName: string): Error {
  if (thrown instanceof Error && thrown.name === 'ResourceNotFoundException') {
    const message = `The function ${functionName} of the stack does not exist: deploy the stack again (cert-renewer deploy).`;
    return new CommandError('IncompleteStack', message);
  }
  return awsError(thrown, { service: 'lambda', action, resource: functionName });
}

/** Returns the errorType, marked if it is none of the product's codes. */
export function codeOf({ errorType }: FunctionFailure): string {
  return isErrorCode(errorType) ? errorType : `${errorType} (not an error of cert-renewer's own)`;
}
