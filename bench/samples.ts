/** The figures of the rounds, by name, with their medians and ratios. */

/** The figures of one measurement, one for each round. */
export type Series = readonly number[];

export class Samples {
  readonly #all = new Map<string, number[]>();

  add(name: string, value: number): void {
    const series = this.#all.get(name) ?? [];
    series.push(value);
    this.#all.set(name, series);
  }

  /** Returns the figures. Throws if there are none, because a row must not be made up. */
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

/** Returns the ratio of each round, because the machine's speed changes more between rounds than within one. */
export function ratios(ours: Series, theirs: Series): Series {
  return ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
}

/** Returns the best of several figures in each round. */
export function best(all: readonly Series[], better: (a: number, b: number) => number): Series {
  const [first = [], ...rest] = all;
  return first.map((value, round) => rest.reduce((found, series) => better(found, series[round] ?? found), value));
}
