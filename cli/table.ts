/**
 * Tables without lines. On a terminal a table fits its width and cuts no text: it gives up columns, puts a column on a line of its own,
 * and wraps at last. In a pipe each row is one line with all columns.
 */
import Table from 'cli-table3';
import { printable, type Style, type Terminal } from './terminal.ts';
import { wrapped } from './wrap.ts';

export interface Column {
  readonly head: string;
  /** The largest share of a terminal's width. Longer texts wrap. Default: 1. */
  readonly share?: number;
  /**
   * What happens to the column when the table is too wide. `leave`: it is given up. `below`: its text gets a line of its own, below
   * the row. The columns yield in the order of `turn`, the lowest first. A column without `yields` stays and wraps.
   */
  readonly yields?: { readonly to: 'leave' | 'below'; readonly turn: number };
}

export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

export type Row = readonly Cell[];

const noLines = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};
const gap = 2;
const leastWidth = 8;
/** The layout time of cli-table3 grows with the square of the rows: 10,000 at once take six times as long as in hundreds. */
const mostTogether = 100;

/** The columns beside each other with their widths, and those below. */
interface Layout {
  readonly beside: readonly number[];
  readonly below: readonly number[];
  readonly widths: readonly number[];
}

/** Prints a table, or nothing if there are no rows. */
export function printTable(terminal: Terminal, columns: readonly Column[], rows: readonly Row[]): void {
  if (rows.length === 0) return;
  const shown = rows.map((row) => row.map(({ text, style }) => ({ text: printable(text), style })));
  const layout = layoutOf(columns, shown, terminal.width);
  let together: Row[] = [columns.map(({ head }): Cell => ({ text: head, style: 'dim' }))];
  const print = () => {
    if (together.length > 0) terminal.print(linesOf(terminal, layout, together).join('\n'));
    together = [];
  };
  for (const row of shown) {
    together.push(row);
    const below = layout.below.flatMap((i) => indented(terminal, row[i]));
    if (below.length > 0 || together.length === mostTogether) print();
    if (below.length > 0) terminal.print(below.join('\n'));
  }
  print();
}

function layoutOf(columns: readonly Column[], rows: readonly Row[], room: number | undefined): Layout {
  const wanted = columns
    .map(({ head }, i) => rows.reduce((most, row) => Math.max(most, textAt(row, i).length), head.length))
    .map((width, i) => Math.min(width, Math.floor((room ?? Number.POSITIVE_INFINITY) * (columns[i]?.share ?? 1))));
  const total = (of: readonly number[]) => of.reduce((sum, i) => sum + (wanted[i] ?? 0), gap * (of.length - 1));
  let beside: readonly number[] = columns.map((_, i) => i);
  const below: number[] = [];
  if (room !== undefined) {
    const yielding = columns.flatMap(({ yields }, i) => (yields ? [{ ...yields, i }] : []));
    for (const { i, to } of yielding.sort((left, right) => left.turn - right.turn)) {
      if (total(beside) <= room) break;
      beside = beside.filter((other) => other !== i);
      if (to === 'below') below.push(i);
    }
  }
  return {
    beside,
    below,
    widths: narrowed(
      beside.map((i) => wanted[i] ?? 0),
      room,
    ),
  };
}

/** Makes the widest columns narrower, until all fit. */
function narrowed(wanted: readonly number[], room: number | undefined): readonly number[] {
  const widths = [...wanted];
  if (room === undefined) return widths;
  const all = () => widths.reduce((sum, width) => sum + width, gap * (widths.length - 1));
  while (all() > room && Math.max(...widths) > leastWidth) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  return widths;
}

function linesOf(terminal: Terminal, { beside, widths }: Layout, rows: readonly Row[]): string[] {
  return linesIn(
    widths,
    rows.map((row) => beside.map((i) => row[i] ?? { text: '' })),
    terminal,
  );
}

/** Wraps a text to the terminal's width, indented by two. Without text there is no line. */
export function indented(terminal: Terminal, cell: Cell | undefined): string[] {
  if (cell === undefined || cell.text === '') return [];
  return wrapped(cell.text, terminal.width, gap).map((line) => `  ${paint(terminal, { ...cell, text: line })}`);
}

function linesIn(widths: readonly number[], rows: readonly Row[], terminal: Terminal): string[] {
  const table = new Table({
    chars: noLines,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: [...widths],
    wordWrap: true,
  });
  for (const row of rows) {
    table.push(
      row.map((cell, i) => paint(terminal, { ...cell, text: broken(cell.text, widths[i] ?? cell.text.length) })),
    );
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Breaks words that are longer than their column. cli-table3 would cut them. */
function broken(text: string, width: number): string {
  const pieces = new RegExp(`.{1,${width}}`, 'gu');
  return text
    .split(' ')
    .map((word) => (word.length > width ? (word.match(pieces) ?? []).join(' ') : word))
    .join(' ');
}

function paint(terminal: Terminal, { text, style }: Cell): string {
  return style === undefined || text === '' ? text : terminal.paint(style, text);
}

const textAt = (row: Row, i: number): string => row[i]?.text ?? '';
