import { expect, test } from 'vitest';
import { count } from '../../lambdas/domain/count.ts';

test.each([
  [0, 'field', undefined, '0 fields'],
  [1, 'field', undefined, '1 field'],
  [2, 'field', undefined, '2 fields'],
  [1, 'entry', 'entries', '1 entry'],
  [7, 'entry', 'entries', '7 entries'],
])('%d of %s', (number, noun, plural, expected) => {
  expect(count(number, noun, plural)).toBe(expected);
});
