/** What may end the process before its work is done: each leads to taking away what was made, and to no other end. */
import { errorText } from './outcome.ts';

export interface Interruption {
  readonly signal: AbortSignal;
  /** As Ctrl-C does. */
  readonly interrupt: () => void;
  /** Writes a line to stdout; to stderr where stdout does not take it. */
  readonly say: (line: string) => void;
  /** Whether something was thrown that no one waited for. */
  readonly isFaulty: () => boolean;
}

/** Listens to signals, to broken outputs and to faults. From now on none of them ends the process. */
export function listenForInterruption(): Interruption {
  const interruption = new AbortController();
  let isFaulty = false;
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`, (error) => error && process.stderr.write(`${line}\n`));
  };
  const interrupt = (): void => {
    const isSecond = interruption.signal.aborted;
    interruption.abort();
    say(isSecond ? 'Still taking away what was made.' : 'Interrupted: what was made is taken away now.');
  };
  const onFault = (fault: unknown): void => {
    isFaulty = true;
    process.stderr.write(`A fault of check-aws itself: ${fault instanceof Error ? fault.stack : errorText(fault)}\n`);
    interrupt();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', interrupt);
  process.on('uncaughtException', onFault).on('unhandledRejection', onFault);
  // `| tee log` that has ended, a terminal that was closed: nobody would read the report.
  process.stdout.on('error', () => {
    if (!interruption.signal.aborted) interrupt();
  });
  process.stderr.on('error', () => {});
  process.stdin.on('error', () => {});
  return { signal: interruption.signal, interrupt, say, isFaulty: () => isFaulty };
}
