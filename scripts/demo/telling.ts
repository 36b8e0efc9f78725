/** The demo's output: headings, tables, and progress while it waits. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setInterval as every } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { type Emulator, environmentFor } from '../../testkit/local-aws/ministack.ts';

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function heading(text: string): void {
  say(`\n== ${text}`);
}

/** Prints a table. The first row is its head. All columns but the last are padded. */
export function table(rows: readonly (readonly string[])[]): void {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === head.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ');
  rows.forEach((row, index) => {
    say(`  ${line(row)}`);
    if (index === 0)
      say(`  ${widths.map((width, i) => '-'.repeat(i === head.length - 1 ? Math.min(width, 60) : width)).join('  ')}`);
  });
}

/** Prints JSON, one line for each entry of a section. */
export function outline(json: object): void {
  for (const [section, value] of Object.entries(json)) {
    if (typeof value !== 'object') say(`  ${section}: ${JSON.stringify(value)}`);
    else for (const [name, entry] of Object.entries(value)) say(`  ${section}.${name}: ${JSON.stringify(entry)}`);
  }
}

/** Prints what the demo waits for, and every ten seconds for how long it has waited. */
export async function waiting<T>(what: string, work: Promise<T>): Promise<T> {
  const started = Date.now();
  say(`… ${what}`);
  const timer = every(() => say(`  … ${Math.round((Date.now() - started) / 1000)} s`), 10_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** Runs `cert-renewer …` on this terminal, as a user does. */
export async function commandLine(aws: Pick<Emulator, 'env'>, ...words: string[]): Promise<void> {
  say(`$ npx cert-renewer ${words.join(' ')}`);
  const program = fileURLToPath(new URL('../../cli/cert-renewer.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, ...words], { env: environmentFor(aws), stdio: 'inherit' });
  await once(child, 'close');
}
