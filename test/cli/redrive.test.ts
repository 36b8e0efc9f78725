import { describe, expect, it } from 'vitest';
import { awsError } from '../../lambdas/aws/errors.ts';
import { redriveTag } from '../../lambdas/domain/tags.ts';
import { FakeQueues } from './fake-queues.ts';
import { records, stack, stage } from './stage.ts';

const url = stack.outputs.get('DeadLetterQueueUrl') ?? '';

/** A dead-letter queue with this many messages. */
function dead(number: number): FakeQueues {
  const queues = new FakeQueues();
  for (let at = 0; at < number; at++) queues.add(url, { secretArn: `arn:${at}`, versionId: 'v1' });
  return queues;
}
const on = (queues: FakeQueues, tty = false) => stage({ tty, session: { queues } });
const started = 7;
const move = { status: 'COMPLETED', startedAt: started, moved: 3, toMove: 3, failure: undefined };

function denial(text: string): Error {
  const thrown = Object.assign(new Error(`User: arn is not authorized to perform: x on resource: y ${text}`), {
    ...{ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } },
  });
  return awsError(thrown, { service: 'sqs', action: 'StartMessageMoveTask', resource: 'arn:dead' });
}

describe('redrive', () => {
  it('waits for the end of the move, and counts', async () => {
    const queues = dead(3);
    queues.moves = [{}, { status: 'RUNNING', moved: 1, toMove: 3 }, move];
    const { code, stdout, stderr } = await on(queues, true).cli('redrive');
    expect({ code, started: queues.started }).toEqual({ code: 0, started: 1 });
    expect(stdout).toContain('3 dead letters moved back');
    expect(stderr).toContain('1 of 3 moved');
    expect(stderr).toContain('cert-renewer status');
  });

  it('prints counts with --json', async () => {
    const queues = dead(4);
    queues.moves = [move];
    const { code, stdout } = await on(queues).cli('redrive', '--json');
    expect({ code, records: records(stdout) }).toEqual({
      code: 0,
      records: [{ moved: 3, left: 1, status: 'COMPLETED' }],
    });
  });

  it('does nothing if there is nothing', async () => {
    const queues = dead(0);
    expect(await on(queues).cli('redrive')).toEqual({ code: 0, stdout: 'There are no dead letters.\n', stderr: '' });
    queues.held = 2;
    const held = await on(queues).cli('redrive', '--json');
    expect({ code: held.code, records: records(held.stdout) }).toEqual({ code: 1, records: [{ moved: 0, left: 2 }] });
    expect(queues.started).toBe(0);
  });

  it('is not misled by an earlier move, and does not wait for ever for its own', async () => {
    const queues = dead(3);
    queues.before = { ...move, startedAt: 1, moved: 99 };
    queues.moves = [queues.before, queues.before, move];
    expect((await on(queues).cli('redrive')).stdout).toMatch(/^3 dead letters/);
    const lost = dead(3);
    lost.before = queues.before;
    lost.moves = [lost.before];
    expect((await on(lost).cli('redrive')).code).toBe(1);
  });

  it('joins a move that runs, also of an empty queue', async () => {
    const queues = dead(0);
    queues.before = { ...move, status: 'RUNNING', moved: 1 };
    queues.moves = [{ ...move, status: 'RUNNING', moved: 2 }, move];
    expect((await on(queues).cli('redrive')).stdout).toMatch(/^3 dead letters/);
    expect(queues.started).toBe(0);
  });

  it('leaves a move that takes too long to itself', async () => {
    const queues = dead(3);
    queues.moves = [{ ...move, status: 'RUNNING', moved: 1 }];
    const { code, stdout } = await on(queues).cli('redrive', '--json');
    expect({ code, records: records(stdout) }).toEqual({
      code: 1,
      records: [{ moved: 1, left: 3, status: 'RUNNING' }],
    });
  });

  const bySend: [string, (queues: FakeQueues) => void][] = [
    [
      'ended so by SQS',
      (queues) => (queues.moves = [{ ...move, status: 'FAILED', moved: 0, failure: 'AccessDenied' }]),
    ],
    [
      'at once, by the policy of the queue',
      (queues) => (queues.refusal = denial('with an explicit deny in a resource-based policy')),
    ],
    [
      'at once, by the own policy',
      (queues) => (queues.refusal = denial('because no identity-based policy allows the sqs:sendmessage action')),
    ],
  ];
  it.each(bySend)('says what is missing, and the way without it: not allowed to send, %s', async (_how, refuse) => {
    const queues = dead(3);
    refuse(queues);
    const { code, stderr } = await on(queues).cli('redrive');
    expect(code).toBe(3);
    for (const part of [
      /^AccessDenied: /,
      /stay where they are/,
      /sqs:SendMessage/,
      /cert-renewer scan <names> --force/,
      /--purge/,
    ])
      expect(stderr).toMatch(part);
    expect(stderr).toContain(`${redriveTag} = true`);
  });

  it('names another permission that is missing', async () => {
    const queues = dead(3);
    queues.refusal = denial('because no identity-based policy allows the sqs:startmessagemovetask action');
    const { code, stderr } = await on(queues).cli('redrive');
    expect(code).toBe(3);
    expect(stderr).toMatch(/startmessagemovetask/);
    expect(stderr).not.toContain(redriveTag);
  });

  it.each(['FAILED', 'CANCELLED'])('reports another end of a move: %s', async (status) => {
    const queues = dead(3);
    queues.moves = [{ ...move, status, moved: 1, failure: 'CouldNotDetermineMessageSource' }];
    const { code, stderr } = await on(queues).cli('redrive');
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`${status} \\(CouldNotDetermineMessageSource\\), with 1 moved`));
  });
});
