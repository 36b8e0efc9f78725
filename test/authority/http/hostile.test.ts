import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBody } from '../../../lambdas/authority/http/body.ts';
import { Problem } from '../../../lambdas/authority/http/problems.ts';
import { json, newPath, oldPath, problemOf, scene, tokens } from './scene.ts';

const caId = fc.oneof(fc.constantFrom('root', 'issuing', 'none'), fc.string());
/**
 * A path with any octets, raw or percent-encoded. fast-check's own path generator lists all of Unicode first, which takes
 * seconds.
 */
const anyPath = fc
  .array(fc.uint8Array({ maxLength: 12 }))
  .map((segments) => segments.map((bytes) => `/${[...bytes].map(pathCharacter).join('')}`).join(''));

/** RFC 3986 section 3.3. */
function pathCharacter(octet: number): string {
  const character = String.fromCharCode(octet);
  return /[\w.~!$&'()*+,;=:@-]/.test(character) ? character : `%${octet.toString(16).padStart(2, '0')}`;
}

const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .record(
      {
        type: fc.oneof(fc.constant('existing'), fc.jsonValue()),
        notAfter: fc.oneof(fc.string(), fc.jsonValue()),
        more: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    .map(json),
  // Whole dates of the format, years 0 to 9999: past, too near, too far.
  fc
    .date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
    .map((date) => json({ type: 'existing', notAfter: date.toISOString() })),
);
const request = fc.record({
  method: fc.oneof({ weight: 9, arbitrary: fc.constant('POST') }, { weight: 1, arbitrary: fc.string() }),
  path: fc.oneof(
    { weight: 9, arbitrary: fc.tuple(fc.constantFrom(newPath, oldPath), caId).map(([path, id]) => path(id)) },
    { weight: 1, arbitrary: anyPath },
  ),
  authorization: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(`Bearer ${tokens.all}`, `Bearer ${tokens.issuing}`) },
    { weight: 1, arbitrary: fc.option(fc.string(), { nil: undefined }) },
  ),
  body,
});

test('every answer is below 500 and has the body of its status', async () => {
  const { stack, ask } = await scene();
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async (asked) => {
      const answered = await ask(asked);
      seen.add(answered.status);
      expect([200, 400, 401, 403, 404, 422]).toContain(answered.status);
      if (answered.status === 200) return;
      expect(problemOf(answered).statusCode).toBe(answered.status);
      expect(JSON.parse(JSON.stringify(answered.body))).toEqual(answered.body);
    }),
    { numRuns: 1500 },
  );
  expect([...seen].sort()).toEqual([200, 400, 401, 403, 404, 422]);
  expect(stack.journal.failures.filter(({ status }) => status === 500)).toEqual([]);
});

test('a body is accepted exactly if the document describes it', () => {
  const judged = (bytes: Uint8Array): 'taken' | number => {
    try {
      parseBody(bytes);
      return 'taken';
    } catch (error) {
      if (error instanceof Problem) return error.status;
      throw error;
    }
  };
  const isOne = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const { type, notAfter, ...more } = value as Record<string, unknown>;
    const date = typeof notAfter === 'string' ? new Date(notAfter) : undefined;
    return (
      Object.keys(more).length === 0 &&
      type === 'existing' &&
      date !== undefined &&
      !Number.isNaN(date.getTime()) &&
      date.toISOString() === notAfter
    );
  };
  fc.assert(
    fc.property(
      fc.oneof(
        body,
        fc.string().map((text) => json({ type: 'existing', notAfter: text })),
      ),
      (bytes) => {
        let value: unknown;
        try {
          value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
        } catch {
          return judged(bytes) === 400;
        }
        return judged(bytes) === (isOne(value) ? 'taken' : 422);
      },
    ),
    { numRuns: 2000 },
  );
});
