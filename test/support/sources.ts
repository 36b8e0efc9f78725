/** The project's own files, and the parsed TypeScript and JavaScript, for the tests that read the code. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-api';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Folders of code. All other text of the project is at the top, in `docs/` and in `examples/`. */
export const codeFolders = ['lambdas', 'cdk', 'cli', 'testkit', 'scripts', 'bench', 'test'] as const;

/** Generated folders between the sources. */
const leftovers = new Set(['node_modules', '__pycache__', '.cache', 'cdk.out', 'dist']);

/** Every file, relative to the root, with `/` between the parts. */
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

/** TypeScript and JavaScript files in these folders. */
export const codeBelow = (...tops: readonly string[]): readonly string[] =>
  projectFiles.filter((path) => isCode(path) && tops.some((top) => path.startsWith(`${top}/`)));

const noJsDoc = ts.JSDocParsingMode.ParseNone;

/** Trees are not kept: those of all files need a lot of memory, and parsing again is quick. */
export const parse = (path: string, text = textOf(path)): ts.SourceFile =>
  ts.createSourceFile(path, text, { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: noJsDoc }, true);

/** Returns `node` and every node below it, in the order of the text. */
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
  /** As written in the source. */
  readonly target: string;
  readonly node: ts.Node;
}

/** Returns all imports and re-exports of a file, type-only imports and `import()` included. */
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
  /** Offset of its first character, from 0. */
  readonly start: number;
}

/** Returns the comments in the order of the text. `nodes`: all nodes of the file, if the caller has them already. */
export function commentsOf(file: ts.SourceFile, nodes = nodesOf(file)): readonly Comment[] {
  // A text, a template or a regular expression may contain what looks like a comment.
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
