/** The crash table of an order: a worker is killed at a call of AWS or of the CA, and the next deliveries complete the order. */
import { look } from '../local-aws/enrolled.ts';
import type { Start } from './crash.ts';
import { ordered, type Scene, type Surroundings, sceneOf } from './crash-scene.ts';
import { broken } from './promise.ts';
import { type Ended, queueEvent } from './worker.ts';

/** `call`: AWS's name, with its count, or a part of the path at the CA. */
export interface OrderCrash {
  readonly at: 'AWS' | 'CA';
  readonly call: string;
  readonly count?: number;
  readonly when: 'before' | 'after';
}

const both = (at: OrderCrash['at'], call: string, count = 1): readonly OrderCrash[] => [
  { at, call, count, when: 'before' },
  { at, call, count, when: 'after' },
];

export const orderCrashes: readonly OrderCrash[] = [
  ...both('AWS', 'PutSecretValue', 1), // the claim
  ...both('CA', 'order-plz'),
  ...both('AWS', 'PutSecretValue', 2), // the order, with its key
  ...both('CA', 'chalZ'),
  ...both('CA', 'finalize-order'),
  ...both('CA', 'certZ'),
  { at: 'AWS', call: 'SendMessageBatch', when: 'after' }, // before the wait is noted
  ...both('AWS', 'UpdateSecretVersionStage', 1), // the promotion
  { at: 'AWS', call: 'UpdateSecretVersionStage', count: 2, when: 'before' }, // the order's label
];

/** Milliseconds. Longer than a claim lasts, and than Pebble's pauses. */
const later = 130_000;
const mostDeliveries = 8;

/** Kills a worker, lets others finish, and returns the broken guarantees. Throws if no worker was killed. */
export async function crashInOrder(crash: OrderCrash, surroundings: Surroundings, start: Start): Promise<string[]> {
  const scene = await sceneOf(ordered, surroundings);
  const { emulator } = surroundings;
  try {
    let wasKilled = false;
    for (let delivery = 0; delivery < mostDeliveries; delivery++) {
      const { signal } = await deliver(scene, wasKilled ? undefined : crash, delivery, start);
      wasKilled ||= signal === 'SIGKILL';
      const { versionId, tags } = await look(emulator, scene.secret.arn);
      if (wasKilled && signal === null && tags.get('cert-renewer:version-id') === versionId) break;
    }
    // The daily inspection.
    await deliver(scene, undefined, mostDeliveries, start, (await look(emulator, scene.secret.arn)).versionId);
    if (!wasKilled) throw new Error(`nobody was killed ${crash.when} ${crash.call}`);
    return [
      ...(await broken(emulator, scene, { issued: 1, versions: 16 })),
      ...(await brokenOrders(scene, surroundings)),
    ];
  } finally {
    await scene.close();
  }
}

/** Delivers a message for the first or another version, in a process whose clock is ahead. */
async function deliver(
  scene: Scene,
  crash: OrderCrash | undefined,
  n: number,
  start: Start,
  versionId: string = scene.secret.versionId,
): Promise<Ended> {
  const { proxy, env, secret } = scene;
  const isAtCa = crash?.at === 'CA';
  const worker = start({
    events: [queueEvent([{ secretArn: secret.arn, versionId }])],
    env: {
      ...{ ...env, CLOCK_OFFSET_MS: String(n * later) },
      ...(isAtCa && { KILL_AT_CA: crash.when, KILL_PATHS: crash.call }),
    },
  });
  const act = async () => {
    await worker.kill();
    return 'drop';
  };
  proxy.plan = ({ api, count }) =>
    crash?.at === 'AWS' && api === crash.call && count === (crash.count ?? 1) ? { kind: crash.when, act } : undefined;
  return worker.ended;
}

/** One order is lost at most, namely before it was stored. Nothing is left of an order. */
async function brokenOrders(scene: Scene, { emulator }: Surroundings): Promise<string[]> {
  const { stages, tags } = await look(emulator, scene.secret.arn);
  const placed = await scene.placed();
  const facts: readonly (readonly [holds: boolean, what: string])[] = [
    [placed <= 2, `${placed} orders were placed`],
    [!tags.has('cert-renewer:order'), `it still waits: ${tags.get('cert-renewer:order')}`],
    [!stages.has('cert-renewer-order'), `${stages.get('cert-renewer-order')} has the label of an order`],
  ];
  return facts.filter(([holds]) => !holds).map(([, what]) => `${ordered}: ${what}`);
}
