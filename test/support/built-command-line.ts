/** The command line as one program of JavaScript, as the published package contains it, built once for a run of the e2e tests. */
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { projectRoot } from '../../testkit/tools/cache.ts';

export interface CommandLine {
  readonly program: string;
  /** A folder for Node's compile cache. */
  readonly compiled: string;
}

/** The files of the package that its commands read, beside their code. */
const files = {
  'cli/cert-renewer.mjs': 'cli/cert-renewer.mjs',
  'cli/files/report': 'dist/report',
  'cert-renewer.schema.json': 'cert-renewer.schema.json',
  'package.json': 'package.json',
} as const;

/** Fills the folder with what the package has for the command line. test/package runs the real package (scripts/package.ts). */
export async function buildCommandLine(folder: string): Promise<CommandLine> {
  await mkdir(folder, { recursive: true });
  const built = build({
    absWorkingDir: projectRoot,
    entryPoints: { cli: 'cli/main.ts' },
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    external: ['aws-cdk-lib', 'constructs'],
    logLevel: 'warning',
  });
  const copies = Object.entries(files).map(([from, to]) =>
    cp(join(projectRoot, from), join(folder, to), { recursive: true }),
  );
  await Promise.all([built, ...copies]);
  return { program: join(folder, 'cli', 'cert-renewer.mjs'), compiled: join(folder, 'compiled') };
}
