import { ACMClient, GetAcmeExternalAccountBindingCredentialsCommand } from '@aws-sdk/client-acm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { acmBindings } from '../../lambdas/aws/acm-bindings.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';

const aws = mockClient(ACMClient);
const inRegion = (region: string) =>
  `arn:aws:acm:${region}:111122223333:acme-endpoint/e1/acme-external-account-binding/b1`;
const arn = inRegion('eu-central-1');
const bindings = acmBindings({ region: 'eu-west-1' })(noLimits);
const read = () => aws.on(GetAcmeExternalAccountBindingCredentialsCommand);
const named = (name: string) => Object.assign(new Error('MAC'), { name, $metadata: { httpStatusCode: 400 } });

beforeEach(() => {
  aws.reset();
  read().resolves({ KeyId: 'kid', MacKey: 'MAC' });
});

test('reads the credentials in the Region of the ARN', async () => {
  expect(await bindings.find(arn)).toEqual({ keyId: 'kid', macKey: 'MAC' });
  await bindings.find(inRegion('us-east-1'));
  const calls = aws.commandCalls(GetAcmeExternalAccountBindingCredentialsCommand);
  expect(calls.map(({ args }) => args[0].input.AcmeExternalAccountBindingArn)).toEqual([arn, inRegion('us-east-1')]);
  const regions = aws.send.getCalls().map(({ thisValue }) => thisValue.config.region());
  expect(await Promise.all(regions)).toEqual(['eu-central-1', 'us-east-1']);
});

test.each([{}, { KeyId: 'kid' }, { MacKey: 'MAC' }])('%j are no credentials', async (answer) => {
  read().resolves(answer);
  const error: unknown = await bindings.find(arn).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'InvalidRequest', message: expect.stringContaining(arn) });
  expect(String(error)).not.toContain('MAC');
});

test('an ARN without a Region is refused', async () => {
  await expect(bindings.find('b1')).rejects.toMatchObject({ code: 'InvalidRequest' });
  expect(aws.calls()).toHaveLength(0);
});

test.each([
  ['ResourceNotFoundException', 'InvalidRequest'],
  ['ValidationException', 'InvalidRequest'],
  ['AccessDeniedException', 'AccessDenied'],
  ['ThrottlingException', 'Throttled'],
  ['InternalServerException', 'Internal'],
])('%s is %s, and quotes nothing', async (name, code) => {
  read().rejects(named(name));
  const error: unknown = await bindings.find(arn).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringContaining('acme-external-account-binding') });
  expect(String(error)).not.toContain('MAC');
});
