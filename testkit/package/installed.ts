/** Packs the npm package and installs it into a folder outside of the repository, as users do. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
