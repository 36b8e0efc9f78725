/** Measures programs with the operating system's accounting. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tail } from '../../testkit/tools/process.ts';
import { findPython } from '../../testkit/tools/python.ts';

export interface Run {
  /** The first is an absolute path. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Milliseconds. */
export interface Usage {
  /** From the first start to the last end. */
  readonly wall: number;
  /** User and system time of all processes. */
  readonly cpu: number;
}

/** What parts/drive.mjs reports of one process, in milliseconds and bytes. */
export interface Driven extends Usage {
  /** From the process's start until the bundle was loaded. */
  readonly started: number;
  readonly events: readonly Usage[];
  readonly answers: readonly unknown[];
  /** Bytes on stdout. */
  readonly logged: number;
  readonly maxRss: number;
}

const python = await findPython();

/**
 * Runs the programs, `width` at a time. With `share` they run one after another, each with this share of one CPU. Throws with the
 * end of the output if one fails.
 */
export async function measure(folder: string, runs: readonly Run[], width = 1, share?: number): Promise<Usage> {
  const log = join(folder, 'measured.log');
  const child = spawn(python, [join(import.meta.dirname, 'measure.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ runs, width, log, ...(share !== undefined && { share }) }));
  const said = Buffer.concat(await child.stdout.toArray()).toString();
  const { wall, cpu, failed }: { wall: number; cpu: number; failed: number } = JSON.parse(said);
  if (failed > 0)
    throw new Error(`${failed} of ${runs.length} runs of ${runs[0]?.argv[0]} failed:\n${await tail(log)}`);
  return { wall: wall * 1000, cpu: cpu * 1000 };
}

export interface Drive {
  /** A handler's module. */
  readonly bundle: string;
  readonly events: readonly unknown[];
  readonly env: Readonly<Record<string, string>>;
  /** Options of node. */
  readonly options?: readonly string[];
  /** MB of the function. */
  readonly memory: number;
  /** Limits the CPU to the share that Lambda gives to this memory. */
  readonly throttled?: boolean;
}

/** This memory has one CPU, and other sizes have their share (Lambda's documentation). */
const mbOfOneCpu = 1769;

/** Returns the options that Lambda's runtime gives to Node for this memory (its bootstrap script): a tenth for the young generation. */
export function lambdaOptions(memory: number): string[] {
  const young = Math.floor(memory / 10);
  return [`--max-semi-space-size=${Math.floor(young / 2)}`, `--max-old-space-size=${memory - young}`];
}

/** Starts a process that loads a bundle and handles events one after another. */
export async function drive(folder: string, drive: Drive): Promise<Driven> {
  const { bundle, events, env, options = [], memory, throttled = false } = drive;
  const name = join(folder, randomBytes(6).toString('hex'));
  const [eventsFile, resultFile] = [`${name}.events.json`, `${name}.result.json`];
  await writeFile(eventsFile, JSON.stringify(events));
  const program = [process.execPath, ...lambdaOptions(memory), ...options, join(import.meta.dirname, 'drive.mjs')];
  const run = { argv: [...program, bundle, eventsFile, resultFile], env };
  const usage = await measure(folder, [run], 1, throttled ? memory / mbOfOneCpu : undefined);
  const result: Omit<Driven, keyof Usage> = JSON.parse(await readFile(resultFile, 'utf8'));
  await Promise.all([rm(eventsFile), rm(resultFile)]);
  return { ...result, ...usage };
}
