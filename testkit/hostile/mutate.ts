/** Mutations from a seed: of any octets, and of the structure of DER. */
export type Random = (below: number) => number;

/** A linear congruential generator. The same seed gives the same numbers everywhere. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Returns the lengths of an element's header and content. Undefined without an element of definite length. */
function elementAt(der: Uint8Array, at: number): { header: number; length: number } | undefined {
  const first = der[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { header: 2, length: first };
  const size = first & 0x7f;
  if (size === 0 || size > 3) return undefined;
  const length = der.subarray(at + 2, at + 2 + size).reduce((sum, octet) => sum * 256 + octet, 0);
  return { header: 2 + size, length };
}

/** Returns the offsets of elements on a random walk down from the outermost one. */
function randomElement(der: Uint8Array, random: Random): number {
  let at = 0;
  for (let depth = 0; depth < 12; depth++) {
    const element = elementAt(der, at);
    const isConstructed = ((der[at] ?? 0) & 0x20) !== 0;
    if (element === undefined || !isConstructed || random(6) === 0) return at;
    let child = at + element.header;
    for (let skip = random(8); skip > 0; skip--) {
      const next = elementAt(der, child);
      const end = next === undefined ? der.length : child + next.header + next.length;
      if (end >= at + element.header + element.length) break;
      child = end;
    }
    at = child;
  }
  return at;
}

const lengthLies: readonly (readonly number[])[] = [
  [0x80],
  [0x00],
  [0x7f],
  [0x81, 0x01],
  [0x82, 0xff, 0xff],
  [0x84, 0x7f, 0xff, 0xff, 0xff],
  [0x84, 0xff, 0xff, 0xff, 0xff],
  [0x88, 1, 0, 0, 0, 0, 0, 0, 0],
  [0xff],
];
const tagLies = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x16, 0x17, 0x18, 0x1e, 0x1f, 0x30, 0x31, 0xa0, 0xa3, 0xbf,
];

function contentLie(random: Random): Uint8Array {
  const length = [0, 1, 2, 200, 5_000][random(5)] ?? 0;
  switch (random(4)) {
    case 0: // a huge integer, or an OID without an end
      return new Uint8Array(length).fill(0xff);
    case 1:
      return Uint8Array.from({ length }, () => random(256));
    case 2: // deep nesting
      return Uint8Array.from({ length }, (_, i) => (i % 2 === 0 ? 0x30 : 0x80));
    default:
      return new Uint8Array(length);
  }
}

/** Changes one element. */
function mutateElement(der: Uint8Array, random: Random): Uint8Array {
  const at = randomElement(der, random);
  const { header = 2, length = 0 } = elementAt(der, at) ?? {};
  const [before, head] = [der.subarray(0, at), der.subarray(at, at + header)];
  const [content, rest] = [der.subarray(at + header, at + header + length), der.subarray(at + header + length)];
  switch (random(6)) {
    case 0: // another tag
      return join(before, Uint8Array.of(tagLies[random(tagLies.length)] ?? 0), der.subarray(at + 1));
    case 1: // a wrong length
      return join(
        before,
        head.subarray(0, 1),
        Uint8Array.from(lengthLies[random(lengthLies.length)] ?? []),
        content,
        rest,
      );
    case 2: // twice
      return join(before, head, content, head, content, rest);
    case 3: // gone
      return join(before, rest);
    case 4: // indefinite length
      return join(before, head.subarray(0, 1), Uint8Array.of(0x80), content, new Uint8Array(2), rest);
    default:
      return join(before, head, contentLie(random), rest);
  }
}

function mutateOctets(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length);
  switch (random(5)) {
    case 0:
      return join(bytes.subarray(0, at), Uint8Array.of(random(256)), bytes.subarray(at + 1));
    case 1:
      return join(bytes.subarray(0, at), Uint8Array.of((bytes[at] ?? 0) ^ (1 << random(8))), bytes.subarray(at + 1));
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return join(bytes.subarray(0, at), bytes.subarray(at + 1 + random(4)));
    default:
      return join(bytes.subarray(0, at), Uint8Array.of(random(256)), bytes.subarray(at));
  }
}

/** Makes one to three mutations. */
export function mutateDer(der: Uint8Array, random: Random): Uint8Array {
  let mutated = der;
  for (let times = 1 + random(3); times > 0; times--) {
    mutated = random(3) === 0 ? mutateOctets(mutated, random) : mutateElement(mutated, random);
  }
  return mutated;
}

/** Mutates text: cuts it, doubles parts, and inserts tokens of JSON, PEM and Go's durations. */
export function mutateText(text: string, random: Random): string {
  const at = random(text.length + 1);
  const until = at + random(40);
  const pieces = [
    '\0',
    '"',
    '{',
    '[',
    '-----',
    '-----BEGIN ',
    '\\u0000',
    '__proto__',
    '1e999',
    '\uFEFF',
    '\ud800',
    '9'.repeat(300),
  ];
  const piece = pieces[random(pieces.length)] ?? '';
  switch (random(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(until);
    case 2:
      return text.slice(0, until) + text.slice(at);
    case 3:
      return text.slice(0, at) + piece + text.slice(at);
    default:
      return text.slice(0, at) + piece.repeat(1 + random(50)) + text.slice(until);
  }
}
