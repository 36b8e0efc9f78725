import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { awsError } from '../../lambdas/aws/errors.ts';
import { describe as describeError, type PowertoolsJournal, powertoolsJournal } from '../../lambdas/aws/journal.ts';
import { RenewalError, toRenewalError } from '../../lambdas/domain/errors.ts';
import { cpuTime } from '../support/cpu-time.ts';

let written: string[];
let journal: PowertoolsJournal;
const secretArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:web-AbCdEf';

beforeEach(() => {
  written = [];
  vi.stubEnv('POWERTOOLS_DEV', '');
  const write = (chunk: unknown) => {
    written.push(String(chunk));
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write);
  journal = powertoolsJournal();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

function lines(): Record<string, unknown>[] {
  return written.map((line) => {
    expect(line).toMatch(/^\{.*\}\n$/); // one line of JSON each
    return JSON.parse(line);
  });
}

describe('log lines', () => {
  test('a decision is one line with secretArn and reason', () => {
    journal.begin('request-1');
    const reason = { code: 'NotDue', message: 'Nothing to do\nbefore noon.' } as const;
    journal.decision({ secretArn, reason, action: 'skip', renewAt: '2026-11-22T12:00:00Z' });
    expect(lines()).toEqual([
      expect.objectContaining({
        ...{ level: 'INFO', service: 'cert-renewer', requestId: 'request-1', message: reason.message },
        ...{ secretArn, reason, action: 'skip', renewAt: '2026-11-22T12:00:00Z' },
      }),
    ]);
  });

  test("each invocation's lines carry its own id", () => {
    for (const id of ['request-1', 'request-2']) {
      journal.begin(id);
      journal.decision({ secretArn, reason: { code: 'Paused', message: 'x' } });
    }
    expect(lines().map(({ requestId }) => requestId)).toEqual(['request-1', 'request-2']);
  });

  test.each([
    ['CaUnavailable', 'WARN', true],
    ['CaRejected', 'ERROR', false],
  ] as const)('a failure with %s is a line of level %s', (code, level, retryable) => {
    journal.failure({ secretArn, error: new RenewalError(code, 'The CA says no.'), profile: 'internal' });
    expect(lines()).toEqual([
      expect.objectContaining({
        level,
        secretArn,
        retryable,
        profile: 'internal',
        reason: { code, message: 'The CA says no.' },
      }),
    ]);
  });

  test('a failure without a secret', () => {
    journal.failure({ secretArn: null, error: new RenewalError('Throttled', 'x') });
    const [line = {}] = lines();
    expect(line).toMatchObject({ reason: { code: 'Throttled' } });
    expect(line['secretArn']).toBeUndefined(); // Powertools leaves out null
  });
});

describe('the text of an unexpected error', () => {
  const key =
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHunter2\n    at hunter2 (/key:1:1) hunter2\n-----END PRIVATE KEY-----';

  test.each<[string, unknown]>([
    ['an error of a library', new SyntaxError(`Unexpected token in ${key}`)],
    [
      'one within one of ours',
      new RenewalError('UnsupportedSecret', 'Not PEM.', { cause: new Error(key, { cause: new Error(key) }) }),
    ],
    ['one turned into one of ours', toRenewalError(new TypeError(key))],
    [
      "AWS's",
      awsError(Object.assign(new Error(key), { name: 'ValidationException', $metadata: { httpStatusCode: 400 } }), {
        service: 'secrets',
        action: 'PutSecretValue',
        resource: secretArn,
      }),
    ],
    ['a thrown text', key],
    ['an error whose message changed', Object.assign(new Error(key), { message: 'another' })],
  ])('%s: its name and its place are logged, not its message', (_, error) => {
    journal.failure({ secretArn, error, detail: new Error(key) });
    expect(written.join('')).not.toMatch(/hunter2/i);
    expect(lines()).toHaveLength(1);
  });

  test('is left out of a decision with an error among its fields', () => {
    journal.decision({ secretArn, reason: { code: 'NotDue', message: 'x' }, found: new RangeError(key) });
    expect(written.join('')).not.toMatch(/hunter2/i);
    expect(lines()).toMatchObject([{ found: { name: 'RangeError' } }]);
  });

  test('leaves enough to find the place', () => {
    const found = describeError(
      Object.assign(new Error('hunter2'), {
        code: 'ERR_X',
        $metadata: { requestId: 'a-1', httpStatusCode: 400, extra: 'x' },
      }),
    );
    expect(found).toMatchObject({ name: 'Error', code: 'ERR_X', aws: { requestId: 'a-1', httpStatusCode: 400 } });
    expect(found.stack?.[0]).toMatch(/^at .*journal\.test\.ts:\d+:\d+\)?$/);
  });

  test('is left out if a name or a code is no identifier', () => {
    const found = describeError(Object.assign(new Error('x'), { name: key, code: key, $metadata: { requestId: key } }));
    expect(JSON.stringify(found)).not.toMatch(/hunter2/i);
  });

  test.each([null, undefined, 42, {}])('%j was thrown', (thrown) => {
    journal.failure({ secretArn, error: thrown });
    expect(lines()).toMatchObject([{ reason: { code: 'Internal' } }]);
  });

  test('a stack made to keep a regular expression busy', () => {
    const error = new Error('x');
    error.stack = `Error: x\n${`    at ${'a ('.repeat(20_000)}`}\n${'    at '.repeat(20_000)}`;
    const start = cpuTime();
    describeError(error);
    expect(cpuTime() - start).toBeLessThan(100);
  });
});

describe('metrics', () => {
  test.each([
    ['Renewed', 'Count'],
    ['Failed', 'Count'],
    ['Overdue', 'Count'],
    ['Managed', 'Count'],
    ['SecondsToExpiry', 'Seconds'],
    ['RenewalDuration', 'Milliseconds'],
  ] as const)('%s in %s, by profile and nothing else', (metric, unit) => {
    if (metric === 'SecondsToExpiry' || metric === 'RenewalDuration') journal.measure(metric, 'internal', 7);
    else journal.count(metric, 'internal', 7);
    expect(lines()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            { Namespace: 'CertRenewer', Dimensions: [['Profile']], Metrics: [{ Name: metric, Unit: unit }] },
          ],
        },
        Profile: 'internal',
        [metric]: 7,
      },
    ]);
  });

  test('of two profiles stay apart, and are written together', () => {
    journal.count('Renewed', 'internal', 1);
    expect(written).toHaveLength(1);
    journal.count('Renewed', 'authority:issuing', 2);
    expect(lines().map(({ Profile, Renewed }) => [Profile, Renewed])).toEqual([
      ['internal', 1],
      ['authority:issuing', 2],
    ]);
  });
});
