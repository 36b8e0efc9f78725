/** The table: ratios first, each with its target and whether it was met. */
import { median, ratios, type Series } from './samples.ts';

export interface Row {
  readonly what: string;
  /** The judged figures: ratios, or plain figures without a comparison. */
  readonly judged: Series;
  readonly unit: string;
  readonly ours?: string;
  readonly theirs?: string;
  /** The target. Without one the row is not judged. */
  readonly reach?: Reach | undefined;
}

export type Reach = { readonly atMost: number } | { readonly atLeast: number };

export interface Compared {
  readonly ours: Series;
  readonly theirs: Series;
  readonly unit: string;
}

export function ratioRow(what: string, { ours, theirs, unit }: Compared, reach?: Reach): Row {
  return {
    what,
    judged: ratios(ours, theirs),
    unit: '×',
    ours: figure(ours, unit),
    theirs: figure(theirs, unit),
    reach,
  };
}

/** Formats the median, with the least and the most in brackets. */
export function figure(series: Series, unit: string): string {
  const [least, most] = [Math.min(...series), Math.max(...series)];
  const range = least === most ? '' : ` (${short(least)}–${short(most)})`;
  return `${short(median(series))}${unit === '' ? '' : ` ${unit}`}${range}`;
}

export function isMet({ judged, reach }: Row): boolean | undefined {
  if (reach === undefined) return undefined;
  const found = median(judged);
  return 'atMost' in reach ? found <= reach.atMost : found >= reach.atLeast;
}

export function markdown(rows: readonly Row[]): string {
  const head = ['what', 'figure', 'cert-renewer', 'compared with', 'goal', 'met'];
  const lines = rows.map((row) => {
    const met = isMet(row);
    return [
      row.what,
      `**${figure(row.judged, row.unit)}**`,
      row.ours ?? '',
      row.theirs ?? '',
      row.reach ? reachText(row.reach, row.unit) : '',
      met === undefined ? '' : met ? 'yes' : '**no**',
    ];
  });
  return table(head, lines);
}

export function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

const reachText = (reach: Reach, unit: string): string =>
  'atMost' in reach ? `at most ${reach.atMost} ${unit}` : `at least ${reach.atLeast} ${unit}`;

/** Formats with three significant digits. */
export function short(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
