/** The writes to a terminal, one by one. */
import { describe, expect, it } from 'vitest';
import { Terminal } from '../../cli/terminal.ts';

function recorded(isTTY: { readonly stdout: boolean; readonly stderr: boolean }) {
  const writes: string[] = [];
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: isTTY[name],
    columns: 80,
    write: (text: string) => writes.push(`${name}: ${JSON.stringify(text)}`),
  });
  return {
    writes,
    terminal: new Terminal({ stdout: stream('stdout'), stderr: stream('stderr'), json: false, noColor: true }),
  };
}

describe('a line above the progress', () => {
  it('is one write on a terminal, so that an echo such as ^C is never within the line', () => {
    const { terminal, writes } = recorded({ stdout: true, stderr: true });
    terminal.progress('1 of 2');
    terminal.print('a result');
    terminal.note('a note');
    expect(writes).toEqual([
      String.raw`stderr: "\r\u001b[2K1 of 2"`,
      String.raw`stdout: "\r\u001b[2Ka result\n"`,
      'stderr: "1 of 2"',
      String.raw`stderr: "\r\u001b[2Ka note\n"`,
      'stderr: "1 of 2"',
    ]);
  });

  it('is a plain line in a file or a pipe, while the terminal shows the progress', () => {
    const { terminal, writes } = recorded({ stdout: false, stderr: true });
    terminal.progress('1 of 2');
    terminal.print('a result');
    expect(writes).toEqual([
      String.raw`stderr: "\r\u001b[2K1 of 2"`,
      String.raw`stderr: "\r\u001b[2K"`,
      String.raw`stdout: "a result\n"`,
      'stderr: "1 of 2"',
    ]);
  });

  it('is a plain line without progress', () => {
    const { terminal, writes } = recorded({ stdout: true, stderr: false });
    terminal.progress('1 of 2');
    terminal.print('a result');
    expect(writes).toEqual([String.raw`stdout: "a result\n"`]);
  });
});
