import { describe, expect, it } from 'vitest';
import { editDistance, listed, nearest, suggestion } from '../../lambdas/domain/nearest.ts';

describe('nearest', () => {
  const keys = ['schedule', 'scheduleTimezone', 'profiles', 'expiresIn', 'rekeyPeriod', 'ca', 'mode'];
  it.each([
    ['shedule', 'schedule'],
    ['expiresin', 'expiresIn'],
    ['expriesIn', 'expiresIn'],
    ['rekey-period', 'rekeyPeriod'],
    ['profile', 'profiles'],
    ['CA', 'ca'],
    ['cb', undefined],
    ['hooks', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('%.20s means %s', (word, meant) => {
    expect(nearest(word, keys)).toBe(meant);
  });

  it.each([
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'ABD', 1],
    ['abcd', 'acbd', 1],
    ['abcd', 'bd', 2],
    ['kitten', 'sitting', 3],
  ])('%j and %j differ by %d', (from, to, edits) => {
    expect(editDistance(from, to)).toBe(edits);
    expect(editDistance(to, from)).toBe(edits);
  });

  it('is a question in a message, or nothing', () => {
    expect(suggestion('intrenal', ['internal', 'offline'])).toBe(' (did you mean internal?)');
    expect(suggestion('other', ['internal', 'offline'])).toBe('');
  });
});

it('lists twenty names at most', () => {
  const names = Array.from({ length: 23 }, (_, at) => `p${at}`);
  expect(listed([])).toBe('none');
  expect(listed(['a', 'b'])).toBe('a, b');
  expect(listed(names)).toMatch(/^p0, .*, p19 and 3 more$/);
});
