/** How the demo speaks: headings, tables, and a sign of life while it waits. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setInterval as every } from 'node:timers';
import { fileURLToPath } from 'node:url';

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function heading(text: string): void {
  say(`\n== ${text}`);
}

/** The first row is the head. The last column is as long as it is; the others are filled up. */
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

/** JSON with a line for each entry of its sections. */
export function outline(json: object): void {
  for (const [section, value] of Object.entries(json)) {
    if (typeof value !== 'object') say(`  ${section}: ${JSON.stringify(value)}`);
    else for (const [name, entry] of Object.entries(value)) say(`  ${section}.${name}: ${JSON.stringify(entry)}`);
  }
}

/** Says what is waited for, and every ten seconds how long it has been. */
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

/** `cert-renewer …` on this terminal, as a user has it. */
export async function commandLine(env: Readonly<Record<string, string>>, ...words: string[]): Promise<void> {
  say(`$ npx cert-renewer ${words.join(' ')}`);
  const program = fileURLToPath(new URL('../../cli/cert-renewer.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, ...words], { env: { ...process.env, ...env }, stdio: 'inherit' });
  await once(child, 'close');
}
