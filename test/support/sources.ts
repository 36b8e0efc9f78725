/** The project's own files, and each of its TypeScript and JavaScript files parsed once, for the tests that read the code. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-api';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Folders of code; the rest of the project's text stands at the top, in `docs/` and in `examples/`. */
export const codeFolders = ['lambdas', 'cdk', 'cli', 'testkit', 'scripts', 'bench', 'test'] as const;

/** What the machine leaves between the sources. */
const leftovers = new Set(['node_modules', '__pycache__', '.cache', 'cdk.out', 'dist']);

/** Every file, from the root on, with `/` between the parts. */
export const projectFiles: readonly string[] = [
  ...globSync(['*.{md,json,ts,mjs}', '.ci/run', '.gitignore', '.npmrc', '.node-version'], { cwd: root }),
  ...globSync(
    [...codeFolders, 'docs', 'examples', 'schemas'].map((top) => `${top}/**/*.*`),
    {
      cwd: root,
      exclude: (name) => leftovers.has(name),
    },
  ),
].sort();

const texts = new Map<string, string>();

export function textOf(path: string): string {
  const text = texts.get(path) ?? readFileSync(`${root}${path}`, 'utf8');
  texts.set(path, text);
  return text;
}

export const isCode = (path: string): boolean => /\.(?:ts|mjs)$/.test(path);

/** TypeScript and JavaScript below these folders. */
export const codeBelow = (...tops: readonly string[]): readonly string[] =>
  projectFiles.filter((path) => isCode(path) && tops.some((top) => path.startsWith(`${top}/`)));

const noJsDoc = ts.JSDocParsingMode.ParseNone;

/** Not kept: the trees of all files take more memory than reading them again takes time. */
export const parse = (path: string, text = textOf(path)): ts.SourceFile =>
  ts.createSourceFile(path, text, { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: noJsDoc }, true);

/** `node` and every node below it, in the order of the text. */
export function nodesOf(node: ts.Node): readonly ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (each: ts.Node): void => {
    found.push(each);
    ts.forEachChild(each, visit);
  };
  visit(node);
  return found;
}

export interface Import {
  /** As it is written. */
  readonly target: string;
  readonly node: ts.Node;
}

/** All that a file imports or passes on: for its types alone, and by `import()`, too. */
export function importsOf(file: ts.SourceFile): readonly Import[] {
  return nodesOf(file).flatMap((node) => {
    const target = specifierOf(node);
    return target && ts.isStringLiteralLike(target) ? [{ target: target.text, node }] : [];
  });
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return node.arguments[0];
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  return undefined;
}

export interface Comment {
  readonly text: string;
  /** Where its first character is, from 0. */
  readonly start: number;
}

/** In the order of the text. `nodes`: all of the file's, where they have been found already. */
export function commentsOf(file: ts.SourceFile, nodes = nodesOf(file)): readonly Comment[] {
  // What looks like one within a text, a template or a regular expression is none.
  let code = '';
  for (const node of nodes) {
    if (!ts.isLiteralExpression(node) && !ts.isTemplateMiddleOrTemplateTail(node) && !ts.isTemplateHead(node)) continue;
    const start = node.getStart(file);
    code += file.text.slice(code.length, start) + ' '.repeat(node.end - start);
  }
  code += file.text.slice(code.length);
  return [...code.matchAll(/\/\*[\s\S]*?\*\/|\/\/.*/g)].map(({ 0: found, index: start }) => ({
    start,
    text: file.text.slice(start, start + found.length),
  }));
}
