import { describe, expect, it } from 'vitest';
import { FunctionFailure } from '../../cli/aws/functions.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { internal, World } from '../renewal/world.ts';
import { zoo } from '../renewal/zoo.ts';
import { records, stage } from './stage.ts';

const renewed = (request: Record<string, unknown>) => ({
  outcome: request['dryRun'] ? 'planned' : 'rekeyed',
  reason: { code: 'Requested', message: 'Asked for.' },
  warnings: [],
  secretArn: `arn:${request['secretId']}`,
  keyAlgorithm: 'EC P-256',
  notAfter: '2026-11-23T12:00:00Z',
});
const answering = (name: string, request: Record<string, unknown>) => {
  if (name !== 'renew') throw new Error(`asked ${name}`);
  if (request['secretId'] === 'bad') throw new FunctionFailure('CaRejected', 'The CA says no.');
  return renewed(request);
};

function many(number: number): World {
  const world = new World(internal);
  for (let i = 0; i < number; i++) {
    const name = `c${String(i).padStart(3, '0')}`;
    world.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal' } });
  }
  return world;
}

describe('renew', () => {
  it('sends every option as a field of the on-demand request', async () => {
    const { cli, requests } = stage({ invoke: answering });
    const words = '--mode rekey --expires-in 8h --kty EC --crv P-384 --out other --force --dry-run';
    expect((await cli('renew', 'web', ...words.split(' '))).code).toBe(0);
    await cli('renew', 'web', '--kty', 'RSA', '--size', '4096', '--rekey-period', '16h');
    for (const key of ['keys/web', 'alias/web', 'arn:aws:kms:us-east-1:1:key/k', 'kms:k']) {
      await cli('renew', 'web', '--private-key', key);
    }
    expect(requests.map(({ request }) => request)).toEqual([
      {
        ...{ secretId: 'web', mode: 'rekey', expiresIn: '8h', kty: 'EC', curve: 'P-384' },
        ...{ out: { secretId: 'other' }, force: true, dryRun: true },
      },
      { secretId: 'web', kty: 'RSA', size: 4096, rekeyPeriod: '16h' },
      { secretId: 'web', privateKey: { secretId: 'keys/web' } },
      { secretId: 'web', privateKey: { kmsKeyId: 'alias/web' } },
      { secretId: 'web', privateKey: { kmsKeyId: 'arn:aws:kms:us-east-1:1:key/k' } },
      { secretId: 'web', privateKey: { kmsKeyId: 'k' } },
    ]);
  });

  it('says of a CA that has not finished what it waits for, and ends with 0', async () => {
    const message = 'It waits for its CA since 2026-11-22T12:00:00Z: the CA validates the names.';
    const pending = { outcome: 'pending', reason: { code: 'WaitingForCa', message } };
    const { code, stdout } = await stage({ invoke: (_, request) => ({ ...renewed(request), ...pending }) }).cli(
      'renew',
      'web',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^web +pending +WaitingForCa: It waits for its CA since .*names\.\n$/);
  });

  it.each([
    ['renew', /by names, by --profile or by --all/],
    ['renew web --all', /exactly one of the three/],
    ['renew web --curve P-256', /^Usage: .*--curve is set without --kty/],
    ['renew web --expires-in 1h --rekey-period 1h', /--expires-in and --rekey-period are both set/],
    ['renew web --expires-in soon', /--expires-in: found "soon"/],
    ['renew web --mode renew --kty EC', /--mode is renew/],
    ['renew web --kty RSA --size many', /--size/],
    ['renew web --kty EC --curve P-256 --crv P-384', /different values/],
    ['renew a b --out c', /--out/],
    ['renew web --concurrency 0', /from 1 to 50/],
    ['renew web --kty DSA', /Allowed choices are EC, OKP, RSA/],
  ])('refuses %s before the first request', async (words, message) => {
    const { cli, requests } = stage({ invoke: answering });
    const { code, stdout, stderr } = await cli(...words.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(requests).toEqual([]);
  });

  it('and status refuse a profile that the stack does not have', async () => {
    for (const command of ['renew', 'status']) {
      const { code, stderr } = await stage({ invoke: answering }).cli(command, '--profile', 'nowhere');
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^UnknownProfile: .*nowhere/) });
    }
  });

  it('continues after a failure: a line for each, a summary, exit code 1', async () => {
    const { code, stdout, stderr } = await stage({ invoke: answering }).cli('renew', 'a', 'bad', 'c', 'a');
    expect(code).toBe(1);
    expect(stdout.trimEnd().split('\n').sort()).toEqual([
      'a    rekeyed  EC P-256, until 2026-11-23T12:00:00Z',
      'bad  failed   CaRejected: The CA says no.',
      'c    rekeyed  EC P-256, until 2026-11-23T12:00:00Z',
    ]);
    expect(stderr).toBe('2 rekeyed, 1 failed of 3.\nFailed: bad\n');
    const json = records((await stage({ invoke: answering }).cli('renew', 'bad', '--json')).stdout);
    expect(json).toEqual([
      { secretId: 'bad', outcome: 'failed', error: { errorType: 'CaRejected', message: 'The CA says no.' } },
    ]);
  });

  it('shows the names of an issued certificate, and the certificate that it replaces', async () => {
    const invoke = (_: string, request: Record<string, unknown>) => ({
      ...renewed(request),
      outcome: 'issued',
      sans: ['dns:web.example', 'ip:10.0.0.7'],
      previousSerialNumber: request['secretId'] === 'web' ? null : '19f2c3',
    });
    const { cli } = stage({ invoke });
    const { code, stdout } = await cli('renew', 'web', 'api', '--concurrency', '1');
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'web  issued   EC P-256 for dns:web.example ip:10.0.0.7, the first, until 2026-11-23T12:00:00Z',
        'api  issued   EC P-256 for dns:web.example ip:10.0.0.7, replaces 19f2c3, until 2026-11-23T12:00:00Z\n',
      ].join('\n'),
    );
  });

  it('--all selects the secrets that this stack may write, and limits the requests at the same time', async () => {
    let now = 0;
    let most = 0;
    const invoke = async (_: string, request: Record<string, unknown>) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return renewed(request);
    };
    const { cli, requests } = stage({ invoke });
    expect((await cli('renew', '--all', '--concurrency', '3')).code).toBe(0);
    expect(most).toBe(3);
    const names = requests.map(({ request }) => request['secretId']);
    expect(names).toContain('paused'); // the function says that it is
    for (const name of ['unknown-profile', 'replica', 'rotated', 'managed', 'deleted', 'not-ours']) {
      expect(names).not.toContain(name);
    }
  });

  it('completes running requests after Ctrl-C, and lists the untouched secrets', async () => {
    const world = many(30);
    const staged = stage({
      world,
      tty: true,
      invoke: async (_, request) => {
        if (request['secretId'] === 'c007') staged.interrupt();
        await new Promise((resolve) => setImmediate(resolve));
        return renewed(request);
      },
    });
    const { code, stdout, stderr } = await staged.cli('renew', '--all', '--concurrency', '4');
    expect(code).toBe(130);
    const asked = staged.requests.length;
    expect(asked).toBeLessThanOrEqual(11);
    expect(stdout.trimEnd().split('\n')).toHaveLength(asked);
    expect(stderr).toMatch(/Stopping: waiting for .*c007/);
    expect(stderr).toContain(`${asked} rekeyed, ${30 - asked} untouched of 30.`);
    expect(stderr).toMatch(/Untouched: .*c029\n/);
    expect(stderr).toContain('] 7 of 30');
    expect(staged.exits).toEqual([]);
  });

  it('ends at once after a second Ctrl-C; a read-only command ends after the first', async () => {
    const staged = stage({
      invoke: () => {
        staged.interrupt();
        staged.interrupt();
        return renewed({});
      },
    });
    await staged.cli('renew', 'web');
    expect(staged.exits).toEqual([130]);
    const looking = stage({
      invoke: () => {
        looking.interrupt();
        return { plan: [], listed: 0 };
      },
    });
    await looking.cli('plan');
    expect(looking.exits).toEqual([130]);
  });
});

describe('plan', () => {
  const entry = {
    ...{ secretArn: 'arn:web', name: 'web', profile: 'internal', action: 'skip' },
    ...{ reason: { code: 'NotDue', message: 'There is time.' }, notAfter: null, renewAt: null },
  };

  it('asks the scan for a dry run, and prints a line with a reason for each certificate', async () => {
    const { cli, requests } = stage({ invoke: () => ({ plan: [entry], listed: 1 }) });
    const { code, stdout } = await cli('plan', 'web', 'gone', '--profile', 'internal', '--force');
    expect(requests).toEqual([
      {
        functionName: 'scan',
        request: { dryRun: true, secretIds: ['web', 'gone'], profile: 'internal', force: true },
      },
    ]);
    expect(stdout).toMatch(/^web +internal +skip +NotDue: There is time\.$/m);
    expect(code).toBe(1); // gone is not in the plan
    expect((await cli('plan')).code).toBe(0);
  });

  it.each([
    ['Missing', 'It is declared, and there is no certificate so far.'],
    ['Changed', 'Its declaration has changed.'],
  ])('shows the action issue and the reason %s', async (code, message) => {
    const issue = { ...entry, action: 'issue', reason: { code, message } };
    const { cli } = stage({ invoke: () => ({ plan: [issue], listed: 1 }) });
    const ended = await cli('plan');
    expect(ended.stdout).toContain(`web   internal  issue   ${code}: ${message}`);
    expect(ended.code).toBe(0);
    expect(records((await cli('plan', '--json')).stdout)).toEqual([issue]);
  });

  it('warns of a window that does not apply as it is set, from the tags', async () => {
    const world = zoo();
    world.store.setTags('due', { [tags.expiresIn]: '9999h' });
    const due = { ...entry, name: 'due', secretArn: world.store.summary('due').arn };
    const { cli } = stage({ world, invoke: () => ({ plan: [entry, due], listed: 2 }) });
    for (const words of [['plan'], ['plan', 'due'], ['plan', '--profile', 'internal']]) {
      expect((await cli(...words)).stderr, words.join(' ')).toMatch(/^due: warning WindowClamped: .*a third/m);
    }
    expect(records((await cli('plan', '--json')).stdout)).toMatchObject([
      entry,
      { name: 'due', warnings: [{ code: 'WindowClamped' }] },
    ]);
  });

  it('works without the permission to read the tags, and says that warnings are left out', async () => {
    const denied = () => Promise.reject(new RenewalError('AccessDenied', 'You may not.'));
    const { cli } = stage({ invoke: () => ({ plan: [entry], listed: 1 }), session: { deployment: denied } });
    const { code, stdout, stderr } = await cli('plan', '--profile', 'internal');
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'Warnings about windows are left out: You may not.\n' });
    expect(stdout).toContain('NotDue');
  });

  it('refuses an unknown profile without asking the scan, and words its answers for a terminal', async () => {
    const paused = { code: 'Paused', message: 'Paused by the tag x. Use force to renew it anyway.' };
    const { cli, requests } = stage({ invoke: () => ({ plan: [{ ...entry, reason: paused }], listed: 1 }) });
    expect(await cli('plan', '--profile', 'intrenal')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^UnknownProfile: .*did you mean internal\?/),
    });
    expect(requests).toEqual([]);
    expect((await cli('plan')).stdout).toContain('renew --force');
    expect((await cli('renew', 'web', '--out', 'web2', '--kty', 'EC', '--mode', 'renew')).stderr).toMatch(/--mode is/);
  });

  it('ends as a failed command if the scan fails, with the code of the scan', async () => {
    const invoke = () => {
      throw new FunctionFailure('InvalidRequest', '$.secretIds: found a string.');
    };
    expect(await stage({ invoke }).cli('plan')).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^InvalidRequest: /),
    });
  });

  it('reports a plan that is cut, and a named secret that is not in it', async () => {
    const { cli } = stage({ invoke: () => ({ plan: [entry], listed: 9_000, planTruncated: true }) });
    expect((await cli('plan')).stderr).toContain('1 of 9000');
    const { stdout } = await cli('plan', 'gone', '--json');
    expect(records(stdout)).toMatchObject([entry, { name: 'gone', error: { errorType: 'SecretNotEnrolled' } }]);
  });

  it('uses the scan’s list of secrets that were not found, as the plan may be cut', async () => {
    const { cli } = stage({
      invoke: () => ({ plan: [entry], listed: 9_000, planTruncated: true, notFound: ['gone'] }),
    });
    const { stdout, code } = await cli('plan', 'behind-the-end', 'gone', '--json');
    expect(records(stdout)).toMatchObject([entry, { name: 'gone', error: { errorType: 'SecretNotEnrolled' } }]);
    expect(code).toBe(1);
    const found = stage({ invoke: () => ({ plan: [entry], listed: 9_000, planTruncated: true, notFound: [] }) });
    expect((await found.cli('plan', 'behind-the-end')).code).toBe(0);
  });
});
