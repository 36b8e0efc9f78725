import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inBatches } from '../../cli/inventory.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { hour, internal, start, World } from '../renewal/world.ts';
import { due, status } from '../renewal/zoo.ts';
import { records, stage } from './stage.ts';

describe('status', () => {
  it('lists every certificate, the most urgent first, and ends with 1 if one needs attention', async () => {
    const { code, stdout, stderr } = await stage().cli('status');
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^NAME +PROFILE +STATE +EXPIRES +RENEWS AT +REASON$/);
    const names = lines.slice(1).map((line) => line.split(/ +/)[0]);
    expect(names.slice(0, 2)).toEqual(['expired', 'overdue']);
    expect(names.at(-1)).toBe('fresh');
    expect(names).not.toContain('not-ours');
    expect(stdout).toMatch(/^fresh +internal +ok +in 375d +2\S+Z$/m);
    expect(stdout).toMatch(/^backing-off .* overdue, failing .* CaRejected: .*; 1 try, next try in 59m$/m);
    expect(stdout).toMatch(/^bad-tag .*failing.* InvalidTag: The tag cert-renewer:expires-in is "soon"/m);
    expect(stdout).toMatch(/^paused .*overdue, paused .* Paused: /m);
    expect(stdout).toMatch(/^replica .*paused.* Replica$/m);
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toBe(''); // cron would mail it
  });

  it('ends with 0 if nothing needs attention', async () => {
    const { cli } = stage();
    expect((await cli('status', 'fresh', 'new')).code).toBe(0);
    expect((await cli('status', 'overdue')).code).toBe(1);
    expect((await cli('status', '--profile', 'resting', '--json')).stdout.trim().split('\n')).toHaveLength(1);
  });

  it('prints the same as NDJSON with --json', async () => {
    const { stdout } = await stage().cli('status', 'backing-off', '--json');
    expect(records(stdout)).toMatchObject([
      {
        name: 'backing-off',
        profile: 'internal',
        state: 'overdue',
        states: ['overdue', 'failing'],
        notAfter: '2026-11-22T14:00:00Z',
        failure: { code: 'CaRejected', count: 1, at: '2026-11-22T11:59:00Z', nextTry: '2026-11-22T12:59:00Z' },
        overdue: true,
      },
    ]);
    expect(records((await stage().cli('status', 'new', '--json')).stdout)).toMatchObject([
      { state: 'unknown', notBefore: null, notAfter: null, renewAt: null, failure: null },
    ]);
  });

  describe('of declared certificates', () => {
    const failure = { [tags.versionId]: 'v1', [tags.failure]: '1 2026-11-22T11:59:00Z CaUnavailable' };
    const valid = status(start - hour, start + 9000 * hour);
    function declaredOnes() {
      const world = new World(internal);
      const add = (name: string, more: Record<string, string>) =>
        world.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...more } });
      add('away', { [tags.declared]: 'd1', ...failure });
      add('new', { [tags.declared]: 'd1' });
      add('anew', { [tags.declared]: 'd2', [tags.issued]: 'd1', ...valid });
      add('kept', { [tags.declared]: 'd1', [tags.issued]: 'd1', ...valid });
      return stage({ world });
    }

    it('shows what is missing or changed, with the last failure', async () => {
      const { code, stdout } = await declaredOnes().cli('status');
      expect(code).toBe(1); // a try has failed
      const lines = stdout.trimEnd().split('\n').slice(1);
      expect(lines.map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
        expect.stringMatching(
          /^away \| internal \| failing, missing \| - \| - \| CaUnavailable: .*; 1 try, next try in 4m$/,
        ),
        'new | internal | missing | - | -',
        expect.stringMatching(/^anew \| internal \| changed \| in 375d \| \S+Z$/),
        expect.stringMatching(/^kept \| internal \| ok, declared \| in 375d \| \S+Z$/),
      ]);
    });

    it('ends with 0 while nothing is failing or overdue', async () => {
      expect((await declaredOnes().cli('status', 'new', 'anew', 'kept')).code).toBe(0);
    });

    it('prints the same as NDJSON', async () => {
      const { stdout } = await declaredOnes().cli('status', '--json');
      expect(records(stdout)).toMatchObject([
        {
          name: 'away',
          state: 'failing',
          wanting: 'missing',
          declared: true,
          notAfter: null,
          failure: { code: 'CaUnavailable' },
        },
        { name: 'new', state: 'missing', declared: true, reason: { code: 'Missing' }, failure: null },
        { name: 'anew', state: 'changed', declared: true, wanting: 'changed', reason: { code: 'Changed' } },
        { name: 'kept', state: 'ok', declared: true, wanting: null },
      ]);
      expect(records((await stage().cli('status', 'fresh', '--json')).stdout)).toMatchObject([{ declared: false }]);
    });
  });

  it('reports an unknown name and one that is not enrolled, and lists the others', async () => {
    const { code, stdout, stderr } = await stage().cli('status', 'fresh', 'nowhere', 'not-ours');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fresh /m);
    expect(stderr).toMatch(/^nowhere: SecretNotFound: /m);
    expect(stderr).toMatch(/^not-ours: SecretNotEnrolled: .*cert-renewer enrol not-ours/m);
    const json = records((await stage().cli('status', 'nowhere', '--json')).stdout);
    expect(json).toMatchObject([{ name: 'nowhere', error: { errorType: 'SecretNotFound' } }]);
  });

  it('shows no control character of a wrong name', async () => {
    for (const words of [['\u001b[2J'], ['\u001b[2J', 'fresh']]) {
      const { stderr } = await stage().cli('status', ...words);
      expect(stderr).toMatch(/^\\u001b\[2J: /);
      expect(stderr).not.toContain('\u001b');
    }
  });

  it('fits the width of a terminal, uses colours without NO_COLOR, and clears its progress line', async () => {
    const world = new World(internal);
    const name = 'a'.repeat(200);
    world.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...due } });
    const { stdout, stderr } = await stage({ world, tty: true }).cli('status');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours, and the code that clears the line
    const plain = stdout.replace(/\u001b\[\d+m|\r\u001b\[2K/g, '');
    expect(stdout).toContain('\u001b[3'); // a colour
    expect(Math.max(...plain.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(plain.replace(/\s/g, '')).not.toContain('…');
    expect(plain.match(/a{9,}/g)?.join('').length, 'the whole name').toBe(200);
    expect(stderr).toContain('1 certificate …');
    expect(stderr).toContain('1 certificate: 1 overdue. 1 needs attention.\n');
    const bare = await stage({ world, tty: true, env: { NO_COLOR: '1' } }).cli('status');
    expect(bare.stdout.replace('\r\u001b[2K', '')).toBe(plain);
  });

  describe('of many with one cause', () => {
    function failing() {
      const world = new World(internal);
      const add = (name: string, more: Record<string, string>) =>
        world.store.add({ name, value: '{}', versionId: 'v1', tags: { [tags.profile]: 'internal', ...more } });
      const valid = status(start - hour, start + 9000 * hour);
      for (let i = 0; i < 115; i++) add(`web/${i}`, { ...valid, [tags.failure]: '1 2026-11-22T11:59:00Z CaRejected' });
      for (let i = 0; i < 5; i++) add(`db/${i}`, { ...valid, [tags.failure]: '1 2026-11-22T11:59:00Z CaUnavailable' });
      for (let i = 0; i < 60; i++) add(`ok/${i}`, valid);
      return world;
    }

    it('prints a group, and the names with --verbose', async () => {
      const { stdout } = await stage({ world: failing() }).cli('status');
      expect(stdout).toMatch(/^115 × CaRejected: /m);
      expect(stdout).not.toContain('× CaUnavailable'); // few have rows of their own
      expect(stdout.match(/^web\//gm)).toBeNull();
      expect(stdout.match(/^db\/\d/gm)).toHaveLength(5);
      expect(stdout.match(/^ok\/\d/gm), 'a pipe has every row').toHaveLength(60);
      const verbose = await stage({ world: failing() }).cli('status', '--verbose');
      expect(verbose.stdout).not.toContain('×');
      expect(verbose.stdout.match(/^web\/\d/gm)).toHaveLength(115);
    });

    it('names the stack in the commands', async () => {
      const { stdout, stderr } = await stage({ world: failing(), tty: true }).cli('status', '--stack', 'Staging');
      expect(stdout).toContain('cert-renewer status web/0 --stack Staging');
      expect(stderr.replace(/\s+/g, ' ')).toMatch(/what to do: cert-renewer status (web|db)\/\d+ --stack Staging/);
    });

    it('does not hide problems behind healthy rows on a terminal', async () => {
      const world = failing();
      const { stdout } = await stage({ world, tty: true }).cli('status');
      expect(stdout.match(/^ok\/\d/gm)).toHaveLength(20);
      expect(stdout).toContain('… 40 more ok (--verbose lists them)');
      const verbose = await stage({ world, tty: true }).cli('status', '--verbose');
      expect(verbose.stdout.match(/^ok\/\d/gm)).toHaveLength(60);
    });

    it('lists one state or several', async () => {
      const { stdout, code } = await stage({ world: failing() }).cli('status', '--state', 'ok', '--json');
      expect(records(stdout).map(({ state }) => state)).toEqual(Array.from({ length: 60 }, () => 'ok'));
      expect(code).toBe(0);
      expect((await stage({ world: failing() }).cli('status', '--state', 'broken')).code).toBe(2);
    });
  });

  it.each([60, 80, 120, 200])('never cuts a reason, at %i columns', async (columns) => {
    const { stdout } = await stage({ tty: true, columns, env: { NO_COLOR: '1' } }).cli('status');
    const plain = stdout.replaceAll('\r\u001b[2K', '');
    expect(Math.max(...plain.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(plain).not.toContain('…');
    const words = plain.replace(/\s+/g, ' ');
    expect(words).toContain('CaRejected: the CA refuses the request; 1 try, next try in 59m');
    expect(words).toContain('The tag cert-renewer:expires-in is "soon"');
    if (columns !== 80) expect(plain.includes('RENEWS AT')).toBe(columns >= 120);
  });

  it('makes control characters in names visible', async () => {
    const world = new World(internal);
    world.store.add({ name: 'a\u001b[2Jb\nc', value: '{}', tags: { [tags.profile]: 'internal' } });
    const { stdout } = await stage({ world }).cli('status');
    expect(stdout).toContain('a\\u001b[2Jb\\u000ac');
    expect(stdout).not.toContain('\u001b');
  });

  it('sorts rows that arrive together, and prints them before the last page arrives', async () => {
    let last = () => {};
    const lastPage = new Promise<void>((resolve) => {
      last = resolve;
    });
    async function* pages() {
      yield [2];
      yield [1];
      await lastPage;
      yield [3];
    }
    const batches: number[][] = [];
    for await (const batch of inBatches(pages(), 20)) {
      batches.push(batch);
      last();
    }
    expect(batches).toEqual([[2, 1], [3]]);
    async function* fails() {
      yield [1];
      await pause(5);
      throw new Error('gone');
    }
    const all = async () => {
      for await (const batch of inBatches(fails(), 1_000)) batches.push(batch);
    };
    await expect(all()).rejects.toThrow('gone');
  });

  it('repeats no key from its words, and no message of a library that may quote one', async () => {
    const key = '-----BEGIN PRIVATE KEY-----MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg';
    for (const words of [['status', key], ['renew', 'web', '--out', key], [`--${key}`]]) {
      const { code, stdout, stderr } = await stage().cli(...words);
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain('MIGH');
    }
    const quoting = { session: { deployment: () => Promise.reject(new Error(`Unexpected token in ${key}`)) } };
    const { code, stderr } = await stage(quoting).cli('status');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Internal: /);
    expect(stderr).not.toContain('MIGH');
  });

  it('ends with 3 and a message without a stack, and with 2 for a wrong command line', async () => {
    const broken = { session: { deployment: () => Promise.reject(new Error('no such host')) } };
    expect(await stage(broken).cli('status')).toEqual({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(/^Internal: /),
    });
    const json = await stage(broken).cli('status', '--json');
    expect(records(json.stderr)).toMatchObject([{ error: { errorType: 'Internal' } }]);
    expect((await stage().cli('statu')).code).toBe(2);
    expect((await stage().cli('status', '--nothing')).code).toBe(2);
    expect((await stage().cli()).code).toBe(2);
    const whole = (await stage().cli('--help')).stdout.split('\nUsage:')[0]?.split('\n') ?? [];
    // At the top, the examples are few enough to leave the list of commands on the screen.
    expect(whole.length).toBeLessThan(12);
    expect(whole.filter((line) => line.length > 80)).toEqual([]);
    const help = await stage().cli('status', '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Examples:\n/);
  });
});
