/** Plays many episodes one after another, and sums them up. */

import { drawPlan } from './draw.ts';
import { playEpisode, type Report } from './episode.ts';
import type { Violation } from './ledger.ts';
import { day, type Plan } from './plan.ts';
import { shrink, storyOf } from './shrink.ts';

/** Sums of several episodes. `years` are virtual time, in which every scan is played. */
export interface Sums {
  episodes: number;
  years: number;
  secrets: number;
  scans: number;
  renewals: number;
  faults: number;
  deeds: number;
  events: number;
  readonly violations: (Violation & { readonly seed: number })[];
}

export const noSums = (): Sums => ({
  ...{ episodes: 0, years: 0, secrets: 0, scans: 0, renewals: 0, faults: 0, deeds: 0, events: 0, violations: [] },
});

export function add(
  sums: Sums,
  report: Pick<Report, 'seed' | 'simulated' | 'secrets' | 'scans' | 'counts' | 'violations'>,
): void {
  const { seed, simulated, secrets, scans, counts, violations } = report;
  sums.episodes += 1;
  sums.years += simulated / (365 * day);
  sums.secrets += secrets;
  sums.scans += scans;
  sums.renewals += counts.renewals;
  sums.faults += counts.faults;
  sums.deeds += counts.deeds;
  sums.events += counts.events;
  sums.violations.push(...violations.map((violation) => ({ ...violation, seed })));
}

export function describe(sums: Sums, milliseconds: number): string {
  const { episodes, years, secrets, scans, renewals, faults, deeds, events, violations } = sums;
  const speed = years / Math.max(milliseconds / 60_000, 1e-9);
  return [
    `${episodes} seeds, ${years.toFixed(1)} years, ${secrets} secrets, ${scans} scans, ${renewals} renewals, ${faults} faults met,`,
    `${deeds} deeds, ${events} events, ${speed.toFixed(0)} years a minute, ${violations.length} violations`,
  ].join(' ');
}

/** Returns the shortest story of each guarantee that a plan breaks. */
export async function storiesOf(plan: Plan, violations: readonly Violation[]): Promise<string[]> {
  const rules = new Map(violations.map((violation) => [violation.rule, violation]));
  const stories: string[] = [];
  for (const violation of rules.values()) stories.push(await storyOf(await shrink(plan, violation), violation));
  return stories;
}

/** Plays every `step`th seed from `seed` on, for so many milliseconds or until a seed breaks a guarantee. */
export async function playFor(milliseconds: number, seed: number, step: number): Promise<Sums> {
  const sums = noSums();
  const until = performance.now() + milliseconds;
  for (let next = seed; performance.now() < until && sums.violations.length === 0; next += step) {
    add(sums, await playEpisode(drawPlan(next)));
  }
  return sums;
}
