/** What the rounds gave, by name, and what is made of it: medians with their spread, ratios round by round. */

/** Figures of one thing, one a round. */
export type Series = readonly number[];

export class Samples {
  readonly #all = new Map<string, number[]>();

  add(name: string, value: number): void {
    const series = this.#all.get(name) ?? [];
    series.push(value);
    this.#all.set(name, series);
  }

  /** Throws for what nobody measured: a row of the table must not be made up. */
  of(name: string): Series {
    const series = this.#all.get(name);
    if (series === undefined) throw new Error(`nothing was measured as "${name}"`);
    return series;
  }
}

export function median(series: Series): number {
  const sorted = [...series].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return Number.isInteger(middle) ? (at(middle - 1) + at(middle)) / 2 : at(Math.floor(middle));
}

/** Round by round, as the machine's pace changes between rounds more than within one. */
export function ratios(ours: Series, theirs: Series): Series {
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
}

/** The best of several in each round. */
export function best(all: readonly Series[], better: (a: number, b: number) => number): Series {
  const [first = [], ...rest] = all;
  return first.map((value, round) => rest.reduce((found, series) => better(found, series[round] ?? found), value));
}
