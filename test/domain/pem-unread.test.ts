import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePem, pemBlocks } from '../../lambdas/domain/pem.ts';
import { beginsLikeDer, strayPem, tellBlock, unreadPem } from '../../lambdas/domain/pem-unread.ts';
import { cpuTime } from '../support/cpu-time.ts';

const block = encodePem('CERTIFICATE', new Uint8Array(100).fill(7));
const escaped = JSON.stringify(block);

describe('PEM that does not begin on its own line', () => {
  it.each<[string, string, RegExp]>([
    ['in quotation marks', `a: ${escaped}`, /BEGIN CERTIFICATE .*, with \\n \(a backslash and the letter n\)/],
    ['in single ones, in one line', `a: '${block.replaceAll('\n', ' ')}'`, /BEGIN CERTIFICATE that does not begin/],
    ['a key', `a: ${escaped.replaceAll('CERTIFICATE', 'RSA PRIVATE KEY')}`, /BEGIN RSA PRIVATE KEY/],
    ['behind a block that is read', `${block}\na: ${escaped}`, /BEGIN CERTIFICATE/],
    ['behind a comment', `# ${escaped}\na: ${escaped}`, /BEGIN CERTIFICATE/],
  ])('is found: %s', (_, text, says) => {
    expect(strayPem(text, pemBlocks(text))).toMatch(says);
  });

  it.each<[string, string]>([
    ['blocks that are read', `${block}\n  ${block.replaceAll('\n', '\n  ')}${block}`],
    ['comments', `# ${escaped}\n  ; ${escaped}\n\t// ${escaped}\n#${block.replaceAll('\n', '\n# ')}`],
    ['a sentence about it', 'see -----BEGIN CERTIFICATE----- and what is behind it -----END CERTIFICATE-----'],
    ['what is neither a certificate nor a key', `a: ${escaped.replaceAll('CERTIFICATE', 'DH PARAMETERS')}`],
    ['BEGIN alone', 'a: -----BEGIN CERTIFICATE-----'],
  ])('is not found in %s', (_, text) => {
    expect(strayPem(text, pemBlocks(text))).toBeUndefined();
  });

  it('takes time in proportion to the text', () => {
    for (const piece of [
      '-----BEGIN CERTIFICATE-----',
      'a-----BEGIN CERTIFICATE-----\n',
      'x: -----BEGIN ',
      '"\\n',
      ' ',
    ]) {
      const start = cpuTime();
      strayPem(piece.repeat(300_000 / piece.length));
      unreadPem(piece.repeat(300_000 / piece.length));
      expect(cpuTime() - start).toBeLessThan(1000);
    }
  });

  it('is found beside any other content', () => {
    fc.assert(fc.property(fc.string(), (text) => strayPem(text.replaceAll('-----', '')) === undefined));
  });
});

it('base64 of DER without its lines is reported, and other text is not', () => {
  const packed = Buffer.from('308201000000', 'hex').toString('base64');
  expect(unreadPem(packed)).toMatch(/base64 without its BEGIN and END lines/);
  expect(unreadPem('aGVsbG8h')).toBe('');
  expect(unreadPem('hello')).toBe('');
});

it.each<[string, boolean]>([
  ['3080', true],
  ['3082ffff', true],
  ['308503', false],
  ['3020', false],
  ['2d2d', false],
  ['', false],
])('%s begins like DER: %s', (hex, is) => {
  expect(beginsLikeDer(Buffer.from(hex, 'hex'))).toBe(is);
});

it.each<[string, string]>([
  ['X509 CRL', 'BEGIN X509 CRL'],
  ['TRUSTED CERTIFICATE', 'BEGIN TRUSTED CERTIFICATE (make it a CERTIFICATE: openssl x509 -in old.pem -out new.pem)'],
  ['hunter2', 'BEGIN (an unusual label)'],
])('%s is reported as %s', (label, told) => {
  expect(tellBlock(label)).toBe(told);
});
