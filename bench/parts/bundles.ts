/** The bundles as they are deployed, and that of the floor. Each gives the module that exports `handler`. */
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundle, forLambda } from '../../cdk/functions/bundle.ts';

/** As cdk/functions/bundle.ts makes it for the deployment. */
export function ownBundle(name: string, folder: string): string {
  const outdir = join(folder, name);
  bundle(`${name}.ts`, outdir);
  return join(outdir, `${name}.mjs`);
}

/** The same options of esbuild, in one file. */
export function floorBundle(folder: string): string {
  const outdir = join(folder, 'floor');
  buildSync({ ...forLambda, sourcemap: 'linked', entryPoints: [join(import.meta.dirname, 'floor.ts')], outdir });
  return join(outdir, 'floor.mjs');
}
