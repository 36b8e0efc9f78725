/** One cell of the crash table: a worker is killed at a call, and the next deliveries complete its work. */

import { look } from '../local-aws/enrolled.ts';
import { type Kind, type Scene, type Surroundings, sceneOf } from './crash-scene.ts';
import { broken } from './promise.ts';
import { type Ended, queueEvent, type Worker, type WorkerOptions } from './worker.ts';

const calls = [
  'DescribeSecret',
  'GetSecretValue',
  'CA',
  'PutSecretValue',
  'UpdateSecretVersionStage',
  'PutEvents',
  'TagResource',
] as const;

export type Start = (options: WorkerOptions) => Worker;

export interface Crash {
  readonly call: (typeof calls)[number];
  readonly when: 'before' | 'after';
}

export const crashes: readonly Crash[] = calls.flatMap((call) => [
  { call, when: 'before' as const },
  { call, when: 'after' as const },
]);

/** Kills a worker at the call, lets others finish, and returns the broken guarantees. Throws if no worker was killed. */
export async function crashAt(crash: Crash, kind: Kind, surroundings: Surroundings, start: Start): Promise<string[]> {
  const { emulator } = surroundings;
  const scene = await sceneOf(kind, surroundings);
  try {
    const { signal, output } = await killed(scene, crash, start);
    if (signal !== 'SIGKILL') throw new Error(`nobody was killed ${crash.when} ${crash.call}: ${output}`);
    await finish(scene, emulator, start);
    return await broken(emulator, scene, { issued: 2, versions: 3 });
  } finally {
    await scene.close();
  }
}

function killed(scene: Scene, crash: Crash, start: Start): Promise<Ended> {
  const { proxy, env } = scene;
  const isHttp = crash.call === 'CA' && !['offline', 'CA renewal', 'declared, own authority'].includes(scene.kind);
  // An authority of the stack signs with KMS, or with the key in its secret. That secret is the second one that the worker reads.
  const signing = scene.kind === 'offline' ? { api: 'GetSecretValue', count: 2 } : { api: 'Sign', count: 1 };
  const target = crash.call === 'CA' ? signing : { api: crash.call, count: 1 };
  const worker = start({
    events: [queueEvent([messageFor(scene, scene.secret.versionId)])],
    env: { ...env, ...(isHttp && { KILL_AT_CA: crash.when }) },
  });
  const act = async () => {
    await worker.kill();
    return 'drop';
  };
  if (!isHttp) {
    proxy.plan = ({ api, count }) =>
      api === target.api && count === target.count ? { kind: crash.when, act } : undefined;
  }
  return worker.ended;
}

/** Returns the message of the queue. A new authority is not due, so its message has `force`. */
export function messageFor({ kind, secret }: Scene, versionId: string) {
  return { secretArn: secret.arn, versionId, ...(kind === 'CA renewal' && { force: true }) };
}

/** Delivers the message again. Then delivers it once more, as the next scan does if the tags don't name the current version. */
export async function finish(scene: Scene, emulator: Surroundings['emulator'], start: Start): Promise<void> {
  const { proxy, env, secret } = scene;
  proxy.plan = () => undefined;
  await start({ events: [queueEvent([messageFor(scene, secret.versionId)], 2)], env }).ended;
  const { versionId, tags } = await look(emulator, secret.arn);
  if (tags.get('cert-renewer:version-id') === versionId) return;
  await start({ events: [queueEvent([{ secretArn: secret.arn, versionId }])], env }).ended;
}
