/** Builds the bundles of the Lambda functions, as a synthesis in a clone does, and their manifest. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildWithInputs } from '../../cdk/functions/bundle.ts';
import type { Bundle } from '../../cdk/functions/bundle-cache.ts';
import type { Manifest } from '../../cdk/functions/prebuilt.ts';
import { projectRoot } from '../../testkit/tools/cache.ts';

/** The files of lambdas/functions/ that export a handler. */
const entries = readdirSync(join(projectRoot, 'lambdas/functions')).filter((file) => file !== 'edge.ts');

/**
 * Writes `<folder>/<SHA-256>.mjs` for each file of all bundles, and the manifest. Functions share most of their files, so each file is
 * stored once. Returns the files with code in the bundles, by their paths from the project's root.
 */
export function buildLambdas(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const built = entries.map((entry) => ({ name: basename(entry, '.ts'), ...buildWithInputs(entry) }));
  const manifest: Manifest = Object.fromEntries(built.map(({ name, files }) => [name, digestsOf(files)]));
  for (const { files } of built) {
    for (const [file, contents] of files) {
      if (isDeployed(file)) writeFileSync(join(folder, `${sha256(contents)}.mjs`), contents);
    }
  }
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return [...new Set(built.flatMap(({ inputs }) => inputs))];
}

function digestsOf(files: Bundle): Record<string, string> {
  const deployed = [...files].filter(([file]) => isDeployed(file)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(deployed.map(([file, contents]) => [file, sha256(contents)]));
}

/** Returns whether a file is deployed. Source maps are not: they are larger than the rest of the package. */
function isDeployed(file: string): boolean {
  return !file.endsWith('.map');
}

function sha256(contents: Uint8Array): string {
  return createHash('sha256').update(contents).digest('hex');
}
