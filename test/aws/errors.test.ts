import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, test } from 'vitest';
import type { AwsCall } from '../../lambdas/aws/error-meanings.ts';
import { awsEntryError, awsError } from '../../lambdas/aws/errors.ts';
import { type ErrorCode, RenewalError } from '../../lambdas/domain/errors.ts';

const secret = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:pki/web-AbCdEf';
const at: Record<string, AwsCall> = {
  get: { service: 'secrets', action: 'GetSecretValue', resource: secret },
  put: { service: 'secrets', action: 'PutSecretValue', resource: secret },
  tag: { service: 'secrets', action: 'TagResource', resource: secret },
  key: { service: 'kms', action: 'GetPublicKey', resource: 'alias/web' },
  sign: { service: 'kms', action: 'Sign', resource: 'alias/web' },
  sqs: { service: 'sqs', action: 'SendMessageBatch', resource: 'https://sqs.example/queue' },
  ssm: { service: 'ssm', action: 'GetParameter', resource: '/cert-renewer/profiles/internal' },
  events: { service: 'events', action: 'PutEvents', resource: 'bus' },
};

/** An error as the SDK throws it. */
function thrown(name: string, message = 'what AWS says', status: number | undefined = 400, more: object = {}): Error {
  const metadata = status === undefined ? {} : { $metadata: { httpStatusCode: status, requestId: 'r-1' } };
  return Object.assign(new Error(message), { name, ...metadata, ...more });
}

const staging = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
const denied = (action: string) =>
  `User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: ${action} on resource: x`;

describe('the meaning of an error of AWS', () => {
  const table: [keyof typeof at, Error, ErrorCode, RegExp][] = [
    // Secrets Manager
    [
      'get',
      thrown('ResourceNotFoundException', "Secrets Manager can't find the specified secret."),
      'SecretNotFound',
      /no such secret/,
    ],
    ['get', thrown('ResourceNotFoundException', staging), 'SecretNotFound', /no (such )?value/],
    [
      'get',
      thrown('ResourceNotFoundException', "can't find the specified secret version: v1"),
      'SecretNotFound',
      /no (such )?value/,
    ],
    [
      'get',
      thrown(
        'InvalidRequestException',
        "can't perform this operation on the secret because it was marked for deletion.",
      ),
      'SecretNotFound',
      /scheduled for deletion/,
    ],
    [
      'put',
      thrown('InvalidRequestException', 'Operation not permitted on a replica secret.'),
      'InvalidRequest',
      /primary Region/,
    ],
    ['put', thrown('InvalidRequestException', 'something new'), 'Internal', /InvalidRequestException/],
    [
      'get',
      thrown('AccessDeniedException', denied('secretsmanager:GetSecretValue')),
      'AccessDenied',
      /function's role/,
    ],
    ['get', thrown('AccessDeniedException', 'Access to KMS is not allowed'), 'KmsDenied', /encrypted with a key/],
    ['put', thrown('AccessDeniedException', denied('kms:GenerateDataKey')), 'KmsDenied', /encrypted with a key/],
    ['get', thrown('DecryptionFailure'), 'KmsDenied', /KMS key of the secret/],
    ['put', thrown('EncryptionFailure'), 'KmsDenied', /KMS key of the secret/],
    ['put', thrown('ResourceExistsException'), 'SecretChanged', /other content/],
    ['put', thrown('LimitExceededException'), 'UnsupportedSecret', /quota/],
    ['tag', thrown('InvalidParameterException'), 'UnsupportedSecret', /tags/],
    ['put', thrown('InvalidParameterException'), 'Internal', /InvalidParameterException/],
    ['get', thrown('InternalServiceError', 'x', 500), 'Throttled', /passes by itself/],
    ['get', thrown('InternalServiceErrorException', 'x', 500), 'Throttled', /passes by itself/],
    // KMS
    ['sign', thrown('AccessDeniedException', denied('kms:Sign')), 'KmsDenied', /key's policy/],
    ['sign', thrown('DisabledException'), 'KmsDenied', /disabled/],
    ['sign', thrown('KMSInvalidStateException'), 'KmsDenied', /pending deletion/],
    ['key', thrown('NotFoundException'), 'KmsDenied', /no such key/],
    ['sign', thrown('InvalidKeyUsageException'), 'KmsDenied', /SIGN_VERIFY/],
    ['key', thrown('UnsupportedOperationException'), 'InvalidRequest', /SIGN_VERIFY/],
    ['key', thrown('InvalidArnException'), 'InvalidRequest', /ARN, id or alias/],
    ['sign', thrown('KMSInternalException', 'x', 500), 'KmsUnavailable', /passes by itself/],
    ['sign', thrown('DependencyTimeoutException', 'x', 503), 'KmsUnavailable', /passes by itself/],
    ['sign', thrown('KeyUnavailableException', 'x', 500), 'KmsUnavailable', /passes by itself/],
    ['sign', thrown('ThrottlingException'), 'KmsUnavailable', /passes by itself/],
    ['sign', thrown('Error', 'connect', undefined, { code: 'ECONNREFUSED' }), 'KmsUnavailable', /ECONNREFUSED/],
    ['sign', thrown('Unheard', 'x', 403), 'KmsDenied', /role/],
    // all
    ['ssm', thrown('AccessDeniedException', denied('ssm:GetParameter')), 'AccessDenied', /role/],
    ['sqs', thrown('AccessDenied', 'x', 403), 'AccessDenied', /role/],
    ['sqs', thrown('Unheard', 'x', 403), 'AccessDenied', /role/],
    ['sqs', thrown('KmsAccessDenied'), 'KmsDenied', /queue/],
    ['sqs', thrown('KmsThrottled'), 'Throttled', /passes by itself/],
    ['sqs', thrown('QueueDoesNotExist'), 'Internal', /deploy the stack again/],
    ['events', thrown('ResourceNotFoundException'), 'Internal', /deploy the stack again/],
    ['get', thrown('ExpiredTokenException'), 'AccessDenied', /credentials/],
    ['get', thrown('UnrecognizedClientException'), 'AccessDenied', /credentials/],
    ['get', thrown('CredentialsProviderError', 'x', undefined), 'AccessDenied', /credentials/],
    ['get', thrown('ThrottlingException'), 'Throttled', /passes by itself/],
    ['get', thrown('Throttling'), 'Throttled', /passes by itself/],
    ['events', thrown('ThrottledException'), 'Throttled', /passes by itself/],
    ['ssm', thrown('TooManyRequestsException', 'x', 429), 'Throttled', /passes by itself/],
    ['ssm', thrown('InternalServerError', 'x', 500), 'Throttled', /passes by itself/],
    ['get', thrown('Unheard', 'x', 429), 'Throttled', /passes by itself/],
    ['get', thrown('Unheard', 'x', 502), 'Throttled', /passes by itself/],
    ['get', thrown('TimeoutError', 'x', undefined), 'Throttled', /passes by itself/],
    ['get', thrown('Error', 'x', undefined, { code: 'ETIMEDOUT' }), 'Throttled', /ETIMEDOUT/],
    ['get', thrown('Error', 'x', undefined, { code: 'EAI_AGAIN' }), 'Throttled', /EAI_AGAIN/],
    ['get', thrown('Error', 'x', undefined, { code: 'ECONNRESET' }), 'Throttled', /ECONNRESET/],
    ['get', thrown('Unheard', 'x', 400), 'Internal', /requestId/],
  ];

  test.each(table)('%s: %s is %s', (call, error, code, message) => {
    const found = awsError(error, at[call] as AwsCall);
    expect(found).toBeInstanceOf(RenewalError);
    expect(found).toMatchObject({ code, cause: error, message: expect.stringMatching(message) });
    expect(found.message).toContain((at[call] as AwsCall).action);
    expect(found.message).toContain((at[call] as AwsCall).resource);
  });
});

describe('an error never contains', () => {
  test("AWS's own text, which may quote the request", () => {
    const quoting = "Value 'hunter2-in-the-secret' at 'secretString' failed to satisfy constraint";
    for (const name of [
      'ValidationException',
      'InvalidParameterException',
      'ThrottlingException',
      'hunter2-in-the-secret',
    ]) {
      expect(awsError(thrown(name, quoting), at['put'] as AwsCall).message).not.toContain('hunter2');
    }
  });

  test('the text of an error that is not AWS’s', () => {
    const found = awsError(new TypeError('hunter2'), at['get'] as AwsCall);
    expect(found).toMatchObject({ code: 'Internal', cause: expect.any(TypeError) });
    expect(found.message).not.toContain('hunter2');
  });
});

test('a RenewalError passes through', () => {
  const error = new RenewalError('SecretChanged', 'x');
  expect(awsError(error, at['get'] as AwsCall)).toBe(error);
});

test.each([
  [
    `${denied('secretsmanager:GetSecretValue')} because no identity-based policy allows the secretsmanager:GetSecretValue action`,
    /because no identity-based policy allows the secretsmanager:GetSecretValue action/,
  ],
  [
    `${denied('secretsmanager:GetSecretValue')} with an explicit deny in a service control policy`,
    /with an explicit deny in a service control policy/,
  ],
])('why access was denied is passed on: %s', (text, expected) => {
  expect(awsError(thrown('AccessDeniedException', text), at['get'] as AwsCall).message).toMatch(expected);
});

test.each<[string, AwsCall | undefined, ErrorCode]>([
  ['ThrottlingException', at['events'], 'Throttled'],
  ['InternalFailure', at['events'], 'Throttled'],
  ['InternalException', at['events'], 'Throttled'],
  ['NotAuthorized', at['events'], 'AccessDenied'],
  ['AccessDeniedException', at['events'], 'AccessDenied'],
  ['MalformedDetail', at['events'], 'Internal'],
  ['InternalError', at['sqs'], 'Throttled'],
  ['InvalidParameterValue', at['sqs'], 'Internal'],
])('an entry refused with %s', (name, call, code) => {
  expect(awsEntryError(name, call as AwsCall)).toMatchObject({ code });
});

test('a refused connection, from a real client', async () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const client = new SSMClient({ endpoint: 'http://127.0.0.1:1', region: 'us-east-1', credentials, maxAttempts: 1 });
  const error: unknown = await client.send(new GetParameterCommand({ Name: 'x' })).catch((caught: unknown) => caught);
  expect(awsError(error, at['ssm'] as AwsCall)).toMatchObject({
    code: 'Throttled',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

describe('overload and outage', () => {
  test.each<[boolean, Error]>([
    [true, thrown('ThrottlingException', 'Rate exceeded')],
    [true, thrown('ThrottledException')],
    [true, thrown('TooManyRequestsException')],
    [true, thrown('Unheard', 'of', 429)],
    [false, thrown('InternalServiceError', 'of AWS', 500)],
    [false, thrown('ServiceUnavailableException', 'of AWS', 503)],
    [false, thrown('TimeoutError', 'no answer', undefined)],
    [false, thrown('Error', 'refused', undefined, { code: 'ECONNREFUSED' })],
  ])('busy: %s of %s, and either may pass by itself', (busy, error) => {
    // The worker waits for the first only: the call was not executed, and an outage would last longer than the wait.
    expect(awsError(error, at['put'] ?? expect.fail())).toMatchObject({ code: 'Throttled', retryable: true, busy });
  });
});

test.each([
  ['get', thrown('AccessDeniedException', denied('secretsmanager:GetSecretValue')), true],
  ['get', thrown('AccessDeniedException', 'Access to KMS is not allowed'), true],
  ['sign', thrown('AccessDeniedException', denied('kms:Sign')), false],
  ['put', thrown('EncryptionFailure'), false],
  ['get', thrown('ThrottlingException'), false],
])('IAM may not know a permission of the deployment yet: %s, %s', (call, error, settles) => {
  expect(awsError(error, at[call] as AwsCall).settles).toBe(settles);
});
