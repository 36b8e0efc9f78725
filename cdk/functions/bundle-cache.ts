/**
 * Caches bundles by the hash of their inputs. A build takes about a second, a synthesis has up to ten of them, and each `cdk deploy`,
 * `cdk diff` and test is a process of its own.
 */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

/** A bundle's files by their names. */
export type Bundle = ReadonlyMap<string, Uint8Array>;

/** The file with the names and hashes of a bundle's files. */
const listing = 'files.json';
/** Milliseconds without use until a bundle is removed. */
const unusedFor = 24 * 60 * 60 * 1000;

/**
 * Returns the hash of `settings`, of all files in `folder`, and of `others`, by their paths from `root`. Undefined if one of `others` is
 * missing.
 */
export function hashOfInputs(
  root: string,
  folder: string,
  others: readonly string[],
  settings: unknown,
): string | undefined {
  const found = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
    .sort();
  try {
    const hashes = [...found, ...others].map((path) => [path, sha256(readFileSync(join(root, path)))]);
    return sha256(JSON.stringify([settings, hashes]));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Returns the bundle in `<cache>/<hash>/<name>`. If it is missing or incomplete, builds it and stores it there. `hashNow` returns the hash
 * of the inputs.
 */
export function keptOrBuilt(
  cache: string,
  hashNow: () => string | undefined,
  name: string,
  build: () => Bundle,
): Bundle {
  const hash = hashNow();
  if (hash === undefined) return build();
  const folder = join(cache, hash);
  const kept = read(folder, name);
  if (kept) return kept;
  const built = build();
  if (hashNow() !== hash) return built; // a source has changed meanwhile, so the bundle may belong to either hash
  try {
    keep(folder, name, built);
    removeUnused(cache, hash);
  } catch {
    // A bundle that can't be cached is still valid.
  }
  return built;
}

/** Returns a cached bundle. Undefined if a file is missing or differs from its hash. */
function read(folder: string, name: string): Bundle | undefined {
  const fileIn = (file: string): string => join(folder, name, file);
  try {
    const hashes: [string, string][] = Object.entries(JSON.parse(readFileSync(fileIn(listing), 'utf8')));
    const files = new Map(hashes.map(([file]) => [file, new Uint8Array(readFileSync(fileIn(file)))]));
    if (hashes.some(([file, hash]) => sha256(files.get(file) ?? '') !== hash)) return undefined;
    const now = new Date();
    utimesSync(folder, now, now); // marks it as used
    return files;
  } catch {
    return undefined;
  }
}

/** Stores a bundle by one rename, because another process may store it at the same time, and each may be killed. */
function keep(folder: string, name: string, files: Bundle): void {
  mkdirSync(folder, { recursive: true });
  const finished = join(folder, name);
  rmSync(finished, { recursive: true, force: true });
  const unfinished = mkdtempSync(`${finished}.unfinished-`);
  try {
    for (const [file, contents] of files) writeFileSync(join(unfinished, file), contents);
    const hashes = [...files].map(([file, contents]) => [file, sha256(contents)]);
    writeFileSync(join(unfinished, listing), JSON.stringify(Object.fromEntries(hashes)));
    renameSync(unfinished, finished);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function removeUnused(cache: string, hash: string): void {
  for (const name of readdirSync(cache)) {
    if (name === hash) continue;
    const folder = join(cache, name);
    const used = statSync(folder, { throwIfNoEntry: false })?.mtimeMs; // another process may have removed it
    if (used !== undefined && Date.now() - used > unusedFor) rmSync(folder, { recursive: true, force: true });
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
