import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running server, in its own process group. */
export interface Running {
  readonly pid: number;
  /** Tells whether it has ended, by itself or by `stop`. */
  readonly ended: () => boolean;
  /** Sends SIGTERM to its group, and SIGKILL to the rest of it after `grace` ms. Safe to call twice. */
  readonly stop: (grace?: number) => Promise<void>;
}

export interface Command {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** stdout and stderr are appended to this file. */
  readonly logFile: string;
}

/**
 * Starts a server that must end when its stdin ends. Its stdin is a pipe that ends with this process, so no server outlives its starter.
 * emulator.py does so. `watched` adds this to any other program.
 */
export function start({ command, args = [], cwd, env, logFile }: Command): Promise<Running> {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['pipe', log, log] });
  closeSync(log);
  child.stdin?.on('error', () => {}); // the server may end first
  child.unref(); // a server that was not stopped must not keep this process alive
  let ended = false;
  const end = new Promise<void>((resolve) => {
    child.once('exit', () => {
      ended = true;
      resolve();
    });
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      const pid = child.pid ?? 0;
      let stopped = false;
      const stop = async (grace = 3_000): Promise<void> => {
        if (stopped) return;
        stopped = true;
        child.ref();
        signal(pid, 'SIGTERM');
        if (!ended) await Promise.race([end, sleep(grace, undefined, { ref: false })]);
        signal(pid, 'SIGKILL'); // for the children, and for a leader that has ignored SIGTERM
        await end;
      };
      resolve({ pid, ended: () => ended, stop });
    });
  });
}

/** Wraps a program that does not watch its stdin. It ends with its starter, and its temporary folder is removed. */
export function watched(command: string, args: readonly string[], folder: string): Pick<Command, 'command' | 'args'> {
  // The shell leads the group and reaps the program. `read` returns when the starter is gone. A signal interrupts the first `wait`.
  const script = [
    'folder=$1; shift; exec 3<&0 </dev/null; trap : TERM',
    '"$@" 3<&- & program=$!',
    '{ read -r _ <&3; rm -rf "$folder"; kill -s KILL -- -$$; } & watcher=$!',
    'wait $program; wait $program; kill -s KILL $watcher; wait',
  ].join('\n');
  return { command: 'sh', args: ['-c', script, 'sh', folder, command, ...args] };
}

/** Polls `ready` until it returns true. The error of the time limit names `what` and ends with the end of the log. */
export async function untilReady(
  running: Running,
  what: string,
  logFile: string,
  ready: () => Promise<boolean>,
  within = 30_000,
): Promise<void> {
  const deadline = Date.now() + within;
  for (;;) {
    if (running.ended()) throw new Error(`${what} ended while starting:\n${await tail(logFile)}`);
    if (await ready().catch(() => false)) return;
    if (Date.now() > deadline) {
      await running.stop();
      throw new Error(`${what} was not ready within ${within / 1000} s:\n${await tail(logFile)}`);
    }
    await sleep(25);
  }
}

export async function tail(file: string, lines = 25): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '(no log)');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** Returns a port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}

/** The process groups of `run`. They are killed when this process exits. */
const groups = new Set<number>();
process.once('exit', () => {
  for (const pid of groups) signal(pid, 'SIGKILL');
});

export interface Finished {
  readonly code: number;
  /** stdout and stderr, in the order of arrival. */
  readonly output: string;
  readonly stdout: string;
}

/** Runs a program to its end. After `timeout` ms its process group is killed and the code is 124. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pid = child.pid ?? 0;
    let output = '';
    let stdout = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      signal(pid, 'SIGKILL');
    }, options.timeout ?? 600_000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    if (pid) groups.add(pid);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      groups.delete(pid);
      resolve({ code: timedOut ? 124 : (code ?? 1), output, stdout });
    });
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // the group has no process left
  }
}
