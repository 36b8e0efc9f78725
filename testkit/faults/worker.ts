/** The bundled renew function in separate processes, which a test can kill at any point. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../../cdk/functions/bundle.ts';

export interface WorkerOptions {
  readonly events: readonly unknown[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Ended {
  /** SIGKILL if the process was killed. */
  readonly signal: NodeJS.Signals | null;
  /** The handler's answer to each event. Empty after a kill. */
  readonly results: readonly unknown[];
  readonly output: string;
}

export interface Worker {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when the process is gone. */
  kill(): Promise<unknown>;
}

/** Bundles the renew function into `folder` once, and returns a function that starts workers. */
export function workersOf(folder: string): (options: WorkerOptions) => Worker {
  bundle('renew.ts', folder);
  return ({ events, env }) => {
    const args = [join(import.meta.dirname, 'worker-process.mjs'), join(folder, 'renew.mjs'), JSON.stringify(events)];
    const child = spawn(process.execPath, args, {
      // The first worker fills V8's compile cache, so that the others start faster.
      env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: join(folder, 'compiled'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = untilEnd(child);
    return {
      child,
      ended,
      kill: () => {
        child.kill('SIGKILL');
        return ended;
      },
    };
  };
}

async function untilEnd(child: ChildProcess): Promise<Ended> {
  const parts: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => parts.push(String(data)));
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_, by) => resolve(by));
  });
  const output = parts.join('');
  const json = /^RESULTS (.*)$/m.exec(output)?.[1];
  return { signal, output, results: json === undefined ? [] : JSON.parse(json) };
}

/** Returns the event of a batch of the queue. */
export function queueEvent(
  messages: readonly { readonly secretArn: string; readonly versionId: string; readonly force?: boolean }[],
  delivery = 1,
): unknown {
  const Records = messages.map((message, index) => ({
    messageId: `message-${index}`,
    receiptHandle: `receipt-${index}`,
    body: JSON.stringify(message),
    attributes: { ApproximateReceiveCount: String(delivery) },
    eventSource: 'aws:sqs',
  }));
  return { Records };
}

/** Returns the number of requests to the CA: the lines of the workers' log. */
export async function asked(log: string): Promise<number> {
  return (await linesOf(log, /./)).length;
}

/** Returns the lines of the workers' log. Each is the path of a request. */
export async function linesOf(log: string, pattern: RegExp): Promise<string[]> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => pattern.test(line));
}
