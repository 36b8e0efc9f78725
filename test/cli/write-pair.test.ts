/** The files of `export` at every step: at no moment one is old and the other new. */
import { randomBytes } from 'node:crypto';
import * as real from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileSystem, writePair } from '../../cli/files/write-pair.ts';

let folder: string;
beforeAll(async () => {
  folder = await real.mkdtemp(join(tmpdir(), 'cert-renewer-pair-'));
});
afterAll(() => real.rm(folder, { recursive: true }));

/** Milliseconds. The test writes hundreds of files, perhaps on a slow disk and beside other tests. */
const patience = 60_000;
const text = (value: string) => new TextEncoder().encode(value);
const read = (path: string) => real.readFile(path, 'utf8').catch(() => undefined);

/** The disk without fsync, which takes most of the time: these tests check the order only. */
const quick: FileSystem = {
  ...real,
  open: async (path, ...more) => {
    const handle = await real.open(path, ...more);
    handle.sync = async () => undefined;
    return handle;
  },
  writeFile: (path, data, options) => real.writeFile(path, data, { ...Object(options), flush: false }),
};

/** Two folders as on many systems: certs is readable for all, private is not. */
async function place(old: readonly [string | undefined, string | undefined]) {
  const root = await real.mkdtemp(join(folder, 'at-'));
  const [certs, keys] = [join(root, 'certs'), join(root, 'private')];
  const [cert, key] = [join(certs, 'web.crt'), join(keys, 'web.key')];
  await Promise.all([certs, keys].map((each) => real.mkdir(each)));
  if (old[0] !== undefined) await real.writeFile(cert, old[0], { mode: 0o640 });
  if (old[1] !== undefined) await real.writeFile(key, old[1], { mode: 0o640 });
  const write = (words: string, fs: FileSystem = quick, isAlive = false) =>
    writePair(
      [
        { path: cert, bytes: text(`cert ${words}`), mode: 0o644 },
        { path: key, bytes: text(`key ${words}`), mode: 0o600 },
      ],
      { force: true, entropy: randomBytes, pid: process.pid, isAlive: () => isAlive, fs },
    );
  const pair = async () => [await read(cert), await read(key)];
  const left = async () => [...(await real.readdir(certs)), ...(await real.readdir(keys))].sort();
  return { write, pair, left, cert, key, certs, keys };
}

class Killed extends Error {}

/** Fails at the call with this number and at all later ones, as if the process were killed. */
function dyingAt(last: number): { fs: FileSystem; calls: () => number } {
  return counting((call) => (call >= last ? new Killed() : undefined));
}

/** A file system that counts its calls and fails with what `errorOf` returns for a call. */
function counting(errorOf: (call: number) => Error | undefined): { fs: FileSystem; calls: () => number } {
  let calls = 0;
  const fs = new Proxy<FileSystem>(quick, {
    get:
      (target, name: keyof FileSystem) =>
      (...given: unknown[]) => {
        calls += 1;
        const error = errorOf(calls);
        return error ? Promise.reject(error) : Reflect.apply(target[name], target, given);
      },
  });
  return { fs, calls: () => calls };
}

describe.each([
  ['two files that are there', ['cert old', 'key old']],
  ['two new files', [undefined, undefined]],
  ['one that is there', [undefined, 'key old']],
] as const)('%s', (_, old) => {
  it('are replaced, and no other file is left', async () => {
    const { write, pair, left, key, cert } = await place(old);
    await write('new', real);
    expect(await pair()).toEqual(['cert new', 'key new']);
    expect(await left()).toEqual(['web.crt', 'web.key']);
    expect((await real.lstat(key)).isFile()).toBe(true);
    expect((await real.lstat(key)).mode & 0o777).toBe(0o600);
    expect((await real.lstat(cert)).mode & 0o777).toBe(0o644);
  });

  it(
    'are both old or both new wherever the export is killed, and the next export succeeds',
    async () => {
      const complete = dyingAt(Number.POSITIVE_INFINITY);
      await (await place(old)).write('new', complete.fs);
      expect(complete.calls()).toBeGreaterThan(40);
      const killedAt = async (last: number): Promise<boolean> => {
        const { write, pair, left, key } = await place(old);
        await expect(write('new', dyingAt(last).fs), String(last)).rejects.toBeInstanceOf(Killed);
        const found = await pair();
        const isNew = found[0] === 'cert new';
        expect(found, `killed at ${last}`).toEqual(isNew ? ['cert new', 'key new'] : old);
        if (isNew) expect((await real.stat(key)).mode & 0o777).toBe(0o600);
        await write('newer');
        expect(await pair(), `after ${last}`).toEqual(['cert newer', 'key newer']);
        expect(await left(), `after ${last}`).toEqual(['web.crt', 'web.key']);
        return isNew;
      };
      const ends = await Promise.all(Array.from({ length: complete.calls() }, (_unused, i) => killedAt(i + 1)));
      expect(ends.lastIndexOf(false), 'once new, always new').toBe(ends.indexOf(true) - 1);
      const committed = ends.filter(Boolean).length;
      expect(committed).toBeGreaterThan(5);
      expect(committed).toBeLessThan(complete.calls() - 20);
    },
    patience,
  );
});

it(
  'keeps the pair whole if an export is killed while it settles a killed one',
  async () => {
    const killedTwice = async (first: number, second: number) => {
      const { write, pair, left } = await place(['cert old', 'key old']);
      await write('new', dyingAt(first).fs).catch(() => undefined);
      const before = await pair();
      await write('newer', dyingAt(second).fs).catch(() => undefined);
      expect([before, ['cert newer', 'key newer']], `${first}, ${second}`).toContainEqual(await pair());
      await write('newest');
      expect(await left()).toEqual(['web.crt', 'web.key']);
    };
    for (const first of [33, 41, 49]) {
      await Promise.all(Array.from({ length: 30 }, (_, second) => killedTwice(first, second + 1)));
    }
  },
  patience,
);

it(
  'an error of the disk at any step leaves the old pair or the new one, as plain files, and nothing else',
  async () => {
    for (let at = 1; at < 60; at++) {
      const { write, pair, left, key } = await place(['cert old', 'key old']);
      const full = Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', syscall: 'write' });
      const { fs } = counting((call) => (call === at ? full : undefined));
      await write('new', fs).catch((error: unknown) => expect(String(error), String(at)).toMatch(/ENOSPC/));
      expect(
        [
          ['cert old', 'key old'],
          ['cert new', 'key new'],
        ],
        String(at),
      ).toContainEqual(await pair());
      if ((await left()).length > 2) await write('newer'); // it failed while clearing up
      expect(await left(), String(at)).toEqual(['web.crt', 'web.key']);
      expect((await real.lstat(key)).isFile(), String(at)).toBe(true);
    }
  },
  patience,
);

it('two exports at the same time leave no mixture: one fails, or both complete in turn', async () => {
  const { write, pair, left } = await place(['cert old', 'key old']);
  const ends = await Promise.allSettled([write('a', quick, true), write('b', quick, true), write('c', quick, true)]);
  for (const end of ends) if (end.status === 'rejected') expect(String(end.reason)).toMatch(/being written by/);
  expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true);
  const [cert, key] = await pair();
  expect(cert?.split(' ')[1]).toBe(key?.split(' ')[1]);
  expect(await left()).toEqual(['web.crt', 'web.key']);
});

it('writes through the user’s own links, and refuses a path that is no file, the same path twice, and a missing folder', async () => {
  const { cert, key, certs, write } = await place(['cert old', 'key old']);
  await real.rename(key, join(certs, 'real.key'));
  await real.symlink(join(certs, 'real.key'), key);
  await write('new');
  expect((await real.lstat(key)).isSymbolicLink()).toBe(true);
  expect(await read(join(certs, 'real.key'))).toBe('key new');
  const options = { force: true, entropy: randomBytes, pid: process.pid, isAlive: () => false };
  const to = (path: string) =>
    writePair(
      [
        { path: cert, bytes: text('x'), mode: 0o644 },
        { path, bytes: text('y'), mode: 0o600 },
      ],
      options,
    );
  await expect(to(cert)).rejects.toThrow(/name two files/);
  await expect(to(certs)).rejects.toThrow(/not a plain file/);
  await expect(to(join(certs, 'nowhere', 'k'))).rejects.toThrow(/There is no folder/);
  expect(await read(cert)).toBe('cert new');
});
