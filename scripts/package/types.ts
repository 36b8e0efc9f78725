/**
 * Builds the type declarations: those of cdk/index.ts and of everything that they import. There is one copy for each format, because
 * TypeScript takes the format of a declaration (ES module or CommonJS) from the package.json beside it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { run } from '../../testkit/tools/process.ts';
import { inTemporaryFolder } from '../../testkit/tools/temporary.ts';

const formats = { esm: 'module', cjs: 'commonjs' } as const;

/** Writes `dist/types/esm` and `dist/types/cjs`. */
export async function buildTypes(dist: string): Promise<void> {
  await inTemporaryFolder('declarations', async (folder) => {
    const tsc = join(projectRoot, 'node_modules/typescript/bin/tsc');
    const settings = [
      '--declaration',
      '--emitDeclarationOnly',
      '--noEmit',
      'false',
      '--rewriteRelativeImportExtensions',
      '--singleThreaded', // several threads take twice the CPU time, because each checks what all need
    ];
    const args = [tsc, '-p', 'scripts/package/tsconfig.json', ...settings, '--outDir', folder];
    const { code, output } = await run(process.execPath, args, { cwd: projectRoot });
    if (code !== 0) throw new Error(`tsc makes no declarations:\n${output}`);
    for (const [name, type] of Object.entries(formats)) {
      const target = join(dist, 'types', name);
      for (const [path, text] of reachedFrom(join(folder, 'cdk/index.d.ts'))) {
        refuseForeign(path, text);
        const file = join(target, relative(folder, path));
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      }
      writeFileSync(join(target, 'package.json'), `${JSON.stringify({ type })}\n`);
    }
  });
}

/** Throws when a declaration names a package that a user of cert-renewer does not have. */
function refuseForeign(path: string, text: string): void {
  const named = [...text.matchAll(/(?:from |import\()['"]([^.'"][^'"]*)['"]/g)].map(([, target = '']) => target);
  const foreign = named.find((target) => !/^(?:aws-cdk-lib|constructs|cert-renewer)(?:\/|$)/.test(target));
  if (foreign !== undefined) throw new Error(`${path} names ${foreign}, which is not a peer of the package`);
}

/** Returns a declaration file and all declaration files that it imports, by path. */
function reachedFrom(entry: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    const text = readFileSync(path, 'utf8');
    found.set(path, text);
    const targets = [...text.matchAll(/(?:from |import\()['"](\.[^'"]+)['"]/g)].map(([, target = '']) => target);
    for (const target of targets) open.push(join(dirname(path), target.replace(/\.[jt]s$/, '.d.ts')));
  }
  return found;
}
