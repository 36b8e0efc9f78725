/**
 * Bundling, by esbuild itself: NodejsFunction can't split (it has no outdir), and without splitting an import() still
 * loads everything at a cold start.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, buildSync, type Metafile, version } from 'esbuild';
import { type Bundle, hashOfInputs, keptOrBuilt } from './bundle-cache.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Of this process: by entry, and where each was put. */
const bundles = new Map<string, Bundle>();
const written = new Map<string, string>();

/**
 * Bundles one handler (a file of lambdas/functions/, or an absolute one) into `outdir`: `<name>.mjs`, which exports `handler`,
 * the chunks that it imports when they are needed, and source maps. A zip of its own a function: with both in one, each
 * would carry the other's. Throws esbuild's BuildFailure.
 */
export function bundle(entry: string, outdir: string): void {
  if (written.get(outdir) === entry && existsSync(outdir)) return;
  const files = bundles.get(entry) ?? find(entry);
  bundles.set(entry, files);
  rmSync(outdir, { recursive: true, force: true }); // what an earlier synthesis has left would be deployed, too
  mkdirSync(outdir, { recursive: true });
  for (const [name, contents] of files) writeFileSync(join(outdir, name), contents);
  written.set(outdir, entry);
}

function find(entry: string): Bundle {
  if (isAbsolute(entry)) return build(entry); // what it imports may be anywhere
  // npm's listing of what is installed, and not package-lock.json, which says what should be. It does not tell what somebody
  // has changed in node_modules by hand.
  const others = ['node_modules/.package-lock.json', 'package.json', 'tsconfig.json', 'cdk/functions/bundle.ts'];
  const hashNow = () => hashOfInputs(root, 'lambdas', others, [version, options]);
  return keptOrBuilt(join(root, '.cache', 'bundles'), hashNow, entry, () => build(entry));
}

/** What all that is bundled for a Lambda has in common. */
export const forLambda = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  platform: 'node',
  target: 'node22',
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  logLevel: 'silent',
} as const satisfies BuildOptions;

// package.json says `sideEffects: false`: a module of ours whose exports a function does not use is left out, with what it imports.
const options = {
  ...forLambda,
  splitting: true,
  sourcemap: 'external', // for reading stack traces afterwards; at run time they would cost 35 ms and 20 MB
  outdir: join(root, '.cache', 'bundle'), // nothing is written there: the maps name their sources from it
} as const satisfies BuildOptions;

/** Builds the bundle anew. */
export function build(entry: string): Bundle {
  const entryPoint = isAbsolute(entry) ? entry : join(root, 'lambdas/functions', entry);
  const { outputFiles, metafile } = buildSync({ ...options, write: false, metafile: true, entryPoints: [entryPoint] });
  const reached = reachedFrom(basename(entry).replace(/\.\w+$/, '.mjs'), metafile);
  const files = outputFiles.map(({ path, contents }) => [basename(path), contents] as const);
  return new Map(files.filter(([name]) => reached.has(name.replace(/\.map$/, ''))));
}

/** A file, and all that it leads to. esbuild puts out what dead code would import, too: of a hook's function near half. */
function reachedFrom(file: string, { outputs }: Metafile): ReadonlySet<string> {
  const importsOf = new Map(Object.entries(outputs).map(([path, { imports }]) => [basename(path), imports]));
  const reached = new Set([file]);
  for (const name of reached) {
    for (const { path, external } of importsOf.get(name) ?? []) if (!external) reached.add(basename(path));
  }
  return reached;
}
