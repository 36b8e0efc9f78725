/** Where a command speaks: results to stdout, all else to stderr; colours and progress only where a person looks on. */
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
  /** Whether `NO_COLOR` is set, to anything (https://no-color.org). */
  readonly noColor: boolean;
}

/** Control characters as they are named: a name or a message must not move the cursor. */
export { visible as printable } from '../lambdas/inventory/html.ts';

export class Terminal {
  readonly json: boolean;
  /** Undefined where stdout is no terminal. */
  readonly width: number | undefined;
  readonly #options: TerminalOptions;
  #progress = '';

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.json = options.json;
    this.width = options.stdout.isTTY ? (options.stdout.columns ?? 80) : undefined;
  }

  /** A result: a line, or several, of stdout. */
  print(text: string): void {
    this.#above(this.#options.stdout, text);
  }

  /** One line of NDJSON. */
  record(value: unknown): void {
    this.print(JSON.stringify(value));
  }

  /** What is no result: a line of stderr. */
  note(text: string): void {
    this.#above(this.#options.stderr, text);
  }

  /** A note for who looks on; nothing where stderr is no terminal, so that cron has nothing to mail. */
  hint(text: string): void {
    if (this.#options.stderr.isTTY) this.note(text);
  }

  /** The one line at the bottom that changes; nothing where stderr is no terminal. An empty text takes it away. */
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

  /** To a terminal the progress goes and the line comes in one write: a `^C` that it echoes between would stand in the line. */
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
