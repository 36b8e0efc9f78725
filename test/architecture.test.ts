/** Checks the code against the tables of test/architecture/rooms.ts, which CONTRIBUTING.md describes. */
import { describe, expect, it } from 'vitest';
import { everyRoom, mayTake, renewalFolders, rooms } from './architecture/rooms.ts';
import {
  caTypeOffences,
  circlesOf,
  importGraph,
  importOffences,
  portMethods,
  roomOf,
  takenFromTheWorld,
  worldOffences,
  wrapperOffences,
} from './architecture/rules.ts';
import { codeBelow, codeFolders, parse, projectFiles, textOf } from './support/sources.ts';

const product = codeBelow('lambdas', 'cdk', 'cli')
  .filter((path) => path.endsWith('.ts'))
  .map((path) => parse(path));
const others = codeBelow(...codeFolders.filter((folder) => !/^(?:lambdas|cdk|cli)$/.test(folder)));
const lambdas = product.filter(({ fileName }) => fileName.startsWith('lambdas/'));
const pathsOf = (sources: readonly { readonly fileName: string }[]) => sources.map(({ fileName }) => fileName);
const ports = portMethods(parse('lambdas/domain/ports.ts'), parse('lambdas/domain/signer.ts'));
/** A file with this path and this text, parsed. */
const stray = (text: string, path = 'lambdas/domain/stray.ts') => parse(path, text);

describe('the rooms', () => {
  it('are those of the table', () => {
    const found = new Set(pathsOf(lambdas).map(roomOf));
    expect([...found].filter((room) => room !== 'functions').sort()).toEqual([...everyRoom].sort());
    const inRenewal = pathsOf(lambdas).filter((path) => /^lambdas\/renewal\/.*\//.test(path));
    const folders = inRenewal.map((path) => path.split('/')[2]);
    expect([...new Set(folders)].sort()).toEqual(renewalFolders);
  });

  it('are the same in CONTRIBUTING.md', () => {
    const rows = [...textOf('CONTRIBUTING.md').matchAll(/^\| `lambdas\/(\w+)` \| ([^|]*) \|/gm)];
    const told = rows.map(([, room, imports = '']) => [
      room,
      imports.match(/\w+/g)?.filter((word) => word in rooms) ?? [],
    ]);
    expect(told).toEqual(Object.entries(rooms).map(([room, rule]) => [room, rule.rooms]));
  });

  it('import what the table allows and nothing else; product code imports no test and no tool', () => {
    expect(product.flatMap(importOffences)).toEqual([]);
  });

  it.each([
    ['lambdas/domain/stray.ts', '../aws/kms.ts'],
    ['lambdas/domain/stray.ts', 'zod'],
    ['lambdas/renewal/stray.ts', 'node:https'],
    ['lambdas/renewal/steps/stray.ts', '../../providers/index.ts'],
    ['lambdas/compose.ts', '../testkit/fakes/clock.ts'],
    ['cdk/observe/stray.ts', '../../lambdas/aws/kms.ts'],
    ['cdk/stray.ts', '../scripts/demo.ts'],
    ['cli/commands/stray.ts', '@aws-sdk/client-sqs'],
    ['cli/commands/stray.ts', '../../lambdas/compose.ts'],
    ['cli/commands/stray.ts', '../../testkit/aws.ts'],
    ['cli/commands/stray.ts', 'node:fs'],
  ])('%s may not import %s', (path, target) => {
    const ways = [`import { x } from '${target}';`, `type X = import('${target}').X;`, `await import('${target}');`];
    for (const way of ways) expect(importOffences(stray(way, path))).toEqual([`${path} imports ${target}`]);
  });

  it('have no name that says nothing', () => {
    const banned = /(manager|helper|utils?|misc|common|service)[^/]*\.ts$/i;
    const found = pathsOf(product).filter((path) => banned.test(path.split('/').at(-1) ?? ''));
    // "Secrets Manager" is the name of an AWS service, not of a class that manages.
    expect(found.filter((path) => path !== 'lambdas/aws/secrets-manager.ts')).toEqual([]);
  });
});

describe('time, timers, randomness, environment and network', () => {
  it('are used at the edges only, and where the table allows it', () => {
    expect(product.flatMap(worldOffences)).toEqual([]);
  });

  it('are used as each entry of the table says', () => {
    const found = Object.keys(mayTake).map((path) => [
      path,
      projectFiles.includes(path) ? takenFromTheWorld(parse(path)) : [],
    ]);
    expect(Object.fromEntries(found)).toEqual(mayTake);
  });

  it.each([
    ['new Date()', 'new Date()'],
    ['Date.now()', 'Date.now'],
    ['performance.now()', 'performance.now'],
    ["process.env['HOME']", 'process.env'],
    ['fetch(address)', 'fetch'],
    ['globalThis.fetch(address)', 'fetch'],
    ['setTimeout(f, 1)', 'setTimeout'],
    ['setInterval(f, 1)', 'setInterval'],
    ['setImmediate(f)', 'setImmediate'],
    ['globalThis.setTimeout(f, 1)', 'setTimeout'],
    ['AbortSignal.timeout(1)', 'AbortSignal.timeout'],
    ['const wait = AbortSignal.timeout;', 'AbortSignal.timeout'],
    ["import { setTimeout as pause } from 'node:timers/promises';", 'node:timers/promises,setTimeout'],
    ['Math.random()', 'Math.random'],
    ["import { randomBytes } from 'node:crypto';", 'randomBytes'],
    ['crypto.randomUUID()', 'randomUUID'],
    ['crypto.getRandomValues(bytes)', 'getRandomValues'],
    ["import { webcrypto } from 'node:crypto';", 'webcrypto'],
    ["import { generateKeyPair as make } from 'node:crypto';", 'generateKeyPair'],
  ])('are found in a pure room: %s', (text, taken) => {
    expect(worldOffences(stray(text))).toEqual(taken.split(',').map((each) => `lambdas/domain/stray.ts takes ${each}`));
  });

  it('are not found in similar names', () => {
    const harmless = [
      'new Date(0)',
      'client.fetch(x)',
      '({ fetch: x })',
      '// Math.random()',
      "'Date.now()'",
      'clock.now()',
    ];
    for (const text of harmless) expect(worldOffences(stray(text)), text).toEqual([]);
  });
});

describe('circles of files', () => {
  it('do not exist', () => {
    expect(circlesOf(importGraph([...product, ...others.map((path) => parse(path))]))).toEqual([]);
  });

  it('are found, of two and of three, through types and import() too', () => {
    const sources = [
      stray("import type { B } from './b.ts';", 'lambdas/domain/a.ts'),
      stray("export { C } from './c.ts';\nimport '../../cdk/e.ts';", 'lambdas/domain/b.ts'),
      stray("const a = () => import('./a.ts');", 'lambdas/domain/c.ts'),
      stray("import '../lambdas/domain/a.ts'; import './f.ts';", 'cdk/d.ts'),
      stray("type D = import('./f.ts').F;", 'cdk/e.ts'),
      stray("import './e.ts';", 'cdk/f.ts'),
    ];
    expect(circlesOf(importGraph(sources))).toEqual([
      ['cdk/e.ts', 'cdk/f.ts'],
      ['lambdas/domain/a.ts', 'lambdas/domain/b.ts', 'lambdas/domain/c.ts'],
    ]);
  });
});

describe('the type of a CA', () => {
  const outside = product
    .filter(({ fileName }) => !fileName.startsWith('lambdas/providers/'))
    // Two files write a configuration, and one has its types, made from the schema.
    .filter(
      ({ fileName }) => !['cli/configuration.ts', 'cli/commands/init.ts', 'cdk/config/options.ts'].includes(fileName),
    );

  it('is compared in its own folder only', () => {
    const offenders = outside.filter((source) => caTypeOffences(source).length > 0);
    expect(pathsOf(offenders)).toEqual([]);
  });

  it.each([
    "if (profile.ca.type !== 'authority') return;",
    'const isThere = profile?.ca?.type === undefined;',
    'const { type } = profile.ca;',
    "const kinds = ['step-ca'];",
    "z.literal('acme')",
    'const kind = `offline`;',
  ])('is found: %s', (text) => {
    expect(caTypeOffences(stray(text))).toHaveLength(1);
  });

  it('is not found for another type, or for a name in a comment', () => {
    expect(
      caTypeOffences(stray("// as 'step-ca' has it\nif (hook.type === 'acm') go(ca.url, \"step-ca's\");")),
    ).toEqual([]);
  });
});

describe('a port', () => {
  // An adapter is a port before the client of the SDK or of Node.
  const mayNotWrap = lambdas.filter(({ fileName }) => !/^lambdas\/(?:aws|net)\//.test(fileName));

  it('has no other port before it', () => {
    expect(ports.size).toBeGreaterThan(15);
    const offenders = mayNotWrap.filter((source) => wrapperOffences(source, ports).length > 0);
    expect(pathsOf(offenders)).toEqual([]);
  });

  it.each([
    'const quick: Store = { read: (id) => store.read(id) };',
    'const slow = { ask: (request) => whileBusy(() => provider.ask(request)) };',
    'const both = { async publish(event) { await until(signal, () => world.publisher.publish(event)); } };',
    'const bound = { describe: store.describe.bind(store) };',
    'class Patient { promote(a, b, c) { return this.store.promote(a, b, c); } }',
  ])('and one that has is found: %s', (text) => {
    expect(wrapperOffences(stray(text), ports)).toHaveLength(1);
  });

  it.each([
    'const clock = { now: () => Date.now() };',
    'const own = { renew: (current) => ask(client.post(current)) };',
    'const facts = { now: clock.now(), roots: await provider.roots() };',
  ])('and any other object is allowed: %s', (text) => {
    expect(wrapperOffences(stray(text), ports)).toEqual([]);
  });
});
