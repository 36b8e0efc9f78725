/** A real process is killed at each step of writing the two files of `export`. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import { expect, it } from 'vitest';
import { writePair } from '../../cli/files/write-pair.ts';
import { run } from '../../testkit/tools/process.ts';

const program = fileURLToPath(new URL('../support/write-pair-process.ts', import.meta.url));

it('leaves both old files or both new ones, and the next export completes it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cert-renewer-killed-'));
  const read = (path: string) => readFile(path, 'utf8');
  /** Returns whether the process was killed, and the files after it. */
  async function killedAt(last: number): Promise<{ killed: boolean; isNew: boolean }> {
    const [certs, keys] = [join(folder, String(last), 'certs'), join(folder, String(last), 'private')];
    await Promise.all([certs, keys].map((each) => mkdir(each, { recursive: true })));
    const [cert, key] = [join(certs, 'web.crt'), join(keys, 'web.key')];
    await writeFile(cert, 'cert old');
    await writeFile(key, 'key old');
    const { code, output } = await run(process.execPath, [program, cert, key, String(last)]);
    const found = [await read(cert), await read(key)];
    expect(
      [
        ['cert old', 'key old'],
        ['cert new', 'key new'],
      ],
      `${last}: ${output}`,
    ).toContainEqual(found);
    if (code === 0) return { killed: false, isNew: true };
    const again = (path: string, words: string, mode: number) => ({
      path,
      bytes: new TextEncoder().encode(words),
      mode,
    });
    await writePair([again(cert, 'cert newer', 0o644), again(key, 'key newer', 0o600)], {
      ...{ force: true, entropy: randomBytes, pid: process.pid, isAlive: () => false },
    });
    expect([await read(cert), await read(key)], String(last)).toEqual(['cert newer', 'key newer']);
    expect([...(await readdir(certs)), ...(await readdir(keys))], String(last)).toEqual(['web.crt', 'web.key']);
    return { killed: true, isNew: found[0] === 'cert new' };
  }
  try {
    const four = pLimit(4);
    const ends = await Promise.all(Array.from({ length: 36 }, (_, i) => four(() => killedAt(i + 1))));
    const killed = ends.filter((end) => end.killed);
    expect(ends.at(-1)?.killed, 'the last of these numbers is beyond the last call').toBe(false);
    expect(killed.filter(({ isNew }) => isNew).length).toBeGreaterThan(5);
    expect(killed.filter(({ isNew }) => !isNew).length).toBeGreaterThan(10);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 90_000);
