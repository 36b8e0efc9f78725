import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodePem, encodePemLike, lineEndOf, pemBlocks } from '../../lambdas/domain/pem.ts';
import { cpuTime } from '../support/cpu-time.ts';

const der = fc.uint8Array({ minLength: 1, maxLength: 300 });
const label = fc.constantFrom('CERTIFICATE', 'EC PRIVATE KEY', 'PKCS #7 SIGNED DATA', 'X509 CRL', 'a');
const lineEnd = fc.constantFrom('\n', '\r\n', '\r', ' ', '');

describe('blocks', () => {
  it('are read as they were written, at any place', () => {
    const block = fc.record({ label, der, lineEnd });
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 5 }),
        fc.constantFrom('', '\n', '# x\n', '\r\n \r\n'),
        (blocks, between) => {
          const text = blocks.map((each) => encodePem(each.label, each.der, each.lineEnd) + between).join('');
          const found = pemBlocks(text);
          expect(found.map((each) => ({ label: each.label, der: each.der, lineEnd: lineEndOf(each) }))).toEqual(blocks);
          for (const each of found) expect(text.slice(each.start, each.end)).toBe(each.text);
        },
      ),
    );
  });

  it('follow RFC 7468', () => {
    expect(encodePem('A B', new Uint8Array(49).fill(0xff))).toBe(
      `-----BEGIN A B-----\n${'/'.repeat(64)}\n/w==\n-----END A B-----`,
    );
  });

  it('keep their headers, unfolded', () => {
    const headers = ['Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-256-CBC,AA'];
    const [block] = pemBlocks(encodePem('EC PRIVATE KEY', Uint8Array.of(1, 2), '\r\n', headers));
    expect(block).toMatchObject({ headers, der: Uint8Array.of(1, 2) });
    const [folded] = pemBlocks('-----BEGIN A-----\nX: 1,\n  2\n\nAAAA\n-----END A-----');
    expect(folded?.headers).toEqual(['X: 1,2']);
  });

  it('take lines of any length and white space anywhere in the base64', () => {
    const [block] = pemBlocks('  -----BEGIN A-----\t\nA\nQ I\r\n\n=\t \n-----END A-----  ');
    expect(block?.der).toEqual(Uint8Array.of(1, 2));
  });

  it('begin at the start of a line only', () => {
    expect(pemBlocks('see -----BEGIN A----- and -----END A-----\n------BEGIN A-----\n---- BEGIN SSH2 ----')).toEqual(
      [],
    );
  });
});

describe('a block in the layout of another', () => {
  const indent = fc.constantFrom('', ' ', '    ', '\t', '\t  ');
  const newline = fc.constantFrom('\n', '\r\n', '\r');
  const headers = fc.constantFrom([], ['Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-256-CBC,AA'], ['X: y']);
  const indented = (block: string, by: string, end: string) =>
    block
      .split('\n')
      .map((line) => (line === '' ? '' : by + line))
      .join(end);

  it('is indented as a whole if the other is', () => {
    fc.assert(
      fc.property(label, der, der, indent, newline, headers, (name, before, after, by, end, head) => {
        const text = `a: |${end}${indented(encodePem(name, before, '\n', head), by, end)}${end}b: c${end}`;
        const [block] = pemBlocks(text);
        expect(block).toMatchObject({ label: name, der: before, indent: by, headers: head });
        if (block === undefined) return;
        const written = text.slice(0, block.start) + encodePemLike(block, name, after, head) + text.slice(block.end);
        expect(written).toBe(`a: |${end}${indented(encodePem(name, after, '\n', head), by, end)}${end}b: c${end}`);
      }),
    );
  });

  it('has what each line of the other had, and holds its own content', () => {
    fc.assert(
      fc.property(label, der, der, fc.array(indent, { minLength: 9, maxLength: 9 }), (name, before, after, by) => {
        const lines = encodePem(name, before).split('\n');
        const uneven = lines.map((line, i) => (by[i] ?? '') + line);
        const [block] = pemBlocks(uneven.join('\n'));
        if (block === undefined) throw new Error('no block');
        const written = (by[0] ?? '') + encodePemLike(block, name, after);
        expect(pemBlocks(written)[0]?.der).toEqual(after);
        const found = written.split('\n').map((line) => /^[ \t]*/.exec(line)?.[0]);
        const kept = Math.min(found.length, lines.length) - 1;
        expect(found.slice(0, kept)).toEqual(by.slice(0, kept));
        expect(found.at(-1)).toBe(by[lines.length - 1]);
      }),
    );
  });

  it('in one line stays in one', () => {
    for (const end of [' ', '']) {
      const [block] = pemBlocks(`  ${encodePem('A', Uint8Array.of(1), end)}`);
      expect(block && encodePemLike(block, 'B', Uint8Array.of(2))).toBe(encodePem('B', Uint8Array.of(2), end));
    }
  });

  it('keeps an empty line of headers as it is, after any indentation', () => {
    const text = ['\t-----BEGIN A-----', '\tX: 1', '\t', '\tAAAA', '\t-----END A-----'].join('\n');
    const [block] = pemBlocks(text);
    const written = block && encodePemLike(block, 'A', new Uint8Array(3).fill(255), ['X: 2']);
    expect(written).toBe(['-----BEGIN A-----', '\tX: 2', '\t', '\t////', '\t-----END A-----'].join('\n'));
  });

  it('has no headers if it gets none, and none of their indentation', () => {
    const text = [' -----BEGIN A-----', '    X: 1', '', '  AAAA', ' -----END A-----'].join('\n');
    const [block] = pemBlocks(text);
    const written = block && encodePemLike(block, 'B', new Uint8Array(100));
    expect(written?.split('\n').map((line) => /^ */.exec(line)?.[0].length)).toEqual([0, 2, 2, 2, 1]);
  });
});

describe('broken text', () => {
  const whole = '-----BEGIN A-----\nAAAA\n-----END A-----';
  const table: [string, string][] = [
    ['no END', '-----BEGIN A-----\nAAAA\n'],
    ['another END', '-----BEGIN A-----\nAAAA\n-----END B-----'],
    ['END alone', 'AAAA\n-----END A-----'],
    ['BEGIN within', '-----BEGIN A-----\nAAAA\n-----BEGIN A-----\nAAAA\n-----END A-----'],
    ['a cut BEGIN', '-----BEGIN A'],
    ['no label', '-----BEGIN -----\nAAAA\n-----END -----'],
    ['nothing in it', '-----BEGIN A-----\n-----END A-----'],
    ['another alphabet', whole.replace('AAAA', 'AA-_')],
    ['no padding', whole.replace('AAAA', 'AAA')],
    ['padding within', whole.replace('AAAA', 'AA==AAAA')],
    ['stray bits', whole.replace('AAAA', 'AAB=')],
    ['line ends as an escape', whole.replaceAll('\n', '\\n')],
    ['201 blocks', `${whole}\n`.repeat(201)],
  ];
  it.each(table)('%s', (_, text) => {
    expect(() => pemBlocks(text, 'The answer', 'CaRejected')).toThrow(
      expect.objectContaining({ code: 'CaRejected', message: expect.stringMatching(/^The answer has /) }),
    );
  });

  it('200 blocks are accepted', () => {
    expect(pemBlocks(`${whole}\n`.repeat(200))).toHaveLength(200);
  });

  it('takes time in proportion to its length', () => {
    for (const piece of [
      '-',
      '-----BEGIN ',
      ' -----',
      '\n-----',
      '-----BEGIN A-----\n',
      '-----BEGIN A-----\nA: b\n ',
      ' \n',
    ]) {
      const start = cpuTime();
      try {
        pemBlocks(piece.repeat(1_000_000 / piece.length));
      } catch {
        // a refused text counts as an empty one
      }
      expect(cpuTime() - start).toBeLessThan(1000);
    }
  });
});

it('base64 is what Buffer writes, and nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(fc.base64String(), fc.string()), (text) => {
      const bytes = decodeBase64(text);
      if (bytes !== undefined) expect(Buffer.from(bytes).toString('base64')).toBe(text.replace(/[ \t\r\n\v\f]/g, ''));
      else expect(text === '' || Buffer.from(text, 'base64').toString('base64') !== text).toBe(true);
    }),
  );
});
