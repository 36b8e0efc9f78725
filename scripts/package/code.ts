/** Builds the published JavaScript: the construct (ESM and CommonJS), the CDK app and the command line (ESM). */
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { projectRoot } from '../../testkit/tools/cache.ts';

/** Replaces bundle.ts by prebuilt.ts, because the package contains the functions as bundles. */
const prebuilt: Plugin = {
  name: 'prebuilt',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/bundle\.ts$/ }, () => ({ path: join(projectRoot, 'cdk/functions/prebuilt.ts') })),
};

const common = {
  absWorkingDir: projectRoot,
  bundle: true,
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  // An app and its constructs must use one copy of each.
  external: ['aws-cdk-lib', 'constructs'],
  plugins: [prebuilt],
  legalComments: 'none', // NOTICES.txt contains the whole licences
  logLevel: 'warning',
  metafile: true,
} as const satisfies BuildOptions;

/** Writes into `dist`. Returns the files with code in it, by their paths from the project's root. */
export async function buildCode(dist: string): Promise<readonly string[]> {
  const modules = await build({
    ...common,
    format: 'esm',
    splitting: true,
    outdir: dist, // flat, because chunks find files by `import.meta.url`
    entryPoints: { index: 'cdk/index.ts', app: 'cdk/app.ts', cli: 'cli/main.ts' },
  });
  const script = await build({
    ...common,
    format: 'cjs',
    outfile: join(dist, 'index.cjs'),
    entryPoints: ['cdk/index.ts'],
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  return [modules, script].flatMap(({ metafile }) => inputsOf(metafile));
}

function inputsOf({ outputs }: Metafile): readonly string[] {
  return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
}
