/** The measurements for comparing two versions: everything that costs time or money. Less is better. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  atMemory,
  atSlowCa,
  authorities,
  byWorker,
  caApiAtMemory,
  hookAtMemory,
  inventoryAtMemory,
  leavesByAuthority,
  modes,
  scanOf,
  type Worked,
} from './contests.ts';
import type { Figure, Measurement } from './pairs.ts';
import { type Driven, drive, measure } from './parts/measure.ts';
import { median } from './samples.ts';
import type { Scene } from './scene.ts';
import { batchSize, workerMemory } from './stack.ts';
import { sizesOf, type Version } from './versions.ts';

export interface Compared {
  readonly version: Version;
  /** Returns the module of a function. */
  readonly module: (name: string) => string;
  readonly scene: Scene;
}

const certificates = 200;
const secrets = 10_000;
const atSlow = 50;
const few = 50;
/** MB with one CPU. With less, the measurement would include the kernel's scheduling. */
const whole = 1769;

const milliseconds = (what: string, value: number): Figure => ({ what, unit: 'ms', value });
const memory = ({ maxRss }: Driven): Figure => ({ what: 'peak memory', unit: 'MB', value: maxRss / 1e6 });
const cpuOf = ({ events }: Driven): number => events.reduce((all, { cpu }) => all + cpu, 0);

/** First the code size and the start of each function, then the work of the functions, then what runs on a developer's machine. */
export function measurements(functions: readonly string[]): readonly Measurement<Compared>[] {
  return [
    ...functions.map(size),
    ...functions.map(start),
    ...modes.map(
      (mode): Measurement<Compared> => ({
        name: `${mode}: ${certificates} certificates, ten at once`,
        pairs: 1,
        measure: async ({ scene }) => renewals(await byWorker(scene, mode, certificates)),
      }),
    ),
    ...fresh,
    ...ofOthers,
    synthesis,
    commandLine,
  ];
}

const size = (name: string): Measurement<Compared> => ({
  name: `code of ${name}`,
  pairs: 0,
  measure: async ({ module }) => {
    const { start: atStart, all } = sizesOf(module(name));
    return [
      { what: 'read at start', unit: 'kB', value: atStart / 1e3 },
      { what: 'all', unit: 'kB', value: all / 1e3 },
    ];
  },
});

/** Variables that functions read at their start, besides those of the scene. */
const anyOf = {
  AUTHORITIES: '[]',
  CA_API_AUTH: 'iam',
  CERTIFICATES: '{}',
  DOCUMENT_NAME: 'd',
  DOCUMENT_PREFIX: 'd',
  FUNCTION_ARN: 'arn:aws:lambda:us-east-1:000000000000:function:hook',
  HOOK: 'exec',
  PROFILE: 'internal',
  QUEUES: '{}',
  SCAN_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:000000000000:function:scan',
  TARGET_KEY: 'k',
  TARGET_VALUE: 'v',
  TOPIC_ARN: 'arn:aws:sns:us-east-1:000000000000:notices',
};

const start = (name: string): Measurement<Compared> => ({
  name: `start of ${name}`,
  pairs: 3,
  // The peak memory of a start mostly shows the steps of V8's heap. That of the first work is measured below.
  measure: async ({ scene, module }) => {
    const env = { ...scene.env, ...anyOf };
    const done = await drive(scene.folder, { bundle: module(name), events: [], env, memory: workerMemory });
    return [milliseconds('until it is ready', done.started), milliseconds('CPU', done.cpu)];
  },
});

/** Without starts, which are measured separately. */
function renewals(worked: Worked): Figure[] {
  const { events, count, calls, logged } = worked;
  const { GetParameter: _, ...each } = calls; // one call for each process
  const made = Object.values(each).reduce((all, times) => all + times, 0);
  return [
    milliseconds('CPU per certificate', cpuOf(worked) / count),
    milliseconds('a batch', median(events.slice(1).map(({ wall }) => wall))),
    { what: 'AWS calls per certificate', unit: '', value: made / count },
    { what: 'log per certificate', unit: 'B', value: logged / count },
    memory(worked),
  ];
}

const fresh: readonly Measurement<Compared>[] = [
  {
    name: 'start and first batch of ten, AWS over TLS',
    pairs: 2,
    measure: async ({ scene }) => firstAndStart(await atMemory(scene, whole, { count: batchSize, size: batchSize })),
  },
  {
    name: 'start and first renewal, AWS over TLS',
    pairs: 2,
    measure: async ({ scene }) => firstAndStart(await atMemory(scene, whole, { count: 1, size: 1 })),
  },
  {
    name: `${atSlow} renewals at a slow CA`,
    pairs: 1,
    measure: async ({ scene }) => {
      const { events } = await atSlowCa(scene, 'rekey', atSlow);
      return [
        milliseconds(
          'total time',
          events.reduce((all, { wall }) => all + wall, 0),
        ),
      ];
    },
  },
];

function firstAndStart(done: Driven): Figure[] {
  const first = done.events[0]?.wall ?? Number.NaN;
  return [milliseconds('total time', done.started + first), milliseconds('CPU', done.cpu), memory(done)];
}

const ofOthers: readonly Measurement<Compared>[] = [
  {
    name: `scan of ${secrets.toLocaleString('en')}`,
    pairs: 1,
    measure: async ({ scene }) => {
      const done = await scanOf(scene, secrets);
      const made = Object.values(done.calls).reduce((all, times) => all + times, 0);
      return [
        ...firstAndStart(done),
        { what: 'AWS calls', unit: '', value: made },
        { what: 'log', unit: 'B', value: done.logged },
      ];
    },
  },
  {
    name: `${few} leaves of an authority of the stack`,
    pairs: 1,
    measure: async ({ scene }) => renewals(await leavesByAuthority(scene, few)),
  },
  {
    name: `${few} certificates of authorities`,
    pairs: 1,
    measure: async ({ scene }) => renewals(await authorities(scene, few)),
  },
  {
    name: 'inventory of 1,000, twice',
    pairs: 1,
    measure: async ({ scene }) => firstAndAgain(await inventoryAtMemory(scene, whole, 1_000)),
  },
  {
    name: 'renewal by the HTTP API, twice',
    pairs: 2,
    measure: async ({ scene }) => firstAndAgain(await caApiAtMemory(scene, whole)),
  },
  {
    name: 'hook `exec`, twice',
    pairs: 2,
    measure: async ({ scene }) => firstAndAgain(await hookAtMemory(scene, whole)),
  },
];

function firstAndAgain(done: Driven): Figure[] {
  const [, again] = done.events;
  return [...firstAndStart(done), milliseconds('again', again?.wall ?? Number.NaN)];
}

/** Synthesis of the largest example. Its bundles are cached after the first time. */
const synthesis: Measurement<Compared> = {
  name: 'synthesis of the stack',
  pairs: 1,
  measure: async ({ version, scene }) => {
    const { context } = JSON.parse(readFileSync(join(version.root, 'cdk.json'), 'utf8'));
    const config = join(version.root, 'examples', 'hooks.json');
    const env = {
      PATH: process.env['PATH'] ?? '',
      CDK_OUTDIR: join(scene.folder, 'cdk.out'),
      CDK_CONTEXT_JSON: JSON.stringify({ ...context, config }),
    };
    return program(scene, ['--import', 'tsx', join(version.root, 'cdk', 'app.ts')], env);
  },
};

const commandLine: Measurement<Compared> = {
  name: 'cert-renewer --help',
  pairs: 2,
  measure: ({ version, scene }) =>
    program(scene, [join(version.root, 'cli', 'cert-renewer.mjs'), '--help'], { PATH: process.env['PATH'] ?? '' }),
};

async function program(scene: Scene, args: readonly string[], env: Record<string, string>): Promise<Figure[]> {
  const { wall, cpu } = await measure(scene.folder, [{ argv: [process.execPath, ...args], env }]);
  return [milliseconds('total time', wall), milliseconds('CPU', cpu)];
}
