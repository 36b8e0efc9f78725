/** Probes endpoints from this machine, by the rules of the probe function. Writes nothing. */
import { toRenewalError } from '../../lambdas/domain/errors.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { afterProbe, newServing } from '../../lambdas/policy/served.ts';
import { anchorsOf } from '../../lambdas/probes/anchors.ts';
import type { ProbeAnswer } from '../../lambdas/probes/run.ts';
import { look, probable } from '../../lambdas/probes/secret.ts';
import type { ProbeWorld } from '../../lambdas/probes/world.ts';
import type { Session } from '../session.ts';

type World = Pick<ProbeWorld, 'profiles' | 'rotationFunctionArn' | 'network' | 'anchorsOf' | 'clock'>;

/**
 * Yields an answer for each named secret, or for all with endpoints, but not for those of other stacks. `state` is what the function would
 * note. Throws AccessDenied, Throttled, NoStack.
 */
export async function* probeHere(session: Session, names: readonly string[]): AsyncGenerator<ProbeAnswer> {
  const { profiles, rotationFunctionArn, authorities } = await session.deployment();
  const world: World = {
    ...{ profiles, rotationFunctionArn, network: session.network, clock: session.clock },
    anchorsOf: ({ ca }) => anchorsOf(ca, authorities),
  };
  for await (const page of chosen(session, names)) {
    const answers = await Promise.all(page.map(([secretId, secret]) => probeOne(world, session, secretId, secret)));
    yield* names.length > 0 ? answers : answers.filter(({ error }) => error?.code !== 'UnknownProfile');
  }
}

type Chosen = readonly [secretId: string, secret: SecretSummary | undefined];

/** Certificates of one page are probed at once. */
const mostAtOnce = 20;

async function* chosen({ store }: Session, names: readonly string[]): AsyncGenerator<readonly Chosen[]> {
  if (names.length > 0) {
    yield* parts(names.map((name) => [name, undefined]));
    return;
  }
  for await (const page of store.list(undefined, tags.endpoints)) {
    yield* parts(page.map((secret) => [secret.name, secret]));
  }
}

function* parts(all: readonly Chosen[]): Generator<readonly Chosen[]> {
  for (let from = 0; from < all.length; from += mostAtOnce) yield all.slice(from, from + mostAtOnce);
}

async function probeOne(
  world: World,
  { store }: Session,
  secretId: string,
  listed: SecretSummary | undefined,
): Promise<ProbeAnswer> {
  let secret = listed;
  const failed = (thrown: unknown): ProbeAnswer => {
    const { code, message } = toRenewalError(thrown);
    const [secretArn, name] = [secret?.arn ?? null, secret?.name ?? null];
    return { secretId, secretArn, name, state: null, endpoints: [], warnings: [], error: { code, message } };
  };
  try {
    secret ??= await store.describe(secretId);
    const found = await probable(world, secret, world.clock.now());
    if (!('terms' in found)) return failed(found);
    const { endpoints, warnings } = await look(world, found);
    const isServed = endpoints.every(({ state }) => state === 'served');
    const isStale = endpoints.some(({ state }) => state === 'stale');
    const now = world.clock.now();
    const before = found.serving ?? newServing(now, undefined);
    const { state } = afterProbe(before, { isServed, isStale }, found.terms.within, now).serving;
    return { secretId, secretArn: secret.arn, name: secret.name, state, endpoints, warnings };
  } catch (thrown) {
    return failed(thrown);
  }
}
