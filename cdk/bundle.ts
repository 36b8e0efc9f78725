/**
 * Bundling, by esbuild itself: NodejsFunction can't split (it has no outdir), and without splitting an import() still
 * loads everything at a cold start.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync, type OutputFile } from 'esbuild';

const lambdas = fileURLToPath(new URL('../lambdas/', import.meta.url));

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

function build(entry: string): readonly OutputFile[] {
  const { outputFiles } = buildSync({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: [join(entry.startsWith('/') ? '' : lambdas, entry)],
    outdir: 'bundle', // nothing is written there: the files go where the caller says
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node22',
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    sourcemap: 'external', // for reading stack traces afterwards; at run time they would cost 35 ms and 20 MB
    // The SDK of the runtime is neither pinned nor small; all of ours goes in.
    external: [],
    alias: { '@aws-sdk/credential-provider-node': join(lambdas, 'aws', 'environment-credentials.ts') },
    logLevel: 'silent',
  });
  return outputFiles;
}
