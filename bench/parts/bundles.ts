/** Makes the deployed bundles and that of the floor. Each function returns the module that exports `handler`. */
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundle, forLambda } from '../../cdk/functions/bundle.ts';

/** The bundle of a deployment, made by cdk/functions/bundle.ts. */
export function ownBundle(name: string, folder: string): string {
  const outdir = join(folder, name);
  bundle(`${name}.ts`, outdir);
  return join(outdir, `${name}.mjs`);
}

/** A bundle in one file, with the same options of esbuild. */
export function floorBundle(folder: string): string {
  const outdir = join(folder, 'floor');
  buildSync({ ...forLambda, sourcemap: 'linked', entryPoints: [join(import.meta.dirname, 'floor.ts')], outdir });
  return join(outdir, 'floor.mjs');
}
