import { describe, expect, it } from 'vitest';
import { isPlaceholder } from '../../lambdas/secret/placeholder.ts';
import { cpuTime } from '../support/cpu-time.ts';

const isOne = (text: string) => isPlaceholder({ kind: 'string', text });

describe('a placeholder', () => {
  it.each(['', ' \n', '{}', ' { \n\t} \n', '\uFEFF{}'])('is %j', (text) => {
    expect(isOne(text)).toBe(true);
  });

  it.each(['{', '}', '}{', '{}{}', '{"a":1}', '[]', 'null', '{ } x'])('is not %j', (text) => {
    expect(isOne(text)).toBe(false);
  });

  it('is not binary', () => {
    expect(isPlaceholder({ kind: 'binary', bytes: new Uint8Array() })).toBe(false);
  });

  it('is recognised quickly in the largest secret', () => {
    const started = cpuTime();
    expect(isOne(`${' '.repeat(65_535)}x`)).toBe(false);
    expect(isOne(`{${' '.repeat(65_534)}x`)).toBe(false);
    expect(cpuTime() - started).toBeLessThan(200);
  });
});
