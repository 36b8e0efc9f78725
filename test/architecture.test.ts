/** Holds the code to the table of rooms in CONTRIBUTING.md: who may import whom, and who may take anything from the air. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url).pathname;

/** Beside itself. `packages`: what it may import of node_modules; `node:` modules that reach outside are listed apart. */
const rooms: Record<string, { rooms: string[]; packages: string[] }> = {
  domain: { rooms: [], packages: [] },
  asn1: { rooms: ['domain'], packages: [] },
  x509: { rooms: ['domain', 'asn1'], packages: ['@peculiar/x509', 'reflect-metadata'] },
  secret: { rooms: ['domain', 'asn1'], packages: ['jsonc-parser', 'pkijs', 'asn1js', '@peculiar/*'] },
  policy: { rooms: ['domain', 'x509'], packages: ['zod/mini', 'croner'] },
  keys: { rooms: ['domain', 'x509'], packages: [] },
  renewal: { rooms: ['domain', 'x509', 'secret', 'policy', 'keys'], packages: [] },
  deployment: { rooms: ['domain'], packages: ['zod/mini'] },
  authority: {
    rooms: ['domain', 'asn1', 'x509', 'secret', 'policy', 'keys', 'renewal', 'deployment'],
    packages: ['zod/mini'],
  },
  providers: { rooms: ['domain', 'x509', 'authority'], packages: [] },
  inventory: { rooms: ['domain', 'policy'], packages: [] },
  hooks: { rooms: ['domain', 'x509', 'secret'], packages: [] },
  notices: { rooms: ['domain'], packages: [] },
  aws: { rooms: ['domain', 'x509'], packages: ['@aws-sdk/*', '@aws-lambda-powertools/*'] },
};
const everything = Object.keys(rooms);

/** Modules of node that touch the world outside; the pure rooms get none, and each other only what it is for. */
const outside = [
  'node:fs',
  'node:http',
  'node:https',
  'node:net',
  'node:tls',
  'node:child_process',
  'node:dns',
  'node:os',
];
const mayReachOutside: Record<string, string[]> = {
  'providers/https.ts': ['node:https', 'node:tls'],
  'aws/cloudformation.ts': ['node:https', 'node:http'], // a custom resource's answer goes to an address, not to an API
};

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
}

function sources(top: string): Source[] {
  return readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const [folder = ''] = name.includes('/') ? name.split('/') : ['functions'];
      const room = folder;
      return { path: name, room, text: readFileSync(join(root, top, name), 'utf8') };
    });
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

function imports(text: string): string[] {
  return [...text.matchAll(importPattern)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

const matches = (name: string, pattern: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/** The offence of one import, or undefined. */
function offence(source: Source, target: string): string | undefined {
  const rule = rooms[source.room];
  if (target.startsWith('.')) {
    if (!rule) return undefined; // the functions and compose.ts may import everything
    const room = relative('', normalize(join(dirname(source.path), target))).split('/')[0] ?? '';
    return room === source.room || rule.rooms.includes(room) ? undefined : `${source.path} imports ${target}`;
  }
  if (target.startsWith('node:')) {
    const allowed = mayReachOutside[source.path] ?? [];
    return outside.some((module) => target.startsWith(module)) && !allowed.includes(target)
      ? `${source.path} imports ${target}`
      : undefined;
  }
  const packages = rule?.packages ?? ['aws-lambda'];
  return packages.some((pattern) => matches(target, pattern)) ? undefined : `${source.path} imports ${target}`;
}

/** The same for `cli/`, by file: what it may import beside its own files and the rooms of `lambdas/`. */
const cliPackages: readonly (readonly [file: RegExp, packages: readonly string[]])[] = [
  [/^aws\//, ['@aws-sdk/*']],
  [/^program\.ts$/, ['commander']],
  [/^table\.ts$/, ['cli-table3']],
  [/^files\//, ['node:fs', 'node:fs/promises']],
];

function cliOffence(path: string, target: string): string | undefined {
  const said = `cli/${path} imports ${target}`;
  if (target.startsWith('.')) {
    const [folder, room, rest] = normalize(join('cli', dirname(path), target)).split('/');
    if (folder === 'cli' || folder === 'package.json') return undefined; // its version
    return folder === 'lambdas' && rest !== undefined && everything.includes(room ?? '') ? undefined : said;
  }
  if (target.startsWith('node:') && !outside.some((module) => target.startsWith(module))) return undefined;
  const packages = cliPackages.find(([file]) => file.test(path))?.[1] ?? [];
  return packages.some((pattern) => matches(target, pattern)) ? undefined : said;
}

describe('the rooms', () => {
  const all = sources('lambdas');

  it('are those of the table', () => {
    const found = new Set(all.map(({ room }) => room));
    expect([...found].filter((room) => room !== 'functions' && !everything.includes(room))).toEqual([]);
    expect(found.size).toBeGreaterThan(5);
  });

  it('import what the table allows and nothing else', () => {
    expect(all.flatMap((source) => imports(source.text).flatMap((target) => offence(source, target) ?? []))).toEqual(
      [],
    );
  });

  it('take time, randomness, environment and network from compose.ts alone', () => {
    const air = /new Date\(\)|Date\.now\(\)|Math\.random\(|process\.env|[^.\w]fetch\(/;
    const offenders = all.filter(({ path, text }) => path !== 'compose.ts' && air.test(withoutComments(text)));
    expect(offenders.map(({ path }) => path)).toEqual([]);
  });

  it('leave the domain to the deployment, and not the AWS clients', () => {
    const allowed = ['domain', 'policy', 'x509'];
    const offenders = sources('cdk').flatMap(({ path, text }) =>
      imports(text)
        .filter(
          (target) =>
            target.includes('/lambdas/') && !allowed.includes(target.split('/lambdas/')[1]?.split('/')[0] ?? ''),
        )
        .map((target) => `${path} imports ${target}`),
    );
    expect(offenders).toEqual([]);
  });

  it('lend the command line all but handlers and compose.ts; it asks AWS by its own room, and the process in main.ts alone', () => {
    const files = sources('cli');
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap((source) => imports(source.text).flatMap((to) => cliOffence(source.path, to) ?? []))).toEqual(
      [],
    );
    const air = /new Date\(\)|Date\.now\(\)|Math\.random\(|randomBytes\(|process\.|[^.\w]fetch\(/;
    const offenders = files.filter(({ path, text }) => path !== 'main.ts' && air.test(withoutComments(text)));
    expect(offenders.map(({ path }) => path)).toEqual([]);
    expect(cliOffence('commands/stray.ts', '@aws-sdk/client-sqs')).toBeDefined();
    expect(cliOffence('commands/stray.ts', '../../lambdas/compose.ts')).toBeDefined();
  });

  it('are found wanting when they offend', () => {
    const stray = {
      path: 'domain/stray.ts',
      room: 'domain',
      text: "import { x } from '../aws/kms.ts';\nimport 'zod';",
    };
    expect(imports(stray.text).flatMap((target) => offence(stray, target) ?? [])).toHaveLength(2);
  });

  it('use no name that says nothing', () => {
    const banned = /(manager|helper|utils?|misc|common|service)[^/]*\.ts$/i;
    const found = [...sources('lambdas'), ...sources('cdk'), ...sources('cli')].filter(({ path }) =>
      banned.test(path.split('/').at(-1) ?? ''),
    );
    // "Secrets Manager" is the name of an AWS service, not of a class that manages.
    expect(found.map(({ path }) => path).filter((path) => path !== 'aws/secrets-manager.ts')).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}
