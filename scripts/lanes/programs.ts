/** The programs of node_modules that a test run starts, several at once, and what is seen of their output. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../testkit/tools/cache.ts';

export interface Programs {
  /** `its own`: the output of a program goes where ours goes. `lines`: only what it says of its progress, and, when it ends otherwise than with 0, all of it in one piece. */
  readonly output: 'its own' | 'lines';
  /** Run a program of node_modules to its end, on this Node. Returns its exit code. */
  node(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<number>;
  /** Whether a signal came, from the keyboard or by pid. */
  interrupted(): boolean;
}

export function programs(output: Programs['output']): Programs {
  const running = new Set<ChildProcess>();
  let interrupted = false;
  process.on('SIGTERM', () => {
    interrupted = true;
    for (const child of running) child.kill('SIGTERM');
  });
  process.on('SIGINT', () => {
    interrupted = true; // from the keyboard it reaches the children as well
  });
  return {
    output,
    interrupted: () => interrupted,
    node: async (program, args, env = {}) => {
      const child = spawn(process.execPath, [join(projectRoot, 'node_modules', program), ...args], {
        cwd: projectRoot,
        env: { ...process.env, ...env },
        stdio: output === 'lines' ? ['ignore', 'pipe', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      });
      running.add(child);
      const held = output === 'lines' ? hold(child) : undefined;
      const code = await new Promise<number>((resolve) => {
        child.once('error', (error) => {
          process.stderr.write(`${program} can't be run: ${error.message}\n`);
          resolve(1);
        });
        child.once('close', (exit) => resolve(exit ?? 1));
      });
      running.delete(child);
      if (code !== 0 && held) process.stdout.write(`\n${held().trimEnd()}\n\n`);
      return code;
    },
  };
}

/** The descriptor on which a program in lanes says what is to be seen at once: see file-lines.ts. */
export const LINES = 3;

/** Prints progress and the lines of files at once, and keeps the rest. */
function hold(child: ChildProcess): () => string {
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    // A set-up's `progress` (testkit/tools/cache.ts) begins so.
    eachLine(stream, (line) => {
      if (line.startsWith('· ')) process.stderr.write(`${line}\n`);
      else kept += `${line}\n`;
    });
  }
  eachLine(child.stdio[LINES], (line) => void process.stdout.write(`${line}\n`));
  return () => kept;
}

function eachLine(stream: ChildProcess['stdio'][number] | undefined, take: (line: string) => void): void {
  if (stream && 'read' in stream)
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
}
