/**
 * `npm run api`: docs/api.md from the docstrings of the construct. A test sees that it is up to date.
 * The compiler's own API reads them; TypeScript 7 has none in JavaScript yet, hence the alias `typescript-api` (5.9).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-api';

const root = fileURLToPath(new URL('../', import.meta.url));

/** What others build on: the file, and the exported names of it, in the order of the page. */
const subjects: readonly (readonly [file: string, name: string])[] = [
  ['cdk/cert-renewer.ts', 'CertRenewer'],
  ['cdk/observe/observable.ts', 'Observable'],
  ['cdk/cert-renewer.ts', 'CertRenewerProps'],
  ['cdk/authorities/certificate-authority.ts', 'CertificateAuthority'],
  ['cdk/certificates/certificate.ts', 'Certificate'],
  ['cdk/certificates/certificate.ts', 'CertificateProps'],
  ['cdk/certificates/binding.ts', 'ICertRenewer'],
  ['cdk/certificates/enrolment.ts', 'EnrolOptions'],
  ['cdk/functions/network.ts', 'VpcPlacement'],
];

/** The page as it should be. Throws when a name is not exported any more, or has no docstring. */
export function apiPage(): string {
  const parts = subjects.map(([file, name]) => section(file, name));
  return `# The construct's API\n\nMade from the docstrings by \`npm run api\`; do not edit. How to use it: \`examples/own-app\`.\n\n${parts.join('\n')}`;
}

function section(file: string, name: string): string {
  const text = readFileSync(join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const declaration = source.statements.find(
    (statement) =>
      (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) && statement.name?.text === name,
  );
  if (!declaration || !(ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration))) {
    throw new Error(`${file} exports no class or interface ${name}`);
  }
  const doc = docOf(declaration);
  if (doc === '') throw new Error(`${name} in ${file} has no docstring`);
  const members = [...declaration.members].filter(isPublic).map((member) => row(member, source));
  return `## ${name}\n\n${doc}\n\n| member | |\n|---|---|\n${members.join('\n')}\n`;
}

function isPublic(member: ts.ClassElement | ts.TypeElement): boolean {
  const flags = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : [];
  return !flags.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword);
}

function row(member: ts.ClassElement | ts.TypeElement, source: ts.SourceFile): string {
  return `| \`${signature(member, source).replaceAll('|', '\\|')}\` | ${docOf(member).replaceAll('\n', ' ').replaceAll('|', '\\|')} |`;
}

/** The declaration without its body, on one line. */
function signature(member: ts.ClassElement | ts.TypeElement, source: ts.SourceFile): string {
  const body = ts.isConstructorDeclaration(member) || ts.isMethodDeclaration(member) ? member.body : undefined;
  const text = source.text.slice(member.getStart(source), body ? body.getStart(source) : member.getEnd());
  return text.replace(/\s+/g, ' ').replace(/;?\s*$/, '');
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
