/**
 * Bundling, by esbuild itself: NodejsFunction can't split (it has no outdir), and without splitting an import() still
 * loads everything at a cold start.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, buildSync, type Metafile, type OutputFile } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const lambdas = join(root, 'lambdas');

const bundles = new Map<string, readonly OutputFile[]>();

/**
 * Bundles one handler (a path under lambdas/, or an absolute one) into `outdir`: `<name>.mjs`, which exports `handler`,
 * the chunks that it imports when they are needed, and source maps. A zip of its own a function: with both in one, each
 * would carry the other's. Throws esbuild's BuildFailure.
 */
export function bundle(entry: string, outdir: string): void {
  const files = bundles.get(entry) ?? build(entry);
  bundles.set(entry, files);
  mkdirSync(outdir, { recursive: true });
  for (const { path, contents } of files) writeFileSync(join(outdir, basename(path)), contents);
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

function build(entry: string): readonly OutputFile[] {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'bundle-')); // in the project, so that the maps name its sources from there
  try {
    const { outputFiles, metafile } = buildSync({
      ...forLambda,
      write: false,
      splitting: true,
      metafile: true,
      sourcemap: 'linked',
      entryPoints: [join(entry.startsWith('/') ? '' : lambdas, entry)],
      outdir: folder,
      // The SDK of the runtime is neither pinned nor small; all of ours goes in, but for what finds nothing in a Lambda.
      alias: {
        '@aws-sdk/credential-provider-node': join(lambdas, 'aws', 'environment-credentials.ts'),
        '@smithy/core/config': join(lambdas, 'aws', 'environment-config.ts'),
      },
    });
    for (const { path, contents } of outputFiles) writeFileSync(path, contents);
    return withOneStart(folder, basename(entry).replace(/\.\w+$/, '.mjs'), chunksOf(metafile));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Chunk {
  readonly name: string;
  readonly exports: readonly string[];
  /** Chunks that are loaded with this one. */
  readonly imports: readonly string[];
  /** Chunks that are loaded when this one asks for them. */
  readonly later: readonly string[];
}

function chunksOf({ outputs }: Metafile): ReadonlyMap<string, Chunk> {
  const files = Object.entries(outputs).filter(([path]) => path.endsWith('.mjs'));
  return new Map(
    files.map(([path, { exports, imports }]) => {
      const of = (kind: string) =>
        imports.flatMap((each) => (each.kind === kind && !each.external ? [basename(each.path)] : []));
      const name = basename(path);
      return [name, { name, exports, imports: of('import-statement'), later: of('dynamic-import') }];
    }),
  );
}

/** `from`, and all that it leads to. */
function reached(from: string, chunks: ReadonlyMap<string, Chunk>, next: (chunk: Chunk) => readonly string[]): Chunk[] {
  const found = new Set([from]);
  for (const name of found) for (const each of next(chunks.get(name) ?? missing(name))) found.add(each);
  return [...found].map((name) => chunks.get(name) ?? missing(name));
}

function missing(name: string): never {
  throw new Error(`the bundle has no ${name}`);
}

const start = 'start.mjs';

/**
 * esbuild cuts a chunk for each set of import()s that share something, so that a start would load some twenty files, at the
 * better part of a millisecond each. All of them are there before any import() is, so they become one. The handler's own
 * module stays apart: it awaits what it imports, and that must not wait for it.
 */
function withOneStart(folder: string, handler: string, chunks: ReadonlyMap<string, Chunk>): readonly OutputFile[] {
  const [, ...atStart] = reached(handler, chunks, ({ imports }) => imports);
  const others = reached(handler, chunks, ({ imports, later }) => [...imports, ...later]).filter(
    (chunk) => !atStart.includes(chunk),
  );
  const again = (entry: string, external: readonly string[]) =>
    buildSync({
      ...forLambda,
      write: false,
      sourcemap: 'external', // for reading stack traces afterwards; at run time they would cost 35 ms and 20 MB
      entryPoints: [join(folder, entry)],
      outdir: folder,
      external: external.map((name) => `./${name}`),
    }).outputFiles;

  const names = others.map(({ name }) => name);
  const unique = (name: string, index: number) => `${name}_${index}`;
  const lines = atStart.map((chunk, index) => {
    const exported = chunk.exports.map((name) => `${name} as ${unique(name, index)}`);
    return `export {${exported.join(', ')}} from './${chunk.name}';\n`;
  });
  writeFileSync(join(folder, start), lines.join(''));
  const one = again(start, names);
  for (const [index, chunk] of atStart.entries()) {
    const exported = chunk.exports.map((name) => `${unique(name, index)} as ${name}`);
    writeFileSync(join(folder, chunk.name), `export {${exported.join(', ')}} from './${start}';\n`);
  }
  return [...one, ...names.flatMap((name) => again(name, [start, ...names.filter((other) => other !== name)]))];
}
