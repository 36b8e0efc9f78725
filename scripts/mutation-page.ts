/**
 * `npm run mutation:page` writes docs/mutation.md from the last `npm run mutation` of each room and the reasons in test/mutation.
 * It fails if a room is below its threshold or was not run, if a file has changed since its run, or if a survivor has no reason.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
export const rooms = ['policy', 'asn1', 'x509', 'secret', 'renewal'] as const;
const least = 85;

/** Returns the path of a room's last report. */
export const reportOf = (room: string): string => join(root, '.cache', 'mutation', `${room}.json`);

/** The fields of Stryker's report that this script uses. */
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

/** The content of test/mutation/<room>.json, by file. `code` and `mutant` are as `shown` returns them. An entry may cover several. */
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
  /** Mutants in constants of modules. Stryker can't switch these one by one. */
  readonly ignored: number;
  readonly files: readonly { readonly file: string; readonly survivors: readonly Survivor[] }[];
}

/** Returns text as the page and the reasons show it: on one line, cut to a fixed length. */
export function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 100)}…` : line;
}

/** Returns the text between two positions. */
export function between(source: string, { start, end }: Mutant['location']): string {
  const lines = source.split('\n');
  const offset = ({ line, column }: Position) =>
    lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  return source.slice(offset(start), offset(end));
}

/** Merges the reports of the rooms. */
export const merged = (reports: readonly Report[]): Report => ({
  files: Object.assign({}, ...reports.map(({ files }) => files)),
});

/** Returns the files that have changed since their run. */
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

\`npm run mutation:page\` writes this page from the last \`npm run mutation\` and the reasons in \`test/mutation\`. Do not edit it.

Stryker changes the code of some rooms, one place at a time, and runs the unit tests that reach the place. A change that no test
detects is a survivor. The tests must detect at least ${least} % of the changes in a room. Each survivor has a reason:

- *equivalent*: the changed code gives the same result.
- *never reached*: no input reaches the code.
- *only speed*, *only wording*: the result is the same, but slower, or with another message.
- other reasons are given in full.
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
    `## Survivors in ${name}`,
    ...files
      .filter(({ survivors }) => survivors.length > 0)
      .flatMap(({ file, survivors }) => [
        `### ${file.replace(`lambdas/${name}/`, '')}`,
        table(
          ['code', 'changed to', 'reason'],
          survivors.map(({ code, mutant, reason }) => [quoted(code), quoted(mutant), cell(reason)]),
        ),
      ]),
  ]);
  const sums = table(['room', 'detected', 'survived', 'share', 'not tested: constants of modules'], rows);
  return `${[head.trim(), sums, ...parts].join('\n\n')}\n`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Formats code that may contain backticks. */
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
