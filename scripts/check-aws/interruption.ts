/** Signals, broken outputs and faults: each of them makes the process delete its resources before it ends. */
import { errorText } from './outcome.ts';

export interface Interruption {
  readonly signal: AbortSignal;
  /** Interrupts, as Ctrl-C does. */
  readonly interrupt: () => void;
  /** Writes a line to stdout, or to stderr if stdout fails. */
  readonly say: (line: string) => void;
  /** Tells whether there was an uncaught error. */
  readonly isFaulty: () => boolean;
}

/** Handles signals, broken outputs and faults. None of them ends the process from now on. */
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
  // After `| tee log` has ended or the terminal was closed, nobody can read the report.
  process.stdout.on('error', () => {
    if (!interruption.signal.aborted) interrupt();
  });
  process.stderr.on('error', () => {});
  process.stdin.on('error', () => {});
  return { signal: interruption.signal, interrupt, say, isFaulty: () => isFaulty };
}
