/**
 * Bundles that were made before, by the hash of all that they are made of. A build takes about a second, a synthesis has up
 * to ten of them, and each `cdk deploy`, `cdk diff` and test is a process of its own.
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

/** Beside a bundle's files: their names and hashes. */
const listing = 'files.json';
/** Milliseconds. */
const unusedFor = 24 * 60 * 60 * 1000;

/**
 * The hash of `settings`, of all files in `folder`, and of `others`; paths are from `root`. Undefined where one of `others`
 * is not there.
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
 * The bundle in `<cache>/<hash>/<name>`; where there is none, or not all of it, what `build` gives, which is kept there.
 * `hashNow` is what hashOfInputs gives.
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
  if (hashNow() !== hash) return built; // a source was changed meanwhile: nobody knows of which state the bundle is
  try {
    keep(folder, name, built);
    removeUnused(cache, hash);
  } catch {
    // The bundle is as good where it can't be kept.
  }
  return built;
}

/** Undefined unless every file is there, and is what was written. */
function read(folder: string, name: string): Bundle | undefined {
  const fileIn = (file: string): string => join(folder, name, file);
  try {
    const hashes: [string, string][] = Object.entries(JSON.parse(readFileSync(fileIn(listing), 'utf8')));
    const files = new Map(hashes.map(([file]) => [file, new Uint8Array(readFileSync(fileIn(file)))]));
    if (hashes.some(([file, hash]) => sha256(files.get(file) ?? '') !== hash)) return undefined;
    const now = new Date();
    utimesSync(folder, now, now); // used
    return files;
  } catch {
    return undefined;
  }
}

/** Another process may do the same at the same time, and each may be killed: what is in place is whole. */
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
