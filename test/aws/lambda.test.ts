import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { functionStarter, lambdaFunctions, renewFunction } from '../../lambdas/aws/lambda.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';

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

test('uses the Region of the ARN, in any Region of the caller, with one client each', async () => {
  aws.on(InvokeCommand).resolves({});
  const inRegion = (region: string, partition = 'aws') =>
    `arn:${partition}:lambda:${region}:111122223333:function:on-renewal`;
  const regions = ['us-east-1', 'eu-central-1', 'us-east-1'];
  for (const region of regions) await functions.call(inRegion(region), {});
  await functions.call(inRegion('cn-north-1', 'aws-cn'), {});
  const clients = aws.send.getCalls().map(({ thisValue }) => thisValue);
  expect(await Promise.all(clients.map((client) => client.config.region()))).toEqual([...regions, 'cn-north-1']);
  expect(new Set(clients).size).toBe(3);
  for (const client of clients) expect(await client.config.maxAttempts()).toBe(1);
});

test.each(['', 'on-renewal', 'arn:aws:lambda::111122223333:function:on-renewal'])(
  '%j has no Region, and is refused',
  async (text) => {
    await expect(functions.call(text, {})).rejects.toMatchObject({ code: 'InvalidRequest' });
    expect(aws.commandCalls(InvokeCommand)).toEqual([]);
  },
);

test.each(['Unhandled', 'Handled'])('a function that ended as %s has failed', async (FunctionError) => {
  aws.on(InvokeCommand).resolves({ StatusCode: 200, FunctionError });
  expect(await functions.call(arn, {})).toEqual({ failed: true });
});

test('is one attempt, as long as a function may run', async () => {
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

test('starts a function without waiting for it', async () => {
  aws.on(InvokeCommand).resolves({ StatusCode: 202 });
  const start = functionStarter({ region: 'eu-central-1' });
  await start(arn, { a: 1 });
  const [call] = aws.commandCalls(InvokeCommand);
  const input = { FunctionName: arn, InvocationType: 'Event', Payload: Buffer.from('{"a":1}') };
  expect(call?.args[0].input).toEqual(input);
  aws.on(InvokeCommand).rejects(named('TooManyRequestsException'));
  await expect(start(arn, {})).rejects.toMatchObject({ code: 'Throttled' });
});

describe('the renew function', () => {
  const renewal = renewFunction(arn, { region: 'eu-central-1' })(noLimits);
  const blob = (text: string) => Object.assign(Buffer.from(text), { transformToString: () => text });
  const payload = (value: unknown) => blob(JSON.stringify(value));

  test('is called once, and its answer is returned', async () => {
    aws.on(InvokeCommand).resolves({ Payload: payload({ outcome: 'issued' }) });
    expect(await renewal.ask({ secretId: 'web' })).toEqual({ kind: 'answered', answer: { outcome: 'issued' } });
    const [call] = aws.commandCalls(InvokeCommand);
    expect(call?.args[0].input).toEqual({ FunctionName: arn, Payload: Buffer.from('{"secretId":"web"}') });
    const caller: LambdaClient | undefined = call?.thisValue;
    expect(await caller?.config.maxAttempts()).toBe(1);
  });

  test.each([
    [
      { errorType: 'CaRejected', errorMessage: 'No.' },
      { errorType: 'CaRejected', message: 'No.' },
    ],
    [{ errorMessage: 'Task timed out' }, { errorType: 'Unhandled', message: 'Task timed out' }],
    [null, { errorType: 'Unhandled', message: expect.stringMatching(/see its log/) }],
  ])('that throws is reported with its own error: %j', async (thrown, told) => {
    aws.on(InvokeCommand).resolves({ FunctionError: 'Unhandled', Payload: payload(thrown) });
    expect(await renewal.ask({})).toEqual({ kind: 'failed', ...told });
  });

  test('that answers without JSON has not answered', async () => {
    aws.on(InvokeCommand).resolves({ Payload: blob('<') });
    expect(await renewal.ask({})).toEqual({ kind: 'answered', answer: null });
  });

  test('is started without waiting', async () => {
    aws.on(InvokeCommand).resolves({ StatusCode: 202 });
    await renewal.start({ secretId: 'web' });
    expect(aws.commandCalls(InvokeCommand)[0]?.args[0].input).toMatchObject({ InvocationType: 'Event' });
  });

  test.each([
    ['AccessDeniedException', 'AccessDenied', false],
    ['TooManyRequestsException', 'Throttled', true],
    ['TimeoutError', 'Throttled', true],
  ])('%s is %s', async (name, code, retryable) => {
    aws.on(InvokeCommand).rejects(named(name));
    await expect(renewal.ask({})).rejects.toMatchObject({ code, retryable });
  });
});
