/**
 * The production packages: those that are bundled into the published package, its peers, and all their dependencies. package.json lists
 * the bundled ones as dev dependencies, because npm must not install them again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './cache.ts';

/** Packages that the product imports and that scripts/package.ts bundles. */
export const bundled: readonly string[] = [
  '@aws-lambda-powertools/logger',
  '@aws-lambda-powertools/metrics',
  '@aws-sdk/client-acm',
  '@aws-sdk/client-cloudformation',
  '@aws-sdk/client-cloudwatch-logs',
  '@aws-sdk/client-ecs',
  '@aws-sdk/client-eventbridge',
  '@aws-sdk/client-kms',
  '@aws-sdk/client-lambda',
  '@aws-sdk/client-route-53',
  '@aws-sdk/client-scheduler',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/client-sns',
  '@aws-sdk/client-sqs',
  '@aws-sdk/client-ssm',
  '@aws-sdk/client-sts',
  '@peculiar/x509',
  'cli-table3',
  'commander',
  'jsonc-parser',
  'reflect-metadata',
  'zod',
];

interface Locked {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function lockFile(): { readonly packages: Readonly<Record<string, Locked>> } {
  return JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8'));
}

/** Returns the paths of the production packages in package-lock.json (`node_modules/zod`). */
export function productionPaths(): ReadonlySet<string> {
  const { packages } = lockFile();
  const peers = Object.keys(packages['']?.peerDependencies ?? {});
  const found = new Set<string>();
  const open: [from: string, name: string][] = [...bundled, ...peers].map((name) => ['', name]);
  for (let next = open.pop(); next; next = open.pop()) {
    const path = resolve(packages, ...next);
    if (path === undefined || found.has(path)) continue; // optional packages of other systems are not in the file
    found.add(path);
    const { dependencies, optionalDependencies, peerDependencies } = packages[path] ?? {};
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    open.push(...names.map((name): [string, string] => [path, name]));
  }
  return found;
}

/** Returns the production packages as `<name>@<version>`. */
export function productionVersions(): ReadonlySet<string> {
  const { packages } = lockFile();
  return new Set([...productionPaths()].map((path) => `${nameOf(path)}@${packages[path]?.version}`));
}

/** Returns the name of a path: `@b/c` for `node_modules/a/node_modules/@b/c`. */
export function nameOf(path: string): string {
  return path.split('node_modules/').at(-1) ?? '';
}

/** Finds a package as Node does: in the folder of the importing package, then in each folder above. */
function resolve(packages: Readonly<Record<string, Locked>>, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === '') return undefined;
  }
}
