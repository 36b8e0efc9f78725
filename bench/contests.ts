/** One round of everything that is measured. Each measurement makes sure that the work was done. */
import { queueEvent } from '../test/support/worker.ts';
import { arnOf, type Calls, firstVersion, type World } from './parts/aws.ts';
import { type Driven, drive, measure, type Usage } from './parts/measure.ts';
import { kmsKeyArn, type Scene, windowOf } from './scene.ts';

export type Mode = 'rekey' | 'renew';
export const modes = ['rekey', 'renew'] as const;

/** How much of each: small to show that it runs, large to measure. */
export interface Amounts {
  readonly rounds: number;
  /** Of a worker that gets ten at once, as the queue gives them. */
  readonly certificates: number;
  /** Of a worker that gets one after another. */
  readonly alone: number;
  readonly stepRuns: number;
  /** Runs of step at once. */
  readonly widths: readonly number[];
  readonly scans: readonly number[];
  /** Of the one scan that is as large as an account may be. */
  readonly account: number;
  readonly coldStarts: number;
  readonly authority: number;
  /** Of the run at a slow CA. */
  readonly slow: number;
}

/** Secrets in a message batch, as cdk/cert-renewer.ts sets it. */
export const batchSize = 10;

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

/** What Lambda's runtime gives node for a function with so many MB (its bootstrap script): a tenth is for what is young. */
function lambdaOptions(memory: number): string[] {
  const young = Math.floor(memory / 10);
  return [`--max-semi-space-size=${Math.floor(young / 2)}`, `--max-old-space-size=${memory - young}`];
}

interface Work {
  readonly count: number;
  readonly size: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
  readonly name?: (index: number) => string;
  readonly force?: true;
  readonly by?: 'renew' | 'floor';
}

/** A fresh worker process renews `count` secrets of the world, and each of them has a new version afterwards. */
async function work(
  scene: Scene,
  world: World,
  { count, size, env, options = [], name, force, by = 'renew' }: Work,
): Promise<Worked> {
  await scene.aws.set(world);
  const events = batches(count, size, name, force);
  const done = await drive(scene.folder, {
    bundle: scene.bundles[by],
    events,
    env: { ...scene.env, ...env },
    options: [...lambdaOptions(512), ...options],
  });
  const calls = await scene.aws.calls();
  const failed = JSON.stringify(done.answers.filter((answer) => JSON.stringify(answer) !== '{"batchItemFailures":[]}'));
  if (failed !== '[]' || calls['UpdateSecretVersionStage'] !== count) {
    throw new Error(`of ${count} certificates not all were renewed: ${JSON.stringify(calls)} ${failed.slice(0, 500)}`);
  }
  return { ...done, count, calls };
}

const stepCaWorld = (scene: Scene, mode: Mode, url?: string): World => ({
  count: 0,
  profile: 'internal',
  values: scene.values,
  parameters: profile(scene, mode, url),
});

export function byWorker(scene: Scene, mode: Mode, count: number, size = batchSize, options: readonly string[] = []) {
  return work(scene, stepCaWorld(scene, mode), { count, size, options });
}

/** The same by the program that makes the same calls and nothing else (parts/floor.ts). */
export function byFloor(scene: Scene, mode: Mode, count: number, options: readonly string[] = []): Promise<Worked> {
  return work(scene, stepCaWorld(scene, mode), { count, size: batchSize, options, by: 'floor' });
}

/** A fresh worker's first renewal; with TLS to AWS, as a first connection is a good part of a start. */
export function firstByWorker(scene: Scene, mode: Mode, options: readonly string[] = []): Promise<Worked> {
  return work(scene, stepCaWorld(scene, mode), { count: 1, size: 1, options, env: scene.tlsEnv });
}

/** Renewals at a CA whose answers take their time. */
export function atSlowCa(scene: Scene, mode: Mode, count: number): Promise<Worked> {
  return work(scene, stepCaWorld(scene, mode, scene.slowCaUrl), { count, size: batchSize });
}

/** `step ca rekey --force` or `step ca renew --force`, each run on a pair of its own. */
export async function byStep(scene: Scene, mode: Mode, count: number, width: number): Promise<Usage> {
  const { program, env, rootFile, pairs } = scene.step;
  const flags = ['--force', '--ca-url', scene.ca.url, '--root', rootFile];
  const runs = pairs.slice(0, count).map(({ certificate, key }) => ({
    argv: [program, 'ca', mode, ...flags, certificate, key],
    env,
  }));
  return measure(scene.folder, runs, width);
}

/** Leaves of a profile whose authority is the stack's own, with its key in KMS. */
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

/** The certificates of that many authorities, which are roots of one key. */
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

/** User's tags beside ours: ten in all. */
const otherTags = Object.fromEntries(
  ['Name', 'Role', 'Team', 'Stage', 'Cost', 'Owner'].map((tag) => [tag, `${tag}-1`]),
);
const dueEvery = 50;

/** One scan, of which one in fifty certificates is due, and what its hash has inspected today. */
export async function scanOf(scene: Scene, count: number, options: readonly string[] = []): Promise<Scanned> {
  const world = {
    count,
    profile: 'internal',
    tags: otherTags,
    dueEvery,
    due: windowOf(7.5), // of a third of a day, so that it is due and not overdue
    notDue: windowOf(22),
    values: scene.values,
    parameters: profile(scene, 'rekey'),
  };
  await scene.aws.set(world);
  const { scan: bundle } = scene.bundles;
  const done = await drive(scene.folder, {
    bundle,
    events: [{}],
    env: scene.env,
    options: [...lambdaOptions(256), ...options],
  });
  const [answer] = done.answers as { listed: number; enqueued: number }[]; // docs: ScanResult
  const calls = await scene.aws.calls();
  if (answer?.listed !== count || answer.enqueued < Math.floor(count / dueEvery)) {
    throw new Error(`the scan of ${count} secrets answered ${JSON.stringify(answer)}`);
  }
  return { ...done, listed: answer.listed, enqueued: answer.enqueued, calls };
}

