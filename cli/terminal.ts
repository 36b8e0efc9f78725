/** The output of a command: results to stdout, the rest to stderr. Colours and progress appear on a terminal only. */
import { styleText } from 'node:util';

export interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export type Style = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold';

export interface TerminalOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly json: boolean;
  /** Whether `NO_COLOR` has a value (https://no-color.org). */
  readonly noColor: boolean;
}

/** Makes control characters visible: a name or a message must not move the cursor. */
export { visible as printable } from '../lambdas/inventory/html.ts';

export class Terminal {
  readonly json: boolean;
  /** Columns; undefined if stdout is no terminal. */
  readonly width: number | undefined;
  readonly #options: TerminalOptions;
  #progress = '';

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.json = options.json;
    this.width = options.stdout.isTTY ? (options.stdout.columns ?? 80) : undefined;
  }

  /** Prints a result of one line or more to stdout. */
  print(text: string): void {
    this.#above(this.#options.stdout, text);
  }

  /** Prints one line of NDJSON. */
  record(value: unknown): void {
    this.print(JSON.stringify(value));
  }

  /** Prints a line to stderr. */
  note(text: string): void {
    this.#above(this.#options.stderr, text);
  }

  /** Prints a note on a terminal only, so that cron has nothing to mail. */
  hint(text: string): void {
    if (this.#options.stderr.isTTY) this.note(text);
  }

  /** Shows a text in the last line, on a terminal only. An empty text clears the line. */
  progress(text: string): void {
    if (!this.#options.stderr.isTTY || (text === '' && this.#progress === '')) return;
    const room = Math.max(1, (this.#options.stderr.columns ?? 80) - 1);
    this.#progress = text.length > room ? `${text.slice(0, room - 1)}…` : text;
    this.#options.stderr.write(`\r\x1b[2K${this.#progress}`);
  }

  paint(style: Style, text: string): string {
    const isPlain = this.#options.noColor || this.width === undefined || this.json;
    return isPlain ? text : styleText(style, text, { validateStream: false });
  }

  /** On a terminal one write clears the progress and prints the line. Between two writes the terminal could echo `^C`. */
  #above(output: Output, line: string): void {
    const { stderr } = this.#options;
    const clear = this.#progress === '' ? '' : '\r\x1b[2K';
    if (output.isTTY) output.write(`${clear}${line}\n`);
    else {
      if (clear !== '') stderr.write(clear);
      output.write(`${line}\n`);
    }
    if (this.#progress !== '') stderr.write(this.#progress);
  }
}

/** `[######------] 12 of 24, 1 failed` */
export function progressBar(done: number, all: number, words: string): string {
  const width = 24;
  const full = all === 0 ? width : Math.floor((done / all) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}] ${done} of ${all}${words}`;
}
