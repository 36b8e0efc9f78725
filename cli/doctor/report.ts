/** Prints findings for a person, or as records. */
import { count } from '../../lambdas/domain/count.ts';
import { printable, type Style, type Terminal } from '../terminal.ts';
import { wrapped } from '../wrap.ts';
import type { Found } from './checks.ts';
import type { Grade } from './finding.ts';
import { listed } from './words.ts';

const styles: Readonly<Record<Grade, Style>> = { ok: 'green', fault: 'red', note: 'yellow', unknown: 'cyan' };
const indent = 9;
/** More names are counted only. */
const shown = 3;

export function printRecords(terminal: Terminal, found: readonly Found[]): void {
  for (const { check, grade, says, names = [], fix = null, next = null, link = null } of found) {
    terminal.record({ check, grade, says, names, fix, next, link });
  }
  const { faults, unknown, notes, first } = summary(found);
  const mendFirst = first ? { check: first.check, says: first.says } : null;
  terminal.record({ summary: { faults, unknown, notes, mendFirst } });
}

export function printFindings(terminal: Terminal, found: readonly Found[], verbose: boolean): void {
  for (const { grade, says, names = [], fix, next, link } of byPermission(found)) {
    const lines = wrapped(says, terminal.width, indent);
    const [first = '', ...rest] = lines.map(printable);
    terminal.print(`${terminal.paint(styles[grade], grade.padEnd(indent - 2))}  ${first}`);
    for (const line of rest) indented(terminal, line);
    for (const line of nameLines(names, verbose, terminal.width)) indented(terminal, line);
    const quiet = (line: string) => indented(terminal, terminal.paint('dim', printable(line)));
    for (const line of fix === undefined ? [] : wrapped(fix, terminal.width, indent)) quiet(line);
    if (next !== undefined) indented(terminal, `${names.length > 1 ? 'For each' : 'Next'}: ${printable(next)}`);
    if (link !== undefined) quiet(link);
  }
  for (const line of wrapped(lastLine(found), terminal.width, 0))
    terminal.print(terminal.paint('bold', printable(line)));
}

const indented = (terminal: Terminal, line: string) => terminal.print(`${' '.repeat(indent)}${line}`);

/** All names, one in a line, or the first few in one sentence. */
function nameLines(names: readonly string[], verbose: boolean, width: number | undefined): readonly string[] {
  const safe = names.map(printable);
  if (verbose || names.length === 0) return safe;
  const more = names.length - shown;
  const text = more > 0 ? `${safe.slice(0, shown).join(', ')} and ${more} more (--verbose)` : listed(safe);
  return wrapped(text, width, indent);
}

/** One finding for each missing permission, and for each other reason that prevented checks. */
function byPermission(found: readonly Found[]): readonly Found[] {
  const groups = new Map<string, Found[]>();
  for (const finding of found) {
    if (finding.grade !== 'unknown') continue;
    const key = finding.permission ?? finding.says;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return found.flatMap((finding) => {
    if (finding.grade !== 'unknown') return [finding];
    const group = groups.get(finding.permission ?? finding.says) ?? [];
    if (group[0] !== finding) return [];
    const names = [...new Set(group.map(({ check }) => check))];
    return [{ ...finding, says: `Not checked: ${listed(names)}. ${finding.says}` }];
  });
}

function summary(found: readonly Found[]) {
  const of = (grade: Grade) => found.filter((finding) => finding.grade === grade);
  const [first] = of('fault');
  return { faults: of('fault').length, unknown: of('unknown').length, notes: of('note').length, first };
}

function lastLine(found: readonly Found[]): string {
  const { faults, unknown, first } = summary(found);
  const unchecked = unknown === 0 ? '' : ' found, but not everything could be checked';
  if (!first) return `No faults${unchecked}.`;
  const [headline] = first.says.split(/(?<=\.) /);
  return `${count(faults, 'fault')}${unchecked}. Mend first: ${headline}`;
}
