/** Shows what a worker's CPU time is used for: Node's profile, mapped to the sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../testkit/tools/cache.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
import { table } from './table.ts';

/** The fields of V8's .cpuprofile that are used here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Place {
  /** A function with its source, or one of Node's own labels. */
  readonly name: string;
  /** Share of the CPU time. */
  readonly share: number;
}

/** Profiles a run that passes these options to Node. Returns the places by their own time, the largest first. */
export async function profileOf(run: (options: readonly string[]) => Promise<unknown>): Promise<Place[]> {
  const { path, remove } = await temporaryFolder('profile');
  try {
    await run(['--cpu-prof', '--cpu-prof-interval=100', `--cpu-prof-dir=${path}`]);
    const [file = ''] = readdirSync(path);
    return placesOf(JSON.parse(readFileSync(join(path, file), 'utf8')));
  } finally {
    await remove();
  }
}

function placesOf({ nodes, samples, timeDeltas }: CpuProfile): Place[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    if (name !== '(idle)') times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const total = [...times.values()].reduce((all, time) => all + time, 0);
  return [...times].map(([name, time]) => ({ name, share: time / total })).sort((a, b) => b.share - a.share);
}

function nameOf({ functionName, url, lineNumber, columnNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (!url.startsWith('file:')) return url === '' ? functionName : `${functionName || 'anonymous'} in ${url}`;
  const file = fileURLToPath(url);
  const original = mapOf(file)?.findEntry(lineNumber, columnNumber);
  if (!original || !('originalSource' in original)) return `${functionName} in ${basename(file)}`;
  // Paths of sources are relative to the folder of the bundle (cdk/functions/bundle.ts).
  const source = relative(projectRoot, join(projectRoot, '.cache', 'bundle', original.originalSource));
  const short = source.replace(/^.*node_modules\//, '');
  // The maps have no names of functions, and minified names mean nothing.
  const named = functionName.length > 2 ? functionName : 'a function';
  return `${named} in ${short}:${original.originalLine + 1}`;
}

const maps = new Map<string, SourceMap | undefined>();

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  const map = `${basename(file)}.map`;
  if (!readdirSync(dirname(file)).includes(map)) return undefined;
  return new SourceMap(JSON.parse(readFileSync(join(dirname(file), map), 'utf8')));
}

/** Returns the most expensive places as a table. */
export function topPlaces(places: readonly Place[], count = 5): string {
  const line = ({ name, share }: Place) => [`${(share * 100).toFixed(1)} %`, `\`${name}\``];
  return table(['self time', 'function'], places.slice(0, count).map(line));
}

/** Sums up own time by package, by folder of ours, and by part of Node. */
export function byOrigin(places: readonly Place[]): Place[] {
  const sums = new Map<string, number>();
  for (const { name, share } of places) sums.set(originOf(name), (sums.get(originOf(name)) ?? 0) + share);
  return [...sums].map(([name, share]) => ({ name, share })).sort((a, b) => b.share - a.share);
}

function originOf(name: string): string {
  const where = name.split(' in ').at(-1) ?? name;
  if (where.startsWith('lambdas/')) return where.split('/').slice(0, 2).join('/').replace(/:.*/, '');
  if (where.startsWith('node:')) return `node:${where.slice(5).split('/').slice(0, 2).join('/')}`;
  if (where.startsWith('@')) return where.split('/').slice(0, 2).join('/');
  return where.startsWith('(') || !where.includes('/') ? where : (where.split('/')[0] ?? where);
}
