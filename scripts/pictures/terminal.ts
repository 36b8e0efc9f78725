/** The list of `cert-renewer status` on a terminal, as HTML. */
import { printList } from '../../cli/report/list.ts';
import { Terminal } from '../../cli/terminal.ts';
import { byUrgency } from '../../lambdas/inventory/row.ts';
import { sampleNow, sampleRows } from '../../testkit/inventory/rows.ts';

/** The colours of a terminal for the codes that `styleText` writes. */
const colours: Readonly<Record<string, string>> = {
  ...{ 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff', 2: '#9aa4af', 1: '#ffffff' },
};

/** Returns a page with what a terminal of this width shows after the command. */
export function terminalHtml(command: string, columns: number, certificates: number): string {
  const written: string[] = [];
  const output = { isTTY: true, columns, write: (text: string) => written.push(text) };
  const terminal = new Terminal({ stdout: output, stderr: output, json: false, noColor: false });
  printList(terminal, sampleRows(certificates).sort(byUrgency), { now: sampleNow, verbose: false, options: '' });
  return `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #0d1117; }
pre { margin: 0; padding: 12px; width: ${columns}ch; box-sizing: content-box; color: #e6edf3;
  font: 14px / 1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; word-break: break-all; }
</style><pre id="screen">$ ${command}\n${coloured(written.join(''))}</pre>`;
}

/** Converts the codes of colours to elements. Each style ends before the next begins. */
function coloured(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes of a terminal
  const parts = text.split(/\u001b\[(\d+)m/);
  return parts
    .map((part, index) => {
      if (index % 2 === 1) return '';
      const safe = part.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const colour = colours[parts[index - 1] ?? ''];
      return colour === undefined ? safe : `<span style="color:${colour}">${safe}</span>`;
    })
    .join('');
}
