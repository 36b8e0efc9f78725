import { describe, expect, it } from 'vitest';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { passwordIn, passwordOf, readPassword } from '../../lambdas/secret/password.ts';
import { binary, goldenBytes, goldenPassword, goldenText, text } from './material.ts';

function storeOf(value: SecretValue) {
  const reads: string[] = [];
  const read = async (secretId: string) => {
    reads.push(secretId);
    return { versionId: 'v', value, createdAt: 0 };
  };
  return { reads, read };
}

describe('a password', () => {
  it.each([
    ['a', 'a'],
    ['a\n', 'a'],
    ['a\r\n', 'a'],
    ['a\n\n', 'a\n'],
    [' a ', ' a '],
    ['\n', ''],
    ['"a"', '"a"'],
    ['{"password":"a"}', '{"password":"a"}'],
  ])('of %j is %j', async (stored, password) => {
    expect(passwordOf(stored)).toBe(password);
    expect(await readPassword(storeOf(text(stored)), 's')).toBe(password);
  });

  it('must not be binary data', async () => {
    await expect(readPassword(storeOf(binary(new Uint8Array(3))), 'pki/password')).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringContaining('"pki/password" holds binary data'),
    });
  });

  it('is read once, and only for a secret that needs one', async () => {
    const store = storeOf(text(goldenPassword));
    const password = passwordIn(store, 's');
    await readSecret(text(`${goldenText('leaf.crt')}${goldenText('step-plain.key')}`), { password });
    expect(store.reads).toEqual([]);
    await readSecret(text(`${goldenText('step-encrypted.crt')}${goldenText('step-encrypted.key')}`), { password });
    await readSecret(binary(goldenBytes('openssl.p12')), { password });
    expect(store.reads).toEqual(['s']);
    expect(passwordIn(store, undefined)).toBeUndefined();
  });
});

/** [stored value, text of the message]. */
const odd: [string, RegExp | undefined][] = [
  ['{"password":"hunter2"}', /The text is JSON: store only the password/],
  [' ["hunter2"]\n', /The text is JSON/],
  ['"hunter2"', /is in quotation marks: store it without them/],
  ["'hunter2'", /quotation marks/],
  ['“hunter2”', /quotation marks/],
  ['hunter2\n\n', /begins or ends with white space/],
  [' hunter2', /white space/],
  ['hunter2', undefined],
  ['{hunter2}', undefined],
  ['hunter2"', undefined],
];

describe.each(odd)('%j, which is wrong', (stored, says) => {
  const values: [string, () => SecretValue][] = [
    ['a legacy block', () => text(`${goldenText('step-encrypted.crt')}${goldenText('step-encrypted.key')}`)],
    ['encrypted PKCS#8', () => text(`${goldenText('leaf.crt')}${goldenText('pbes2-default.key')}`)],
    [
      'a field of JSON',
      () => text(JSON.stringify({ certificate: goldenText('leaf.crt'), privateKey: goldenText('pbes2-default.key') })),
    ],
    ['PKCS#12', () => binary(goldenBytes('openssl.p12'))],
  ];
  it.each(values)('in %s', async (_, value) => {
    const password = passwordIn(storeOf(text(stored)), 's');
    const error = await readSecret(value(), { password }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringMatching(/passwordSecretId in the profile must name/),
    });
    if (says) expect(error).toMatchObject({ message: expect.stringMatching(says) });
    else expect(String(error)).toMatch(/with its password\.$/);
    expect(String(error)).not.toMatch(/hunter2|\.\./);
  });
});
