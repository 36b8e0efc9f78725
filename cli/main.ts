/** The edge of the program. No other file takes arguments, environment, clock or signals from the process. */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { cdkOf } from './cdk.ts';
import { run } from './program.ts';

// Ends as other programs do when the reader of a pipe has gone: 128 + SIGPIPE.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(141);
  });
}

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: {
    now: () => Date.now(),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  },
  entropy: (length) => randomBytes(length),
  process: { pid: process.pid, isAlive },
  cdk: cdkOf({
    node: process.execPath,
    env: process.env,
    isTerminal: process.stdin.isTTY,
    atExit: (listener) => {
      process.once('exit', listener);
      return () => process.off('exit', listener);
    },
  }),
  ask: process.stdin.isTTY ? ask : undefined,
  onInterrupt: (listener) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, listener);
  },
  exit: (code) => process.exit(code),
});

/** EPERM means that the process exists and belongs to another user. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}

/** Asks on stderr, as a question is no result. */
async function ask(question: string): Promise<string | undefined> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  // While it reads, Ctrl-C is a character of the terminal and no signal.
  reader.on('SIGINT', () => {
    process.emit('SIGINT');
    reader.close();
  });
  const ended = new Promise<undefined>((resolve) => reader.once('close', () => resolve(undefined)));
  try {
    return await Promise.race([reader.question(question), ended]);
  } finally {
    reader.close();
  }
}
