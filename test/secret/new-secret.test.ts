/** The first value of a declared certificate's secret: the forms that readers expect and that a renewal can edit. */
import type { KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DeclaredShape, declaredShapes } from '../../lambdas/domain/declaration.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { readSecret, type ShapeName } from '../../lambdas/secret/index.ts';
import { checkNew, type NewContent, renderNew } from '../../lambdas/secret/new-secret.ts';
import '../support/equal-bytes.ts';
import { type Issued, keyKinds, keyPem, makeMaterial, pem } from './material.ts';

let m: ReturnType<typeof makeMaterial>;
beforeAll(() => {
  m = makeMaterial();
});

const password = 'a word that opens';
const readAs: Readonly<Record<DeclaredShape, ShapeName>> = {
  camel: 'json-camel',
  snake: 'json-snake',
  tls: 'json-tls',
  pem: 'pem',
  pkcs12: 'pkcs12',
};
const hasChainField = (shape: DeclaredShape) => shape === 'camel' || shape === 'snake';

const pairOf = (issued: Issued, chain: readonly Uint8Array[], root?: Uint8Array): NewContent => ({
  leaf: issued.der,
  chain,
  root,
  key: { kind: 'private', privateKey: issued.key },
});
const inKms = (): NewContent => ({ ...pairOf(m.leaf('P-256'), [m.a]), key: { kind: 'kms', keyId: 'alias/web' } });
const textOf = (value: SecretValue) => (value.kind === 'string' ? value.text : 'binary');
const membersOf = (value: SecretValue): unknown => JSON.parse(textOf(value));
const equals = (key: { kind: string; privateKey?: KeyObject }, other: KeyObject) => key.privateKey?.equals(other);

const chainOf = fc.constantFrom([], ['a'] as const, ['a', 'b'] as const);

it('reads back as what was written, and keeps its shape when the next pair is written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        shape: fc.constantFrom(...declaredShapes),
        kinds: fc.tuple(fc.constantFrom(...keyKinds), fc.constantFrom(...keyKinds)),
        chains: fc.tuple(chainOf, chainOf),
        withRoot: fc.boolean(),
        encrypted: fc.boolean(),
      }),
      async ({ shape, kinds, chains, withRoot, encrypted }) => {
        const options = encrypted || shape === 'pkcs12' ? { password } : {};
        const [chain, nextChain] = chains.map((names) => names.map((name) => m[name]));
        if (chain === undefined || nextChain === undefined) throw new Error('two chains');
        const first = m.leaf(kinds[0]);
        const value = await renderNew(shape, pairOf(first, withRoot ? [...chain, m.root] : chain, m.root), options);
        const content = await readSecret(value, options);
        expect(content.shape).toBe(readAs[shape]);
        expect(content.leaf).toEqual(first.der);
        expect(content.chain).toEqual(chain);
        expect(equals(content.key, first.key)).toBe(true);
        expect(content.needsPassword).toBe('password' in options);

        const next = m.nextLeaf(kinds[1]);
        const written = await content.write(pairOf(next, nextChain));
        expect(written.kind).toBe(value.kind);
        const again = await readSecret(written, options);
        expect(again.shape).toBe(content.shape);
        expect(again.rest).toBe(content.rest);
        expect(again.leaf).toEqual(next.der);
        // As elsewhere, a leaf without a chain stays alone if there is no field for a chain.
        expect(again.chain).toEqual(chain.length > 0 || hasChainField(shape) ? nextChain : []);
        expect(equals(again.key, next.key)).toBe(true);
        expect(again.needsPassword).toBe(content.needsPassword);
        // The second pair gives the same value as a new secret with that pair.
        const same = chain.length > 0 === nextChain.length > 0 || hasChainField(shape);
        if (!('password' in options) && same)
          expect(written).toEqual(await renderNew(shape, pairOf(next, nextChain), options));
      },
    ),
    { numRuns: 60 },
  );
});

describe('in the form that readers know', () => {
  const lines = (...blocks: string[]) => blocks.map((block) => `${block}\n`).join('');
  const leaf = () => pem(m.leaf('P-256').der);
  const key = () => keyPem(m.leaf('P-256').key);

  it.each<[DeclaredShape, () => unknown]>([
    [
      'camel',
      () => ({ certificate: lines(leaf()), privateKey: lines(key()), certificateChain: lines(pem(m.a), pem(m.b)) }),
    ],
    [
      'snake',
      () => ({ certificate: lines(leaf()), private_key: lines(key()), certificate_chain: lines(pem(m.a), pem(m.b)) }),
    ],
    ['tls', () => ({ 'tls.crt': lines(leaf(), pem(m.a), pem(m.b)), 'tls.key': lines(key()) })],
  ])('%s', async (shape, members) => {
    const value = await renderNew(shape, pairOf(m.leaf('P-256'), [m.a, m.b, m.root], m.root));
    expect(membersOf(value)).toEqual(members());
    expect(Object.keys(membersOf(value) ?? {})).toEqual(Object.keys(members() ?? {}));
  });

  it('pem: leaf first, the key last', async () => {
    const value = await renderNew('pem', pairOf(m.leaf('P-256'), [m.a, m.b], m.root));
    expect(textOf(value)).toBe(lines(leaf(), pem(m.a), pem(m.b), key()));
  });

  it.each(['camel', 'snake'] as const)('%s: the field of the chain exists even if it is empty', async (shape) => {
    const { der, key: privateKey } = m.leaf('P-256');
    const value = await renderNew(shape, pairOf({ der, key: privateKey }, [m.root], m.root));
    const name = shape === 'camel' ? 'certificateChain' : 'certificate_chain';
    expect(membersOf(value)).toMatchObject({ [name]: '' });
  });

  it.each([
    ['camel', 'certificate', 'certificateChain'],
    ['snake', 'certificate', 'certificate_chain'],
  ] as const)('%s with a key in KMS names it', async (shape, certificate, chain) => {
    // There is nothing to encrypt: the password is not read.
    const unread = async () => Promise.reject(new Error('asked'));
    const value = await renderNew(shape, inKms(), { password: unread });
    expect(membersOf(value)).toEqual({ [certificate]: lines(leaf()), kmsKeyId: 'alias/web', [chain]: lines(pem(m.a)) });
    const content = await readSecret(value);
    expect(content).toMatchObject({ shape: readAs[shape], key: { kind: 'kms', keyId: 'alias/web' } });
  });

  it('tls with a key in KMS names it', async () => {
    const value = await renderNew('tls', inKms());
    expect(membersOf(value)).toEqual({ 'tls.crt': lines(leaf(), pem(m.a)), kmsKeyId: 'alias/web' });
    expect(await readSecret(value)).toMatchObject({ shape: 'json-tls', key: { kind: 'kms', keyId: 'alias/web' } });
  });
});

describe('with a password', () => {
  it.each(['camel', 'snake', 'tls', 'pem'] as const)('%s: the key is encrypted PKCS#8', async (shape) => {
    let asked = 0;
    const source = async () => {
      asked++;
      return password;
    };
    const value = await renderNew(shape, pairOf(m.leaf('RSA'), [m.a]), { password: source });
    expect(asked).toBe(1);
    const texts = shape === 'pem' ? [textOf(value)] : Object.values(membersOf(value) ?? {}).map(String);
    const labels = texts.flatMap((each) => pemBlocks(each).map((block) => block.label));
    expect(labels.filter((label) => label.endsWith('KEY'))).toEqual(['ENCRYPTED PRIVATE KEY']);
    await expect(readSecret(value)).rejects.toMatchObject({ code: 'PasswordRequired' });
  });

  it('salts and IVs come from the given entropy', async () => {
    const entropy = (length: number) => new Uint8Array(length).fill(7);
    const made = () => renderNew('pem', pairOf(m.leaf('Ed25519'), []), { password, entropy });
    expect(await made()).toEqual(await made());
  });
});

describe('refused', () => {
  const code = (is: string) => expect.objectContaining({ code: is });

  it.each(['pem', 'pkcs12'] as const)('a key in KMS as %s', async (shape) => {
    await expect(renderNew(shape, inKms(), { password })).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringMatching(/shape camel, snake or tls/),
    });
  });

  it.each(declaredShapes)('%s in advance, as in the write itself', async (shape) => {
    for (const hasPassword of [true, false]) {
      for (const content of [inKms(), pairOf(m.leaf('P-256'), [])]) {
        const made = await renderNew(shape, content, hasPassword ? { password } : {}).catch((error: unknown) => error);
        const check = () => checkNew(shape, content.key.kind, hasPassword);
        if (made instanceof RenewalError) expect(check).toThrowError(code(made.code));
        else expect(check).not.toThrow();
      }
    }
  });

  it.each(['', undefined])('PKCS#12 with the password %j', async (none) => {
    await expect(renderNew('pkcs12', pairOf(m.leaf('P-256'), []), { password: none })).rejects.toMatchObject({
      code: 'PasswordRequired',
      message: expect.stringMatching(/passwordSecretId in the profile/),
    });
  });

  it('a key that would be encrypted with an empty password', async () => {
    const made = renderNew('camel', pairOf(m.leaf('P-256'), []), { password: '' });
    await expect(made).rejects.toMatchObject({ code: 'PasswordRequired' });
  });

  it('a chain with something else', async () => {
    const made = renderNew('tls', pairOf(m.leaf('P-256'), [m.a, new Uint8Array([0x30, 0])]));
    await expect(made).rejects.toMatchObject({
      code: 'InvalidCertificate',
      message: expect.stringMatching(/^Certificate 2 of the new chain/),
    });
  });
});
