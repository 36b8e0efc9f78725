/** Collects the names of the project, and checks a mention against them. */
import { dirname, join, matchesGlob, normalize } from 'node:path';
import ts from 'typescript-api';
import { commentsOf, isCode, nodesOf, parse, projectFiles, textOf } from '../support/sources.ts';
import { foreignNames } from './foreign.ts';
import { type Kind, type Mention, mentionsIn } from './mentions.ts';

const fileSet = new Set(projectFiles);
const folders = new Set(projectFiles.flatMap(foldersOf));
/** The first segments of our paths: folders at the top, and rooms. */
const beginnings = new Set([
  ...[...folders].filter((folder) => !folder.includes('/')),
  ...[...folders].filter((folder) => /^(?:lambdas|cdk|cli)\/[^/]+$/.test(folder)).map((folder) => folder.split('/')[1]),
]);
/** Files that list names as text. Their planted and foreign names must not count as existing. */
const listsOfNames = /^test\/docs\/(?:named\.test|foreign)\.ts$/;

interface Code {
  /** Every word in code or data. A string counts only if it contains no white space. */
  readonly words: ReadonlySet<string>;
  /** The files that declare each name. */
  readonly declared: ReadonlyMap<string, readonly string[]>;
  readonly comments: readonly Passage[];
  /** The titles of tests and of their groups. */
  readonly titles: readonly Passage[];
}

export interface Passage {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

let code: Code | undefined;

/** Returns the code of the project, which is read once. */
export function codeOfTheProject(): Code {
  code ??= readCode();
  return code;
}

function readCode(): Code {
  const words = new Set<string>();
  const declared = new Map<string, string[]>();
  const comments: Passage[] = [];
  const titles: Passage[] = [];
  const addWords = (text: string) => {
    for (const [word] of text.matchAll(/[A-Za-z_$][\w$]*/g)) words.add(word);
  };
  for (const path of projectFiles.filter(isCode)) {
    const source = parse(path);
    const nodes = nodesOf(source);
    const passage = (start: number, text: string): Passage => {
      return { path, line: source.getLineAndCharacterOfPosition(start).line + 1, text };
    };
    comments.push(...commentsOf(source, nodes).map(({ start, text }) => passage(start, text)));
    if (path.endsWith('.test.ts'))
      titles.push(...argumentsIn(nodes).map((node) => passage(node.pos, textOfLiteral(node, source) ?? '')));
    if (listsOfNames.test(path)) continue;
    for (const text of nodes.flatMap((node) => wordsOf(node, source))) addWords(text);
    for (const name of declarationsIn(nodes)) declared.set(name, [...(declared.get(name) ?? []), path]);
  }
  for (const path of projectFiles)
    if (/\.(?:json|py|sh|ya?ml|css|js|go)$/.test(path) && path !== 'package-lock.json') addWords(textOf(path));
  for (const path of projectFiles.filter((each) => each.endsWith('.py')))
    for (const { 0: text, index } of textOf(path).matchAll(/"""[\s\S]*?"""|#.*/g))
      comments.push({ path, line: lineAt(textOf(path), index), text });
  return { words, declared, comments, titles };
}

/** Returns an identifier, or a string or template part without white space. */
function wordsOf(node: ts.Node, source: ts.SourceFile): readonly string[] {
  if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) return [node.text];
  if (!ts.isLiteralExpression(node) && !ts.isTemplateMiddleOrTemplateTail(node) && !ts.isTemplateHead(node)) return [];
  const text = node.getText(source);
  return /\s/.test(text.trim()) ? [] : [text];
}

function declarationsIn(nodes: readonly ts.Node[]): readonly string[] {
  return nodes.flatMap((node) => {
    const isOne =
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isFunctionDeclaration(node) ||
      (ts.isVariableDeclaration(node) && ts.isVariableStatement(node.parent.parent));
    return isOne && node.name && ts.isIdentifier(node.name) ? [node.name.text] : [];
  });
}

export const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** Returns why `mention` in `path` is wrong, or undefined if it is right. */
export function problemOf(mention: Mention, path: string): string | undefined {
  const { kind, name } = mention;
  switch (kind) {
    case 'path':
      return problemOfPath(name, path);
    case 'name':
      return problemOfName(name);
    case 'title':
      return titlesIn(mention.file ?? '').has(name) ? undefined : `${mention.file} has no test "${name}"`;
    case 'link':
      return problemOfLink(name, path);
    case 'script':
      return name in JSON.parse(textOf('package.json')).scripts ? undefined : `package.json has no script ${name}`;
    case 'decision':
      return projectFiles.some((each) => each.startsWith(`docs/decisions/${name}-`))
        ? undefined
        : `no decision ${name}`;
    case 'guarantee':
      return headingsOf('docs/guarantees.md').some((slug) => slug.startsWith(`${name.toLowerCase()}-`))
        ? undefined
        : `docs/guarantees.md has no ${name}`;
    case 'elsewhere':
      return `${name} … is nothing that a reader has: say the rule, or name its guarantee in docs/guarantees.md`;
  }
}

function problemOfPath(name: string, from: string): string | undefined {
  const path = name.replace(/\/$/, '');
  if (/[{*]/.test(path))
    return projectFiles.some((each) => matchesGlob(each, path) || matchesGlob(each, `**/${path}`))
      ? undefined
      : `no file is like ${name}`;
  const nearby = normalize(join(dirname(from), path));
  if (fileSet.has(nearby) || folders.has(nearby)) return undefined;
  const isOurs = /\.(?:ts|mjs|py|md)$/.test(path) || beginnings.has(path.split('/')[0]);
  if (!isOurs) return undefined;
  const found = [...fileSet, ...folders].filter((each) => each === path || each.endsWith(`/${path}`));
  if (found.length === 0) return `there is no ${name}`;
  return name.includes('/') || isOne(found, path, from) ? undefined : `${name} may be ${found.join(' or ')}: say which`;
}

/** Resolves a name without a folder: at the root, else below the same top folder, else in the product's code. */
function isOne(found: readonly string[], path: string, from: string): boolean {
  const [top = ''] = from.split('/');
  const near = found.filter((each) => each.startsWith(`${top}/`));
  const product = found.filter((each) => /^(?:lambdas|cdk|cli)\//.test(each));
  return found.includes(path) || [near, product, found].find((each) => each.length > 0)?.length === 1;
}

function problemOfName(name: string): string | undefined {
  const { words, declared } = codeOfTheProject();
  const [first = '', member] = name.split('.');
  if (foreignNames.has(first) || (member !== undefined && foreignNames.has(member))) return undefined;
  if (!words.has(first)) return `nothing is called ${first}; a name from elsewhere has a line in test/docs/foreign.ts`;
  if (member === undefined) return undefined;
  const files = declared.get(first)?.filter(isCode);
  const has = files ? files.some((path) => new RegExp(`\\b${member}\\b`).test(textOf(path))) : words.has(member);
  return has ? undefined : `${first} has no ${member}`;
}

function problemOfLink(target: string, from: string): string | undefined {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : normalize(join(dirname(from), file)).replace(/\/$/, '');
  if (!fileSet.has(path) && !folders.has(path) && path !== 'LICENSE') return `links to ${path}, which is not there`;
  if (anchor === undefined || !path.endsWith('.md')) return undefined;
  return headingsOf(path).includes(anchor) ? undefined : `links to #${anchor}, which is no heading of ${path}`;
}

/** Returns the anchors that GitHub makes from the headings of a page. */
export function headingsOf(path: string): readonly string[] {
  if (!fileSet.has(path)) return [];
  return [...textOf(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
}

function titlesIn(path: string): ReadonlySet<string | undefined> {
  if (!fileSet.has(path)) return new Set();
  const source = parse(path);
  return new Set(argumentsIn(nodesOf(source)).map((node) => textOfLiteral(node, source)));
}

/** Returns the text arguments of calls: the titles of tests, of their tables and of their groups. */
const argumentsIn = (nodes: readonly ts.Node[]): readonly ts.Node[] =>
  nodes.flatMap((node) =>
    ts.isCallExpression(node)
      ? node.arguments.filter((each) => ts.isStringLiteralLike(each) || ts.isTemplateExpression(each))
      : [],
  );

function textOfLiteral(node: ts.Node, source: ts.SourceFile): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  return ts.isTemplateExpression(node) ? node.getText(source).slice(1, -1) : undefined;
}

/** The kinds that are not checked in pages about a run of a program, or about files from elsewhere. */
const leftOut: readonly (readonly [page: RegExp, kinds: readonly Kind[]])[] = [
  [/^docs\/performance\.md$/, ['name']],
  [/^docs\/mutation\.md$/, ['name', 'path']],
  [/^test\/golden\//, ['name']],
];

/** Returns one line for each wrong mention in a comment, a title or a document. */
export function problemsIn({ text, path, line }: Passage, only?: readonly Kind[]): readonly string[] {
  const out = leftOut.find(([page]) => page.test(path))?.[1] ?? [];
  return mentionsIn(text, { isPage: path.endsWith('.md') })
    .filter(({ kind }) => !out.includes(kind) && (only?.includes(kind) ?? true))
    .flatMap((mention) => {
      const problem = problemOf(mention, path);
      return problem === undefined ? [] : [`${path}:${line - 1 + lineAt(text, mention.at)}: ${problem}`];
    });
}
