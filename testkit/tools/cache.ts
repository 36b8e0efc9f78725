import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The repository's own folder. */
export const projectRoot = resolve(import.meta.dirname, '..', '..');

/** Returns a path in `.cache/`, the ignored folder for everything that is built or fetched once. */
export function cachePath(...parts: readonly string[]): string {
  return join(projectRoot, '.cache', ...parts);
}

/** Prints a line of progress on stderr, because stdout is for a program's result. */
export function progress(message: string): void {
  process.stderr.write(`· ${message}\n`);
}

/**
 * Builds something in `.cache/<name>` once, and returns its path.
 * Two first runs at the same time build it once. A run that breaks off leaves no folder that looks finished,
 * because `build` fills another folder, which is renamed when it is done.
 */
export async function installOnce(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const target = cachePath(name);
  if (await exists(target)) return target;
  await mkdir(cachePath(), { recursive: true });
  const unlock = await lock(name);
  try {
    if (await exists(target)) return target;
    const folder = cachePath(`${name}.building`);
    await rm(folder, { recursive: true, force: true }); // left by a run that broke off, because this one has the lock
    await mkdir(folder);
    await build(folder);
    await rename(folder, target);
    return target;
  } finally {
    await unlock();
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Takes the lock `name`. Waits for a live holder, and takes over from a dead one. */
async function lock(name: string): Promise<() => Promise<void>> {
  const folder = cachePath(`${name}.lock`);
  const holder = join(folder, 'pid');
  for (let told = false; ; ) {
    try {
      await mkdir(folder); // atomic: one of two wins
      await writeFile(holder, String(process.pid));
      return () => rm(folder, { recursive: true, force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const pid = Number(await readFile(holder, 'utf8').catch(() => '0'));
    if (!pid ? await olderThan(folder, 5_000) : !isAlive(pid)) {
      await rm(folder, { recursive: true, force: true });
      continue;
    }
    if (!told) progress(`waiting for another run that prepares ${name}`);
    told = true;
    await sleep(250);
  }
}

async function olderThan(path: string, milliseconds: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > milliseconds;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
