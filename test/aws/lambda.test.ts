import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { functionStarter, lambdaFunctions } from '../../lambdas/aws/lambda.ts';

const aws = mockClient(LambdaClient);
const functions = lambdaFunctions({ region: 'eu-central-1' });
const arn = 'arn:aws:lambda:eu-central-1:111122223333:function:on-renewal';
const named = (name: string) => Object.assign(new Error('U2VjcmV0'), { name, $metadata: { httpStatusCode: 400 } });

beforeEach(() => {
  aws.reset();
});

test('calls with the event, and waits', async () => {
  aws.on(InvokeCommand).resolves({ StatusCode: 200 });
  expect(await functions.call(arn, { a: 1 })).toEqual({ failed: false });
  const [call] = aws.commandCalls(InvokeCommand);
  expect(call?.args[0].input).toEqual({ FunctionName: arn, Payload: Buffer.from('{"a":1}') });
});

test.each(['Unhandled', 'Handled'])('a function that ended as %s has failed', async (FunctionError) => {
  aws.on(InvokeCommand).resolves({ StatusCode: 200, FunctionError });
  expect(await functions.call(arn, {})).toEqual({ failed: true });
});

test('is one attempt, as long as a function may take', async () => {
  aws.on(InvokeCommand).resolves({});
  await functions.call(arn, {});
  const [call] = aws.commandCalls(InvokeCommand);
  const caller: LambdaClient | undefined = call?.thisValue;
  expect(await caller?.config.maxAttempts()).toBe(1);
});

test.each([
  ['ResourceNotFoundException', 'InvalidRequest', false],
  ['AccessDeniedException', 'AccessDenied', false],
  ['TooManyRequestsException', 'Throttled', true],
  ['TimeoutError', 'Internal', false],
])('%s is %s, and quotes nothing', async (name, code, retryable) => {
  aws.on(InvokeCommand).rejects(named(name));
  const error: unknown = await functions.call(arn, {}).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, retryable, message: expect.stringContaining(arn) });
  expect(String(error)).not.toContain('U2VjcmV0');
});

test('starts a function and does not wait for it', async () => {
  aws.on(InvokeCommand).resolves({ StatusCode: 202 });
  const start = functionStarter({ region: 'eu-central-1' });
  await start(arn, { a: 1 });
  const [call] = aws.commandCalls(InvokeCommand);
  const input = { FunctionName: arn, InvocationType: 'Event', Payload: Buffer.from('{"a":1}') };
  expect(call?.args[0].input).toEqual(input);
  aws.on(InvokeCommand).rejects(named('TooManyRequestsException'));
  await expect(start(arn, {})).rejects.toMatchObject({ code: 'Throttled' });
});
