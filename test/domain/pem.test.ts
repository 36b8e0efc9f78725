import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodePem, lineEndOf, pemBlocks } from '../../lambdas/domain/pem.ts';
import { cpuTime } from '../support/cpu-time.ts';

const der = fc.uint8Array({ minLength: 1, maxLength: 300 });
const label = fc.constantFrom('CERTIFICATE', 'EC PRIVATE KEY', 'PKCS #7 SIGNED DATA', 'X509 CRL', 'a');
const lineEnd = fc.constantFrom('\n', '\r\n', '\r', ' ', '');

describe('blocks', () => {
  it('are read as they were written, wherever they stand', () => {
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

  it('are as RFC 7468 writes them', () => {
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
    ['201 blocks', `${whole}\n`.repeat(201)],
  ];
  it.each(table)('%s', (_, text) => {
    expect(() => pemBlocks(text, 'The answer', 'CaRejected')).toThrow(
      expect.objectContaining({ code: 'CaRejected', message: expect.stringMatching(/^The answer has /) }),
    );
  });

  it('200 blocks are not too many', () => {
    expect(pemBlocks(`${whole}\n`.repeat(200))).toHaveLength(200);
  });

  it('takes no longer than its length', () => {
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
        // refused is as good as empty
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
