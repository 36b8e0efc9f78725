/** Measures two versions in turns, and makes the table of their ratios. */
import { median, ratios, type Series } from './samples.ts';
import { figure, short, table } from './table.ts';

/** A measured figure. Less is better. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
}

export interface Measurement<Version> {
  readonly name: string;
  /** Pairs in a round. 0 means one pair in all, for figures that never vary. */
  readonly pairs: number;
  measure(version: Version): Promise<readonly Figure[]>;
}

export interface Pairs {
  readonly what: string;
  readonly unit: string;
  readonly before: Series;
  readonly after: Series;
}

/** The largest ratio that is not marked, by the median of the pairs. */
export const tolerated = 1.05;

/**
 * Measures one version and then the other, and swaps the order each time. Other work on the machine and warm caches
 * then affect both in the same way.
 */
export class Turns<Version> {
  readonly #before: Version;
  readonly #after: Version;
  readonly #pairs = new Map<string, { unit: string; before: number[]; after: number[] }>();
  #turn = 0;

  constructor(before: Version, after: Version) {
    this.#before = before;
    this.#after = after;
  }

  async take({ name, measure }: Measurement<Version>): Promise<void> {
    this.#turn += 1;
    const order = this.#turn % 2 === 0 ? (['before', 'after'] as const) : (['after', 'before'] as const);
    for (const side of order) {
      const figures = await measure(side === 'before' ? this.#before : this.#after);
      for (const { what, unit, value } of figures) this.#pairOf(`${name}: ${what}`, unit)[side].push(value);
    }
  }

  #pairOf(what: string, unit: string) {
    const pair = this.#pairs.get(what) ?? { unit, before: [], after: [] };
    this.#pairs.set(what, pair);
    return pair;
  }

  /** A figure that only one version has is omitted. */
  get pairs(): readonly Pairs[] {
    return [...this.#pairs]
      .map(([what, pair]) => ({ what, ...pair }))
      .filter(({ before, after }) => before.length === after.length);
  }
}

export const isWorse = ({ before, after }: Pairs): boolean => median(ratios(after, before)) > tolerated;

/** Returns a quantile of a series, interpolated between its neighbours. */
export function quantile(series: Series, part: number): number {
  const sorted = [...series].sort((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN];
  return low + (high - low) * (place - Math.floor(place));
}

export function comparison(all: readonly Pairs[]): string {
  const line = (pairs: Pairs): string[] => {
    const { what, unit, before, after } = pairs;
    const each = ratios(after, before);
    const quartiles = `${short(quantile(each, 0.25))}–${short(quantile(each, 0.75))}`;
    const least = short(Math.min(...after) / Math.min(...before));
    return [
      what,
      `**${short(median(each))}**${each.length > 1 ? ` (${quartiles})` : ''}`,
      least,
      figure(before, unit),
      figure(after, unit),
      isWorse(pairs) ? '**worse**' : '',
    ];
  };
  return table(['what', 'after ÷ before', 'minimum ÷ minimum', 'before', 'after', ''], all.map(line));
}
