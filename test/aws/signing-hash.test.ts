import { createHash, createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SigningHash } from '../../lambdas/aws/signing-hash.ts';

const chunks = fc.array(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 200 })), { maxLength: 4 });

async function digestOf(hash: SigningHash, data: readonly (string | Uint8Array)[]): Promise<string> {
  for (const chunk of data) hash.update(chunk);
  return Buffer.from(await hash.digest()).toString('hex');
}

test('is SHA-256 without a key', () =>
  fc.assert(
    fc.asyncProperty(chunks, async (data) => {
      const expected = createHash('sha256');
      for (const chunk of data) expected.update(chunk);
      expect(await digestOf(new SigningHash(), data)).toBe(expected.digest('hex'));
    }),
  ));

test('is HMAC-SHA-256 with one, of bytes or text', () =>
  fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ minLength: 1 }), fc.uint8Array()), chunks, async (key, data) => {
      const expected = createHmac('sha256', key);
      for (const chunk of data) expected.update(chunk);
      const digest = expected.digest('hex');
      expect(await digestOf(new SigningHash(key), data)).toBe(digest);
      expect(await digestOf(new SigningHash(key), data)).toBe(digest); // with the key that is kept
    }),
  ));

test('takes an ArrayBuffer, and a part of one', async () => {
  const whole = Uint8Array.from({ length: 64 }, (_, index) => index);
  const part = whole.subarray(8, 40);
  expect(await digestOf(new SigningHash(whole.buffer), ['x'])).toBe(
    createHmac('sha256', whole).update('x').digest('hex'),
  );
  expect(await digestOf(new SigningHash(part), ['x'])).toBe(createHmac('sha256', part).update('x').digest('hex'));
});

test('knows two texts apart, one after the other', async () => {
  const of = (key: string) => digestOf(new SigningHash(key), ['x']);
  const [a, b, again] = [await of('a'), await of('b'), await of('a')];
  expect(a).not.toBe(b);
  expect(again).toBe(a);
});

test('begins anew', async () => {
  const hash = new SigningHash('key');
  hash.update('before');
  hash.reset();
  expect(await digestOf(hash, ['x'])).toBe(createHmac('sha256', 'key').update('x').digest('hex'));
});
