/** The faults around a renewal. Each function makes a scene, adds a fault, and checks the guarantees at the end. */
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { client } from '../local-aws/client.ts';
import { look } from '../local-aws/enrolled.ts';
import type { AwsCall, Trouble } from './aws-proxy.ts';
import { finish, messageFor, type Start } from './crash.ts';
import { type Kind, type Scene, type Surroundings, sceneOf } from './crash-scene.ts';
import { type Bounds, broken } from './promise.ts';
import { queueEvent } from './worker.ts';

/** The calls of a renewal, in order. */
export const cycle = [
  'GetParameter',
  'DescribeSecret',
  'GetSecretValue',
  'PutSecretValue',
  'UpdateSecretVersionStage',
  'PutEvents',
  'TagResource',
] as const;
export type CycleCall = (typeof cycle)[number];

export const troubles = {
  throttled: { kind: 'refuse', status: 400, code: 'ThrottlingException' },
  'server error': { kind: 'refuse', status: 500, code: 'InternalServiceError' },
  'access denied': { kind: 'refuse', status: 400, code: 'AccessDeniedException' },
  'connection refused': { kind: 'drop' },
  'lost answer': { kind: 'lose' },
  'cut answer': { kind: 'cut' },
  'no answer in time': { kind: 'delay', milliseconds: 6_000 },
  'stale answer': { kind: 'stale' },
} as const satisfies Readonly<Record<string, Trouble>>;
export type TroubleName = keyof typeof troubles;

type Plan = (call: AwsCall) => Trouble | undefined;

/** Runs `spoil` in a new scene. Returns the broken guarantees. */
async function spoiled(
  kind: Kind,
  surroundings: Surroundings,
  spoil: (scene: Scene) => Promise<Bounds>,
  judge: typeof broken = broken,
): Promise<string[]> {
  const scene = await sceneOf(kind, surroundings);
  try {
    const bounds = await spoil(scene);
    return await judge(surroundings.emulator, scene, bounds);
  } finally {
    await scene.close();
  }
}

const once: Bounds = { issued: 2, versions: 3 };
const event = (scene: Scene) => queueEvent([messageFor(scene, scene.secret.versionId)]);

/** A call of AWS fails `times` times, from its `from`th on. Then everything works again. */
export function failing(
  fault: { readonly call: CycleCall; readonly trouble: TroubleName; readonly from?: number; readonly times: number },
  kind: Kind,
  surroundings: Surroundings,
  start: Start,
): Promise<string[]> {
  const { call, trouble, from = 1, times } = fault;
  const plan: Plan = ({ api, count }) =>
    api === call && count >= from && count < from + times ? troubles[trouble] : undefined;
  return spoiled(kind, surroundings, async (scene) => {
    scene.proxy.plan = plan;
    await start({ events: [event(scene)], env: scene.env }).ended;
    await finish(scene, surroundings.emulator, start);
    return once;
  });
}

/** During a second delivery, reads return the state before the renewal. */
export function behind(kind: Kind, surroundings: Surroundings, start: Start): Promise<string[]> {
  return spoiled(kind, surroundings, async (scene) => {
    await start({ events: [event(scene)], env: scene.env }).ended;
    scene.proxy.plan = ({ api }) => (/^(Describe|GetSecret)/.test(api) ? troubles['stale answer'] : undefined);
    await start({ events: [event(scene)], env: scene.env }).ended;
    await finish(scene, surroundings.emulator, start);
    return once;
  });
}

/** Several worker processes run at once: those of the queue and one on demand. */
export function race(workers: number, kind: Kind, surroundings: Surroundings, start: Start): Promise<string[]> {
  return spoiled(kind, surroundings, async (scene) => {
    const { secret, env } = scene;
    const asked = Array.from({ length: workers }, (_, index) =>
      index === 0 ? { secretId: secret.arn } : event(scene),
    );
    await Promise.all(asked.map((each) => start({ events: [each], env }).ended));
    await finish(scene, surroundings.emulator, start);
    return { issued: workers + 1, versions: workers + 2 };
  });
}

/** Another writer puts a value during this call of the worker. Its value must stay. */
export function written(call: CycleCall, kind: Kind, surroundings: Surroundings, start: Start): Promise<string[]> {
  const { emulator } = surroundings;
  let isWritten = false;
  const isLate = call === 'PutEvents' || call === 'TagResource';
  return spoiled(
    kind,
    surroundings,
    async (scene) => {
      const { secret, proxy, env } = scene;
      const { value } = await look(emulator, secret.arn);
      const SecretString = JSON.stringify({ ...JSON.parse(value), note: 'theirs' });
      const act = async () => {
        isWritten = true;
        await client(SecretsManagerClient, emulator).send(
          new PutSecretValueCommand({ SecretId: secret.arn, SecretString, ClientRequestToken: theirs }),
        );
      };
      proxy.plan = ({ api, count }) => (api === call && count === 1 ? { kind: 'before', act } : undefined);
      await start({ events: [event(scene)], env }).ended;
      return once;
    },
    async (aws, { secret }) => {
      const { versionId, stages } = await look(aws, secret.arn);
      const pending = stages.get('AWSPENDING');
      return [
        ...(isWritten ? [] : ['nobody wrote']),
        ...(versionId === theirs ? [] : [`${versionId} has taken the place of what was written`]),
        ...(pending === undefined || pending === versionId || isLate ? [] : [`AWSPENDING is left on ${pending}`]),
      ];
    },
  );
}

const theirs = 'written-by-somebody-else-00000000';

/** Another rotation has left its AWSPENDING. */
export function pending(kind: Kind, surroundings: Surroundings, start: Start): Promise<string[]> {
  return spoiled(kind, surroundings, async (scene) => {
    const { secret, env } = scene;
    const left = { SecretId: secret.arn, SecretString: 'half a rotation', VersionStages: ['AWSPENDING'] };
    await client(SecretsManagerClient, surroundings.emulator).send(new PutSecretValueCommand(left));
    await start({ events: [event(scene)], env }).ended;
    await finish(scene, surroundings.emulator, start);
    return { issued: 1, versions: 3 };
  });
}

/** The worker's clock is wrong. It is right at the next try. */
export function wrongClock(offset: number, kind: Kind, surroundings: Surroundings, start: Start): Promise<string[]> {
  return spoiled(kind, surroundings, async (scene) => {
    await start({ events: [event(scene)], env: { ...scene.env, CLOCK_OFFSET_MS: String(offset) } }).ended;
    await finish(scene, surroundings.emulator, start);
    return once;
  });
}

/** The function has this much time left (milliseconds), and AWS is slow. The worker must return the message. */
export function outOfTime(remaining: number, kind: Kind, surroundings: Surroundings, start: Start): Promise<string[]> {
  let handedBack: unknown;
  return spoiled(
    kind,
    surroundings,
    async (scene) => {
      scene.proxy.plan = ({ api }) => (api === 'DescribeSecret' ? { kind: 'delay', milliseconds: 2_000 } : undefined);
      const env = { ...scene.env, REMAINING_MS: String(remaining) };
      handedBack = (await start({ events: [event(scene)], env }).ended).results[0];
      await finish(scene, surroundings.emulator, start);
      return once;
    },
    async (...looked) => {
      const expected = JSON.stringify({ batchItemFailures: [{ itemIdentifier: 'message-0' }] });
      const isHandedBack = JSON.stringify(handedBack) === expected;
      return [...(isHandedBack ? [] : [`answered ${JSON.stringify(handedBack)}`]), ...(await broken(...looked))];
    },
  );
}
