/** Plays and judges one episode from its plan. */
import './instant-crypto.ts';
import { Functions, type Tamper } from './functions.ts';
import { judgeEnd } from './judge.ts';
import type { Violation } from './ledger.ts';
import { Operators } from './operators.ts';
import { type Plan, start } from './plan.ts';
import { Probes, type ProbeTamper } from './probes.ts';
import { Simulation } from './simulation.ts';
import type { Line } from './trace.ts';

export interface Report {
  readonly seed: number;
  /** Milliseconds of virtual time, with all scans. */
  readonly simulated: number;
  readonly secrets: number;
  readonly counts: Simulation['ledger']['counts'];
  readonly scans: number;
  /** Calls in the busiest second. */
  readonly rates: Simulation['rates'];
  readonly violations: readonly Violation[];
  /** Equal for equal stories. */
  readonly fingerprint: string;
  readonly lines: readonly Line[] | undefined;
  /** Faults that met a call, by id. */
  readonly met: ReadonlyMap<string, number>;
}

export interface EpisodeOptions {
  readonly keepsStory?: boolean;
  readonly tamper?: Tamper;
  readonly probeTamper?: ProbeTamper;
  /** Ends the episode as soon as this guarantee is broken. */
  readonly until?: string;
}

export async function playEpisode(
  plan: Plan,
  { keepsStory = false, tamper, probeTamper, until }: EpisodeOptions = {},
): Promise<Report> {
  const simulation = new Simulation(plan, keepsStory);
  const functions = new Functions(simulation, tamper);
  const { servers } = simulation;
  if (plan.serving && servers) new Probes(simulation, plan.serving, servers, probeTamper);
  new Operators(simulation, functions).prepare();
  functions.schedule();
  let isOver = false;
  simulation.ledger.onViolation = (rule) => {
    isOver ||= rule === until;
    if (isOver) simulation.timeline.stop();
  };
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // the stacks of the many errors are not needed
  try {
    await simulation.timeline.run(start + plan.end);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  if (!isOver) judgeEnd(simulation);
  const { ledger, trace, troubles } = simulation;
  return {
    seed: plan.seed,
    simulated: plan.end,
    secrets: plan.secrets.length,
    counts: ledger.counts,
    scans: ledger.scans.length,
    rates: simulation.rates,
    violations: ledger.violations,
    fingerprint: trace.fingerprint,
    lines: trace.lines,
    met: troubles.met,
  };
}
