/** PEM in YAML, and in indented JSON strings: the new block replaces the old one in its place. */
import type { KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePem } from '../../lambdas/domain/pem.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { blockScalars, indent } from '../support/yaml.ts';
import '../support/equal-bytes.ts';
import { goldenPassword, goldenText, type KeyKind, keyPem, makeMaterial, pem, text } from './material.ts';

type Material = ReturnType<typeof makeMaterial>;
let m: Material;
beforeAll(() => {
  m = makeMaterial();
});

/** PEM at column 0, without a newline at the end. */
interface Pieces {
  readonly leaf: string;
  readonly chain: readonly string[];
  readonly key: string;
}

/** [name, function that builds a text of the pieces]. */
const layouts: [string, (pieces: Pieces) => string][] = [
  [
    'block scalars',
    ({ leaf, chain, key }) =>
      `# the pair\ntls:\n  certificate: |\n${[leaf, ...chain].map((block) => indent(block, '    ')).join('\n')}\n  key: |\n${indent(key, '    ')}\n  port: 443\n`,
  ],
  [
    'block scalars at indentations of their own, the chain in one of them',
    ({ leaf, chain, key }) =>
      `key: |-\n${indent(key, '        ')}\nleaf: |\n  # ours\n${indent(leaf, '  ')}\nchain: |+\n${chain.map((block) => `${indent(block, '   ')}\n`).join('')}\nend: true`,
  ],
  [
    'items of a list',
    ({ leaf, chain, key }) =>
      `- |\n${indent([leaf, ...chain].join('\n'), '  ')}\n- |\n${indent(key, '    ')}\n- "something else"\n`,
  ],
  [
    "cloud-init's write_files",
    ({ leaf, chain, key }) =>
      `#cloud-config\nwrite_files:\n  - path: /etc/tls/key.pem\n    permissions: '0600'\n    content: |\n${indent(key, '      ')}\n  - path: /etc/tls/cert.pem\n    content: |\n${indent([leaf, ...chain].join('\n'), '      ')}`,
  ],
];

const lineEnds: [string, (whole: string) => string][] = [
  ['LF', (whole) => whole],
  ['CRLF', (whole) => whole.replaceAll('\n', '\r\n')],
];

const bytes = (whole: string): SecretValue => ({ kind: 'binary', bytes: new TextEncoder().encode(whole) });
const textOf = (value: SecretValue) => (value.kind === 'string' ? value.text : Buffer.from(value.bytes).toString());

/** Changes: as many intermediates, more, fewer, and a key with another length and label. */
const changes: [string, KeyKind, KeyKind, ('a' | 'b' | 'c')[], ('a' | 'b' | 'c')[]][] = [
  ['the same kind of key and as long a chain', 'P-256', 'P-256', ['a'], ['b']],
  ['a longer key under another label, and a longer chain', 'P-256', 'RSA', ['a'], ['b', 'c']],
  ['a shorter key under another label, and a shorter chain', 'RSA', 'Ed25519', ['a', 'b'], ['c']],
  ['no chain any more', 'RSA', 'P-384', ['a'], []],
];

describe.each(layouts)('%s', (_, layout) => {
  describe.each(lineEnds)('in %s', (__, lines) => {
    it.each(changes)('rekeyed, %s', async (___, from, to, before, after) => {
      const pieces = (leaf: Uint8Array, key: KeyObject, chain: ('a' | 'b' | 'c')[]): Pieces => ({
        leaf: pem(leaf),
        key: keyPem(key, 'traditional'),
        chain: chain.map((name) => pem(m[name])),
      });
      const [old, next] = [m.leaf(from), m.nextLeaf(to)];
      const held = lines(layout(pieces(old.der, old.key, before)));
      const expected = lines(layout(pieces(next.der, next.key, after)));
      for (const value of [text(held), bytes(held)]) {
        const content = await readSecret(value);
        expect(content.leaf).toEqual(old.der);
        expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(value);
        const chain = after.map((name) => m[name]);
        const key = { kind: 'private', privateKey: next.key } as const;
        const written = await content.write({ leaf: next.der, chain, root: undefined, key });
        expect(written.kind).toBe(value.kind);
        expect(textOf(written)).toBe(expected);
        expect(() => blockScalars(textOf(written))).not.toThrow();
      }
    });

    it('renewed: the key stays as it is', async () => {
      const [old, next] = [m.leaf('RSA'), m.nextLeaf('P-256')];
      const key = keyPem(old.key, 'traditional');
      const held = lines(layout({ leaf: pem(old.der), key, chain: [pem(m.a), pem(m.b)] }));
      const content = await readSecret(text(held));
      const written = await content.write({ leaf: next.der, chain: [m.c], root: undefined, key: undefined });
      expect(textOf(written)).toBe(lines(layout({ leaf: pem(next.der), key, chain: [pem(m.c)] })));
    });

    it.each(['step-encrypted.key', 'legacy-rsa-aes256.key', 'pbes2-default.key', 'openssl-ecparam.key'])(
      '%s, rekeyed, can be opened from its scalar',
      async (file) => {
        const held = lines(layout({ leaf: goldenText('leaf.crt').trim(), key: goldenText(file).trim(), chain: [] }));
        for (const kind of ['P-384', 'RSA', 'Ed25519'] as const) {
          const next = m.nextLeaf(kind);
          const content = await readSecret(text(held), { password: goldenPassword });
          const key = { kind: 'private', privateKey: next.key } as const;
          const written = await content.write({ leaf: next.der, chain: [], root: undefined, key });
          // The contents that a reader of the YAML gets, joined to one text.
          const inside = [...blockScalars(textOf(written).replaceAll('\r\n', '\n')).values()].join('\n');
          const again = await readSecret(text(inside), { password: goldenPassword });
          expect(again.leaf).toEqual(next.der);
          expect(again.key.kind === 'private' && again.key.privateKey.export({ format: 'jwk' })).toEqual(
            next.key.export({ format: 'jwk' }),
          );
          expect(inside).toMatch(/^-----END [A-Z ]*PRIVATE KEY-----$/m);
        }
      },
    );
  });
});

describe('line by line', () => {
  const key = () => keyPem(m.leaf('P-256').key);
  const write = async (certificate: string, chain: Uint8Array[] = []) => {
    const content = await readSecret(text(`${certificate}\n${key()}\n`));
    const written = textOf(
      await content.write({ leaf: m.nextLeaf('RSA').der, chain, root: undefined, key: undefined }),
    );
    return written.slice(0, written.indexOf('-----BEGIN PRIVATE')).split('\n');
  };
  const before = (lines: readonly string[]) => lines.map((line) => /^[ \t]*/.exec(line)?.[0] ?? '');

  it('a new line has the indentation of the old one, and further lines have the most frequent', async () => {
    const lines = pem(m.leaf('P-256').der).split('\n');
    const uneven = ['\t', '   ', '    ', ...lines.slice(3, -1).map(() => ' \t '), '  '];
    const written = await write(lines.map((line, i) => `${uneven[i]}${line}`).join('\n'));
    const longer = pem(m.nextLeaf('RSA').der).split('\n');
    expect(longer.length).toBeGreaterThan(lines.length);
    expect(before(written).slice(0, -1)).toEqual(['\t', '   ', '    ', ...longer.slice(3, -1).map(() => ' \t '), '  ']);
    expect(written.map((line) => line.trim()).join('\n')).toBe(`${pem(m.nextLeaf('RSA').der)}\n`);
  });

  it('BEGIN with its own indentation', async () => {
    const held = `      ${indent(pem(m.leaf('P-256').der), '    ').trimStart()}`;
    const written = await write(held);
    expect(written.join('\n')).toBe(`      ${indent(pem(m.nextLeaf('RSA').der), '    ').trimStart()}\n`);
  });

  it('an added block has the indentation of its neighbour', async () => {
    const held = [indent(pem(m.leaf('P-256').der), '  '), indent(pem(m.a), '\t')].join('\n');
    const written = await write(held, [m.b, m.c]);
    const expected = [indent(pem(m.nextLeaf('RSA').der), '  '), indent(pem(m.b), '\t'), indent(pem(m.c), '\t'), ''];
    expect(written.join('\n')).toBe(expected.join('\n'));
  });

  it('a removed block leaves a comment on its line in place', async () => {
    const held = [indent(pem(m.leaf('P-256').der), '  '), `${indent(pem(m.a), '  ')} # A`].join('\n');
    const expected = [indent(pem(m.nextLeaf('RSA').der), '  '), '  # A', ''];
    expect((await write(held)).join('\n')).toBe(expected.join('\n'));
  });

  it('a block at column 0 stays there', async () => {
    const held = [pem(m.leaf('P-256').der), indent(pem(m.a), '    ')].join('\n');
    const expected = [pem(m.nextLeaf('RSA').der), indent(pem(m.b), '    '), ''];
    expect((await write(held, [m.b])).join('\n')).toBe(expected.join('\n'));
  });
});

describe('in fields of JSON', () => {
  const by = (block: string) => indent(block, '    ');
  const write = async (held: object, chain: Uint8Array[]): Promise<Record<string, unknown>> => {
    const content = await readSecret(text(JSON.stringify(held)));
    const { der, key: privateKey } = m.nextLeaf('RSA');
    const written = await content.write({ leaf: der, chain, root: m.nextRoot, key: { kind: 'private', privateKey } });
    return JSON.parse(textOf(written));
  };

  it('leaf, chain, root and key', async () => {
    const fields = (leaf: Uint8Array, key: KeyObject, chain: Uint8Array[]) => ({
      certificate: `${by(pem(leaf))}\n`,
      privateKey: by(keyPem(key, 'traditional')),
      certificateChain: chain.map((der) => `${by(pem(der))}\n`).join(''),
    });
    const { der, key } = m.leaf('P-256');
    const next = m.nextLeaf('RSA');
    expect(await write(fields(der, key, [m.a, m.root]), [m.b, m.c])).toEqual(
      fields(next.der, next.key, [m.b, m.c, m.nextRoot]),
    );
    expect(await write(fields(der, key, [m.a, m.b, m.root]), [m.c])).toEqual(
      fields(next.der, next.key, [m.c, m.nextRoot]),
    );
  });

  it('an array, and an empty field', async () => {
    const { der, key } = m.leaf('P-256');
    const next = m.nextLeaf('RSA');
    const shape = (leaf: Uint8Array, k: KeyObject, ca_chain: string[], issuing_ca: string) => ({
      certificate: by(pem(leaf)),
      private_key: by(keyPem(k)),
      ca_chain,
      issuing_ca,
    });
    expect(await write(shape(der, key, [by(pem(m.a))], by(pem(m.a))), [m.b, m.c])).toEqual(
      shape(next.der, next.key, [by(pem(m.b)), by(pem(m.c))], by(pem(m.b))),
    );
    expect(await write(shape(der, key, [], ''), [m.b, m.c])).toEqual(
      shape(next.der, next.key, [by(pem(m.b)), by(pem(m.c))], by(pem(m.b))),
    );
  });

  it('a key that leaves KMS', async () => {
    const next = m.nextLeaf('RSA');
    const held = { certificate: `${by(pem(m.leaf('P-256').der))}\n`, kmsKeyId: 'alias/a' };
    expect(await write(held, [])).toEqual({
      certificate: `${by(pem(next.der))}\n`,
      privateKey: `${by(keyPem(next.key))}\n`,
    });
  });
});

it('in a folded scalar a block stays within it', async () => {
  const folded = (leaf: Uint8Array, key: KeyObject) =>
    `certificate: >\n${indent(pem(leaf), '  ')}\nkey: >-\n${indent(keyPem(key), '  ')}\n`;
  const [old, next] = [m.leaf('P-256'), m.nextLeaf('RSA')];
  const content = await readSecret(text(folded(old.der, old.key)));
  const key = { kind: 'private', privateKey: next.key } as const;
  const written = await content.write({ leaf: next.der, chain: [], root: undefined, key });
  expect(textOf(written)).toBe(folded(next.der, next.key));
});

describe('a layout that can’t be kept is refused, with the reason', () => {
  const certificate = () => pem(m.leaf('P-256').der);
  const key = () => keyPem(m.leaf('P-256').key);
  const escaped = (block: string) => JSON.stringify(block);
  const table: [string, () => string, RegExp][] = [
    [
      'a key in quotation marks beside a block scalar',
      () => `certificate: |\n${indent(certificate(), '  ')}\nkey: ${escaped(key())}\n`,
      /BEGIN PRIVATE KEY that does not begin on its own line, with \\n \(a backslash and the letter n\)/,
    ],
    [
      'a chain in quotation marks, which would be left behind',
      () =>
        `certificate: |\n${indent(certificate(), '  ')}\nkey: |\n${indent(key(), '  ')}\nchain: ${escaped(pem(m.a))}\n`,
      /BEGIN CERTIFICATE that does not begin on its own line/,
    ],
    [
      'all in quotation marks',
      () => `certificate: ${escaped(certificate())}\nkey: ${escaped(key())}\n`,
      /neither JSON nor PEM, with a PEM block BEGIN CERTIFICATE that does not begin on its own line/,
    ],
    [
      'an encrypted key in quotation marks',
      () => `certificate: |\n${indent(certificate(), '  ')}\nkey: ${escaped(goldenText('step-encrypted.key'))}\n`,
      /BEGIN EC PRIVATE KEY that does not begin on its own line/,
    ],
    [
      'a plain scalar',
      () => `key: ${key()}\ncertificate: ${certificate()}\n`,
      /BEGIN line, which must begin on its own line/,
    ],
    [
      'a backslash and an n in the place of line ends',
      () => `${escaped(certificate()).slice(1, -1)}\n${escaped(key()).slice(1, -1)}`,
      /BEGIN CERTIFICATE with \\n \(a backslash and the letter n\) instead of line ends/,
    ],
    [
      'a comment in the middle of a block',
      () => `${certificate().replace('\n', '\n# ')}\n${key()}`,
      /BEGIN CERTIFICATE whose content is not base64/,
    ],
    [
      'a key that is commented out',
      () => `${certificate()}\n${indent(key(), '# ')}\n`,
      /1 certificate and 0 private keys/,
    ],
  ];
  it.each(table)('%s', async (_, held, found) => {
    for (const whole of [held(), held().replaceAll('\n', '\r\n')]) {
      const error = await readSecret(text(whole)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'UnsupportedSecret', message: expect.stringMatching(found) });
      expect(String(error)).not.toMatch(/MI[A-Za-z0-9+/]{6}/);
    }
  });

  it('in a field of JSON too', async () => {
    const fields = { certificate: certificate(), privateKey: key(), certificateChain: pem(m.a) };
    for (const name of Object.keys(fields) as (keyof typeof fields)[]) {
      const once = escaped(fields[name]).slice(1, -1);
      for (const spoilt of [once, `"${once}"`, `x: ${once}`]) {
        await expect(readSecret(text(JSON.stringify({ ...fields, [name]: spoilt })))).rejects.toMatchObject({
          code: 'UnsupportedSecret',
          message: expect.stringMatching(new RegExp(`"${name}" .*\\\\n`)),
        });
      }
    }
    const commas = [certificate(), pem(m.a)].join(',');
    await expect(readSecret(text(JSON.stringify({ ...fields, certificate: commas })))).rejects.toMatchObject({
      code: 'UnsupportedSecret',
      message: expect.stringContaining('begin on its own line'),
    });
  });
});

it('a commented block stays commented', async () => {
  const around = (leaf: Uint8Array, key: KeyObject) =>
    `# before:\n${indent(pem(m.a), '# ')}\n  ; -----BEGIN CERTIFICATE-----AAAA-----END CERTIFICATE-----\n${pem(leaf)}\n${keyPem(key)}\n`;
  const [old, next] = [m.leaf('P-256'), m.nextLeaf('RSA')];
  const content = await readSecret(text(around(old.der, old.key)));
  const key = { kind: 'private', privateKey: next.key } as const;
  const written = await content.write({ leaf: next.der, chain: [m.b], root: undefined, key });
  expect(textOf(written)).toBe(around(next.der, next.key));
});

it('headers of an indented block are read', async () => {
  const block = encodePem('PRIVATE KEY', m.leaf('P-256').key.export({ format: 'der', type: 'pkcs8' }), '\n', [
    'X-Note: mine,',
    'X-More: yours',
  ]);
  const content = await readSecret(text(`${indent(block, '  ')}\n${pem(m.leaf('P-256').der)}\n`));
  expect(content.leaf).toEqual(m.leaf('P-256').der);
});
