import { expect, it } from 'vitest';
import { counted } from '../../lambdas/domain/counted.ts';

it.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [2, '2 bytes'],
])('%i is %s', (n, text) => {
  expect(counted(n, 'byte')).toBe(text);
});
