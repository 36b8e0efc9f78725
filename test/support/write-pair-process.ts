/**
 * Writes a pair of files, and is killed before the given call that changes something: `node write-pair-process.ts <cert> <key>
 * <number>`.
 */
import { randomBytes } from 'node:crypto';
import * as real from 'node:fs/promises';
import { type FileSystem, writePair } from '../../cli/files/write-pair.ts';

const [cert = '', key = '', last = ''] = process.argv.slice(2);
const reading = new Set<keyof FileSystem>(['lstat', 'open', 'readdir', 'readFile', 'readlink', 'realpath', 'stat']);
let calls = 0;
const fs = new Proxy<FileSystem>(real, {
  get:
    (target, name: keyof FileSystem) =>
    (...given: unknown[]) => {
      if (!reading.has(name)) calls += 1;
      if (calls === Number(last) && !reading.has(name)) process.kill(process.pid, 'SIGKILL');
      return Reflect.apply(target[name], target, given);
    },
});
const text = (words: string) => new TextEncoder().encode(words);
await writePair(
  [
    { path: cert, bytes: text('cert new'), mode: 0o644 },
    { path: key, bytes: text('key new'), mode: 0o600 },
  ],
  { force: true, entropy: randomBytes, pid: process.pid, isAlive: () => false, fs },
);
