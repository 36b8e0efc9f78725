/**
 * package.json lists what is imported, and nothing else: a dependency is imported by the product, a dev dependency by tests and
 * tools. So a bill of materials and an audit of the production dependencies tell of what runs there.
 */
import { describe, expect, it } from 'vitest';
import { codeBelow, codeFolders, importsOf, parse, projectFiles, textOf } from '../support/sources.ts';
import { projectFile } from './lock-file.ts';

/** Folders that are deployed or deploy, and the command line. */
const product = ['lambdas', 'cdk', 'cli'];
const tools = [...codeFolders.filter((folder) => !product.includes(folder)), 'examples'];

/** Packages that are run and not imported: what for, and what their use looks like in a configuration, a script or a test. */
const programs: Readonly<Record<string, { for: string; use: RegExp }>> = {
  '@biomejs/biome': { for: 'lint and format', use: /"lint": "biome / },
  '@stryker-mutator/core': { for: 'mutation testing', use: /'node_modules\/@stryker-mutator\/core\/bin/ },
  '@stryker-mutator/vitest-runner': { for: 'its runner', use: /"plugins": \["@stryker-mutator\/vitest-runner"\]/ },
  'aws-cdk': { for: 'deploying the stack, by people and in tests', use: /'\.bin', 'cdk'/ },
  node: { for: 'Node 24 where the machine has an older one', use: /join\(bin, 'node'\)/ },
  tsx: { for: 'running TypeScript', use: /'--import', 'tsx'/ },
  typescript: { for: 'type checks', use: /"typecheck": "tsc / },
};

/** Packages that these files import; where the types are a package of their own, that one. */
function packagesOf(paths: readonly string[]): ReadonlySet<string> {
  const names = paths.flatMap((path) => importsOf(parse(path)).map(({ target }) => packageOf(target)));
  return new Set(names.filter((name) => name !== undefined));
}

function packageOf(target: string): string | undefined {
  if (target.startsWith('.')) return undefined;
  const name = target.startsWith('node:')
    ? 'node'
    : target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/');
  return name === 'node' || name === 'aws-lambda' ? `@types/${name}` : name;
}

interface Given {
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  readonly byProduct: ReadonlySet<string>;
  readonly byTools: ReadonlySet<string>;
}

/** A line for each package that is not where it belongs. */
function problemsOf({ dependencies, devDependencies, byProduct, byTools }: Given): readonly string[] {
  const isListed = (name: string) => dependencies.includes(name) || name.startsWith('@types/');
  const all = [...dependencies, ...devDependencies];
  return [
    ...dependencies
      .filter((name) => !byProduct.has(name))
      .map(
        (name) =>
          `${name} is ${byTools.has(name) ? 'for tests and tools alone: a dev dependency' : 'imported nowhere'}`,
      ),
    ...devDependencies
      .filter(
        (name) => !byTools.has(name) && !(name in programs) && !(name.startsWith('@types/') && byProduct.has(name)),
      )
      .map((name) => `${name} is imported nowhere`),
    ...[...byProduct]
      .filter((name) => !isListed(name))
      .map((name) => `${name} is imported by the product: a dependency`),
    ...[...byTools].filter((name) => !all.includes(name)).map((name) => `${name} is imported and not listed`),
  ];
}

describe('package.json', () => {
  const byProduct = packagesOf(codeBelow(...product));
  const byTools = packagesOf([...codeBelow(...tools), 'vitest.config.ts', 'vitest.mutation.config.ts']);
  const dependencies = Object.keys(projectFile.dependencies);
  const devDependencies = Object.keys(projectFile.devDependencies);

  it('lists each package that is imported, and where it is used', () => {
    expect(problemsOf({ dependencies, devDependencies, byProduct, byTools })).toEqual([]);
  });

  it('has the programs that are run', () => {
    const texts = [...projectFiles.filter((path) => /^[\w.]+\.json$/.test(path)), ...codeBelow('scripts', 'testkit')];
    const all = texts.filter((path) => path !== 'package-lock.json').map(textOf);
    const unused = Object.entries(programs).filter(([, { use }]) => !all.some((text) => use.test(text)));
    expect(unused.map(([name]) => name)).toEqual([]);
    expect(Object.keys(programs).filter((name) => !devDependencies.includes(name))).toEqual([]);
  });

  it('and CONTRIBUTING.md tells what each is for', () => {
    const [, table = ''] = /\n## Dependencies, and why\n([\s\S]*)$/.exec(textOf('CONTRIBUTING.md')) ?? [];
    const rows = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, names = '']) => names);
    const told = rows.flatMap((names) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
    expect(told.toSorted()).toEqual([...dependencies, ...devDependencies].toSorted());
  });
});

it.each<[string, Partial<Given>, string]>([
  [
    'what only tests import',
    { dependencies: ['x'], byTools: new Set(['x']) },
    'x is for tests and tools alone: a dev dependency',
  ],
  ['what nothing imports', { dependencies: ['x'] }, 'x is imported nowhere'],
  ['a tool that nothing imports', { devDependencies: ['x'] }, 'x is imported nowhere'],
  [
    'a tool that the product imports',
    { devDependencies: ['x'], byProduct: new Set(['x']), byTools: new Set(['x']) },
    'x is imported by the product: a dependency',
  ],
  ['what is not listed', { byTools: new Set(['x']) }, 'x is imported and not listed'],
])('is found wanting: %s', (_, given, problem) => {
  const none = { dependencies: [], devDependencies: [], byProduct: new Set<string>(), byTools: new Set<string>() };
  expect(problemsOf({ ...none, ...given })).toEqual([problem]);
});
