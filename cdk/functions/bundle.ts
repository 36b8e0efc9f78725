/**
 * Bundles handlers with esbuild. The CDK's NodejsFunction can't split bundles, because it sets no outdir. Without splitting, a cold start
 * also loads what is behind import().
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, buildSync, type Metafile, version } from 'esbuild';
import { type Bundle, hashOfInputs, keptOrBuilt } from './bundle-cache.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The bundles of this process by entry, and the entry in each folder. */
const bundles = new Map<string, Bundle>();
const written = new Map<string, string>();

/**
 * Bundles one handler (a file of lambdas/functions/, or an absolute path) into `outdir`: `<name>.mjs`, which exports `handler`, the chunks
 * that it imports, and source maps. Each function has its own folder, without code of other functions. Throws esbuild's BuildFailure.
 */
export function bundle(entry: string, outdir: string): void {
  if (written.get(outdir) === entry && existsSync(outdir)) return;
  const files = bundles.get(entry) ?? find(entry);
  bundles.set(entry, files);
  rmSync(outdir, { recursive: true, force: true }); // files of an earlier synthesis would be deployed too
  mkdirSync(outdir, { recursive: true });
  for (const [name, contents] of files) writeFileSync(join(outdir, name), contents);
  written.set(outdir, entry);
}

function find(entry: string): Bundle {
  if (isAbsolute(entry)) return build(entry); // its imports may be anywhere, so they can't be hashed
  // npm's list of the installed packages; package-lock.json may differ from it. Manual changes in node_modules are not detected.
  const others = ['node_modules/.package-lock.json', 'package.json', 'tsconfig.json', 'cdk/functions/bundle.ts'];
  const hashNow = () => hashOfInputs(root, 'lambdas', others, [version, options]);
  return keptOrBuilt(join(root, '.cache', 'bundles'), hashNow, entry, () => build(entry));
}

/** Options of all bundles for Lambda. */
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

// package.json has `sideEffects: false`, so esbuild omits modules of ours whose exports a function does not use, and their imports.
const options = {
  ...forLambda,
  splitting: true,
  sourcemap: 'external', // to read stack traces later; at run time they would cost 35 ms and 20 MB
  outdir: join(root, '.cache', 'bundle'), // nothing is written there; the paths of sources in the maps are relative to it
} as const satisfies BuildOptions;

/** Builds the bundle without the cache. */
export function build(entry: string): Bundle {
  return buildWithInputs(entry).files;
}

/** Builds the bundle. `inputs` are the files with code in it, by their paths from the project's root. */
export function buildWithInputs(entry: string): { readonly files: Bundle; readonly inputs: readonly string[] } {
  const entryPoint = isAbsolute(entry) ? entry : join(root, 'lambdas/functions', entry);
  const { outputFiles, metafile } = buildSync({ ...options, write: false, metafile: true, entryPoints: [entryPoint] });
  const reached = reachedFrom(basename(entry).replace(/\.\w+$/, '.mjs'), metafile);
  const files = outputFiles
    .map(({ path, contents }) => [basename(path), contents] as const)
    .filter(([name]) => reached.has(name.replace(/\.map$/, '')));
  const outputs = Object.entries(metafile.outputs).filter(([path]) => reached.has(basename(path)));
  const inputs = new Set(outputs.flatMap(([, output]) => Object.keys(output.inputs)));
  return { files: new Map(files), inputs: [...inputs] };
}

/** Returns a file and everything that it imports. esbuild also emits the imports of dead code: nearly half of a hook's function. */
function reachedFrom(file: string, { outputs }: Metafile): ReadonlySet<string> {
  const importsOf = new Map(Object.entries(outputs).map(([path, { imports }]) => [basename(path), imports]));
  const reached = new Set([file]);
  for (const name of reached) {
    for (const { path, external } of importsOf.get(name) ?? []) if (!external) reached.add(basename(path));
  }
  return reached;
}
