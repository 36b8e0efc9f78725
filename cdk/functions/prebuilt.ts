/**
 * The bundles of the published package. scripts/package/code.ts replaces bundle.ts with this file: the bundles were built with
 * the package, so a synthesis needs neither esbuild nor the sources.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The manifest of the bundles: by function and file name, the SHA-256 of the file in hex. The file is `<SHA-256>.mjs`, beside it. */
export type Manifest = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Thrown when the files of the installed package are not those that were published. */
export class DamagedPackageError extends Error {
  constructor(what: string) {
    super(`The installed package cert-renewer is damaged: ${what}. Install it again (npm install cert-renewer).`);
    this.name = 'DamagedPackageError';
  }
}

const installed = fileURLToPath(new URL('./lambdas/', import.meta.url));

/**
 * Writes the bundle of one handler (a file of lambdas/functions/) into `outdir`. Throws DamagedPackageError when a file is missing
 * or differs from its digest.
 */
export function bundle(entry: string, outdir: string, folder = installed): void {
  const name = basename(entry, '.ts');
  const files = Object.entries(manifestIn(folder)[name] ?? {}).map(([file, digest]) => {
    // Another name could lead out of `outdir`.
    if (!/^\w[\w.-]*$/.test(file)) throw new DamagedPackageError(`manifest.json has a file named ${file}`);
    return [file, contentsOf(folder, digest)] as const;
  });
  if (files.length === 0) throw new DamagedPackageError(`${name} is not in manifest.json`);
  rmSync(outdir, { recursive: true, force: true }); // files of an earlier synthesis would be deployed too
  mkdirSync(outdir, { recursive: true });
  for (const [file, contents] of files) writeFileSync(join(outdir, file), contents);
}

function manifestIn(folder: string): Manifest {
  const file = join(folder, 'manifest.json');
  const text = contentsAt(file).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedPackageError(`${file} is not JSON`);
  }
}

function contentsOf(folder: string, digest: string): Uint8Array {
  const file = join(folder, `${digest}.mjs`);
  const contents = contentsAt(file);
  if (createHash('sha256').update(contents).digest('hex') === digest) return contents;
  throw new DamagedPackageError(`${file} has been changed`);
}

function contentsAt(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    throw new DamagedPackageError(`${file} can't be read (${thrown instanceof Error ? thrown.message : thrown})`);
  }
}
