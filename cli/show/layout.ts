/** Lays out labels and values in two columns. Nothing is ever cut: a value continues below, and a word is never broken. Pure. */
import { printable, type Style } from '../terminal.ts';

export interface Entry {
  readonly label: string;
  /** Each begins on its own line. */
  readonly values: readonly Value[];
}

export interface Value {
  readonly text: string;
  readonly style?: Style | undefined;
  /** A command: a line end in it would run its first half when it is pasted. */
  readonly isCommand?: boolean;
}

/** Entries that belong together. A blank line separates groups. */
export type Group = readonly Entry[];

const gap = 2;

/**
 * Returns the lines. `width`: columns of the terminal; undefined in a pipe, where no line is broken. A value with a word that is
 * wider than its column (an id, an address) begins below its label, indented. Only a word or a command that is wider than the
 * terminal makes a longer line, so that it can be copied in one piece.
 */
export function layOut(
  groups: readonly Group[],
  width: number | undefined,
  paint: (style: Style, text: string) => string,
): readonly string[] {
  const shown = groups.filter((group) => group.length > 0);
  const labels = Math.max(0, ...shown.flat().map(({ label }) => label.length)) + gap;
  return shown.flatMap((group, index) => [
    ...(index > 0 ? [''] : []),
    ...group.flatMap((entry) => linesOf(entry, labels, width ?? Number.POSITIVE_INFINITY, paint)),
  ]);
}

function linesOf(
  { label, values }: Entry,
  indent: number,
  width: number,
  paint: (style: Style, text: string) => string,
): string[] {
  const fits = values.every((value) => piecesOf(value).every((piece) => piece.length <= width - indent));
  const margin = fits ? indent : gap;
  const lines = values.flatMap((value) =>
    wrapped(piecesOf(value), width - margin).map((line) => (value.style ? paint(value.style, line) : line)),
  );
  const head = paint('dim', label);
  const [first = '', ...rest] = lines;
  const below = (fits ? rest : lines).map((line) => `${' '.repeat(margin)}${line}`);
  return [fits ? `${head}${' '.repeat(indent - label.length)}${first}` : head, ...below];
}

/** The parts of a value that must stay in one piece. */
function piecesOf({ text, isCommand = false }: Value): readonly string[] {
  const clean = printable(text);
  return isCommand ? [clean] : clean.split(' ').filter((word) => word !== '');
}

function wrapped(pieces: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces) {
    const longer = line === '' ? piece : `${line} ${piece}`;
    if (longer.length <= width || line === '') line = longer;
    else {
      lines.push(line);
      line = piece;
    }
  }
  return [...lines, line];
}
