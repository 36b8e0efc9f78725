import { describe, expect, it } from 'vitest';
import { FakeQueues } from './fake-queues.ts';
import { records, stack, stage } from './stage.ts';

const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:web/tls-AbC123';
const dead = stack.outputs.get('DeadLetterQueueUrl') ?? '';
const resources = async () => [
  { type: 'AWS::SQS::Queue', logicalId: 'RenewerQueuesDeadLetters3F2A', id: dead },
  { type: 'AWS::SQS::Queue', logicalId: 'RenewerQueuesScanDeadLetters1C0B', id: 'https://sqs/scan' },
  { type: 'AWS::SQS::QueuePolicy', logicalId: 'RenewerHooksDeadLettersPolicy77', id: 'https://sqs/policy' },
  { type: 'AWS::SQS::Queue', logicalId: 'RenewerMonitoringNoticesDeadLetters9D', id: 'https://sqs/notices' },
  { type: 'AWS::SQS::Queue', logicalId: 'RenewerHooksDeadLetters8E', id: 'https://sqs/hooks' },
];
const on = (queues: FakeQueues, of = resources) => stage({ session: { queues, resources: of } });

const event = { 'detail-type': 'Certificate Renewed', resources: [arn], detail: { secretArn: arn } };
const record = (responsePayload: unknown) => ({
  ...{ requestContext: { condition: 'RetriesExhausted' }, requestPayload: event, responsePayload },
});

/** Where the message is, the message, and what is shown of it. */
const letters: [string, string, unknown, Record<string, string>, object][] = [
  [
    'a renewal',
    dead,
    { secretArn: arn, versionId: 'v1' },
    {},
    { queue: 'renewals', name: 'web/tls', secretArn: arn, error: null },
  ],
  [
    'a scan that could not be started',
    'https://sqs/scan',
    {},
    { ERROR_CODE: 'AccessDenied', ERROR_MESSAGE: 'The role may not invoke it.' },
    { queue: 'scan', name: null, error: { errorType: 'AccessDenied', message: 'The role may not invoke it.' } },
  ],
  [
    'a scan that failed',
    'https://sqs/scan',
    { ...record({ errorType: 'Throttled', errorMessage: 'Secrets Manager limits the calls.' }), requestPayload: {} },
    {},
    { queue: 'scan', name: null, error: { errorType: 'Throttled', message: 'Secrets Manager limits the calls.' } },
  ],
  [
    'an e-mail',
    'https://sqs/notices',
    event,
    { ERROR_CODE: 'NO_PERMISSIONS' },
    {
      queue: 'notices',
      event: 'Certificate Renewed',
      name: 'web/tls',
      error: expect.objectContaining({ errorType: 'NO_PERMISSIONS' }),
    },
  ],
  [
    'a hook of a user, whose answer may contain anything',
    'https://sqs/hooks',
    record({ errorType: 'Error', errorMessage: 'the key is hunter2' }),
    {},
    { queue: 'hooks', name: 'web/tls', error: { errorType: 'Error', message: expect.not.stringContaining('hunter2') } },
  ],
  ['a text that is no JSON object', 'https://sqs/hooks', 'text', {}, { queue: 'hooks', name: null, error: null }],
];

describe('dead-letters', () => {
  it.each(letters)('shows the secret and the reason: %s', async (_what, url, body, attributes, expected) => {
    const queues = new FakeQueues();
    queues.add(url, body, attributes);
    const shown = await on(queues).cli('dead-letters', '--json');
    expect({ code: shown.code, records: records(shown.stdout) }).toMatchObject({ code: 1, records: [expected] });
    expect((await on(queues).cli('dead-letters')).stdout).toMatch(/^QUEUE +SENT +NAME +REASON\n\w/);
    expect(queues.messages.get(url)).toHaveLength(1);
  });

  it('shows one queue, or that there is nothing', async () => {
    const queues = new FakeQueues();
    queues.add('https://sqs/hooks', event);
    expect((await on(queues).cli('dead-letters', '--queue', 'hooks')).code).toBe(1);
    expect(await on(queues).cli('dead-letters', '--queue', 'scan')).toMatchObject({
      code: 0,
      stdout: 'There are no dead letters of scan.\n',
    });
    expect(await on(new FakeQueues()).cli('dead-letters')).toMatchObject({
      code: 0,
      stdout: 'There are no dead letters.\n',
    });
  });

  it('needs no list of the stack’s resources for the queue of renewals', async () => {
    const queues = new FakeQueues();
    queues.add(dead, { secretArn: arn, versionId: 'v1' });
    const refused = () => Promise.reject(new Error('not allowed'));
    expect((await on(queues, refused).cli('dead-letters', '--queue', 'renewals')).code).toBe(1);
  });

  it('says of what is no renewal that no worker can use it, and does not send it to redrive', async () => {
    const queues = new FakeQueues();
    queues.add(dead, { secretId: 'hunter2' });
    const show = () => stage({ session: { queues, resources }, tty: true }).cli('dead-letters', '--queue', 'renewals');
    const stray = await show();
    expect(stray.stdout).toMatch(/ not a message of cert-renewer/);
    expect(stray.stdout + stray.stderr).not.toMatch(/hunter2|redrive/);
    expect(stray.stderr).toContain('cert-renewer dead-letters --queue renewals --purge');
    queues.add(dead, { secretArn: arn, versionId: 'v1' });
    expect((await show()).stderr).toContain('cert-renewer redrive');
  });

  it('says if there may be more', async () => {
    const queues = new FakeQueues();
    for (let at = 0; at < 201; at++) queues.add(dead, { secretArn: arn, versionId: 'v1' });
    expect((await on(queues).cli('dead-letters')).stderr).toMatch(/renewals: the first 200 /);
  });

  it('empties the one queue that is named', async () => {
    const queues = new FakeQueues();
    queues.add(dead, { secretArn: arn, versionId: 'v1' });
    queues.add('https://sqs/hooks', event);
    expect((await on(queues).cli('dead-letters', '--purge')).code).toBe(2);
    expect(queues.purged).toEqual([]);
    const { code, stdout } = await on(queues).cli('dead-letters', '--queue', 'hooks', '--purge');
    expect({ code, stdout, purged: queues.purged }).toEqual({
      ...{ code: 0, stdout: '1 message of hooks deleted.\n', purged: ['https://sqs/hooks'] },
    });
    const again = await on(queues).cli('dead-letters', '--queue', 'hooks', '--purge', '--json');
    expect({ code: again.code, records: records(again.stdout) }).toEqual({
      code: 0,
      records: [{ queue: 'hooks', deleted: 0 }],
    });
  });

  it('says that a stack without hooks has no such queue', async () => {
    const { code, stderr } = await on(new FakeQueues(), async () => []).cli(
      'dead-letters',
      '--queue',
      'hooks',
      '--purge',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('no dead-letter queue of hooks');
  });
});
