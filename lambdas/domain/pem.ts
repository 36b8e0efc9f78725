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

/**
 * All PEM blocks of a text, in order; none is an empty list. A block begins at the start of a line or right behind
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
    if (startsLine(text, at, previousEnd)) {
      if (text.startsWith('END ', next)) throw fail('has a PEM END line without its BEGIN line');
      if (text.startsWith('BEGIN ', next)) {
        if (blocks.length === mostPemBlocks) throw fail(`has more than ${mostPemBlocks} PEM blocks`);
        const block = blockAt(text, at, fail);
        blocks.push(block);
        previousEnd = block.end;
        next = block.end;
      }
    }
    at = text.indexOf(boundary, next);
  }
  return blocks;
}

/** True where only white space stands between `at` and the start of its line, or the block before it. */
function startsLine(text: string, at: number, previousEnd: number): boolean {
  let before = at - 1;
  while (before >= previousEnd && (text[before] === ' ' || text[before] === '\t' || text[before] === '\uFEFF'))
    before--;
  return before < previousEnd || text[before] === '\n' || text[before] === '\r';
}

function blockAt(text: string, start: number, fail: (problem: string) => RenewalError): PemBlock {
  const labelStart = start + boundary.length + 'BEGIN '.length;
  const labelEnd = text.indexOf(boundary, labelStart);
  const label = text.slice(labelStart, labelEnd === -1 ? labelStart : labelEnd);
  if (!labelCharacters.test(label)) throw fail('has a PEM BEGIN line that is cut or has no label');
  const named = tellableLabel.test(label) ? label : '(a label of its own)';
  const bodyStart = labelEnd + boundary.length;
  const bodyEnd = text.indexOf(boundary, bodyStart);
  const endLine = `${boundary}END ${label}${boundary}`;
  if (bodyEnd === -1 || !text.startsWith(endLine, bodyEnd)) {
    throw fail(`has a PEM block BEGIN ${named} that is not closed by its END line`);
  }
  const { headers, body } = splitHeaders(text.slice(bodyStart, bodyEnd));
  const der = decodeBase64(body);
  if (der === undefined) throw fail(`has a PEM block BEGIN ${named} whose content is not base64`);
  const end = bodyEnd + endLine.length;
  return { label, der, start, end, text: text.slice(start, end), headers };
}

/** RFC 1421 section 4.6: header lines first, each may go on in lines that begin with white space, then an empty line. */
function splitHeaders(content: string): { headers: string[]; body: string } {
  if (!content.includes(':')) return { headers: [], body: content };
  const lines = content.split(/\r\n|\n|\r/);
  const headers: string[] = [];
  let at = lines[0]?.trim() === '' ? 1 : 0;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line.trim() === '') break;
    const last = headers.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) headers[headers.length - 1] = last + line.trim();
    else if (line.includes(':')) headers.push(line.trimEnd());
    else break;
  }
  return { headers, body: lines.slice(at).join('\n') };
}

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
