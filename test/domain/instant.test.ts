import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatInstant, parseInstant } from '../../lambdas/domain/instant.ts';

it('writes RFC 3339 UTC to the second', () => {
  expect(formatInstant(Date.UTC(2026, 10, 22, 8, 0, 0, 999))).toBe('2026-11-22T08:00:00Z');
});

it('writes what Date does, in every year', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (instant) => {
      expect(formatInstant(instant)).toBe(`${new Date(instant).toISOString().slice(0, 19)}Z`);
    }),
  );
  expect(() => formatInstant(Number.NaN)).toThrow(RangeError);
});

it('reads back what it wrote', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
      expect(parseInstant(formatInstant(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

it.each(['2026-02-30T00:00:00Z', '2026-11-22', '2026-11-22T08:00:00.000Z', '2026-11-22T08:00:00+01:00', '', 'never'])(
  'rejects %j',
  (text) => expect(parseInstant(text)).toBeUndefined(),
);
