/** Packs the npm package and installs it into a folder outside of the repository, as users do. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { installOnce, projectRoot } from '../tools/cache.ts';
import { type Finished, run } from '../tools/process.ts';

/** Makes the tarball in `folder`, as `npm publish` would (scripts/package.ts runs before). Returns its path. */
export async function pack(folder: string): Promise<string> {
  const { stdout } = await checked('npm', ['pack', '--json', '--pack-destination', folder], { cwd: projectRoot });
  const answer: unknown = JSON.parse(stdout);
  // A list up to npm 11, later an object by package.
  const [packed] = Array.isArray(answer) ? answer : Object.values(answer as object);
  return join(folder, (packed as { readonly filename: string }).filename);
}

/** Installs packages from npm's cache, or else from the registry. A package is `aws-cdk-lib@2.252.0` or a path. */
export async function install(
  folder: string,
  packages: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
  await checked('npm', ['install', ...quiet, ...packages], { cwd: folder, env });
}

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Puts packages of the repository's own node_modules into a folder, with all that they need, as npm would: `install` then keeps them. To
 * unpack aws-cdk-lib once more would take as long as a deployment.
 */
export async function share(folder: string, names: readonly string[]): Promise<void> {
  const { packages } = JSON.parse(await readFile(join(projectRoot, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const shared = new Set<string>();
  const open = names.map((name) => `node_modules/${name}`);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (shared.has(path) || !existsSync(join(projectRoot, path))) continue; // optional ones are of one platform each
    shared.add(path);
    const inside = Object.keys(packages).filter((each) => each.startsWith(`${path}/node_modules/`));
    for (const { dependencies, optionalDependencies } of [path, ...inside].map((each) => packages[each] ?? {})) {
      open.push(...Object.keys({ ...dependencies, ...optionalDependencies }).map((name) => `node_modules/${name}`));
    }
  }
  for (const path of shared) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await copyTree(join(projectRoot, path), join(folder, path));
  }
  const isShared = (path: string) => [...shared].some((each) => path === each || path.startsWith(`${each}/`));
  const found = Object.entries(packages)
    .filter(([path]) => isShared(path))
    .map(([path, { dev: _, peer: __, ...locked }]: [string, Locked & { dev?: true; peer?: true }]) => [path, locked]);
  // The list that npm keeps of what is installed. npm reads it if it is newer than the folders.
  const list = { lockfileVersion: 3, requires: true, packages: Object.fromEntries(found) };
  await writeFile(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify(list));
}

/** Copies a folder that nobody changes. On Linux the files are linked, unless the copy is on another disk. */
async function copyTree(from: string, to: string): Promise<void> {
  const linked = process.platform === 'linux' ? await run('cp', ['-al', from, to]) : undefined;
  if (linked?.code !== 0) await checked('cp', ['-R', `${from}/.`, to], { cwd: projectRoot });
}

/** Returns the folder of a `node` program of this version, for the PATH. It is installed once, into the folder .cache. */
export async function nodeVersion(version: string): Promise<string> {
  const folder = await installOnce(`node-${version}`, async (building) => {
    // The installation script of the package downloads the program.
    await writeFile(join(building, 'package.json'), JSON.stringify({ allowScripts: { node: true } }));
    await install(building, [`node@${version}`]);
  });
  return join(folder, 'node_modules', 'node', 'bin');
}

/** Runs a program. Throws an Error with the end of its output if it fails. */
export async function checked(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly timeout?: number },
): Promise<Finished> {
  const finished = await run(program, args, { timeout: 400_000, ...options });
  if (finished.code === 0) return finished;
  throw new Error(`${program} ${args.join(' ')} ended with ${finished.code}:\n${finished.output.slice(-4000)}`);
}
