import { CreateSecretCommand, SecretsManagerClient, UpdateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, it, test } from 'vitest';
import { secretMaker } from '../../lambdas/aws/secret-maker.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';

const aws = mockClient(SecretsManagerClient);
const named = (name: string, message = 'x') =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
const secret = {
  ...{ name: 'web/tls', description: 'A certificate.', versionId: 'declared-empty-0123456789abcdef' },
  ...{ tags: { 'cert-renewer:profile': 'offline' }, encryptionKey: undefined },
};
const maker = () => secretMaker({ region: 'eu-central-1' })(noLimits);

beforeEach(() => {
  aws.reset();
});

it('makes a secret with {}, and never another value', async () => {
  aws.on(CreateSecretCommand).resolves({ ARN: 'arn:web' });
  expect(await maker().create(secret)).toBe('arn:web');
  await maker().create({ ...secret, encryptionKey: 'alias/web' });
  const input = {
    ...{ Name: 'web/tls', Description: 'A certificate.', SecretString: '{}', ClientRequestToken: secret.versionId },
    Tags: [{ Key: 'cert-renewer:profile', Value: 'offline' }],
  };
  expect(aws.calls().map(({ args: [command] }) => command.input)).toEqual([input, { ...input, KmsKeyId: 'alias/web' }]);
});

it('reports that the name is taken', async () => {
  aws.on(CreateSecretCommand).rejects(named('ResourceExistsException'));
  expect(await maker().create(secret)).toBeUndefined();
});

test.each([
  [
    'InvalidRequestException',
    'A secret with this name is already scheduled for deletion.',
    'SecretNotFound',
    /restore it first/,
  ],
  ['AccessDeniedException', 'x', 'AccessDenied', /CreateSecret/],
  ['EncryptionFailure', 'x', 'KmsDenied', /KMS key/],
  ['ThrottlingException', 'x', 'Throttled', /again/],
])('%s (%s) is %s', async (name, text, code, message) => {
  aws.on(CreateSecretCommand).rejects(named(name, text));
  await expect(maker().create(secret)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

it('changes only the key', async () => {
  aws.on(UpdateSecretCommand).resolvesOnce({}).rejects(named('AccessDeniedException', 'Access to KMS is not allowed'));
  await maker().setEncryptionKey('arn:web', 'alias/web');
  expect(aws.calls()[0]?.args[0].input).toEqual({ SecretId: 'arn:web', KmsKeyId: 'alias/web' });
  await expect(maker().setEncryptionKey('arn:web', 'alias/web')).rejects.toMatchObject({ code: 'KmsDenied' });
});
