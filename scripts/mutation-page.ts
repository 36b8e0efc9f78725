/**
 * `npm run mutation:page`: docs/mutation.md from the last `npm run mutation` of each room and from the reasons in test/mutation. Fails
 * where a room is below its threshold or was not run, where a file has changed since its run, and where a survivor has no
 * reason.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
export const rooms = ['policy', 'asn1', 'x509', 'secret', 'renewal'] as const;
const least = 85;

/** Where a room's last report is. */
export const reportOf = (room: string): string => join(root, '.cache', 'mutation', `${room}.json`);

/** The part of Stryker's report that is read here. */
export interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}

interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: 'Killed' | 'Timeout' | 'Survived' | 'NoCoverage' | 'Ignored' | 'RuntimeError' | 'CompileError';
  readonly location: { readonly start: Position; readonly end: Position };
}

/** From 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** test/mutation/<room>.json: by file. `code` and `mutant` as `shown` gives them; one may stand for several. */
type Reasons = Readonly<Record<string, readonly Survivor[]>>;

export interface Survivor {
  readonly code: string;
  readonly mutant: string;
  readonly reason: string;
}

export interface Room {
  readonly name: string;
  readonly killed: number;
  readonly survived: number;
  /** Constants of modules, which Stryker can't switch one by one. */
  readonly ignored: number;
  readonly files: readonly { readonly file: string; readonly survivors: readonly Survivor[] }[];
}

/** Text as it stands in the page and in the reasons: on one line, and not too long for one. */
export function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}

/** What lies between two positions of a text. */
export function between(source: string, { start, end }: Mutant['location']): string {
  const lines = source.split('\n');
  const offset = ({ line, column }: Position) =>
    lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  return source.slice(offset(start), offset(end));
}

/** The rooms' runs as one. */
export const merged = (reports: readonly Report[]): Report => ({
  files: Object.assign({}, ...reports.map(({ files }) => files)),
});

/** The files that are not any more as they were when they were run. */
export const stale = ({ files }: Report, textOf: (file: string) => string | undefined): readonly string[] =>
  Object.entries(files).flatMap(([file, { source }]) => (textOf(file) === source ? [] : [file]));

const counts = (mutants: readonly Mutant[], ...statuses: readonly Mutant['status'][]) =>
  mutants.filter(({ status }) => statuses.includes(status)).length;

export function roomOf(name: string, { files }: Report, reasons: Reasons): Room {
  const own = Object.entries(files).filter(([file]) => file.startsWith(`lambdas/${name}/`));
  const all = own.flatMap(([, { mutants }]) => mutants);
  return {
    name,
    killed: counts(all, 'Killed', 'Timeout'),
    survived: counts(all, 'Survived', 'NoCoverage'),
    ignored: counts(all, 'Ignored'),
    files: own.map(([file, { source, mutants }]) => ({
      file,
      survivors: mutants
        .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
        .map(({ location, replacement = '' }) => {
          const [code, mutant] = [shown(between(source, location)), shown(replacement)];
          const known = reasons[file]?.find((each) => each.code === code && each.mutant === mutant);
          return { code, mutant, reason: known?.reason ?? '' };
        }),
    })),
  };
}

export const scoreOf = ({ killed, survived }: Room): number => (killed * 100) / (killed + survived);

const head = `# Mutation testing

Made from the last \`npm run mutation\` and the reasons in \`test/mutation\` by \`npm run mutation:page\`; do not edit.

Stryker changes the code of the rooms that decide, read certificates and write secrets, one place at a time, and runs the
unit tests that reach the place. A change that no test sees is a survivor. At least ${least} % of a room's have to be seen.
`;

export function page(found: readonly Room[]): string {
  const rows = found.map((room) => [
    `\`lambdas/${room.name}\``,
    String(room.killed),
    String(room.survived),
    `${scoreOf(room).toFixed(1)} %`,
    String(room.ignored),
  ]);
  const table = (columns: readonly string[], lines: readonly (readonly string[])[]) =>
    [columns, columns.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const parts = found.flatMap(({ name, files }) => [
    `## What survived in ${name}, and why`,
    ...files
      .filter(({ survivors }) => survivors.length > 0)
      .flatMap(({ file, survivors }) => [
        `### ${file.replace(`lambdas/${name}/`, '')}`,
        table(
          ['code', 'changed to', 'why no test sees it'],
          survivors.map(({ code, mutant, reason }) => [quoted(code), quoted(mutant), cell(reason)]),
        ),
      ]),
  ]);
  const sums = table(['room', 'seen', 'survived', 'share', 'not tried: constants of modules'], rows);
  return `${[head.trim(), sums, ...parts].join('\n\n')}\n`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Code that may hold backticks itself. */
function quoted(code: string): string {
  if (code === '') return 'nothing';
  const fence = code.includes('`') ? '``' : '`';
  const space = fence.length > 1 ? ' ' : '';
  return cell(`${fence}${space}${code}${space}${fence}`);
}

function main(): void {
  const missing = rooms.filter((room) => !existsSync(reportOf(room)));
  if (missing.length > 0) throw new Error(`not run yet: npm run mutation -- ${missing.join(' ')}`);
  const report = merged(rooms.map((room): Report => JSON.parse(readFileSync(reportOf(room), 'utf8'))));
  const found = rooms.map((name) =>
    roomOf(name, report, JSON.parse(readFileSync(join(root, 'test', 'mutation', `${name}.json`), 'utf8'))),
  );
  writeFileSync(join(root, 'docs', 'mutation.md'), page(found));
  const changed = stale(report, (file) =>
    existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined,
  );
  const problems = found.flatMap((room) => [
    ...(scoreOf(room) >= least
      ? []
      : [`${room.name}: ${scoreOf(room).toFixed(1)} % are seen, and ${least} have to be`]),
    ...room.files.flatMap(({ file, survivors }) =>
      survivors
        .filter(({ reason }) => reason === '')
        .map(({ code, mutant }) => `${file}: ${code} → ${mutant || 'nothing'} has no reason in test/mutation`),
    ),
  ]);
  problems.push(...changed.map((file) => `${file}: it has changed since it was run`));
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

if (process.argv[1] !== undefined && basename(process.argv[1]) === 'mutation-page.ts') main();
