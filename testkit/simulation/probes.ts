/**
 * The probe function and its schedule. It runs at the next minute at which its tags say that one is due, because a run each minute would
 * cost more than all else in an episode. While something is due that a run did not probe, it runs at pauses that grow to a quarter of an hour.
 */
import { timeLimits } from '../../lambdas/domain/calls.ts';
import { hasRoomFor, tags } from '../../lambdas/domain/tags.ts';
import { fingerprintOf, nextProbe, readServing } from '../../lambdas/policy/served.ts';
import { probe, probeReserve } from '../../lambdas/probes/run.ts';
import type { ProbeWorld } from '../../lambdas/probes/world.ts';
import { hasBadTags } from './oracle.ts';
import { minute, start } from './plan.ts';
import { portsOf } from './ports.ts';
import { networkOf } from './probe-network.ts';
import type { Task } from './process.ts';
import type { Servers } from './servers.ts';
import type { ServingPlan } from './serving-plan.ts';
import { toldInTime } from './serving-watch.ts';
import { lifetime, type Simulation } from './simulation.ts';
import type { Event } from './timeline.ts';

/** Changes the probe's ports, to show that a broken guarantee is found. */
export type ProbeTamper = (world: ProbeWorld) => ProbeWorld;

const longestIdle = 15 * minute;

export class Probes {
  readonly #simulation: Simulation;
  readonly #within: number;
  readonly #servers: Servers;
  readonly #tamper: ProbeTamper;
  #next: Event | undefined;
  #isRunning = false;
  /** The pause after a run that left something due. */
  #idle = minute;

  constructor(simulation: Simulation, { within }: ServingPlan, servers: Servers, tamper: ProbeTamper = (w) => w) {
    this.#simulation = simulation;
    this.#within = within;
    this.#servers = servers;
    this.#tamper = tamper;
    simulation.onServing = () => this.wake();
    simulation.beforeCurrent = (record) => toldInTime(simulation, record);
  }

  /** Called when the tags of a secret with servers have changed. */
  wake(): void {
    const { timeline } = this.#simulation;
    const due = this.#dueAt();
    if (due === undefined || this.#isRunning) return;
    const now = timeline.now();
    const at = start + Math.ceil((Math.max(due, now + 1) - start) / minute) * minute;
    if (this.#next?.run !== undefined && this.#next.at > now && this.#next.at <= at) return;
    if (this.#next) this.#next.run = undefined;
    this.#next = timeline.at(at, () => this.#run());
  }

  /** The earliest time at which an endpoint is to be probed. Undefined: there is no endpoint. */
  #dueAt(): number | undefined {
    const { store, ledger, timeline } = this.#simulation;
    const times = this.#servers.secrets.flatMap((name) => {
      const record = ledger.find(name);
      if (record === undefined) return [];
      const summary = store.summary(record.arn);
      const found = Object.fromEntries(summary.tags);
      const isLeft = summary.deletedAt !== undefined || found[tags.endpoints] === undefined || hasBadTags(found);
      if (isLeft || fingerprintOf(summary) === undefined || !hasRoomFor(summary.tags, tags.served)) return [];
      const serving = readServing(summary, timeline.now());
      return [serving === undefined ? timeline.now() : nextProbe(record.arn, serving, this.#within)];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #run(): void {
    const simulation = this.#simulation;
    this.#isRunning = true;
    const { secrets } = this.#servers;
    const invocation = simulation.begin('probe', secrets, () => this.#ended(), lifetime, false);
    const task = invocation.task();
    const timeOver = invocation.abortedIn(lifetime - probeReserve);
    void task
      .run(() => probe(this.#tamper(this.#ports(task)), { due: true }, timeOver))
      .then(
        ({ listed, probed, served, notServed, skipped }) =>
          simulation.note(
            invocation.label,
            `counts ${[listed, probed, served, notServed, skipped].join(' ')}`,
            secrets,
          ),
        (error: unknown) => simulation.note(invocation.label, `fails: ${error instanceof Error ? error.name : ''}`),
      )
      .finally(() => invocation.answered());
  }

  #ports(task: Task): ProbeWorld {
    const limits = timeLimits(lifetime, task.invocation.abortedIn);
    const { rotationFunctionArn, store, profiles, publisher, journal, clock } = portsOf(this.#simulation, task, {
      limits,
    });
    const network = networkOf(this.#simulation, this.#servers, task);
    return {
      rotationFunctionArn,
      store,
      profiles,
      publisher,
      journal,
      clock,
      network,
      anchorsOf: async () => undefined,
    };
  }

  #ended(): void {
    const { timeline } = this.#simulation;
    this.#isRunning = false;
    const due = this.#dueAt();
    if (due === undefined || due > timeline.now()) {
      this.#idle = minute;
      this.wake();
      return;
    }
    this.#next = timeline.at(timeline.now() + this.#idle, () => this.#run());
    this.#idle = Math.min(2 * this.#idle, longestIdle);
  }
}
