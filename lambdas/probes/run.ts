/**
 * One run of the probe: lists the secrets with endpoints, and probes those that are due. It reads names and tags only, and its role must not
 * read more.
 */

import { forEach } from '../domain/bounded.ts';
import { type RenewalError, toRenewalError } from '../domain/errors.ts';
import type { ProbeRequest } from '../domain/request.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { EndpointReport, ServingWarning } from '../domain/serving.ts';
import { tags } from '../domain/tags.ts';
import type { ServingState } from '../policy/served.ts';
import { isDue, type Probable, type Probed, probable, probeSecret } from './secret.ts';
import type { ProbeWorld } from './world.ts';

/** Certificates that are probed at once. Each has five endpoints at most. */
const mostAtOnce = 100;

/** Milliseconds before the end of an invocation: enough for the probes that have begun. */
export const probeReserve = 25_000;

/** The state of one certificate in the answer. Null with an error. */
export interface ProbeAnswer {
  /** As in the request. */
  readonly secretId: string;
  readonly secretArn: string | null;
  readonly name: string | null;
  readonly state: ServingState | null;
  readonly endpoints: readonly EndpointReport[];
  readonly warnings: readonly ServingWarning[];
  readonly error?: { readonly code: string; readonly message: string };
}

/** The answer of the probe function. `listed` = `served` + `pending` + `notServed` + `skipped`. */
export interface ProbeResult {
  /** Secrets with endpoints. */
  readonly listed: number;
  /** Secrets that this run probed. */
  readonly probed: number;
  readonly served: number;
  /** Not served yet, and `probe.within` has not passed. */
  readonly pending: number;
  readonly notServed: number;
  /** Secrets whose endpoints can't be probed: not of this stack, a tag that is not valid, no fingerprint yet. */
  readonly skipped: number;
  readonly durationMs: number;
  /** One for each of `secretIds`, in their order. */
  readonly results?: readonly ProbeAnswer[];
  /** The time was over before all were probed. The next run probes the rest. */
  readonly partial?: true;
}

/** A signal that is aborted when no other probe may be started. */
type TimeOver = Pick<AbortSignal, 'aborted'>;

/** Runs the probe. One secret never stops another: its error is logged. Throws AccessDenied, Throttled. */
export async function probe(
  world: ProbeWorld,
  request: ProbeRequest,
  timeOver: TimeOver = { aborted: false },
): Promise<ProbeResult> {
  const started = world.clock.now();
  const tally = new Tally();
  const { secretIds } = request;
  const asked = { isAsked: !request.due, underWay: new Map<string, Promise<Probed>>() };
  const one = (secretId: string, secret?: SecretSummary) =>
    probeOne(world, tally, { secretId, secret, ...asked, isLate: timeOver.aborted });
  // A request has so few names (policy/request.ts) that all are probed at once.
  const results = secretIds && (await Promise.all(secretIds.map((secretId) => one(secretId))));
  if (!secretIds) {
    await forEach(listed(world), mostAtOnce, async (secret) => void (await one(secret.arn, secret)));
    tally.writeMetrics(world.journal);
  }
  return {
    ...tally.sums(),
    durationMs: world.clock.now() - started,
    ...(results && { results }),
    ...(tally.isPartial && { partial: true }),
  };
}

async function* listed({ store }: Pick<ProbeWorld, 'store'>): AsyncGenerator<SecretSummary> {
  const seen = new Set<string>();
  for await (const page of store.list(undefined, tags.endpoints)) {
    for (const secret of page) {
      if (seen.has(secret.arn)) continue;
      seen.add(secret.arn);
      yield secret;
    }
  }
}

interface One {
  readonly secretId: string;
  readonly secret: SecretSummary | undefined;
  readonly isAsked: boolean;
  readonly isLate: boolean;
  /** By ARN. A request may name a secret twice, and two probes at once would send its event twice. */
  readonly underWay: Map<string, Promise<Probed>>;
}

async function probeOne(
  world: ProbeWorld,
  tally: Tally,
  { secretId, secret, isAsked, isLate, underWay }: One,
): Promise<ProbeAnswer> {
  const failed = (thrown: unknown, found = secret): ProbeAnswer => {
    const { code, message } = toRenewalError(thrown);
    const [secretArn, name] = [found?.arn ?? null, found?.name ?? null];
    return { secretId, secretArn, name, state: null, endpoints: [], warnings: [], error: { code, message } };
  };
  let found: Probable | RenewalError;
  try {
    const described = secret ?? (await world.store.describe(secretId));
    found = await probable(world, described, world.clock.now());
    if (!isProbable(found)) return tally.skip(failed(found, described));
    if (secret !== undefined && !isLate && (isAsked || isDue(found, world.clock.now()))) {
      // The listing may be minutes old.
      found = await probable(world, await world.store.describe(secret.arn), world.clock.now());
      if (!isProbable(found)) return tally.skip(failed(found));
    }
  } catch (error) {
    world.journal.failure({ secretArn: secret?.arn ?? null, error, step: 'describing' });
    return tally.skip(failed(error));
  }
  const { arn, name } = found.secret;
  const answer = { secretId, secretArn: arn, name };
  const isWanted = isAsked || isDue(found, world.clock.now());
  if (isLate || !isWanted) {
    tally.add(found.profile.name, found.serving?.state, false);
    if (isWanted) tally.isPartial = true;
    return { ...answer, state: found.serving?.state ?? null, endpoints: [], warnings: [] };
  }
  try {
    const running = underWay.get(arn) ?? probeSecret(world, found).finally(() => underWay.delete(arn));
    underWay.set(arn, running);
    const { report, serving } = await running;
    tally.add(found.profile.name, serving.state, true);
    return { ...answer, state: serving.state, endpoints: report.endpoints, warnings: report.warnings };
  } catch (error) {
    world.journal.failure({ secretArn: arn, error, step: 'probing' });
    tally.add(found.profile.name, found.serving?.state, true);
    return failed(error, found.secret);
  }
}

const isProbable = (found: Probable | RenewalError): found is Probable => 'terms' in found;

/** The sums of a run. */
class Tally {
  isPartial = false;
  #probed = 0;
  #skipped = 0;
  readonly #states: Record<'served' | 'pending' | 'notServed', number> = { served: 0, pending: 0, notServed: 0 };
  readonly #notServed = new Map<string, number>();

  add(profile: string, state: ServingState | undefined, isProbed: boolean): void {
    if (isProbed) this.#probed += 1;
    const isNotServed = state === 'not-served';
    this.#states[isNotServed ? 'notServed' : state === 'served' ? 'served' : 'pending'] += 1;
    this.#notServed.set(profile, (this.#notServed.get(profile) ?? 0) + (isNotServed ? 1 : 0));
  }

  skip<Answer>(answer: Answer): Answer {
    this.#skipped += 1;
    return answer;
  }

  sums() {
    const { served, pending, notServed } = this.#states;
    const listed = served + pending + notServed + this.#skipped;
    return { listed, probed: this.#probed, served, pending, notServed, skipped: this.#skipped };
  }

  /** Writes the metric of each profile with endpoints. */
  writeMetrics(journal: ProbeWorld['journal']): void {
    for (const [profile, count] of this.#notServed) journal.count('NotServed', profile, count);
  }
}
