/** DNS messages (RFC 1035, 4.1), as much as a server of TXT records needs. */

/** Record types by name (RFC 1035, RFC 3596, RFC 8659). */
export const TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, CAA: 257 } as const;

/** Response codes (RFC 1035, 4.1.1). */
export const CODES = { success: 0, formatError: 1, serverFailure: 2 } as const;

export interface Question {
  /** In lower case, without the dot at the end. Resolvers may mix the case of a name at random. */
  readonly name: string;
  readonly type: number;
}

export interface Query {
  readonly id: number;
  readonly question: Question;
  /** The question's own bytes, which the answer repeats. */
  readonly bytes: Buffer;
  readonly wantsRecursion: boolean;
}

const HEADER = 12;
/** A character string has one byte for its length. */
const STRING = 255;

/** Reads a query. Returns undefined unless it has exactly one question. */
export function readQuery(message: Buffer): Query | undefined {
  if (message.length < HEADER) return undefined;
  const flags = message.readUInt16BE(2);
  const isResponse = (flags & 0x8000) !== 0;
  if (isResponse || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined; // a question has nothing to point at
    at += 1;
    if (length === 0) break;
    labels.push(message.subarray(at, at + length).toString('latin1'));
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  return {
    id: message.readUInt16BE(0),
    question: { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at) },
    bytes: message.subarray(HEADER, at + 4),
    wantsRecursion: (flags & 0x0100) !== 0,
  };
}

export interface Answer {
  readonly code: number;
  /** The values of the TXT records, one record each. */
  readonly texts: readonly string[];
  /** Tells the resolver to ask again by TCP. */
  readonly isTruncated?: boolean;
}

/** Writes an answer with authority for the name. The records may not be cached. */
export function writeAnswer({ id, bytes, wantsRecursion }: Query, { code, texts, isTruncated }: Answer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(id, 0);
  // A response with authority. Resolvers refuse an answer without "recursion available".
  header.writeUInt16BE(0x8480 | (isTruncated ? 0x0200 : 0) | (wantsRecursion ? 0x0100 : 0) | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(texts.length, 6);
  return Buffer.concat([header, bytes, ...texts.map(textRecord)]);
}

/** Returns a TXT record. Its name points at the question's. A long value becomes several character strings. */
function textRecord(value: string): Buffer {
  const content = Buffer.from(value);
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < content.length; at += STRING) {
    const part = content.subarray(at, at + STRING);
    strings.push(Buffer.from([part.length]), part);
  }
  const data = Buffer.concat(strings);
  const head = Buffer.alloc(HEADER);
  head.writeUInt16BE(0xc000 | HEADER, 0);
  head.writeUInt16BE(TYPES.TXT, 2);
  head.writeUInt16BE(1, 4); // class IN. The four bytes behind it are the time to live: 0
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
