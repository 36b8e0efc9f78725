import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import { records, stage } from './stage.ts';

const counts = {
  ...{ listed: 9, enqueued: 3, notDue: 4, paused: 1, backingOff: 1, waiting: 0, invalid: 0, unknown: 1, overdue: 2 },
  ...{ durationMs: 1_234, plan: [] },
};
const answering = (answer: object) => stage({ invoke: () => ({ ...counts, ...answer }) });

describe('scan', () => {
  const requests: [string, string[], object][] = [
    ['everything', [], {}],
    ['names, each once', ['web', 'db', 'web'], { secretIds: ['web', 'db'] }],
    ['a profile', ['--profile', 'internal'], { profile: 'internal' }],
    ['due or not', ['web', '--force'], { secretIds: ['web'], force: true }],
  ];
  it.each(requests)('asks the scan function, as the schedule does: %s', async (_what, words, request) => {
    const { cli, requests: asked } = answering({});
    expect((await cli('scan', ...words)).code).toBe(0);
    expect(asked).toEqual([{ functionName: 'scan', request }]);
  });

  it('sums up the answer, without the counts of zero', async () => {
    const { stdout } = await answering({}).cli('scan');
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      expect.stringMatching(/^9 certificates scanned in 1s: 3 sent .*, 4 not due, 1 paused, 1 backing off\.$/),
      expect.stringMatching(/^1 of the 3 sent/),
      expect.stringMatching(/^2 overdue: .*cert-renewer status/),
    ]);
    const none = {
      listed: 0,
      enqueued: 0,
      notDue: 0,
      paused: 0,
      backingOff: 0,
      unknown: 0,
      overdue: 0,
      durationMs: 80,
    };
    expect((await answering(none).cli('scan')).stdout).toBe('0 certificates scanned in 80ms.\n');
    expect((await answering({ waiting: 2, invalid: 3 }).cli('scan')).stdout).toMatch(/2 waiting for the CA, 3 with an/);
    expect((await answering({ partial: true }).cli('scan')).stdout).toMatch(/out of time/);
  });

  it('prints the answer as one record with --json', async () => {
    const { code, stdout, stderr } = await answering({ notFound: ['nope'] }).cli('scan', 'nope', '--json');
    expect({ code, stderr, records: records(stdout) }).toEqual({
      ...{ code: 1, stderr: '' },
      records: [{ ...counts, notFound: ['nope'] }],
    });
  });

  it('reports names that are not enrolled', async () => {
    const { code, stderr } = await answering({ notFound: ['nope'] }).cli('scan', 'web', 'nope');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nope: SecretNotEnrolled: /);
  });

  it('quotes such a name for a shell, and names the stack', async () => {
    const ended = await answering({ notFound: ['a b'] }).cli('scan', 'a b', '--stack', 'Staging');
    expect(ended.stderr).toContain('cert-renewer status "a b" --stack Staging tells which');
  });

  it('shows no control character of an error', async () => {
    const invoke = () => {
      throw new FunctionFailure('AccessDenied', 'first\nsecond \u001b[2J\u202e');
    };
    const { stderr } = await stage({ invoke }).cli('scan');
    expect(stderr).toBe('AccessDenied: first\nsecond \\u001b[2J\\u202e\n');
  });

  it('says on a terminal where to look next', async () => {
    const looking = (enqueued: number) => stage({ tty: true, invoke: () => ({ ...counts, enqueued }) }).cli('scan');
    expect((await looking(3)).stderr).toContain('cert-renewer status');
    expect((await looking(0)).stderr).not.toContain('cert-renewer status');
  });

  const failures: [string, string, number, RegExp][] = [
    ['a request that the scan refuses is wrong usage', 'InvalidRequest', 2, /^Usage: the request is wrong/],
    ['a failure keeps its code', 'AccessDenied', 3, /^AccessDenied: the request is wrong/],
    [
      'one of Lambda is marked',
      'Runtime.ExitError',
      3,
      /^Runtime\.ExitError \(not an error of cert-renewer's own\): the request/,
    ],
  ];
  it.each(failures)('%s', async (_what, errorType, code, says) => {
    const invoke = () => {
      throw new FunctionFailure(errorType, 'the request is wrong');
    };
    const ended = await stage({ invoke }).cli('scan', '--profile', 'internal');
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(says);
  });

  it('refuses a profile that the stack lacks, and lists those it has', async () => {
    const { cli, requests } = stage({ session: { profileNames: async () => ['internal'] } });
    const { code, stderr } = await cli('scan', '--profile', 'intrenal');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^UnknownProfile: .*did you mean internal\?/),
    });
    expect(requests).toEqual([]);
  });
});
