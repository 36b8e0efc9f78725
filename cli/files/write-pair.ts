/**
 * Two files that change together, in any folders. One rename can't replace two files. So for a moment both paths are symbolic
 * links through a third link, `current`, and one rename replaces that:
 *
 *   1. prepare   a folder beside the certificate, the workshop: the old files copied, the new ones written, `current` → old
 *   2. lock      the workshop gets its final name, which only one export can take
 *   3. link      each path becomes a link to current/…: a reader still finds the old pair
 *   4. commit    `current` → new, by one rename
 *   5. settle    each path becomes a plain file with the content behind its link: a reader still finds the new pair
 *   6. clear     the workshop is removed
 *
 * If the process is killed at any point, both paths lead to the old pair (or to nothing, if there was none) or both to the new
 * one. The next export first settles such a workshop, by step 5.
 */
import * as files from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Entropy } from '../../lambdas/domain/ports.ts';

export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** The calls of node:fs/promises in use. A test ends the process at each of them. */
export type FileSystem = Pick<
  typeof files,
  | 'chmod'
  | 'chown'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'readdir'
  | 'readFile'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'stat'
  | 'symlink'
  | 'writeFile'
>;

export interface WriteOptions {
  /** Whether existing files may be replaced. */
  readonly force: boolean;
  readonly entropy: Entropy;
  /** The id of this process, and whether another process is alive. */
  readonly pid: number;
  readonly isAlive: (pid: number) => boolean;
  readonly fs?: FileSystem;
}

const workshopEnd = '.cert-renewer-export';

/** Throws OutputExists, and InvalidRequest (no such folder, no plain file, another export is running, an error of the disk). */
export async function writePair(pair: readonly [NewFile, NewFile], options: WriteOptions): Promise<void> {
  const { fs = files } = options;
  try {
    await write(fs, pair, options);
  } catch (thrown) {
    if (thrown instanceof RenewalError || !(thrown instanceof Error && 'syscall' in thrown)) throw thrown;
    throw new RenewalError('InvalidRequest', `The files can't be written, and are unchanged: ${thrown.message}.`, {
      cause: thrown,
    });
  }
}

async function write(fs: FileSystem, pair: readonly [NewFile, NewFile], options: WriteOptions): Promise<void> {
  for (const { path } of pair) await finishEarlier(fs, path, options);
  const [first, second] = [await placeOf(fs, pair[0].path), await placeOf(fs, pair[1].path)];
  if (first.path === second.path) {
    throw new RenewalError('InvalidRequest', `Certificate and key would both be ${first.path}: name two files.`);
  }
  const there = [first, second].filter(({ exists }) => exists).map(({ path }) => path);
  if (there.length > 0 && !options.force) {
    throw new RenewalError('OutputExists', `${there.join(' and ')} would be overwritten: give --force to allow it.`);
  }
  const workshop = workshopOf(first.path);
  const wanted = [
    { ...pair[0], ...first, role: 'cert' },
    { ...pair[1], ...second, role: 'key' },
  ];
  const draft = besides(workshop, options);
  try {
    await prepare(fs, draft, wanted, options.pid);
    await lock(fs, draft, workshop);
  } catch (thrown) {
    await fs.rm(draft, { recursive: true, force: true });
    throw thrown;
  }
  try {
    for (const { path, role } of wanted) await link(fs, path, join(workshop, 'current', role));
    await pointTo(fs, workshop, 'new'); // the commit
  } finally {
    await settleAll(fs, workshop, options); // after a failure before the commit this restores the old pair
  }
}

interface Place {
  readonly path: string;
  readonly exists: boolean;
}

interface Wanted extends NewFile, Place {
  readonly role: string;
}

const isMissing = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && (thrown.code === 'ENOENT' || thrown.code === 'ENOTDIR');

async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch((thrown: unknown) => {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  });
}

/** Follows the user's own links to the file; the links stay. */
async function placeOf(fs: FileSystem, path: string): Promise<Place> {
  const found = await unlessMissing(fs.realpath(path));
  if (found === undefined) {
    const folder = await unlessMissing(fs.realpath(dirname(path)));
    if (folder !== undefined) return { path: join(folder, basename(path)), exists: false };
    throw new RenewalError('InvalidRequest', `There is no folder ${dirname(path)}: create it first.`);
  }
  if ((await fs.stat(found)).isFile()) return { path: found, exists: true };
  throw new RenewalError('InvalidRequest', `${path} is not a plain file: name a file.`);
}

const workshopOf = (path: string): string => join(dirname(path), `.${basename(path)}${workshopEnd}`);
const siblingOf = (path: string): string => join(dirname(path), `.${basename(path)}.cert-renewer-new`);
/** The name of a workshop that no link leads to. It contains the process id. */
const besides = (workshop: string, { pid, entropy }: WriteOptions): string =>
  `${workshop}.${pid}-${Buffer.from(entropy(6)).toString('hex')}`;

// ---- 1 and 2 -------------------------------------------------------------------------------------------------------

async function prepare(fs: FileSystem, draft: string, wanted: readonly Wanted[], pid: number): Promise<void> {
  await fs.mkdir(draft, { mode: 0o755 }); // readers reach their file through this folder for a moment
  const paths = wanted.map(({ path }) => path);
  await put(fs, join(draft, 'owner'), new TextEncoder().encode(JSON.stringify({ pid, paths })), 0o600);
  await fs.mkdir(join(draft, 'old'), { mode: 0o755 });
  await fs.mkdir(join(draft, 'new'), { mode: 0o755 });
  for (const { role, bytes, mode, path, exists } of wanted) {
    await put(fs, join(draft, 'new', role), bytes, mode);
    if (exists) await copy(fs, path, join(draft, 'old', role));
  }
  await fs.symlink('old', join(draft, 'current'));
  for (const folder of ['old', 'new', '.']) await flush(fs, join(draft, folder));
}

async function lock(fs: FileSystem, draft: string, workshop: string): Promise<void> {
  try {
    await fs.rename(draft, workshop); // fails if the workshop exists, as it is never empty
  } catch (thrown) {
    const taken = thrown instanceof Error && 'code' in thrown && /^(ENOTEMPTY|EEXIST)$/.test(String(thrown.code));
    throw taken ? underWay(workshop) : thrown;
  }
  await flush(fs, dirname(workshop));
}

function underWay(workshop: string, pid?: number): RenewalError {
  const who = pid === undefined ? 'another export' : `the export of process ${pid}`;
  return new RenewalError(
    'InvalidRequest',
    `These files are being written by ${who}: wait for it, or end it. (If no export is running, remove ${workshop}.)`,
  );
}

/** Writes and flushes to the disk before any link leads to the file. */
async function put(fs: FileSystem, path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await fs.writeFile(path, bytes, { mode: 0o600, flag: 'wx', flush: true });
  if (mode !== 0o600) await fs.chmod(path, mode);
}

/** Copies content, mode and, if this process may, owner. */
async function copy(fs: FileSystem, from: string, to: string): Promise<void> {
  const { mode, uid, gid } = await fs.stat(from);
  await put(fs, to, await fs.readFile(from), mode & 0o777);
  await fs.chown(to, uid, gid).catch(() => undefined);
}

async function flush(fs: FileSystem, folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// ---- 3 and 4 -------------------------------------------------------------------------------------------------------

async function link(fs: FileSystem, path: string, target: string): Promise<void> {
  const sibling = siblingOf(path);
  await fs.rm(sibling, { force: true });
  await fs.symlink(target, sibling);
  await fs.rename(sibling, path);
  await flush(fs, dirname(path));
}

async function pointTo(fs: FileSystem, workshop: string, target: string): Promise<void> {
  await fs.symlink(target, join(workshop, 'next'));
  await fs.rename(join(workshop, 'next'), join(workshop, 'current'));
  await flush(fs, workshop);
}

// ---- 5 and 6, and workshops of killed exports ----------------------------------------------------------------------

interface Owner {
  readonly pid: number;
  readonly paths: readonly string[];
}

async function settleAll(fs: FileSystem, workshop: string, options: WriteOptions): Promise<void> {
  const owner = await ownerOf(fs, workshop);
  for (const path of owner?.paths ?? []) await settle(fs, path, workshop);
  // Under another name: the next export may take this one while the folder is removed.
  const cleared = besides(workshop, options);
  await unlessMissing(fs.rename(workshop, cleared));
  await fs.rm(cleared, { recursive: true, force: true });
}

/** Undefined if the workshop does not exist. */
async function ownerOf(fs: FileSystem, workshop: string): Promise<Owner | undefined> {
  const text = await unlessMissing(fs.readFile(join(workshop, 'owner'), 'utf8'));
  if (text === undefined) return undefined;
  const { pid, paths }: Partial<Owner> = JSON.parse(text);
  return typeof pid === 'number' && Array.isArray(paths) ? { pid, paths } : undefined;
}

async function settle(fs: FileSystem, path: string, workshop: string): Promise<void> {
  const sibling = siblingOf(path);
  await fs.rm(sibling, { force: true });
  const target = await targetOf(fs, path);
  if (target === undefined || dirname(dirname(target)) !== workshop) return; // a plain file already
  if (await unlessMissing(fs.stat(path))) {
    await copy(fs, path, sibling);
    await fs.rename(sibling, path);
  } else {
    await fs.rm(path); // there was no file before
  }
  await flush(fs, dirname(path));
}

async function targetOf(fs: FileSystem, path: string): Promise<string | undefined> {
  const found = await unlessMissing(fs.lstat(path));
  return found?.isSymbolicLink() ? fs.readlink(path) : undefined;
}

/** Settles what a killed export left for this path. Throws InvalidRequest if that export is still running. */
async function finishEarlier(fs: FileSystem, path: string, options: WriteOptions): Promise<void> {
  const folder = await unlessMissing(fs.realpath(dirname(path)));
  if (folder === undefined) return; // placeOf says so
  const named = join(folder, basename(path));
  const target = await targetOf(fs, named);
  const behind = target === undefined ? '' : dirname(dirname(target));
  const workshops = new Set([workshopOf(named)]);
  if (behind.endsWith(workshopEnd)) workshops.add(behind);
  else workshops.add(workshopOf((await unlessMissing(fs.realpath(path))) ?? named));
  for (const workshop of workshops) {
    await removeDrafts(fs, workshop, options);
    if (!(await unlessMissing(fs.lstat(workshop)))) continue;
    await claim(fs, workshop, options);
    await settleAll(fs, workshop, options);
  }
}

async function removeDrafts(fs: FileSystem, workshop: string, { isAlive }: WriteOptions): Promise<void> {
  const names = (await unlessMissing(fs.readdir(dirname(workshop)))) ?? [];
  for (const name of names.filter((each) => each.startsWith(`${basename(workshop)}.`))) {
    const pid = Number.parseInt(name.slice(basename(workshop).length + 1), 10);
    if (!isAlive(pid)) await fs.rm(join(dirname(workshop), name), { recursive: true, force: true });
  }
}

/** Makes sure that only one process settles a workshop. Throws InvalidRequest. */
async function claim(fs: FileSystem, workshop: string, options: WriteOptions): Promise<void> {
  const owner = await ownerOf(fs, workshop);
  if (owner && options.isAlive(owner.pid)) throw underWay(workshop, owner.pid);
  const claimed = join(workshop, 'claim');
  const other = await unlessMissing(fs.readFile(claimed, 'utf8'));
  if (other !== undefined && options.isAlive(Number(other))) throw underWay(workshop, Number(other));
  if (other !== undefined) await fs.rm(claimed, { force: true });
  await unlessMissing(fs.writeFile(claimed, String(options.pid), { flag: 'wx' })).catch((thrown: unknown) => {
    throw thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST' ? underWay(workshop) : thrown;
  });
}
