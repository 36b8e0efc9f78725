/**
 * PEM (RFC 7468). Blocks are read with their offsets, so that one can be replaced and the text around it stays. The text is
 * untrusted: every search reads it forward once, in linear time.
 */
import { type ErrorCode, RenewalError } from './errors.ts';

export interface PemBlock {
  /** The text after BEGIN, such as `CERTIFICATE`. */
  readonly label: string;
  /** The decoded base64. */
  readonly der: Uint8Array;
  /** Offset of the block's first hyphen. */
  readonly start: number;
  /** Offset after the block's last hyphen. The line end does not belong to the block. */
  readonly end: number;
  /** The block's text, from `start` to `end`. */
  readonly text: string;
  /** The white space before `start`, if nothing else is before the block on its line. */
  readonly indent: string;
  /** RFC 1421 header lines (`Proc-Type: 4,ENCRYPTED`), unfolded, without line ends. */
  readonly headers: readonly string[];
}

/** More blocks than any certificate chain has. A text with more is refused. */
export const mostPemBlocks = 200;

const boundary = '-----';
const labelCharacters = /^[ -,.-~]{1,64}$/;
const tellableLabel = /^[A-Z0-9# ]{1,40}$/;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const whiteSpace = /[ \t\r\n\v\f]+/g;
const anyLineEnd = /\r\n|\n|\r/;

/**
 * Returns all PEM blocks of a text, in order. A block begins at the start of a line or directly after another block. The text
 * between blocks is ignored. Lines may have any length. They end with LF, CRLF or, if the PEM text was pasted into one line, a
 * space. `where` names the text in a message.
 *
 * Throws `code` for a block without its END, an END without its BEGIN, bad base64 and more than 200 blocks.
 */
export function pemBlocks(text: string, where = 'The text', code: ErrorCode = 'UnsupportedSecret'): PemBlock[] {
  const fail = (problem: string) =>
    new RenewalError(code, `${where} ${problem}: expected whole PEM blocks (RFC 7468).`);
  const blocks: PemBlock[] = [];
  let previousEnd = 0;
  let at = text.indexOf(boundary);
  while (at !== -1) {
    let next = at + boundary.length;
    const indent = indentAt(text, at, previousEnd);
    if (indent !== undefined) {
      if (text.startsWith('END ', next)) {
        throw fail('has a PEM END line without its BEGIN line, which must begin on its own line');
      }
      if (text.startsWith('BEGIN ', next)) {
        if (blocks.length === mostPemBlocks) throw fail(`has more than ${mostPemBlocks} PEM blocks`);
        const block = blockAt(text, at, indent, fail);
        blocks.push(block);
        previousEnd = block.end;
        next = block.end;
      }
    }
    at = text.indexOf(boundary, next);
  }
  return blocks;
}

/** Returns the white space between the start of the line and `at`, empty after another block, undefined after any other text. */
function indentAt(text: string, at: number, previousEnd: number): string | undefined {
  let start = at;
  while (start > previousEnd && /[ \t\uFEFF]/.test(text.charAt(start - 1))) start--;
  if (start === 0 || /[\r\n]/.test(text.charAt(start - 1))) return text.slice(start, at).replaceAll('\uFEFF', '');
  return start === previousEnd ? '' : undefined;
}

/** Returns a label for a message. An unusual label is not quoted, because it may hold a secret. */
export function tellLabel(label: string): string {
  return tellableLabel.test(label) ? label : '(an unusual label)';
}

function blockAt(text: string, start: number, indent: string, fail: (problem: string) => RenewalError): PemBlock {
  const labelStart = start + boundary.length + 'BEGIN '.length;
  const labelEnd = text.indexOf(boundary, labelStart);
  const label = text.slice(labelStart, labelEnd === -1 ? labelStart : labelEnd);
  if (!labelCharacters.test(label)) throw fail('has a PEM BEGIN line that is cut off or has no label');
  const named = tellLabel(label);
  const bodyStart = labelEnd + boundary.length;
  const bodyEnd = text.indexOf(boundary, bodyStart);
  const endLine = `${boundary}END ${label}${boundary}`;
  if (bodyEnd === -1 || !text.startsWith(endLine, bodyEnd)) {
    throw fail(`has a PEM block BEGIN ${named} that is not closed by its END line`);
  }
  const { headers, body } = splitHeaders(text.slice(bodyStart, bodyEnd));
  const der = decodeBase64(body);
  if (der === undefined) {
    throw fail(
      /\\[rn]/.test(body)
        ? `has a PEM block BEGIN ${named} with \\n (a backslash and the letter n) instead of line ends: write real line ends`
        : `has a PEM block BEGIN ${named} whose content is not base64`,
    );
  }
  const end = bodyEnd + endLine.length;
  return { label, der, start, end, text: text.slice(start, end), indent, headers };
}

function splitHeaders(content: string): { headers: readonly string[]; body: string } {
  if (!content.includes(':')) return { headers: [], body: content };
  const lines = content.split(anyLineEnd);
  const from = lines[0]?.trim() === '' ? 1 : 0;
  const { headers, length } = readHeaders(lines.slice(from));
  return { headers, body: lines.slice(from + length).join('\n') };
}

/**
 * Reads RFC 1421 headers (section 4.6): header lines, each perhaps continued in lines that begin with white space, and an empty
 * line. In an indented block, a continuation is a line that is indented deeper than the first.
 */
function readHeaders(lines: readonly string[]): { headers: string[]; indents: string[]; length: number } {
  const headers: string[] = [];
  const indents: string[] = [];
  let length = 0;
  for (const line of lines) {
    const last = headers.at(-1);
    const indent = indentOf(line);
    if (line.trim() === '') break;
    if (last !== undefined && indent.length > (indents[0] ?? '').length) {
      headers[headers.length - 1] = last + line.trim();
    } else if (line.includes(':')) {
      headers.push(line.trim());
      indents.push(indent);
    } else break;
    length++;
  }
  return { headers, indents, length };
}

/** Returns the white space at the start of a line. */
const indentOf = (line: string): string => /^[ \t]*/.exec(line)?.[0] ?? '';

/**
 * Decodes standard base64 with padding and with white space anywhere. Returns undefined for any other text, for stray bits after
 * the last byte, and for no bytes.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const packed = text.replace(whiteSpace, '');
  if (packed.length % 4 !== 0 || !base64.test(packed)) return undefined;
  const bytes = Buffer.from(packed, 'base64');
  return bytes.toString('base64') === packed ? new Uint8Array(bytes) : undefined;
}

/**
 * Encodes one block as RFC 7468 has it, in 64 columns and without a line end after it. `headers` go between BEGIN and the base64.
 */
export function encodePem(
  label: string,
  der: Uint8Array,
  lineEnd: string = '\n',
  headers: readonly string[] = [],
): string {
  const packed = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  const lines: string[] = [`${boundary}BEGIN ${label}${boundary}`];
  if (headers.length > 0) lines.push(...headers, '');
  for (let at = 0; at < packed.length; at += 64) lines.push(packed.slice(at, at + 64));
  lines.push(`${boundary}END ${label}${boundary}`);
  return lines.join(lineEnd);
}

/** Returns the line end of a block: CRLF, LF, CR, or in a block of one line the text after BEGIN (a space or nothing). */
export function lineEndOf(block: PemBlock): string {
  const bodyStart = block.text.indexOf(boundary, boundary.length) + boundary.length;
  const [lineEnd = ''] = /^[ \t]*(?:\r\n|\n|\r)|^[ \t]?/.exec(block.text.slice(bodyStart)) ?? [];
  return /[\r\n]/.test(lineEnd) ? lineEnd.replace(/[ \t]/g, '') : lineEnd;
}

/**
 * Encodes a block that replaces `block` or stands beside it: with the same line ends and the same indentation of each line, so that
 * a block in YAML stays in its place. Additional lines get the most frequent indentation of the base64.
 */
export function encodePemLike(
  block: PemBlock,
  label: string,
  der: Uint8Array,
  headers: readonly string[] = [],
): string {
  const lineEnd = lineEndOf(block);
  const lines = encodePem(label, der, '\n', headers).split('\n');
  if (!anyLineEnd.test(lineEnd)) return lines.join(lineEnd);
  const indents = indentsOf(block);
  const head =
    headers.length === 0 ? [] : [...headers.map((_, i) => indents.headers[i] ?? indents.usual), indents.emptyLine];
  const body = Array.from({ length: lines.length - head.length - 2 }, (_, i) => indents.body[i] ?? indents.usual);
  const before = ['', ...head, ...body, indents.end];
  return lines.map((line, i) => (before[i] ?? '') + line).join(lineEnd);
}

/** Returns the indentation of each line of a block except the BEGIN line, whose indentation is not part of the block. */
function indentsOf({ text, headers: { length: hasHeaders } }: PemBlock) {
  const lines = text.split(anyLineEnd).slice(1);
  const end = indentOf(lines.pop() ?? '');
  const headers = hasHeaders > 0 ? readHeaders(lines) : { indents: [], length: 0 };
  const body = lines
    .slice(headers.length)
    .filter((line) => line.trim() !== '')
    .map(indentOf);
  const emptyLine = headers.length > 0 && lines[headers.length]?.trim() === '' ? (lines[headers.length] ?? '') : '';
  return { headers: headers.indents, emptyLine, body, usual: mostFrequent(body) ?? end, end };
}

function mostFrequent(items: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}
