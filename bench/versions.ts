/** Another commit: its files, its modules, and its functions, bundled with its own bundler. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists, installOnce, progress, projectRoot } from '../testkit/tools/cache.ts';
import { run } from '../testkit/tools/process.ts';

export interface Version {
  readonly root: string;
  /** Modules of the functions, by function name. */
  readonly functions: ReadonlyMap<string, string>;
}

/** Checks out a commit with the modules of its package-lock.json, once, into .cache/. */
export async function filesOf(commit: string): Promise<string> {
  const sha = (await checked('git', ['rev-parse', '--verify', `${commit}^{commit}`], projectRoot)).trim();
  return installOnce(`commit-${sha}`, async (root) => {
    const archive = join(root, 'commit.tar');
    await checked('git', ['archive', '--output', archive, sha], projectRoot);
    await checked('tar', ['-xf', archive, '-C', root], root);
    await rm(archive);
    const lock = (of: string) => readFileSync(join(of, 'package-lock.json'), 'utf8');
    if (lock(root) !== lock(projectRoot)) await install(root); // otherwise it finds our node_modules above it
  });
}

/** Installs without install scripts, because a bundle does not need their results. */
async function install(root: string): Promise<void> {
  progress('its package-lock.json is another one: installing its modules');
  await checked('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], root);
}

async function checked(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, output, stdout } = await run(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${output}`);
  return stdout;
}

/** The places of the bundler and of the functions in all commits. The first existing one is used. */
const bundlers = ['cdk/functions/bundle.ts', 'cdk/bundle.ts'];
const folders = ['lambdas/functions', 'lambdas'];

export async function bundled(root: string, folder: string): Promise<Version> {
  const { bundle }: { bundle: (entry: string, outdir: string) => void } = await import(await found(root, bundlers));
  const entries = await found(root, folders);
  const isFunction = (file: string) => /^export .*\bhandler\b/m.test(readFileSync(join(entries, file), 'utf8'));
  const names = readdirSync(entries)
    .filter((file) => file.endsWith('.ts') && isFunction(file))
    .map((file) => basename(file, '.ts'));
  for (const name of names) bundle(`${name}.ts`, join(folder, name));
  return { root, functions: new Map(names.map((name) => [name, join(folder, name, `${name}.mjs`)])) };
}

async function found(root: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await exists(join(root, path))) return join(root, path);
  throw new Error(`${root} has none of ${paths.join(', ')}`);
}

/** Returns the bytes of a function's code: what every start reads, and all of it. Without source maps. */
export function sizesOf(module: string): { readonly start: number; readonly all: number } {
  const folder = dirname(module);
  const sizeOf = (file: string): number => statSync(join(folder, file)).size;
  const sum = (files: Iterable<string>): number => [...files].reduce((all, file) => all + sizeOf(file), 0);
  const started = new Set([basename(module)]);
  for (const file of started) for (const next of importsOf(readFileSync(join(folder, file), 'utf8'))) started.add(next);
  return { start: sum(started), all: sum(readdirSync(folder).filter((file) => file.endsWith('.mjs'))) };
}

/** Returns the chunks that a minified module imports at its start, without those of import(). */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:from|import)"\.\/([\w-]+\.mjs)"/g)].flatMap(([, file]) => file ?? []);
