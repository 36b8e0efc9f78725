/**
 * package.json lists all imported packages and no others. The packages that the product imports are bundled
 * (testkit/tools/production.ts) or peers, so the bill of materials and the audit cover them.
 */
import { describe, expect, it } from 'vitest';
import { bundled } from '../../testkit/tools/production.ts';
import { codeBelow, codeFolders, importsOf, parse, projectFiles, textOf } from '../support/sources.ts';
import { projectFile } from './lock-file.ts';

/** Folders that are deployed or deploy, and the command line. */
const product = ['lambdas', 'cdk', 'cli'];
/** This file is not in the package, which contains its bundles instead. */
const bundler = 'cdk/functions/bundle.ts';
const tools = [...codeFolders.filter((folder) => !product.includes(folder)), 'examples'];

/** Packages that are run and not imported, with their purpose and the text that uses them in a configuration, a script or a test. */
const programs: Readonly<Record<string, { for: string; use: RegExp }>> = {
  '@biomejs/biome': { for: 'lint and format', use: /"lint": "biome / },
  '@stryker-mutator/core': { for: 'mutation testing', use: /'node_modules\/@stryker-mutator\/core\/bin/ },
  '@stryker-mutator/vitest-runner': { for: 'its runner', use: /"plugins": \["@stryker-mutator\/vitest-runner"\]/ },
  '@arethetypeswrong/cli': { for: 'a judge of the package', use: /'@arethetypeswrong', 'cli'/ },
  'aws-cdk': { for: 'deploying the stack, by people and in tests', use: /'\.bin', 'cdk'/ },
  node: { for: 'Node 24 where the machine has an older one', use: /join\(bin, 'node'\)/ },
  publint: { for: 'a judge of the package', use: /'publint', 'src'/ },
  tsx: { for: 'running TypeScript', use: /'--import', 'tsx'/ },
  typescript: { for: 'type checks', use: /"typecheck": "tsc / },
};

/** Returns the packages that these files import. If only the types of a package are imported, returns the package of the types. */
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
  /** Packages that are bundled or peers. */
  readonly production: readonly string[];
  readonly listed: readonly string[];
  readonly byProduct: ReadonlySet<string>;
  readonly byTools: ReadonlySet<string>;
}

/** Returns a line for each package in the wrong list. */
function problemsOf({ production, listed, byProduct, byTools }: Given): readonly string[] {
  const isType = (name: string) => name.startsWith('@types/');
  return [
    ...production
      .filter((name) => !byProduct.has(name))
      .map((name) => `${name} is bundled or a peer, and the product does not import it`),
    ...production.filter((name) => !listed.includes(name)).map((name) => `${name} is not listed in package.json`),
    ...listed
      .filter((name) => !byTools.has(name) && !byProduct.has(name) && !(name in programs))
      .map((name) => `${name} is imported nowhere`),
    ...[...byProduct]
      .filter((name) => !production.includes(name) && !isType(name))
      .map((name) => `${name} is imported by the product: name it in testkit/tools/production.ts`),
    ...[...byProduct, ...byTools]
      .filter((name) => !listed.includes(name))
      .map((name) => `${name} is imported and not listed`),
  ];
}

describe('package.json', () => {
  const byProduct = packagesOf(codeBelow(...product).filter((path) => path !== bundler));
  const byTools = packagesOf([...codeBelow(...tools), bundler, 'vitest.config.ts', 'vitest.mutation.config.ts']);
  const peers = Object.keys(projectFile.peerDependencies).filter((name) => !(name in programs));
  const listed = Object.keys(projectFile.devDependencies);

  it('lists each package that is imported, and where it is used', () => {
    expect(problemsOf({ production: [...bundled, ...peers], listed, byProduct, byTools })).toEqual([]);
  });

  it('has the programs that are run', () => {
    const texts = [
      ...projectFiles.filter((path) => /^[\w.]+\.json$/.test(path)),
      ...codeBelow('scripts', 'testkit', 'test/package'),
    ];
    const all = texts.filter((path) => path !== 'package-lock.json').map(textOf);
    const unused = Object.entries(programs).filter(([, { use }]) => !all.some((text) => use.test(text)));
    expect(unused.map(([name]) => name)).toEqual([]);
    expect(Object.keys(programs).filter((name) => !listed.includes(name))).toEqual([]);
  });

  it('and CONTRIBUTING.md tells what each is for', () => {
    const [, table = ''] = /\n## Dependencies, and why\n([\s\S]*)$/.exec(textOf('CONTRIBUTING.md')) ?? [];
    const rows = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, names = '']) => names);
    const told = rows.flatMap((names) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
    expect(told.toSorted()).toEqual(listed.toSorted());
  });
});

it.each<[string, Partial<Given>, string]>([
  [
    'what only tools import, as bundled',
    { production: ['x'], listed: ['x'], byTools: new Set(['x']) },
    'x is bundled or a peer, and the product does not import it',
  ],
  ['what nothing imports', { listed: ['x'] }, 'x is imported nowhere'],
  [
    'what the product imports, as a tool',
    { listed: ['x'], byProduct: new Set(['x']) },
    'x is imported by the product: name it in testkit/tools/production.ts',
  ],
  ['what is not listed', { byTools: new Set(['x']) }, 'x is imported and not listed'],
])('is found wanting: %s', (_, given, problem) => {
  const none = { production: [], listed: [], byProduct: new Set<string>(), byTools: new Set<string>() };
  expect(problemsOf({ ...none, ...given })).toEqual([problem]);
});
