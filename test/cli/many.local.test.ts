/** The command line with many certificates, as its own process, on a terminal and in a pipe. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { inPipe, onTerminal, screen } from '../support/command-line.ts';
import { type FakeAwsOptions, startFakeAws } from '../support/fake-aws.ts';
import { records } from './stage.ts';

const program = fileURLToPath(new URL('../../cli/cert-renewer.mjs', import.meta.url));
const names = (number: number) => Array.from({ length: number }, (_, i) => `web/${String(i).padStart(5, '0')}`);

async function withAws<T>(options: FakeAwsOptions, body: (env: Readonly<Record<string, string>>) => Promise<T>) {
  const aws = await startFakeAws(options);
  try {
    return await body(aws.env);
  } finally {
    await aws.close();
  }
}

/** A function that renews all of 200 secrets but one, and records requests and renewals. After `slowAfter` requests each takes a second. */
function renewing({ slowAfter = Number.POSITIVE_INFINITY } = {}) {
  const asked: string[] = [];
  const done: string[] = [];
  const renew = async ({ secretId }: Readonly<Record<string, unknown>>) => {
    asked.push(String(secretId));
    await pause(asked.length > slowAfter ? 1_000 : 5);
    if (secretId === 'web/00007') throw new RenewalError('CaRejected', 'The CA says no.');
    done.push(String(secretId));
    const told = { outcome: 'rekeyed', reason: { code: 'Requested', message: '' }, warnings: [] };
    return { ...told, keyAlgorithm: 'EC P-256', notAfter: '2026-11-23T12:00:00Z' };
  };
  return { asked, done, options: { names: names(200), renew } };
}

describe('renew --all with 200 certificates, one of which fails', () => {
  it('prints in a pipe a line for each and a summary, without progress, and ends with 1', async () => {
    const { asked, done, options } = renewing();
    const { code, stdout, output } = await withAws(options, (env) => inPipe(env, 'renew', '--all', '--json'));
    expect(code).toBe(1);
    expect(asked.toSorted()).toEqual(names(200));
    const lines = records(stdout);
    expect(lines.filter(({ outcome }) => outcome === 'rekeyed').map(({ secretId }) => secretId)).toEqual(
      expect.arrayContaining(done),
    );
    expect(lines.filter(({ outcome }) => outcome === 'failed')).toEqual([
      { secretId: 'web/00007', outcome: 'failed', error: { errorType: 'CaRejected', message: 'The CA says no.' } },
    ]);
    expect(lines).toHaveLength(200);
    expect(output).toContain('199 rekeyed, 1 failed of 200.\nFailed: web/00007\n');
    expect(output).not.toContain('\u001b');
  });

  it('shows progress on a terminal; after Ctrl-C it completes running requests and lists the untouched secrets', async () => {
    const { asked, done, options } = renewing({ slowAfter: 64 }); // else a busy machine is through before it types
    const { code, output } = await withAws(options, (env) =>
      onTerminal(env, ['renew', '--all', '--concurrency', '4'], { interruptAt: '\\] 60 of 200' }),
    );
    expect(code).toBe(130);
    expect(output).toMatch(/\[#######-+\] 60 of 200, 1 failed/);
    expect(asked.length).toBeGreaterThanOrEqual(60);
    expect(asked.length).toBeLessThan(100);
    expect(done).toHaveLength(asked.length - 1); // what had begun was waited for
    const shown = screen(output);
    const told = shown.filter((line) => / {2}rekeyed /.test(line)).map((line) => line.split(' ')[0]);
    expect(told.toSorted()).toEqual(done.toSorted());
    expect(shown.join('\n')).toContain(`${done.length} rekeyed, 1 failed, ${200 - asked.length} untouched of 200.`);
    const untouched = /^Untouched: (.*)$/m.exec(shown.join('\n'))?.[1]?.split(', ') ?? [];
    expect([...asked, ...untouched].toSorted()).toEqual(names(200));
    expect(
      shown.filter((line) => line.includes('] 6')),
      'the bar is taken away',
    ).toEqual([]);
  });
});

describe('status of 10,000 certificates', () => {
  const window = { 'version-id': 'v1', 'not-before': '2020-01-01T00:00:00Z', 'not-after': '2120-01-01T00:00:00Z' };

  it('prints the first rows in a pipe before the last page arrives', async () => {
    let last = () => {};
    const released = new Promise<void>((resolve) => {
      last = resolve;
    });
    const beforePage = async (page: number) => (page === 99 ? released : undefined);
    await withAws({ names: names(10_000), tags: window, beforePage }, async (env) => {
      const child = spawn(process.execPath, [program, 'status', '--json'], { env: { ...process.env, ...env } });
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        if (seen === 0) last(); // it would never come else
        expect(JSON.parse(line)).toMatchObject({ state: 'ok', profile: 'internal' });
        seen += 1;
      }
      const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
      expect({ code, seen }).toEqual({ code: 0, seen: 10_000 });
    });
  }, 90_000);

  it('shows on a terminal a progress line, a table that fits, the first healthy ones, and a sum', async () => {
    const number = 2_000;
    const { code, output } = await withAws({ names: names(number), tags: window }, (env) =>
      onTerminal(env, ['status'], { columns: 70 }),
    );
    expect(code).toBe(0);
    expect(output).toMatch(/\d+00 certificates …/);
    const shown = screen(output);
    expect(
      shown.filter((line) => /^web\/\d{5} +internal +ok +in \d+[dhms](?: \d+[hms])? +\S+Z$/.test(line)),
    ).toHaveLength(20);
    expect(shown.join('\n')).toContain(`… ${number - 20} more ok (--verbose lists them)`);
    expect(Math.max(...shown.map((line) => line.length))).toBeLessThanOrEqual(70);
    expect(shown.join('\n')).toContain(`${number} ok`);
    expect(output).toContain('\u001b[32mok');
  });

  it('ends without a message when the reader of the pipe has gone', async () => {
    let leave = () => {};
    const gone = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const beforePage = async (page: number) => (page === 1 ? gone : undefined);
    await withAws({ names: names(200), tags: window, beforePage }, async (env) => {
      const child = spawn(process.execPath, [program, 'status', '--json'], { env: { ...process.env, ...env } });
      let errors = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        errors += text;
      });
      await once(child.stdout, 'data');
      child.stdout.destroy();
      leave();
      const [code] = await once(child, 'close');
      expect({ code, errors }).toEqual({ code: 141, errors: '' });
    });
  });
});
