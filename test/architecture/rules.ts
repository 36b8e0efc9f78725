/** Each rule checks one parsed file and returns its violations. `circlesOf` checks all files. */
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript-api';
import { importsOf, nodesOf } from '../support/sources.ts';
import {
  caTypes,
  cliPackages,
  edges,
  everyRoom,
  mayReachOutside,
  mayTake,
  outside,
  rooms,
  roomsForCdk,
} from './rooms.ts';

export const matches = (name: string, pattern: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

/** From the root on: `lambdas/domain/errors.ts`. */
const resolved = (from: string, target: string): string => normalize(join(dirname(from), target));

const isOutside = (target: string): boolean =>
  outside.some((module) => target === module || target.startsWith(`${module}/`));

/** Returns the imports that the tables do not allow. */
export function importOffences(source: ts.SourceFile): readonly string[] {
  const path = source.fileName;
  return importsOf(source)
    .filter(({ target }) => !isAllowed(path, target))
    .map(({ target }) => `${path} imports ${target}`);
}

function isAllowed(path: string, target: string): boolean {
  if (target.startsWith('.')) return isAllowedFile(path, resolved(path, target));
  if (path.startsWith('lambdas/')) {
    if (target.startsWith('node:')) return !isOutside(target) || (mayReachOutside[path] ?? []).includes(target);
    const packages = rooms[roomOf(path)]?.packages ?? ['aws-lambda'];
    return packages.some((pattern) => matches(target, pattern));
  }
  if (!path.startsWith('cli/') || (target.startsWith('node:') && !isOutside(target))) return true;
  const packages = cliPackages.find(([file]) => file.test(path))?.[1] ?? [];
  return packages.some((pattern) => matches(target, pattern));
}

/** Product code must not import testkit, scripts, bench or test. */
function isAllowedFile(path: string, target: string): boolean {
  const [top = ''] = path.split('/');
  const [folder = ''] = target.split('/');
  if (folder === top) return top !== 'lambdas' || isAllowedRoom(roomOf(path), roomOf(target));
  if (target === 'package.json') return top !== 'lambdas'; // the version
  if (target === 'cdk.json') return path === 'cdk/app.ts'; // the feature flags
  if (path === 'cli/cdk.ts' && target === 'cdk/config/config.ts') return true; // validates before the CDK starts
  if (top === 'cdk') return folder === 'lambdas' && roomsForCdk.includes(roomOf(target));
  if (top === 'cli') return folder === 'lambdas' && everyRoom.includes(roomOf(target));
  return false;
}

/** Returns the folder within `lambdas/`. Files beside the rooms count as `functions/`. */
export function roomOf(path: string): string {
  const [, room = '', file] = path.split('/');
  return file === undefined ? 'functions' : room;
}

function isAllowedRoom(from: string, to: string): boolean {
  const rule = rooms[from];
  return rule === undefined || from === to || rule.rooms.includes(to);
}

const timers = ['setTimeout', 'setInterval', 'setImmediate'];
const randomness =
  /^(?:random(?:Bytes|UUID|UUIDv7|Int|Fill|FillSync)|generateKeyPair(?:Sync)?|generatePrime(?:Sync)?|getRandomValues|webcrypto)$/;
const modules = /^node:(?:timers|perf_hooks)/;
const members = ['Date.now', 'Math.random', 'AbortSignal.timeout', 'performance.now', 'crypto.subtle'];

/** Returns the uses of time, timers, randomness, the process and the network in a file, each once. */
export function takenFromTheWorld(source: ts.SourceFile): readonly string[] {
  const found = nodesOf(source).flatMap((node) => {
    if (ts.isPropertyAccessExpression(node)) return [memberTaken(node.expression.getText(source), node.name.text)];
    if (ts.isNewExpression(node))
      return [node.expression.getText(source) === 'Date' && !node.arguments?.length ? 'new Date()' : undefined];
    if (ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node.parent)) return [nameTaken(node)];
    return [];
  });
  const imported = importsOf(source)
    .map(({ target }) => target)
    .filter((target) => modules.test(target));
  return [...new Set([...found.filter((each) => each !== undefined), ...imported])].sort();
}

function memberTaken(of: string, name: string): string | undefined {
  const object = of.replace(/^globalThis\./, '');
  if (object === 'process') return `process.${name}`;
  if (members.includes(`${object}.${name}`)) return `${object}.${name}`;
  const isGlobal = object === 'globalThis' && (timers.includes(name) || name === 'fetch');
  return isGlobal || randomness.test(name) ? name : undefined;
}

function nameTaken({ text, parent }: ts.Identifier): string | undefined {
  // Members of our own and words in types may have these names: `timers: { setTimeout }` is a use, `{ fetch: … }` is not.
  const isMember = ts.isPropertyAssignment(parent) || ts.isMethodSignature(parent) || ts.isPropertySignature(parent);
  if (isMember && parent.name.getText() === text) return undefined;
  return timers.includes(text) || text === 'fetch' || randomness.test(text) ? text : undefined;
}

/** Returns the uses in a file that the tables do not allow. */
export function worldOffences(source: ts.SourceFile): readonly string[] {
  if (edges.includes(source.fileName)) return [];
  const allowed = mayTake[source.fileName] ?? [];
  return takenFromTheWorld(source)
    .filter((each) => !allowed.includes(each))
    .map((each) => `${source.fileName} takes ${each}`);
}

/** Returns comparisons with a CA's type: `ca.type`, or the text of a type. */
export function caTypeOffences(source: ts.SourceFile): readonly string[] {
  const asks = (node: ts.Node): boolean => {
    if (ts.isStringLiteralLike(node)) return caTypes.includes(node.text) && !ts.isImportDeclaration(node.parent);
    if (ts.isPropertyAccessExpression(node)) return node.name.text === 'type' && isCa(node.expression);
    const isTaken = ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name);
    return (
      isTaken && node.initializer !== undefined && isCa(node.initializer) && /\btype\b/.test(node.name.getText(source))
    );
  };
  const isCa = (node: ts.Node): boolean => /(?:^|[.?])ca$/.test(node.getText(source));
  return [
    ...new Set(
      nodesOf(source)
        .filter(asks)
        .map((node) => `${source.fileName} asks for ${node.getText(source)}`),
    ),
  ];
}

/** Returns the methods of the ports, whose interfaces are in `sources`. */
export function portMethods(...sources: readonly ts.SourceFile[]): ReadonlySet<string> {
  const names = sources.flatMap(nodesOf).flatMap((node) => {
    const isMethod =
      (ts.isMethodSignature(node) ||
        (ts.isPropertySignature(node) && node.type !== undefined && ts.isFunctionTypeNode(node.type))) &&
      ts.isInterfaceDeclaration(node.parent);
    return isMethod && ts.isIdentifier(node.name) ? [node.name.text] : [];
  });
  return new Set(names);
}

/**
 * Returns objects that only pass a port's calls on: a method of a port that calls the same method of another object, or is
 * bound to it.
 */
export function wrapperOffences(source: ts.SourceFile, methods: ReadonlySet<string>): readonly string[] {
  return nodesOf(source).flatMap((node) => {
    const isMember = ts.isMethodDeclaration(node) || ts.isPropertyAssignment(node);
    if (!isMember || !ts.isIdentifier(node.name) || !methods.has(node.name.text)) return [];
    const passedOn = passedOnBy(ts.isPropertyAssignment(node) ? node.initializer : node, node.name.text, source);
    return passedOn ? [`${source.fileName} wraps ${passedOn}`] : [];
  });
}

/** Returns `other.name` if a function calls it or it is bound. Objects of JavaScript itself do not count. */
function passedOnBy(value: ts.Node, name: string, source: ts.SourceFile): string | undefined {
  const isFunction = ts.isFunctionLike(value);
  const called = nodesOf(value)
    .filter((node) => ts.isCallExpression(node))
    .map(({ expression }) => expression.getText(source));
  const ends = isFunction ? [`.${name}`] : [`.${name}.bind`];
  return called.find((text) => ends.some((end) => text.endsWith(end)) && !/^(?:Date|Math|this)\.\w+$/.test(text));
}

/**
 * Returns the groups of files that import each other, type imports included. Each group is complete and sorted (Tarjan's
 * algorithm).
 */
export function circlesOf(files: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const index = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    index.set(file, index.size);
    let low = index.size - 1;
    stack.push(file);
    for (const next of files.get(file) ?? []) {
      if (next === file) circles.push([file]);
      if (!index.has(next)) low = Math.min(low, visit(next));
      else if (stack.includes(next)) low = Math.min(low, index.get(next) ?? low);
    }
    if (low === index.get(file)) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return low;
  };
  for (const file of files.keys()) if (!index.has(file)) visit(file);
  return circles.sort();
}

/** Returns the files that each file imports. */
export function importGraph(sources: readonly ts.SourceFile[]): ReadonlyMap<string, readonly string[]> {
  const known = new Set(sources.map(({ fileName }) => fileName));
  return new Map(
    sources.map((source) => {
      const targets = importsOf(source).filter(({ target }) => target.startsWith('.'));
      return [
        source.fileName,
        targets.map(({ target }) => resolved(source.fileName, target)).filter((target) => known.has(target)),
      ];
    }),
  );
}
