/** Two versions measured by turns, and the table of their ratios. */
import { median, ratios, type Series } from './samples.ts';
import { figure, short, table } from './table.ts';

/** Each is the better the less it is. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
}

export interface Measurement<Version> {
  readonly name: string;
  /** Pairs of a round; 0: once in all, for what is the same each time. */
  readonly pairs: number;
  measure(version: Version): Promise<readonly Figure[]>;
}

export interface Pairs {
  readonly what: string;
  readonly unit: string;
  readonly before: Series;
  readonly after: Series;
}

/** What may be worse at most, by the median of its pairs. */
export const tolerated = 1.05;

/**
 * One version and the other at once after it, and the other way round the next time: what the machine does meanwhile, and
 * what one leaves warm for the next, meets both alike.
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

  /** What only one version has stands beside nothing, and is left out. */
  get pairs(): readonly Pairs[] {
    return [...this.#pairs]
      .map(([what, pair]) => ({ what, ...pair }))
      .filter(({ before, after }) => before.length === after.length);
  }
}

export const isWorse = ({ before, after }: Pairs): boolean => median(ratios(after, before)) > tolerated;

/** A quantile of a series, between its two neighbours where it falls between them. */
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
  return table(['what', 'after ÷ before', 'least ÷ least', 'before', 'after', ''], all.map(line));
}
