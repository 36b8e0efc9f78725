/** Tables without lines. On a terminal they fit its width; in a pipe no text is cut. */
import Table from 'cli-table3';
import { printable, type Style, type Terminal } from './terminal.ts';

export interface Column {
  readonly head: string;
  /** The smallest width of the column, on any terminal. */
  readonly least?: number;
}

export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

const noLines = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

/**
 * A table that grows. The first rows print the head and fix the widths on a terminal, where longer texts of later rows are cut.
 * In a pipe each call of `add` has its own widths.
 */
export class GrowingTable {
  readonly #terminal: Terminal;
  readonly #columns: readonly Column[];
  #widths: readonly number[] | undefined;

  constructor(terminal: Terminal, columns: readonly Column[]) {
    this.#terminal = terminal;
    this.#columns = columns;
  }

  add(rows: readonly (readonly Cell[])[]): void {
    if (rows.length === 0) return;
    const texts = rows.map((row) => row.map(({ text }) => printable(text)));
    const heads = this.#columns.map(({ head }) => head);
    const isFirst = this.#widths === undefined;
    const wanted = heads.map((head, i) => Math.max(head.length, ...texts.map((row) => row[i]?.length ?? 0)));
    const widths = this.#terminal.width === undefined ? wanted : (this.#widths ?? this.#fitted(wanted));
    this.#widths = widths;
    const painted = rows.map((row, index) => row.map(({ style }, i) => this.#painted(texts[index]?.[i] ?? '', style)));
    if (isFirst) painted.unshift(heads.map((head) => this.#terminal.paint('dim', head)));
    // The layout time of cli-table3 grows with the square of the rows: 10,000 at once take six times as long as in hundreds.
    for (let at = 0; at < painted.length; at += 100) this.#print(painted.slice(at, at + 100), widths);
  }

  #print(rows: readonly (readonly string[])[], widths: readonly number[]): void {
    const table = new Table({
      chars: noLines,
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
      colWidths: [...widths],
    });
    for (const row of rows) table.push([...row]);
    const lines = table.toString().split('\n');
    this.#terminal.print(lines.map((line) => line.trimEnd()).join('\n'));
  }

  #painted(text: string, style: Style | undefined): string {
    return style === undefined || text === '' ? text : this.#terminal.paint(style, text);
  }

  /** Shrinks the widest columns first, and none below its least width. */
  #fitted(wanted: readonly number[]): readonly number[] {
    const widths = [...wanted];
    const room = (this.#terminal.width ?? 80) - 2 * (widths.length - 1);
    const least = (i: number): number => Math.min(wanted[i] ?? 0, this.#columns[i]?.least ?? 8);
    for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; over--) {
      const widest = widths.reduce((best, width, i) => {
        const spare = width - least(i);
        return spare > 0 && (best < 0 || width > (widths[best] ?? 0)) ? i : best;
      }, -1);
      if (widest < 0) break;
      widths[widest] = (widths[widest] ?? 1) - 1;
    }
    return widths;
  }
}
