/** Programs measured by the operating system's accounting, one round at a time. */
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
  /** Of all processes from start to end, user and system. */
  readonly cpu: number;
}

/** What parts/drive.mjs says of one process: milliseconds and bytes. */
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
 * Runs them, `width` at once; with `share` one after another, with so much of one CPU each. Throws with the end of what they
 * said where one fails.
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
  /** With the CPU that Lambda gives to so many MB, and no more. */
  readonly throttled?: boolean;
}

/** Lambda's documentation: so many MB have one CPU, and others their part. */
const mbOfOneCpu = 1769;

/** What Lambda's runtime gives node for a function with so many MB (its bootstrap script): a tenth is for what is young. */
export function lambdaOptions(memory: number): string[] {
  const young = Math.floor(memory / 10);
  return [`--max-semi-space-size=${Math.floor(young / 2)}`, `--max-old-space-size=${memory - young}`];
}

/** A fresh process that loads a bundle and handles events one after another. */
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
