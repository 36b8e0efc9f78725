/** Generated secrets of every shape: what is read and written unchanged is the same, byte for byte. */
import type { KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { pemBlocks } from '../../lambdas/domain/pem.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { indent } from '../support/yaml.ts';
import '../support/equal-bytes.ts';
import { type KeyKind, keyKinds, keyPem, makeMaterial, pem, text } from './material.ts';

type Material = ReturnType<typeof makeMaterial>;
let m: Material;
beforeAll(() => {
  m = makeMaterial();
});

const lineEnd = fc.constantFrom('\n', '\r\n');
const chainNames = fc.subarray(['a', 'b', 'c', 'root'] as const);
const keyStyle = fc.record({
  kind: fc.constantFrom(...keyKinds),
  encoding: fc.constantFrom('pkcs8' as const, 'traditional' as const),
  /** The label of the block; undefined: the usual one. OpenSSL reads each content with any of them. */
  label: fc.option(fc.constantFrom('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'), { nil: undefined }),
});
type KeyStyle = typeof keyStyle extends fc.Arbitrary<infer T> ? T : never;

function keyBlock(key: KeyObject, { encoding, label }: KeyStyle): string {
  const block = keyPem(key, encoding);
  return label === undefined ? block : block.replaceAll(/(BEGIN|END) [A-Z ]+/g, `$1 ${label}`);
}

/** Text between blocks: comments, empty lines, anything but a boundary. */
const comment = fc.oneof(
  fc.constant(''),
  fc.constant('\n'),
  fc.stringMatching(/^# [ -~é]{0,20}$/).map((line) => `${line.replaceAll('-----', '')}\n`),
  fc.constant('Bag Attributes\n    localKeyID: 54 69 6D\nKey Attributes: <No Attributes>\n'),
);
const ending = fc.constantFrom('', '\n', '\r\n', '\n\n');

interface Style {
  readonly lineEnd: string;
  readonly comments: readonly string[];
  /** Indentation of each line of a block, as in YAML. */
  readonly indents: readonly string[];
  readonly ending: string;
}
const indents = fc.oneof(
  fc.constant(['', '', '', '', '', '']),
  fc.array(fc.constantFrom('', '  ', '      ', '\t'), { minLength: 6, maxLength: 6 }),
);
const style: fc.Arbitrary<Style> = fc.record({
  lineEnd,
  comments: fc.array(comment, { minLength: 6, maxLength: 6 }),
  indents,
  ending,
});

/** Blocks on their own lines, with comments before them. */
function arrange(blocks: readonly string[], { lineEnd: end, comments, indents: by, ending: last }: Style): string {
  const whole = blocks.map(
    (block, i) => (comments[i] ?? '').replaceAll('\n', end) + indent(block, by[i] ?? '').replaceAll('\n', end),
  );
  return blocks.length === 0 ? '' : whole.join(end) + last;
}

const der = (name: 'a' | 'b' | 'c' | 'root') => m[name];

/** All lines of a block have the indentation of its first one. `text` is the surrounding text. */
function expectIndented(whole: string): void {
  for (const block of pemBlocks(whole)) {
    const lines = block.text.split(/\r?\n/).slice(1);
    expect([...new Set(lines.map((line) => /^[ \t]*/.exec(line)?.[0]))]).toEqual([block.indent]);
  }
}

const unknownValue = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    '1234567890123456789012345',
    '1.50e+00',
    '"\\u00e9\\/"',
    '[ ]',
    '{"privateKey" : "x"}',
    'null',
    '"-----BEGIN X-----"',
  ),
);
const reserved = [
  'certificate',
  'privateKey',
  'certificateChain',
  'private_key',
  'certificate_chain',
  'ca_chain',
  'issuing_ca',
  'tls.crt',
  'tls.key',
  'kmsKeyId',
  'pkcs12',
];
const unknownName = fc
  .oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'ca.crt', 'serial_number'))
  .filter((name) => !reserved.includes(name));
const unknownMembers = fc.uniqueArray(fc.tuple(unknownName, unknownValue), {
  selector: ([name]) => name,
  maxLength: 4,
});
const space = fc.constantFrom('', ' ', '\n  ', '\r\n\t');

type JsonShape = 'camel' | 'snake' | 'tls';
const jsonSecret = fc.record({
  shape: fc.constantFrom<JsonShape>('camel', 'snake', 'tls'),
  key: fc.oneof(keyStyle, fc.constant('kms' as const)),
  beside: chainNames,
  chain: fc.option(chainNames, { nil: undefined }),
  chainField: fc.constantFrom('certificate_chain', 'ca_chain'),
  asArray: fc.boolean(),
  issuing: fc.boolean(),
  styles: fc.tuple(style, style, style),
  unknown: unknownMembers,
  shuffle: fc.infiniteStream(fc.nat()),
  space,
  binary: fc.boolean(),
  mark: fc.constantFrom('', '\uFEFF'),
});

type JsonSecret = typeof jsonSecret extends fc.Arbitrary<infer T> ? T : never;

function keyKindOf(secret: JsonSecret): KeyKind {
  return secret.key === 'kms' ? 'P-256' : secret.key.kind;
}

function build(secret: JsonSecret): SecretValue {
  const [leafStyle, chainStyle, privateStyle] = secret.styles;
  const leaf = m.leaf(keyKindOf(secret));
  const names = {
    camel: ['certificate', 'privateKey'],
    snake: ['certificate', 'private_key'],
    tls: ['tls.crt', 'tls.key'],
  }[secret.shape];
  const members: [string, string][] = [
    [
      names[0] ?? '',
      JSON.stringify(arrange([pem(leaf.der), ...secret.beside.map((name) => pem(der(name)))], leafStyle)),
    ],
  ];
  if (secret.key === 'kms') members.push(['kmsKeyId', '"arn:aws:kms:eu-west-1:111122223333:key/1234"']);
  else members.push([names[1] ?? '', JSON.stringify(arrange([keyBlock(leaf.key, secret.key)], privateStyle))]);
  if (secret.chain !== undefined && secret.shape !== 'tls') {
    const blocks = secret.chain.map((name) => pem(der(name)));
    const isArray = secret.asArray && secret.shape === 'snake';
    const separator = `,${secret.space}`;
    const value = isArray
      ? `[${secret.space}${blocks.map((block) => JSON.stringify(arrange([block], chainStyle))).join(separator)}${secret.space}]`
      : JSON.stringify(arrange(blocks, chainStyle));
    members.push([secret.shape === 'camel' ? 'certificateChain' : secret.chainField, value]);
    const [first] = blocks;
    if (secret.issuing && secret.shape === 'snake') members.push(['issuing_ca', JSON.stringify(first ?? '')]);
  }
  const all = [...members, ...secret.unknown].map(([name, value]) => ({
    member: `${JSON.stringify(name)}${secret.space}:${secret.space}${value}`,
    at: secret.shuffle.next().value ?? 0,
  }));
  const ordered = all.toSorted((a, b) => a.at - b.at).map(({ member }) => secret.space + member);
  const whole = `${secret.mark}{${ordered.join(`${secret.space},`)}${secret.space}}${secret.space}`;
  return secret.binary ? { kind: 'binary', bytes: new TextEncoder().encode(whole) } : text(whole);
}

const textOf = (value: SecretValue) =>
  value.kind === 'string' ? value.text : new TextDecoder('utf-8', { ignoreBOM: true }).decode(value.bytes);
const runs = { numRuns: 150 };

describe('JSON', () => {
  it('unchanged is byte-identical', async () => {
    await fc.assert(
      fc.asyncProperty(jsonSecret, async (secret) => {
        const value = build(secret);
        const content = await readSecret(value);
        expect(content.leaf).toEqual(m.leaf(keyKindOf(secret)).der);
        const key = content.key.kind === 'none' ? undefined : content.key;
        expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(value);
        expect(await content.write({ ...content, root: undefined, key })).toEqual(value);
        // As the use cases pass it: the chain without its root, and the root.
        const chain = content.chain.filter((each) => each !== m.root && Buffer.compare(each, m.root) !== 0);
        expect(await content.write({ ...content, chain, root: m.root, key })).toEqual(value);
      }),
      runs,
    );
  });

  it('renewed keeps the members, their order and all other content, and reads back as what was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        jsonSecret,
        fc.constantFrom(...keyKinds),
        fc.subarray(['a', 'b', 'c'] as const),
        async (secret, kind, chain) => {
          const value = build(secret);
          const content = await readSecret(value);
          const { der: leaf, key: privateKey } = m.nextLeaf(kind);
          const key = content.key.kind === 'kms' ? undefined : ({ kind: 'private', privateKey } as const);
          const written = await content.write({ leaf, chain: chain.map(der), root: m.nextRoot, key });
          expect(written.kind).toBe(value.kind);
          const again = await readSecret(written);
          expect(again.leaf).toEqual(leaf);
          if (again.key.kind === 'private') expect(again.key.privateKey.equals(privateKey)).toBe(true);
          const [held, holds] = [value, written].map((each) => JSON.parse(textOf(each).replace(/^\uFEFF/, '')));
          expect(Object.keys(holds)).toEqual(Object.keys(held));
          for (const [name, literal] of secret.unknown)
            expect(textOf(written)).toContain(`${JSON.stringify(name)}${secret.space}:${secret.space}${literal}`);
          for (const [name, field] of Object.entries(held)) {
            if (!reserved.includes(name) || typeof field !== 'string' || field === '' || holds[name] === '') continue;
            expect(/[\r\n]$/.test(holds[name])).toBe(/[\r\n]$/.test(field));
            if (name !== 'kmsKeyId') expectIndented(holds[name]);
          }
          // A second renewal, back to the same certificates, gives the same text: nothing grows.
          const twice = await again.write({ leaf, chain: chain.map(der), root: m.nextRoot, key });
          expect(twice).toEqual(written);
        },
      ),
      runs,
    );
  });
});

describe('PEM text', () => {
  const pemSecret = fc.record({ key: keyStyle, chain: chainNames, style, shuffle: fc.infiniteStream(fc.nat()) });
  it('unchanged is byte-identical; renewed keeps the text between the blocks', async () => {
    await fc.assert(
      fc.asyncProperty(
        pemSecret,
        fc.constantFrom(...keyKinds),
        fc.subarray(['a', 'b', 'c'] as const),
        async (secret, kind, chain) => {
          const leaf = m.leaf(secret.key.kind);
          const blocks = [pem(leaf.der), keyBlock(leaf.key, secret.key), ...secret.chain.map((name) => pem(der(name)))];
          const ordered = blocks
            .map((block) => ({ block, at: secret.shuffle.next().value ?? 0 }))
            .toSorted((a, b) => a.at - b.at);
          const held = arrange(
            ordered.map(({ block }) => block),
            secret.style,
          );
          const content = await readSecret(text(held));
          expect(content.leaf).toEqual(leaf.der);
          expect(await content.write({ ...content, root: undefined, key: undefined })).toEqual(text(held));

          const { der: nextLeaf, key: privateKey } = m.nextLeaf(kind);
          const written = await content.write({
            leaf: nextLeaf,
            chain: chain.map(der),
            root: m.nextRoot,
            key: { kind: 'private', privateKey },
          });
          const again = await readSecret(written);
          expect(again.leaf).toEqual(nextLeaf);
          const alone = secret.chain.length === 0;
          const root = secret.chain.includes('root') ? [m.nextRoot] : [];
          const expected = alone ? [] : [...chain.map(der), ...root];
          const sorted = (list: readonly Uint8Array[]) => list.map((each) => Buffer.from(each).toString('hex')).sort();
          expect(sorted(again.chain)).toEqual(sorted(expected));
          const outside = (whole: string) =>
            pemBlocks(whole)
              .reduceRight(
                (rest, block) => rest.slice(0, block.start - block.indent.length) + rest.slice(block.end),
                whole,
              )
              .replace(/[\r\n]+/g, '');
          expect(outside(textOf(written))).toBe(outside(held));
          expectIndented(textOf(written));
          const label = (whole: string) => /BEGIN ([A-Z ]*PRIVATE KEY)/.exec(whole)?.[1];
          if (secret.key.label !== undefined) expect(label(textOf(written))).toBe(secret.key.label);
          expect(/[\r\n]$/.test(textOf(written))).toBe(/[\r\n]$/.test(held));
          if (secret.style.lineEnd === '\r\n' && secret.style.ending !== '\n' && secret.style.ending !== '\n\n')
            expect(textOf(written)).not.toMatch(/[^\r]\n/);
        },
      ),
      runs,
    );
  });
});
