/**
 * `npm run api` writes docs/api.md from the docstrings of the exports of cdk/index.ts. A test compares the page.
 * TypeScript 7 has no compiler API in JavaScript yet, so this uses TypeScript 5.9 under the alias `typescript-api`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-api';

const root = fileURLToPath(new URL('../', import.meta.url));

type Declared = ts.ClassDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

/** The facts about an export, for the page and for its test. */
export interface Documented {
  readonly name: string;
  /** `name`, or `name.member`. */
  readonly path: string;
  /** The declaration without its body, on one line. */
  readonly signature: string;
  readonly doc: string;
  readonly isOptional: boolean;
  readonly hasDefault: boolean;
  /** Whether its body throws. */
  readonly throws: boolean;
}

/** Returns the text of the page. */
export function apiPage(): string {
  const sections = declarations().map(([source, declaration]) => section(source, declaration));
  return `# The API\n\nWhat \`import … from 'cert-renewer'\` finds. Made from the docstrings by \`npm run api\`; do not edit. How to use it: \`examples/own-app\`.\n\n${sections.join('\n')}`;
}

/** Returns all exports and their public members. */
export function documented(): readonly Documented[] {
  return declarations().flatMap(([source, declaration]) => {
    const name = declaration.name?.text ?? '';
    const own = describeNode(name, name, declaration, source);
    const members = membersOf(declaration).map((member) => {
      const key = ts.isConstructorDeclaration(member) ? 'constructor' : (member.name?.getText(source) ?? '');
      return describeNode(name, `${name}.${key}`, member, source);
    });
    return [{ ...own, signature: name, throws: false }, ...members];
  });
}

/** Returns the exports in the order of cdk/index.ts. `export *` adds all exports of its file. */
function declarations(): readonly (readonly [ts.SourceFile, Declared])[] {
  return parse('cdk/index.ts').statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) return [];
    const file = join(dirname('cdk/index.ts'), (statement.moduleSpecifier as ts.StringLiteral).text);
    const { exportClause } = statement;
    const wanted =
      exportClause && ts.isNamedExports(exportClause) ? exportClause.elements.map(({ name }) => name.text) : undefined;
    const source = parse(file);
    const found = source.statements.filter(isDeclared).filter(isExported);
    const missing = wanted?.filter((name) => !found.some((each) => each.name?.text === name)) ?? [];
    if (missing.length > 0) throw new Error(`${file} exports no class, interface or type ${missing.join(', ')}`);
    return found
      .filter(({ name }) => wanted?.includes(name?.text ?? '') ?? true)
      .map((each) => [source, each] as const);
  });
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2022, true);
}

function isDeclared(node: ts.Statement): node is Declared {
  return ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
}

function isExported(node: Declared): boolean {
  return ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

function section(source: ts.SourceFile, declaration: Declared): string {
  const name = declaration.name?.text ?? '';
  const head = `## ${name}\n\n${docOf(declaration)}\n`;
  if (ts.isTypeAliasDeclaration(declaration)) {
    return `${head}\nOne of ${declaration.type
      .getText(source)
      .replace(/^\|\s*/, '')
      .split(/\s*\|\s*/)
      .map((each) => `\`${each}\``)
      .join(', ')}.\n`;
  }
  const heritage = (declaration.heritageClauses ?? []).map((clause) => `\`${clause.getText(source)}\``).join(', ');
  const more = heritage === '' ? '' : `\n${heritage}\n`;
  const rows = membersOf(declaration).map((member) => row(member, source));
  const table = rows.length === 0 ? '' : `\n| member | |\n|---|---|\n${rows.join('\n')}\n`;
  return `${head}${more}${table}`;
}

function membersOf(declaration: Declared): readonly (ts.ClassElement | ts.TypeElement)[] {
  return ts.isTypeAliasDeclaration(declaration) ? [] : [...declaration.members].filter(isPublic);
}

function describeNode(
  name: string,
  path: string,
  node: Declared | ts.ClassElement | ts.TypeElement,
  source: ts.SourceFile,
): Documented {
  const body = (ts.isConstructorDeclaration(node) || ts.isMethodDeclaration(node)) && node.body?.getText(source);
  return {
    name,
    path,
    signature: isDeclared(node as ts.Statement) ? name : signature(node as ts.ClassElement, source),
    doc: docOf(node),
    isOptional: ts.isPropertySignature(node) && node.questionToken !== undefined,
    hasDefault: ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'default'),
    throws: typeof body === 'string' && /\bthrow\b/.test(body),
  };
}

function isPublic(member: ts.ClassElement | ts.TypeElement): boolean {
  const flags = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
  return !flags.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword);
}

function row(member: ts.ClassElement | ts.TypeElement, source: ts.SourceFile): string {
  return `| \`${signature(member, source).replaceAll('|', '\\|')}\` | ${docOf(member).replaceAll('\n', ' ').replaceAll('|', '\\|')} |`;
}

/** Returns the declaration without its body, on one line. */
function signature(member: ts.ClassElement | ts.TypeElement, source: ts.SourceFile): string {
  const body = ts.isConstructorDeclaration(member) || ts.isMethodDeclaration(member) ? member.body : undefined;
  const text = source.text.slice(member.getStart(source), body ? body.getStart(source) : member.getEnd());
  return text
    .replace(/\s+/g, ' ')
    .replace(/(: )\| /, '$1') // a union on lines of its own
    .replace(/;?\s*$/, '');
}

function docOf(node: ts.Node): string {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  if (!doc) return '';
  const words = (ts.getTextOfJSDocComment(doc.comment) ?? '').replace(/\s*\n\s*/g, ' ');
  const defaults = (doc.tags ?? [])
    .filter(({ tagName }) => tagName.text === 'default')
    .map((tag) => `Default: ${(ts.getTextOfJSDocComment(tag.comment) ?? '').replace(/\s*\n\s*/g, ' ')}.`);
  return [words, ...defaults].join(' ').trim();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(root, 'docs/api.md'), apiPage());
