/** What a person is told of an error: a code of the command line's own, or that of the certificate, and words for a terminal. */
import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import { CommandError, exitOf, explain, UsageError } from '../../cli/exit.ts';
import { awsError } from '../../lambdas/aws/errors.ts';
import { RenewalError, toRenewalError } from '../../lambdas/domain/errors.ts';

const call = { service: 'ssm', action: 'GetParameter', resource: '/cert-renewer/CertRenewer/profiles/web' } as const;
const ofAws = (name: string, httpStatusCode: number, message = name) =>
  Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
const ofNetwork = (code: string, message = code) => Object.assign(new Error(message), { code, syscall: 'connect' });
const unreachable = ofNetwork('ENOTFOUND', 'getaddrinfo ENOTFOUND ssm.eu-centrl-1.amazonaws.com');

const table: readonly [what: string, thrown: unknown, errorType: string, message: RegExp, exit?: string][] = [
  ['a wrong word', new UsageError('No.'), 'Usage', /^No\.$/, 'usage'],
  ['no stack', new CommandError('NoStack', 'None.'), 'NoStack', /^None\.$/],
  ['an error of ours within one of a certificate', toRenewalError(new CommandError('NoStack', 'x')), 'NoStack', /^x$/],
  ['throttling', awsError(ofAws('ThrottlingException', 400), call), 'NoAnswer', /limits the rate of calls.*again/],
  [
    'an outage of AWS',
    awsError(ofAws('InternalServerError', 500), call),
    'NoAnswer',
    /did not answer, or has an error/,
  ],
  ['a time that is over', awsError(ofAws('TimeoutError', 0), call), 'NoAnswer', /GetParameter.*did not answer/],
  [
    'a Region that does not exist',
    awsError(unreachable, call),
    'NoAnswer',
    /eu-centrl-1.*Check the name of the Region/,
  ],
  ['a network that refuses', ofNetwork('ECONNREFUSED'), 'NoAnswer', /ECONNREFUSED.*can't be reached/],
  ['no Region', new Error('Region is missing'), 'Usage', /--region/, 'usage'],
  [
    'no login',
    Object.assign(new Error('No credentials.'), { name: 'CredentialsProviderError' }),
    'NoCredentials',
    /log in/,
  ],
  ['an old login', awsError(ofAws('ExpiredTokenException', 400), call), 'NoCredentials', /expired.*log in/],
  ['no permission', awsError(ofAws('AccessDeniedException', 400), call), 'AccessDenied', /docs\/cli\.md/],
  [
    'another refusal of AWS',
    awsError(ofAws('ValidationException', 400, 'Bad.'), call),
    'Refused',
    /refused \w+ on .*: ValidationException: Bad\.$/,
  ],
  [
    'a queue that was deleted',
    awsError(ofAws('QueueDoesNotExist', 400), { service: 'sqs', action: 'GetQueueAttributes', resource: 'q' }),
    'IncompleteStack',
    /deploy the stack again/,
  ],
  [
    'a file',
    Object.assign(new Error('EACCES: x'), { code: 'EACCES', syscall: 'open' }),
    'FileFailed',
    /^Error: EACCES: x$/,
  ],
  ['a fault of the program', new TypeError('x is undefined'), 'Internal', /fault of cert-renewer itself/],
  // A function's own error keeps its code: it says something about the function or the certificate.
  ['throttling of a function', new FunctionFailure('Throttled', 'AWS is busy.'), 'Throttled', /^AWS is busy\.$/],
  ['a fault of a function', new FunctionFailure('Internal', 'Oh.'), 'Internal', /^Oh\.$/],
  ['a fault of Lambda', new FunctionFailure('Sandbox.Timedout', 'Oh.'), 'Sandbox.Timedout (not an error of', /^Oh\.$/],
  ['an error of a function, read by the declaration', new RenewalError('Throttled', 'Busy.'), 'Throttled', /^Busy\.$/],
  [
    'a CA behind a network',
    new RenewalError('CaUnavailable', 'The CA does not answer.', { cause: ofNetwork('ECONNREFUSED') }),
    'CaUnavailable',
    /^The CA/,
  ],
  [
    'a secret that is not there',
    awsError(ofAws('ResourceNotFoundException', 400), {
      service: 'secrets',
      action: 'DescribeSecret',
      resource: 'web',
    }),
    'SecretNotFound',
    /check the name/,
  ],
];

describe('explain', () => {
  it.each(table)('%s', (_, thrown, errorType, message, exit = 'failed') => {
    const told = explain(thrown);
    expect(told.message).toMatch(message);
    expect(told.errorType.startsWith(errorType)).toBe(true);
    expect(exitOf(told)).toBe(exit);
  });

  it('says nothing of the log of a function, and nothing that a library says', () => {
    for (const [, thrown] of table) expect(explain(thrown).message).not.toMatch(/requestId|the function's role/);
    expect(explain(new TypeError('-----BEGIN PRIVATE KEY')).message).not.toContain('BEGIN');
  });
});
