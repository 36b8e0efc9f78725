/** The list of `status` on a terminal or in a pipe: groups of problems, then a table, then the counts. */
import { count } from '../../lambdas/domain/count.ts';
import { formatInstant, type Instant } from '../../lambdas/domain/instant.ts';
import { shellWord } from '../../lambdas/domain/typed-command.ts';
import { type CauseGroup, causeGroups, stateCounts, whyText } from '../../lambdas/inventory/cause.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { type InventoryState, isProblem } from '../../lambdas/inventory/states.ts';
import { relative, stateWords, timeText } from '../../lambdas/inventory/words.ts';
import { inFlags } from '../flags.ts';
import { styleOf } from '../row.ts';
import { type Cell, type Column, indented, printTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { wrapped } from '../wrap.ts';

export interface ListTerms {
  readonly now: Instant;
  /** Whether each certificate has a row of its own. */
  readonly verbose: boolean;
  /** The options that name the stack, for the commands. */
  readonly options: string;
}

/** Problems with the same cause up to this number have rows of their own. */
const mostAlone = 5;
/** On a terminal, certificates in the same state that is no problem have rows up to this number. */
const mostShown = 20;
/** Names in a group. */
const mostNames = 3;

const columns: readonly Column[] = [
  { head: 'NAME', share: 0.5 },
  { head: 'PROFILE', yields: { to: 'leave', turn: 3 } },
  { head: 'STATE' },
  { head: 'EXPIRES' },
  { head: 'RENEWS AT', yields: { to: 'leave', turn: 2 } },
  { head: 'REASON', yields: { to: 'below', turn: 1 } },
];

/** Prints rows that are sorted by urgency. */
export function printList(terminal: Terminal, rows: readonly InventoryRow[], terms: ListTerms): void {
  const { now, verbose, options } = terms;
  const groups = verbose ? [] : causeGroups(rows).filter(({ rows: alike }) => alike.length > mostAlone);
  for (const group of groups) terminal.print([...groupLines(terminal, group, terms), ''].join('\n'));
  const grouped = new Set(groups.flatMap((group) => group.rows));
  const single = rows.filter((row) => !grouped.has(row));
  const { shown, folded } = verbose || terminal.width === undefined ? { shown: single, folded: [] } : fold(single);
  printTable(
    terminal,
    columns,
    shown.map((row) => cellsOf(row, now)),
  );
  for (const [state, number] of folded)
    terminal.print(terminal.paint('dim', `… ${number} more ${state} (--verbose lists them)`));
  if (rows.length === 0) return;
  const lines = summary(rows, options).flatMap((text) => wrapped(text, terminal.width, 0));
  terminal.hint([...(shown.length > 0 ? [''] : []), ...lines].join('\n'));
}

function cellsOf(row: InventoryRow, now: Instant): Cell[] {
  return [
    { text: row.name },
    { text: row.profile },
    { text: stateWords(row), style: styleOf(row.state) },
    { text: timeText(row, row.notAfter, (at) => relative(at, now)) },
    { text: timeText(row, row.renewAt, formatInstant) },
    { text: inFlags(whyText(row, now)) },
  ];
}

function fold(rows: readonly InventoryRow[]) {
  const seen = new Map<InventoryState, number>();
  const shown = rows.filter(({ state }) => {
    seen.set(state, (seen.get(state) ?? 0) + 1);
    return isProblem(state) || (seen.get(state) ?? 0) <= mostShown;
  });
  const folded = [...seen].flatMap(([state, number]) =>
    isProblem(state) || number <= mostShown ? [] : [[state, number - mostShown] as const],
  );
  return { shown, folded };
}

function groupLines(terminal: Terminal, { cause, rows }: CauseGroup, { now, options }: ListTerms): string[] {
  const { code, means, fix, link } = cause;
  const first = rows.slice(0, mostNames).map(({ name }) => name);
  const more = rows.length - first.length;
  const soonest = rows.reduce<Instant | undefined>((least, { notAfter }) => earlier(least, notAfter), undefined);
  const expires =
    soonest === undefined ? '' : `; the first ${soonest <= now ? 'expired' : 'expires'} ${relative(soonest, now)}`;
  const details = [
    `${countsText(rows)}${expires}`,
    `${first.join(', ')} and ${more} more: --verbose lists them`,
    fix,
    link,
    `See the message of one: cert-renewer status ${shellWord(first[0] ?? '')}${options}`,
  ];
  const head = `${rows.length} × ${code}: ${means}`;
  return [terminal.paint('red', head), ...details.flatMap((text) => indented(terminal, { text }))];
}

const earlier = (left: Instant | undefined, right: Instant | undefined): Instant | undefined =>
  left === undefined ? right : right === undefined ? left : Math.min(left, right);

const countsText = (rows: readonly InventoryRow[]): string =>
  [...stateCounts(rows)].map(([state, number]) => `${number} ${state}`).join(', ');

function summary(rows: readonly InventoryRow[], options: string): string[] {
  const problems = rows.filter(({ state }) => isProblem(state));
  const counts = `${count(rows.length, 'certificate')}: ${countsText(rows)}.`;
  if (problems.length === 0) return [`${counts} Nothing needs attention.`];
  return [
    `${counts} ${problems.length} ${problems.length === 1 ? 'needs' : 'need'} attention.`,
    `The most urgent one, why, and what to do: cert-renewer status ${shellWord(problems[0]?.name ?? '')}${options}`,
  ];
}
