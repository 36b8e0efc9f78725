/** The bundles as they are deployed, and the bare handler that they are measured against. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundle, forLambda } from '../../cdk/bundle.ts';

export interface Bundle {
  /** The module that exports `handler`. */
  readonly path: string;
  /** Bytes that a cold start loads: the module and what it imports statically. */
  readonly eager: number;
  /** Bytes of all modules. */
  readonly total: number;
}

/** As cdk/bundle.ts makes it for the deployment. */
export function ownBundle(name: 'renew' | 'scan', folder: string): Bundle {
  const outdir = join(folder, name);
  bundle(`${name}.ts`, outdir);
  return bundleAt(outdir, `${name}.mjs`);
}

/** The same options of esbuild, and none of what makes ours small: no alias, no splitting. */
export function bareBundle(folder: string): Bundle {
  const outdir = join(folder, 'bare');
  buildSync({ ...forLambda, entryPoints: [join(import.meta.dirname, 'bare.ts')], outdir });
  return bundleAt(outdir, 'bare.mjs');
}

function bundleAt(outdir: string, entry: string): Bundle {
  const size = (files: Iterable<string>): number =>
    [...files].reduce((sum, file) => sum + readFileSync(join(outdir, file)).length, 0);
  const all = readdirSync(outdir).filter((file) => file.endsWith('.mjs'));
  return { path: join(outdir, entry), eager: size(loadedAtStart(outdir, entry)), total: size(all) };
}

/** `from"./chunk.mjs"` and `import"./chunk.mjs"`, but not import("./chunk.mjs"). */
const staticImport = /(?:\bfrom|\bimport)\s*"\.\/([^"]+\.mjs)"/g;

function loadedAtStart(outdir: string, entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  const text = readFileSync(join(outdir, entry), 'utf8');
  for (const [, imported = ''] of text.matchAll(staticImport)) loadedAtStart(outdir, imported, seen);
  return seen;
}
