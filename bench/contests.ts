/** The measurements. Each one checks that its work was done. */
import { queueEvent } from '../testkit/faults/worker.ts';
import { assumed } from './model.ts';
import { arnOf, type Calls, firstVersion, type World } from './parts/aws.ts';
import { type Drive, type Driven, drive, measure, type Usage } from './parts/measure.ts';
import { hour, kmsKeyArn, type Scene, windowOf } from './scene.ts';
import { batchSize, scanMemory, workerMemory } from './stack.ts';

export type Mode = 'rekey' | 'renew';
export const modes = ['rekey', 'renew'] as const;

/** The amount of work of each measurement: small to show that it runs, large to measure. */
export interface Amounts {
  readonly rounds: number;
  /** Certificates of a worker and of the floor, in batches of ten, as from the queue. */
  readonly certificates: number;
  /** Certificates of a worker, one after another. */
  readonly alone: number;
  readonly stepRuns: number;
  /** Numbers of parallel runs of step. */
  readonly widths: readonly number[];
  readonly scans: readonly number[];
  /** Secrets of the scan of the largest possible account. */
  readonly account: number;
  readonly authority: number;
  /** Certificates of the run at a slow CA. */
  readonly slow: number;
  /** Certificates that become due at once. */
  readonly wave: number;
  readonly waveWorkers: number;
  /** Batches for each memory size, and secrets of the scan and of the inventory. */
  readonly batches: number;
  readonly listed: number;
  /** Memory sizes of the worker and of the other functions, in MB. Lambda gives one CPU to 1769 MB. */
  readonly workerMemories: readonly number[];
  readonly otherMemories: readonly number[];
  /** Proofs of possession for each kind of key. */
  readonly proofs: number;
  /** The number of different certificates. Secrets share them. */
  readonly differentLeaves: number;
}

export interface Worked extends Driven {
  readonly count: number;
  readonly calls: Calls;
}

function profile(scene: Scene, mode: Mode, url = scene.ca.url): Record<string, string> {
  const document = { ca: { type: 'step-ca', url, root: scene.ca.rootPem }, mode };
  return { '/bench/profiles/internal': JSON.stringify(document) };
}

function batches(count: number, size: number, name = (index: number) => `s-${index}`, force?: true): unknown[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, batch) =>
    queueEvent(
      Array.from({ length: Math.min(size, count - batch * size) }, (__, index) => ({
        secretArn: arnOf(name(batch * size + index)),
        versionId: firstVersion,
        ...(force && { force }),
      })),
    ),
  );
}

interface Work {
  readonly count: number;
  readonly size: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
  readonly name?: (index: number) => string;
  readonly force?: true;
  readonly by?: 'renew' | 'floor';
  readonly memory?: number;
  readonly throttled?: boolean;
}

/** A new worker process renews `count` secrets of the world. Throws unless each of them has a new version. */
async function work(
  scene: Scene,
  world: World,
  { count, size, env, options, name, force, by = 'renew', memory = workerMemory, throttled }: Work,
): Promise<Worked> {
  await scene.aws.set(world);
  const events = batches(count, size, name, force);
  const done = await drive(scene.folder, {
    bundle: scene.bundles[by],
    events,
    env: { ...scene.env, ...env },
    memory,
    ...(options && { options }),
    ...(throttled && { throttled }),
  });
  const [calls, renewed] = await Promise.all([scene.aws.calls(), scene.aws.renewed()]);
  const failed = JSON.stringify(done.answers.filter((answer) => JSON.stringify(answer) !== '{"batchItemFailures":[]}'));
  if (failed !== '[]' || renewed !== count) {
    throw new Error(`of ${count} certificates not all were renewed: ${JSON.stringify(calls)} ${failed.slice(0, 500)}`);
  }
  return { ...done, count, calls };
}

export const stepCaWorld = (scene: Scene, mode: Mode, url?: string): World => ({
  count: 0,
  profile: 'internal',
  values: scene.values,
  parameters: profile(scene, mode, url),
});

export function byWorker(scene: Scene, mode: Mode, count: number, size = batchSize, options: readonly string[] = []) {
  return work(scene, stepCaWorld(scene, mode), { count, size, options });
}

/** The same work by the program that makes only the calls (parts/floor.ts). */
export function byFloor(scene: Scene, mode: Mode, count: number, options: readonly string[] = []): Promise<Worked> {
  return work(scene, stepCaWorld(scene, mode), { count, size: batchSize, options, by: 'floor' });
}

/**
 * Batches of a new worker with this memory and its share of a CPU. Each answer of AWS has a latency. AWS is reached by TLS, because
 * connections are a large part of a start.
 */
export function atMemory(scene: Scene, memory: number, { count, size }: Pick<Work, 'count' | 'size'>): Promise<Worked> {
  const world = { ...stepCaWorld(scene, 'rekey'), latency: assumed.awsCall };
  return work(scene, world, { count, size, env: scene.tlsEnv, memory, throttled: true });
}

/** The first renewal of a new worker. */
export function firstByWorker(scene: Scene, mode: Mode, options: readonly string[] = []): Promise<Worked> {
  return work(scene, stepCaWorld(scene, mode), { count: 1, size: 1, options, env: scene.tlsEnv });
}

/** Renewals at a slow CA. */
export function atSlowCa(scene: Scene, mode: Mode, count: number): Promise<Worked> {
  return work(scene, stepCaWorld(scene, mode, scene.slowCaUrl), { count, size: batchSize });
}

/** `step ca rekey --force` or `step ca renew --force`. Each run has its own pair. */
export async function byStep(scene: Scene, mode: Mode, count: number, width: number): Promise<Usage> {
  const { program, env, rootFile, pairs } = scene.step;
  const flags = ['--force', '--ca-url', scene.ca.url, '--root', rootFile];
  const runs = pairs.slice(0, count).map(({ certificate, key }) => ({
    argv: [program, 'ca', mode, ...flags, certificate, key],
    env,
  }));
  return measure(scene.folder, runs, width);
}

/** Leaves of an authority of the stack's own, with its key in KMS. */
export function leavesByAuthority(scene: Scene, count: number): Promise<Worked> {
  const { kmsKey, value, leaves } = scene.authority;
  const authority = { secretId: 'authority', kmsKeyArn };
  const parameters = {
    '/bench/profiles/internal': JSON.stringify({ ca: { type: 'offline', authority: 'issuing' } }),
    '/bench/authorities/issuing': JSON.stringify(authority),
  };
  const world = { count: 0, profile: 'internal', values: leaves, named: { authority: value }, parameters, kmsKey };
  return work(scene, world, { count, size: batchSize, env: { AUTHORITIES: '["issuing"]' } });
}

/** The certificates of that many authorities, which are roots with one key. */
export function authorities(scene: Scene, count: number): Promise<Worked> {
  const { kmsKey, value } = scene.authority.root;
  const names = Array.from({ length: count }, (_, index) => `a${index}`);
  const document = (secretId: string) => JSON.stringify({ secretId, kmsKeyArn });
  const world = {
    count: 0,
    profile: 'internal',
    values: [],
    named: Object.fromEntries(names.map((name) => [name, value])),
    parameters: Object.fromEntries(names.map((name) => [`/bench/authorities/${name}`, document(name)])),
    kmsKey,
  };
  const env = { AUTHORITIES: JSON.stringify(names) };
  return work(scene, world, { count, size: batchSize, env, name: (index) => `a${index}`, force: true });
}

export interface Scanned extends Driven {
  readonly listed: number;
  readonly enqueued: number;
  readonly calls: Calls;
}

/** Tags of the user. With ours a secret has ten. */
const otherTags = Object.fromEntries(
  ['Name', 'Role', 'Team', 'Stage', 'Cost', 'Owner'].map((tag) => [tag, `${tag}-1`]),
);
const dueEvery = 50;

function listedWorld(scene: Scene, count: number): World {
  return {
    count,
    profile: 'internal',
    tags: otherTags,
    dueEvery,
    due: windowOf(7.5), // hours left. The window is a third of a day, so it is due and not overdue.
    notDue: windowOf(22),
    values: scene.values,
    parameters: profile(scene, 'rekey'),
  };
}

/** One scan. One certificate in fifty is due, and some get their daily inspection. */
export async function scanOf(scene: Scene, count: number, options: readonly string[] = []): Promise<Scanned> {
  await scene.aws.set(listedWorld(scene, count));
  return scanned(scene, count, { env: scene.env, memory: scanMemory, options });
}

/** The same by a function with this memory and its share of a CPU, with the latency of AWS. */
export async function scanAtMemory(scene: Scene, memory: number, count: number): Promise<Scanned> {
  await scene.aws.set(slow(listedWorld(scene, count)));
  return scanned(scene, count, { env: scene.tlsEnv, memory, throttled: true });
}

const slow = (world: World): World => ({
  ...world,
  latency: assumed.awsCall,
  delays: { ListSecrets: assumed.page },
});

async function scanned(
  scene: Scene,
  count: number,
  how: Pick<Drive, 'env' | 'memory' | 'throttled' | 'options'>,
): Promise<Scanned> {
  const done = await drive(scene.folder, { ...how, bundle: scene.bundles.scan, events: [{}] });
  const [answer] = done.answers as { listed: number; enqueued: number }[]; // docs: ScanResult
  const calls = await scene.aws.calls();
  if (answer?.listed !== count || answer.enqueued < Math.floor(count / dueEvery)) {
    throw new Error(`the scan of ${count} secrets answered ${JSON.stringify(answer)}`);
  }
  return { ...done, listed: answer.listed, enqueued: answer.enqueued, calls };
}

/** The dashboard's inventory of so many secrets, requested twice. */
export async function inventoryAtMemory(scene: Scene, memory: number, count: number): Promise<Driven> {
  await scene.aws.set(slow(listedWorld(scene, count)));
  const { inventory: bundle } = scene.bundles;
  const done = await drive(scene.folder, { bundle, events: [{}, {}], env: scene.tlsEnv, memory, throttled: true });
  if (!done.answers.every((html) => String(html).includes('<table'))) throw new Error('the inventory shows no table');
  return done;
}

/** Two renewals of authorities by HTTP. The first one includes the start of the process. */
export async function caApiAtMemory(scene: Scene, memory: number): Promise<Driven> {
  const { kmsKey, value } = scene.authority.root;
  await scene.aws.set({
    ...{ count: 0, profile: 'internal', values: [], latency: assumed.awsCall, kmsKey },
    named: { a0: value, a1: value },
    parameters: Object.fromEntries(
      ['a0', 'a1'].map((name) => [`/bench/authorities/${name}`, JSON.stringify({ secretId: name, kmsKeyArn })]),
    ),
  });
  const events = ['a0', 'a1'].map((name) => ({
    routeKey: 'POST /api/v1/cert-manager/ca/internal/{caId}/renew',
    rawPath: `/api/v1/cert-manager/ca/internal/${name}/renew`,
    requestContext: { requestId: 'bench', stage: '$default', http: { method: 'POST' } },
    body: JSON.stringify({ type: 'existing', notAfter: new Date(Date.now() + 3_660 * 24 * hour).toISOString() }),
  }));
  const env = { ...scene.tlsEnv, AUTHORITIES: '["a0","a1"]', CA_API_AUTH: 'iam' };
  const done = await drive(scene.folder, { bundle: scene.bundles['ca-api'], events, env, memory, throttled: true });
  if (!done.answers.every((answer) => Reflect.get(Object(answer), 'statusCode') === 200))
    throw new Error(`the API answered ${JSON.stringify(done.answers).slice(0, 500)}`);
  return done;
}

/** Two calls of a hook. The first one includes the start of the process. */
export async function hookAtMemory(scene: Scene, memory: number): Promise<Driven> {
  await scene.aws.set({ ...stepCaWorld(scene, 'rekey'), latency: assumed.awsCall });
  const detail = { profile: 'internal', secretArn: arnOf('s-0'), versionId: firstVersion };
  const event = { source: 'cert-renewer', 'detail-type': 'Certificate Renewed', detail };
  const env = {
    ...scene.tlsEnv,
    PROFILE: 'internal',
    HOOK: 'exec',
    DOCUMENT_NAME: 'd',
    TARGET_KEY: 'k',
    TARGET_VALUE: 'v',
  };
  const { 'run-command': bundle } = scene.bundles;
  const done = await drive(scene.folder, { bundle, events: [event, event], env, memory, throttled: true });
  if ((await scene.aws.calls())['SendCommand'] !== 2) throw new Error('the hook has sent no command');
  return done;
}
