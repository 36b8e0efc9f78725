/**
 * PEM (RFC 7468), read with its offsets so that a block can be replaced and the text around it stays. Every scan goes
 * forward once: the text comes from outside and may be made to hurt.
 */
import { type ErrorCode, RenewalError } from './errors.ts';

export interface PemBlock {
  /** What stands behind BEGIN, such as `CERTIFICATE`. */
  readonly label: string;
  /** What the base64 holds. */
  readonly der: Uint8Array;
  /** Where the block's first hyphen is in the text. */
  readonly start: number;
  /** Behind the block's last hyphen: the line end does not belong to the block. */
  readonly end: number;
  /** The block as it stands in the text, `start` to `end`. */
  readonly text: string;
  /** The white space in front of `start`, where nothing else stands in front of the block on its line. */
  readonly indent: string;
  /** RFC 1421 header lines (`Proc-Type: 4,ENCRYPTED`), unfolded, without line ends. */
  readonly headers: readonly string[];
}

/** No certificate chain is as long; a text with more blocks is not read on. */
export const mostPemBlocks = 200;

const boundary = '-----';
const labelCharacters = /^[ -,.-~]{1,64}$/;
const tellableLabel = /^[A-Z0-9# ]{1,40}$/;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const whiteSpace = /[ \t\r\n\v\f]+/g;
const anyLineEnd = /\r\n|\n|\r/;

/**
 * All PEM blocks of a text, in order; an empty list where there are none. A block begins at the start of a line or right behind
 * another block; what stands between the blocks is not looked at. Lines may be of any length and end in LF, CRLF or,
 * as in a PEM text pasted into one line, in a space. `where` names the text in a message.
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
        throw fail('has a PEM END line without its BEGIN line, which has to begin a line of its own');
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

/** The white space between the start of the line and `at`; empty right behind another block, undefined behind anything else. */
function indentAt(text: string, at: number, previousEnd: number): string | undefined {
  let start = at;
  while (start > previousEnd && /[ \t\uFEFF]/.test(text.charAt(start - 1))) start--;
  if (start === 0 || /[\r\n]/.test(text.charAt(start - 1))) return text.slice(start, at).replaceAll('\uFEFF', '');
  return start === previousEnd ? '' : undefined;
}

/** A label as a message may name it: one that is none of the standard's may hold anything. */
export function tellLabel(label: string): string {
  return tellableLabel.test(label) ? label : '(a label of its own)';
}

function blockAt(text: string, start: number, indent: string, fail: (problem: string) => RenewalError): PemBlock {
  const labelStart = start + boundary.length + 'BEGIN '.length;
  const labelEnd = text.indexOf(boundary, labelStart);
  const label = text.slice(labelStart, labelEnd === -1 ? labelStart : labelEnd);
  if (!labelCharacters.test(label)) throw fail('has a PEM BEGIN line that is cut or has no label');
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
        ? `has a PEM block BEGIN ${named} with a backslash and a letter (\\n) in the place of its line ends: put real line ends there`
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
 * RFC 1421 section 4.6: header lines first, each may continue in lines that begin with white space, then an empty line. In a
 * block that is indented as a whole, a continuation is a line that is indented deeper than the first.
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

/** The white space that a line begins with. */
const indentOf = (line: string): string => /^[ \t]*/.exec(line)?.[0] ?? '';

/**
 * The bytes of standard base64 with padding; white space may stand anywhere. Undefined for anything else, stray bits
 * behind the last byte included, and for no bytes at all.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const packed = text.replace(whiteSpace, '');
  if (packed.length % 4 !== 0 || !base64.test(packed)) return undefined;
  const bytes = Buffer.from(packed, 'base64');
  return bytes.toString('base64') === packed ? new Uint8Array(bytes) : undefined;
}

/**
 * One block as RFC 7468 writes it, 64 columns, without a line end behind it. `headers` go between BEGIN and the base64.
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

/** How the lines of a block end: CRLF, LF, CR, or what stands behind BEGIN in a block of one line (a space, nothing). */
export function lineEndOf(block: PemBlock): string {
  const bodyStart = block.text.indexOf(boundary, boundary.length) + boundary.length;
  const [lineEnd = ''] = /^[ \t]*(?:\r\n|\n|\r)|^[ \t]?/.exec(block.text.slice(bodyStart)) ?? [];
  return /[\r\n]/.test(lineEnd) ? lineEnd.replace(/[ \t]/g, '') : lineEnd;
}

/**
 * Another block in the place of one, or beside it: with its line ends, and each line indented as its own is, so that a
 * block within YAML stays within it. Lines that it does not have are indented as most of its base64.
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

/** How the lines of a block are indented, the one with BEGIN left out: what stands in front of that is no part of it. */
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
