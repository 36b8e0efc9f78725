import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePem } from '../../lambdas/domain/pem.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { type NextContent, readSecret } from '../../lambdas/secret/index.ts';
import { goldenText, keyPem, makeMaterial, newKey, pem, text } from './material.ts';

type Material = ReturnType<typeof makeMaterial>;
let m: Material;
let key: string;
let nextKey: string;

beforeAll(() => {
  m = makeMaterial();
  key = keyPem(m.leaf('P-256').key);
  nextKey = keyPem(m.nextLeaf('P-256').key);
});

const leaf = () => m.leaf('P-256').der;
const nextLeaf = () => m.nextLeaf('P-256').der;
const json = (object: unknown) => text(JSON.stringify(object));

function next(change: Partial<NextContent> = {}): NextContent {
  const privateKey = m.nextLeaf('P-256').key;
  return { leaf: nextLeaf(), chain: [m.b], root: m.nextRoot, key: { kind: 'private', privateKey }, ...change };
}

async function write(value: SecretValue, change?: Partial<NextContent>, password?: string) {
  const content = await readSecret(value, { password });
  const written = await content.write(next(change));
  return written.kind === 'string' ? written.text : Buffer.from(written.bytes).toString();
}

describe('the chain goes to its old place', () => {
  /** [name, old fields, new chain, expected fields]; keys are left out. */
  const table: [string, () => object, () => Uint8Array[], () => object][] = [
    [
      'a leaf alone stays alone',
      () => ({ certificate: pem(leaf()) }),
      () => [m.b],
      () => ({ certificate: pem(nextLeaf()) }),
    ],
    [
      'a leaf with its chain keeps one',
      () => ({ certificate: `${pem(leaf())}\n${pem(m.a)}\n` }),
      () => [m.b],
      () => ({ certificate: `${pem(nextLeaf())}\n${pem(m.b)}\n` }),
    ],
    [
      'a leaf with its root gets the chain and the root of today',
      () => ({ certificate: `${pem(leaf())}\n${pem(m.root)}\n` }),
      () => [m.b],
      () => ({ certificate: `${pem(nextLeaf())}\n${pem(m.b)}\n${pem(m.nextRoot)}\n` }),
    ],
    [
      'a longer chain grows behind the last of it, before the root',
      () => ({ certificate: [pem(leaf()), '# issuing', pem(m.a), '# root', pem(m.root), ''].join('\n') }),
      () => [m.b, m.c],
      () => ({
        certificate: [pem(nextLeaf()), '# issuing', pem(m.b), pem(m.c), '# root', pem(m.nextRoot), ''].join('\n'),
      }),
    ],
    [
      'a chain of two that grows to three stays in order',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.a)}\n${pem(m.b)}\n` }),
      () => [m.b, m.a, m.c],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.b)}\n${pem(m.a)}\n${pem(m.c)}\n` }),
    ],
    [
      'a shorter chain loses its end, with the line end and without the comments',
      () => ({ certificate: [pem(leaf()), '# one', pem(m.a), '# two', pem(m.b), '# end'].join('\r\n') }),
      () => [m.c],
      () => ({ certificate: [pem(nextLeaf()), '# one', pem(m.c), '# two', '# end'].join('\r\n') }),
    ],
    [
      'a field without a newline at its end has none without its chain either',
      () => ({ certificate: `${pem(leaf())}\n${pem(m.a)}\n${pem(m.b)}` }),
      () => [],
      () => ({ certificate: pem(nextLeaf()) }),
    ],
    [
      'a chain field',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.a)}\n` }),
      () => [m.b, m.c],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.b)}\n${pem(m.c)}\n` }),
    ],
    [
      'a chain field and a chain beside the leaf: both',
      () => ({ certificate: `${pem(leaf())}\n${pem(m.a)}`, certificateChain: `${pem(m.a)}\n${pem(m.root)}` }),
      () => [m.b],
      () => ({ certificate: `${pem(nextLeaf())}\n${pem(m.b)}`, certificateChain: `${pem(m.b)}\n${pem(m.nextRoot)}` }),
    ],
    [
      'a chain field that begins with the leaf',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(leaf())}\n${pem(m.a)}` }),
      () => [m.b],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(nextLeaf())}\n${pem(m.b)}` }),
    ],
    [
      'nothing left of a string',
      () => ({ certificate: pem(leaf()), certificateChain: `# ours\n${pem(m.a)}\n` }),
      () => [],
      () => ({ certificate: pem(nextLeaf()), certificateChain: '' }),
    ],
    [
      'an empty chain field gets the chain, in the style of the leaf',
      () => ({ certificate: `${pem(leaf(), '\r\n')}\r\n`, certificateChain: '' }),
      () => [m.b, m.c],
      () => ({
        certificate: `${pem(nextLeaf(), '\r\n')}\r\n`,
        certificateChain: `${pem(m.b, '\r\n')}\r\n${pem(m.c, '\r\n')}\r\n`,
      }),
    ],
    [
      'a null chain field gets the chain',
      () => ({ certificate: pem(leaf()), certificateChain: null }),
      () => [m.b],
      () => ({ certificate: pem(nextLeaf()), certificateChain: pem(m.b) }),
    ],
    [
      'a chain field with the root alone gets the chain before it',
      () => ({ certificate: pem(leaf()), certificateChain: `# root\n${pem(m.root)}\n` }),
      () => [m.b, m.c],
      () => ({
        certificate: pem(nextLeaf()),
        certificateChain: `# root\n${pem(m.b)}\n${pem(m.c)}\n${pem(m.nextRoot)}\n`,
      }),
    ],
    [
      'two roots, neither of them the root of today: it takes the place of the first',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.root)}\n${pem(m.otherRoot)}` }),
      () => [],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.nextRoot)}\n${pem(m.otherRoot)}` }),
    ],
    [
      'two roots, one of them the root of today, stay',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.root)}\n${pem(m.nextRoot)}` }),
      () => [],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.root)}\n${pem(m.nextRoot)}` }),
    ],
    [
      'a root under another key, which has the same name, is an intermediate',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.a)}\n${pem(m.crossRoot)}` }),
      () => [m.b, m.c],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.b)}\n${pem(m.c)}` }),
    ],
    [
      'a certificate of the chain that stays keeps its text, however it is broken into lines',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.a).replace('\n', '\n\n')}\n` }),
      () => [m.a, m.b],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.a).replace('\n', '\n\n')}\n${pem(m.b)}\n` }),
    ],
    [
      'an empty chain field stays empty without a chain',
      () => ({ certificate: `${pem(leaf())}\n`, certificateChain: '' }),
      () => [],
      () => ({ certificate: `${pem(nextLeaf())}\n`, certificateChain: '' }),
    ],
    [
      'a chain field of white space is an empty one',
      () => ({ certificate: pem(leaf()), certificateChain: ' \n' }),
      () => [m.b],
      () => ({ certificate: pem(nextLeaf()), certificateChain: pem(m.b) }),
    ],
    [
      'a chain field with the root alone gets the chain before it',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.root)}\n` }),
      () => [m.b, m.c],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.b)}\n${pem(m.c)}\n${pem(m.nextRoot)}\n` }),
    ],
    [
      'an empty line behind a block that goes stays',
      () => ({ certificate: pem(leaf()), certificateChain: [pem(m.a), pem(m.b), '', '# end', ''].join('\n') }),
      () => [m.c],
      () => ({ certificate: pem(nextLeaf()), certificateChain: [pem(m.c), '', '# end', ''].join('\n') }),
    ],
    [
      'a comment on the line of a block that goes stays',
      () => ({ certificate: pem(leaf()), certificateChain: `${pem(m.a)}\n${pem(m.b)}  # B\n# end\n` }),
      () => [m.c],
      () => ({ certificate: pem(nextLeaf()), certificateChain: `${pem(m.c)}\n# B\n# end\n` }),
    ],
    [
      'a block that goes between two in one line leaves the space of one',
      () => ({ certificate: [leaf(), m.a, m.root].map((der) => pem(der, ' ')).join('  ') }),
      () => [],
      () => ({ certificate: [nextLeaf(), m.nextRoot].map((der) => pem(der, ' ')).join('  ') }),
    ],
  ];
  it.each(table)('%s', async (_, held, chain, holds) => {
    const written = await write(json({ ...held(), privateKey: key }), { chain: chain() });
    expect(JSON.parse(written)).toEqual({ ...holds(), privateKey: nextKey });
  });

  const vault: [string, () => object, () => Uint8Array[], () => object][] = [
    [
      'ca_chain as an array, with the root, and issuing_ca',
      () => ({ ca_chain: [pem(m.a), pem(m.root)], issuing_ca: pem(m.a) }),
      () => [m.b, m.c],
      () => ({ ca_chain: [pem(m.b), pem(m.c), pem(m.nextRoot)], issuing_ca: pem(m.b) }),
    ],
    [
      'ca_chain without the root',
      () => ({ ca_chain: [`${pem(m.a)}\n`, `${pem(m.c)}\n`], issuing_ca: pem(m.a) }),
      () => [m.b],
      () => ({ ca_chain: [`${pem(m.b)}\n`], issuing_ca: pem(m.b) }),
    ],
    [
      'nothing left of an array',
      () => ({ ca_chain: [pem(m.a)], issuing_ca: pem(m.a) }),
      () => [],
      () => ({ ca_chain: [], issuing_ca: '' }),
    ],
    ['an empty array', () => ({ ca_chain: [] }), () => [m.b, m.c], () => ({ ca_chain: [pem(m.b), pem(m.c)] })],
    [
      'an array of the root alone gets the chain before it',
      () => ({ ca_chain: [pem(m.root)] }),
      () => [m.b, m.c],
      () => ({ ca_chain: [pem(m.b), pem(m.c), pem(m.nextRoot)] }),
    ],
    [
      'an array of one string with the whole chain',
      () => ({ ca_chain: [`${pem(m.a)}\n${pem(m.b)}\n`] }),
      () => [m.c],
      () => ({ ca_chain: [`${pem(m.c)}\n`] }),
    ],
    [
      'certificate_chain as a string',
      () => ({ certificate_chain: `${pem(m.a)}\n` }),
      () => [m.b],
      () => ({ certificate_chain: `${pem(m.b)}\n` }),
    ],
    [
      'an empty issuing_ca gets the first of the chain',
      () => ({ issuing_ca: '' }),
      () => [m.b, m.c],
      () => ({ issuing_ca: pem(m.b) }),
    ],
    ['an empty issuing_ca stays so without a chain', () => ({ issuing_ca: '' }), () => [], () => ({ issuing_ca: '' })],
    [
      'issuing_ca with more than the issuer holds the issuer',
      () => ({ issuing_ca: `${pem(m.a)}\n${pem(m.root)}\n` }),
      () => [m.b, m.c],
      () => ({ issuing_ca: `${pem(m.b)}\n` }),
    ],
    ['issuing_ca alone', () => ({ issuing_ca: pem(m.a) }), () => [m.b, m.c], () => ({ issuing_ca: pem(m.b) })],
    [
      'issuing_ca is the root',
      () => ({ ca_chain: [pem(m.root)], issuing_ca: pem(m.root) }),
      () => [],
      () => ({ ca_chain: [pem(m.nextRoot)], issuing_ca: pem(m.nextRoot) }),
    ],
    [
      'an array of two that grows',
      () => ({ ca_chain: [pem(m.a), pem(m.b)] }),
      () => [m.b, m.a, m.c],
      () => ({ ca_chain: [pem(m.b), pem(m.a), pem(m.c)] }),
    ],
    [
      'an element that is added ends as the one before it',
      () => ({ ca_chain: [`${pem(m.a)}\n`] }),
      () => [m.b, m.c],
      () => ({ ca_chain: [`${pem(m.b)}\n`, `${pem(m.c)}\n`] }),
    ],
    [
      'an element that is added does not accept its comment',
      () => ({ ca_chain: [`${pem(m.a)}\n# ours\n`] }),
      () => [m.b, m.c],
      () => ({ ca_chain: [`${pem(m.b)}\n# ours\n`, pem(m.c)] }),
    ],
    [
      'an array with the root alone gets the chain before it',
      () => ({ ca_chain: [pem(m.root)] }),
      () => [m.b, m.c],
      () => ({ ca_chain: [pem(m.b), pem(m.c), pem(m.nextRoot)] }),
    ],
    [
      'an array of one string with the whole chain, that grows',
      () => ({ ca_chain: [`${pem(m.a)}\n${pem(m.b)}\n`] }),
      () => [m.b, m.a, m.c],
      () => ({ ca_chain: [`${pem(m.b)}\n${pem(m.a)}\n${pem(m.c)}\n`] }),
    ],
    [
      'nothing left of a string with the whole chain in an array',
      () => ({ ca_chain: [`${pem(m.a)}\n${pem(m.b)}\n`] }),
      () => [],
      () => ({ ca_chain: [] }),
    ],
    [
      'one certificate, and a string with the rest',
      () => ({ ca_chain: [pem(m.a), `${pem(m.b)}\n${pem(m.root)}\n`] }),
      () => [m.c, m.a, m.b],
      () => ({ ca_chain: [pem(m.c), `${pem(m.a)}\n${pem(m.b)}\n${pem(m.nextRoot)}\n`] }),
    ],
    [
      'an empty string in an array stays',
      () => ({ ca_chain: ['', pem(m.a)] }),
      () => [m.b, m.c],
      () => ({ ca_chain: ['', pem(m.b), pem(m.c)] }),
    ],
  ];
  it.each(vault)('Vault: %s', async (_, held, chain, holds) => {
    const written = await write(json({ certificate: pem(leaf()), ...held(), private_key: key }), { chain: chain() });
    expect(JSON.parse(written)).toEqual({ certificate: pem(nextLeaf()), ...holds(), private_key: nextKey });
  });

  it('keeps the white space of an array, and uses it for additions', async () => {
    const before = JSON.stringify(
      { certificate: pem(leaf()), private_key: key, ca_chain: [pem(m.a), pem(m.root)] },
      null,
      4,
    );
    const after = JSON.stringify(
      { certificate: pem(nextLeaf()), private_key: nextKey, ca_chain: [pem(m.b), pem(m.c), pem(m.nextRoot)] },
      null,
      4,
    );
    expect(await write(text(before), { chain: [m.b, m.c] })).toBe(after);
    const shorter = JSON.stringify(
      { certificate: pem(nextLeaf()), private_key: nextKey, ca_chain: [pem(m.nextRoot)] },
      null,
      4,
    );
    expect(await write(text(before), { chain: [] })).toBe(shorter);
  });

  it('leaves no white space in an array that becomes empty', async () => {
    const held = JSON.stringify({ certificate: pem(leaf()), private_key: key, ca_chain: [pem(m.a)] }, null, 2);
    const holds = JSON.stringify({ certificate: pem(nextLeaf()), private_key: nextKey, ca_chain: [] }, null, 2);
    expect(await write(text(held), { chain: [] })).toBe(holds);
  });

  it('keeps uneven white space in an array, and uses that of the first comma for additions', async () => {
    const around = (certificate: Uint8Array, k: string, array: string) =>
      `{"certificate":${JSON.stringify(pem(certificate))},"private_key":${JSON.stringify(k)},"ca_chain":[${array}]}`;
    const [a, b, c, root, nextRoot] = [m.a, m.b, m.c, m.root, m.nextRoot].map((der) => JSON.stringify(pem(der)));
    const held = around(leaf(), key, `\t${root} ,${b},\n  ${a} `);
    const holds = around(nextLeaf(), nextKey, `\t${nextRoot} ,${b},\n  ${a} ,${c} `);
    expect(await write(text(held), { chain: [m.b, m.a, m.c] })).toBe(holds);
  });

  it('keeps the secret’s order if the chain is the same', async () => {
    const before = {
      certificate: pem(leaf()),
      privateKey: key,
      certificateChain: `${pem(m.root)}\n${pem(m.b)}\n${pem(m.a)}`,
    };
    const written = await write(json(before), { chain: [m.a, m.b] });
    expect(JSON.parse(written).certificateChain).toBe(`${pem(m.nextRoot)}\n${pem(m.b)}\n${pem(m.a)}`);
  });

  it('keeps each root in its place if the chain is written back', async () => {
    const held = json({
      certificate: `${pem(leaf())}\n${pem(m.root)}`,
      certificateChain: `${pem(m.a)}\n${pem(m.nextRoot)}`,
      privateKey: key,
    });
    const content = await readSecret(held);
    expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(held);
  });

  it('reports a certificate that the secret has twice once', async () => {
    const chains = { certificate: `${pem(leaf())}\n${pem(m.a)}`, certificateChain: `${pem(m.a)}\n${pem(m.root)}` };
    expect((await readSecret(json({ ...chains, privateKey: key }))).chain).toEqual([m.a, m.root]);
  });

  it('names the entry of the new chain that is no certificate', async () => {
    const spoilt = m.b.subarray(0, 100);
    await expect(
      write(json({ certificate: pem(leaf()), privateKey: key }), { chain: [m.a, spoilt] }),
    ).rejects.toMatchObject({
      code: 'InvalidCertificate',
      message: expect.stringContaining('Certificate 2 of the new chain is not an X.509 certificate'),
    });
  });

  it('keeps an old root if no other is given', async () => {
    const before = { certificate: pem(leaf()), privateKey: key, certificateChain: `${pem(m.a)}\n${pem(m.root)}` };
    expect(JSON.parse(await write(json(before), { root: undefined })).certificateChain).toBe(
      `${pem(m.b)}\n${pem(m.root)}`,
    );
  });

  it('does not treat a root certificate that is the leaf as a root in the chain', async () => {
    const content = await readSecret(json({ certificate: pem(m.root), certificateChain: '', kmsKeyId: 'alias/root' }));
    const written = await content.write({ leaf: m.nextRoot, chain: [], root: m.nextRoot, key: undefined });
    expect(written).toEqual(json({ certificate: pem(m.nextRoot), certificateChain: '', kmsKeyId: 'alias/root' }));
  });
});

describe('JSON around the values', () => {
  it('keeps every other byte: order, white space, numbers, escapes, nested and odd members', async () => {
    const around = (certificate: string, privateKey: string) =>
      `\uFEFF{\r\n\t"n" : 1234567890123456789012345.10e+0 ,"tls.crt":${JSON.stringify(certificate)},\n "__proto__": {"a":[1,{"a":1}]},` +
      `"\\u0061\\/é" :"\\u00e9\\/", "ca.crt" : "not even PEM", "tls.key"\n:${JSON.stringify(privateKey)}, "z":[ ]}\r\n`;
    const before = around(`# é\n${pem(leaf())}\n`, key);
    expect(await write(text(before))).toBe(around(`# é\n${pem(nextLeaf())}\n`, nextKey));
  });

  it('may begin with the array of the chain', async () => {
    const value = (chain: Uint8Array, certificate: Uint8Array, privateKey: string) =>
      `{"ca_chain":[ ${JSON.stringify(pem(chain))} ],"certificate":${JSON.stringify(pem(certificate))},"private_key":${JSON.stringify(privateKey)}}`;
    const held = text(value(m.a, leaf(), key));
    const content = await readSecret(held);
    expect(content.chain).toEqual([m.a]);
    expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(held);
    expect(await content.write({ ...next(), chain: [m.b], root: undefined })).toEqual(
      text(value(m.b, nextLeaf(), nextKey)),
    );
  });

  it('escaped names are the names that they spell', async () => {
    const before = `{"certificat\\u0065":${JSON.stringify(pem(leaf()))},"privateKey":${JSON.stringify(key)}}`;
    expect(await write(text(before))).toBe(
      `{"certificat\\u0065":${JSON.stringify(pem(nextLeaf()))},"privateKey":${JSON.stringify(nextKey)}}`,
    );
  });

  it('escapes of unchanged values stay: "\\/" as PHP writes it', async () => {
    const escaped = (object: object) => text(JSON.stringify(object).replaceAll('/', '\\/'));
    const certificate = `# https://ca.example/\n${pem(leaf())}\n${pem(m.a)}\n`;
    const held = [
      escaped({ certificate, privateKey: `# a/b\n${key}`, certificateChain: `# a/b\n${pem(m.a)}` }),
      escaped({
        certificate,
        private_key: key,
        ca_chain: [`# a/b\n${pem(m.a)}`, `# a/b\n${pem(m.a)}\n${pem(m.root)}`],
      }),
      escaped({ certificate, kmsKeyId: 'alias/a' }),
    ];
    for (const value of held) {
      const content = await readSecret(value);
      const same = content.key.kind === 'none' ? undefined : content.key;
      expect(await content.write({ ...content, root: undefined, key: same })).toEqual(value);
    }
  });

  it('stays binary if it was binary', async () => {
    const value = (certificate: Uint8Array, k: string) =>
      new TextEncoder().encode(JSON.stringify({ note: 'ü', certificate: pem(certificate), privateKey: k }));
    const content = await readSecret({ kind: 'binary', bytes: value(leaf(), key) });
    expect(await content.write(next())).toEqual({ kind: 'binary', bytes: value(nextLeaf(), nextKey) });
  });
});

describe('PEM text', () => {
  const order: [string, (parts: { leaf: string; chain: string; key: string }) => string][] = [
    ['key first', ({ leaf: l, chain, key: k }) => `${k}\n${l}\n${chain}\n`],
    [
      'key between',
      ({ leaf: l, chain, key: k }) => `Bag Attributes\n  friendlyName: x\n${l}\n\n${k}\n# chain\n${chain}`,
    ],
    ['chain first', ({ leaf: l, chain, key: k }) => `${chain}\n${l}\n${k}\n`],
    [
      'with Diffie-Hellman parameters',
      ({ leaf: l, chain, key: k }) =>
        `${l}\n${chain}\n-----BEGIN DH PARAMETERS-----\nMAYCAQMCAQI=\n-----END DH PARAMETERS-----\n${k}\n`,
    ],
  ];
  it.each(order)('%s', async (_, arrange) => {
    const before = arrange({ leaf: pem(leaf()), chain: pem(m.a), key });
    const content = await readSecret(text(before));
    expect([content.leaf, content.chain]).toEqual([leaf(), [m.a]]);
    expect(content.key.kind === 'private' && content.key.privateKey.equals(m.leaf('P-256').key)).toBe(true);
    expect(await write(text(before))).toBe(arrange({ leaf: pem(nextLeaf()), chain: pem(m.b), key: nextKey }));
  });

  it('in CRLF, or on one line, stays so', async () => {
    for (const lineEnd of ['\r\n', ' ']) {
      const arrange = (l: Uint8Array, a: Uint8Array, k: KeyObject) =>
        [pem(l, lineEnd), pem(a, lineEnd), keyPem(k, 'traditional', lineEnd)].join(lineEnd);
      const before = arrange(leaf(), m.a, m.leaf('P-256').key);
      expect(await write(text(before))).toBe(arrange(nextLeaf(), m.b, m.nextLeaf('P-256').key));
    }
  });

  it('takes the first certificate as the leaf if the key belongs to none', async () => {
    const content = await readSecret(text(`${pem(m.b)}\n${pem(leaf())}\n${keyPem(newKey('P-256'))}`));
    expect(content.leaf).toEqual(m.b);
  });

  it('finds the leaf after a certificate with a kind of key that OpenSSL does not know', async () => {
    const unknown = Buffer.from(m.b);
    unknown[unknown.indexOf('2a8648ce3d0201', 'hex') + 6] = 0x7f;
    const content = await readSecret(text(`${pem(unknown)}\n${pem(leaf())}\n${key}`));
    expect([content.leaf, content.chain]).toEqual([leaf(), [new Uint8Array(unknown)]]);
  });

  it('has no place for a key in KMS', async () => {
    const written = write(text(`${pem(leaf())}\n${key}`), { key: { kind: 'kms', keyId: 'alias/a' } });
    await expect(written).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('no field for a KMS key: expected a JSON shape'),
    });
  });
});

describe('the key', () => {
  it("'s certificate is the leaf, at any place in the field", async () => {
    const held = { certificate: `${pem(m.a)}\n${pem(leaf())}\n`, privateKey: key };
    const content = await readSecret(json(held));
    expect([content.leaf, content.chain]).toEqual([leaf(), [m.a]]);
    const written = await write(json(held));
    expect(JSON.parse(written).certificate).toBe(`${pem(m.b)}\n${pem(nextLeaf())}\n`);
    const inKms = await readSecret(json({ certificate: held.certificate, kmsKeyId: 'alias/a' }));
    expect(inKms.leaf).toEqual(m.a);
  });

  it('needs no password if it is plain, or in KMS', async () => {
    const certificate = pem(leaf());
    const keys = [json({ certificate, privateKey: key }), text(`${certificate}\n${key}`)];
    for (const value of [...keys, json({ certificate, kmsKeyId: 'alias/a' })])
      expect((await readSecret(value)).needsPassword).toBe(false);
  });

  type Kind = Parameters<Material['leaf']>[0];
  const label = (pemText: string) => /BEGIN ([A-Z ]+)/.exec(pemText)?.[1];
  const table: [Kind, 'pkcs8' | 'traditional', Kind, string][] = [
    ['P-256', 'traditional', 'P-384', 'EC PRIVATE KEY'],
    ['P-256', 'traditional', 'RSA', 'RSA PRIVATE KEY'],
    ['P-256', 'traditional', 'Ed25519', 'PRIVATE KEY'],
    ['RSA', 'traditional', 'P-521', 'EC PRIVATE KEY'],
    ['RSA', 'traditional', 'RSA', 'RSA PRIVATE KEY'],
    ['RSA', 'traditional', 'Ed25519', 'PRIVATE KEY'],
    ['RSA', 'pkcs8', 'RSA', 'PRIVATE KEY'],
    ['RSA', 'pkcs8', 'P-256', 'PRIVATE KEY'],
    ['Ed25519', 'pkcs8', 'P-256', 'PRIVATE KEY'],
  ];
  it.each(table)('%s in %s becomes %s in %s', async (from, encoding, to, expected) => {
    const before = json({ certificate: pem(m.leaf(from).der), privateKey: `${keyPem(m.leaf(from).key, encoding)}\n` });
    const content = await readSecret(before);
    const { der, key: privateKey } = m.nextLeaf(to);
    const written = await content.write(next({ leaf: der, key: { kind: 'private', privateKey } }));
    const field: string = JSON.parse(written.kind === 'string' ? written.text : '').privateKey;
    expect(label(field)).toBe(expected);
    expect(field.endsWith('-----\n')).toBe(true);
    const again = await readSecret(written);
    expect(again.key.kind === 'private' && again.key.privateKey.equals(privateKey)).toBe(true);
  });

  it('of a kind without a JSON Web Key is written too', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp224r1' });
    const written = await write(json({ certificate: pem(leaf()), privateKey: key }), {
      key: { kind: 'private', privateKey },
    });
    expect(JSON.parse(written).privateKey).toBe(keyPem(privateKey));
  });

  it('EC PARAMETERS follow the curve, and are removed with it', async () => {
    const ecparam = goldenText('openssl-ecparam.key');
    const before = text(`${ecparam}${pem(leaf())}\n`);
    const p384 = m.nextLeaf('P-384').key;
    const grown = await write(before, { key: { kind: 'private', privateKey: p384 } });
    expect(grown).toBe(
      `-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n${keyPem(p384, 'traditional')}\n${pem(nextLeaf())}\n`,
    );
    const rsa = m.nextLeaf('RSA').key;
    expect(await write(before, { key: { kind: 'private', privateKey: rsa } })).toBe(
      `${keyPem(rsa, 'traditional')}\n${pem(nextLeaf())}\n`,
    );
    expect(await write(before, { leaf: leaf(), chain: [], key: undefined })).toBe(
      before.kind === 'string' ? before.text : '',
    );
  });

  it('EC PARAMETERS of the same curve keep their text', async () => {
    const before = `-----BEGIN EC PARAMETERS-----\nBggqhkjO\nPQMBBw==\n-----END EC PARAMETERS-----\n`;
    const held = text(`${before}${keyPem(m.leaf('P-256').key, 'traditional')}\n${pem(leaf())}\n`);
    expect(await write(held)).toBe(`${before}${keyPem(m.nextLeaf('P-256').key, 'traditional')}\n${pem(nextLeaf())}\n`);
  });

  it('is plain beside a header that is not of encryption', async () => {
    const der = m.leaf('P-256').key.export({ format: 'der', type: 'pkcs8' });
    const content = await readSecret(text(`${encodePem('PRIVATE KEY', der, '\n', ['X-Note: mine'])}\n${pem(leaf())}`));
    expect(content.needsPassword).toBe(false);
  });

  it('in KMS is a name that can be replaced', async () => {
    const before = { kmsKeyId: 'alias/old', 'tls.crt': pem(leaf()) };
    const content = await readSecret(json(before));
    expect(content.key).toEqual({ kind: 'kms', keyId: 'alias/old' });
    expect(await write(json(before), { key: undefined })).toBe(
      JSON.stringify({ kmsKeyId: 'alias/old', 'tls.crt': pem(nextLeaf()) }),
    );
    expect(await write(json(before), { key: { kind: 'kms', keyId: 'alias/new' } })).toBe(
      JSON.stringify({ kmsKeyId: 'alias/new', 'tls.crt': pem(nextLeaf()) }),
    );
  });

  it('moves into KMS and out of it, in the same place', async () => {
    const inSecret = JSON.stringify({ a: 1, private_key: key, certificate: pem(leaf()) });
    const moved = await write(text(inSecret), { key: { kind: 'kms', keyId: 'k' } });
    expect(moved).toBe(JSON.stringify({ a: 1, kmsKeyId: 'k', certificate: pem(nextLeaf()) }));
    const back = await write(json({ kmsKeyId: 'k', certificate: `${pem(leaf())}\n`, ca_chain: [] }), { chain: [] });
    expect(back).toBe(
      JSON.stringify({ private_key: `${nextKey}\n`, certificate: `${pem(nextLeaf())}\n`, ca_chain: [] }),
    );
    const placeholder = await write(json({ certificate: pem(leaf()), privateKey: key, kmsKeyId: '' }), {
      key: { kind: 'kms', keyId: 'k' },
    });
    expect(placeholder).toBe(JSON.stringify({ certificate: pem(nextLeaf()), privateKey: '', kmsKeyId: 'k' }));
    const nulled = await write(json({ certificate: pem(leaf()), privateKey: key, kmsKeyId: null }));
    expect(nulled).toBe(JSON.stringify({ certificate: pem(nextLeaf()), privateKey: nextKey, kmsKeyId: null }));
    const out = await write(json({ certificate: pem(leaf()), kmsKeyId: 'k', privateKey: null }));
    expect(out).toBe(JSON.stringify({ certificate: pem(nextLeaf()), kmsKeyId: '', privateKey: nextKey }));
  });

  it('may be absent if the CA holds it, and the caller says so', async () => {
    const before = json({ certificate: pem(leaf()), certificateChain: pem(m.a) });
    await expect(readSecret(before)).rejects.toMatchObject({ code: 'UnsupportedSecret' });
    const content = await readSecret(before, { allowNoKey: true });
    expect(content.key).toEqual({ kind: 'none' });
    expect(await content.write(next({ key: undefined }))).toEqual(
      json({ certificate: pem(nextLeaf()), certificateChain: pem(m.b) }),
    );
    await expect(content.write(next())).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('no field for a key, because its CA holds the key'),
    });
  });

  it('keeps its text if it is the same key in another encoding', async () => {
    const before = { certificate: pem(leaf()), privateKey: keyPem(m.leaf('P-256').key, 'traditional') };
    const content = await readSecret(json(before));
    const written = await content.write(next({ key: { kind: 'private', privateKey: m.leaf('P-256').key } }));
    expect(written).toEqual(json({ ...before, certificate: pem(nextLeaf()) }));
  });
});

describe('the end of a text without a newline', () => {
  const table: [string, () => string, () => string][] = [
    [
      'behind a comment that ends in a space',
      () => `${pem(leaf())}\n# issuing \n${pem(m.a)}`,
      () => `${pem(nextLeaf())}\n# issuing `,
    ],
    ['behind empty lines', () => `${pem(leaf())}\r\n\r\n${pem(m.a)}`, () => pem(nextLeaf())],
    ['behind spaces', () => `${pem(leaf())}\n${pem(m.a)}  `, () => `${pem(nextLeaf())}  `],
    ['in one line', () => [pem(leaf(), ' '), pem(m.a, ' ')].join(' '), () => pem(nextLeaf(), ' ')],
  ];
  it.each(table)('%s', async (_, held, holds) => {
    const written = await write(json({ 'tls.crt': held(), 'tls.key': key }), { chain: [] });
    expect(JSON.parse(written)['tls.crt']).toBe(holds());
  });
});
