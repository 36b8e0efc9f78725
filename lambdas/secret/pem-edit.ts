/** Exchanging blocks of a PEM text while the text around them stays. */

import { sameBytes } from '../domain/bytes.ts';
import { encodePemLike, lineEndOf, type PemBlock } from '../domain/pem.ts';
import type { PlacePlan } from './certificates.ts';

/** Exchange the text between two offsets, or take it out with the line that it stood on. */
export type PemEdit =
  | { readonly kind: 'replace'; readonly start: number; readonly end: number; readonly text: string }
  | { readonly kind: 'remove'; readonly start: number; readonly end: number };

/** Works from the end, so that the offsets before stay good. Edits do not overlap. */
export function applyEdits(text: string, edits: readonly PemEdit[]): string {
  let edited = text;
  for (const edit of [...edits].sort((a, b) => b.start - a.start || b.end - a.end)) {
    const after = edited.slice(edit.end);
    const before = edited.slice(0, edit.start);
    edited = edit.kind === 'replace' ? before + edit.text + after : joinAround(before, after);
  }
  return edited;
}

/**
 * What is left when a block goes: its indentation and its line end go with it. At the end of a text that did not end with
 * a newline the line ends before it go instead, so that the text still does not.
 */
function joinAround(before: string, after: string): string {
  const lineEnd = /^[ \t]*(?:\r\n|\n|\r)/.exec(after);
  if (lineEnd) return withoutIndent(before) + after.slice(lineEnd[0].length);
  return after.trim() === '' ? withoutLineEnds(withoutIndent(before)) + after : before + after.trimStart();
}

/** The text without the white space that begins its last line; white space behind something on that line stays. */
function withoutIndent(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ' || text[end - 1] === '\t') end--;
  return end === 0 || text[end - 1] === '\n' || text[end - 1] === '\r' ? text.slice(0, end) : text;
}

/** A block of one line stands behind a space; what else ends a comment belongs to it. */
function withoutLineEnds(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n' || text[end - 1] === '\r') end--;
  return text.slice(0, text.endsWith('----- ') ? end - 1 : end);
}

/** The edits that make a text's certificate blocks what the plan says. A block whose DER stays keeps its text. */
export function certificateEdits(blocks: readonly PemBlock[], plan: PlacePlan): PemEdit[] {
  const edits: PemEdit[] = [];
  blocks.forEach((block, i) => {
    const { start, end } = block;
    const der = plan.becomes[i];
    if (der === undefined) edits.push({ kind: 'remove', start, end });
    else if (!sameBytes(der, block.der)) edits.push({ kind: 'replace', start, end, text: blockLike(block, der) });
    if (i === plan.anchor?.index) edits.push(addition(block, plan.anchor.side, plan.added));
  });
  return edits;
}

function addition(anchor: PemBlock, side: 'before' | 'after', added: readonly Uint8Array[]): PemEdit {
  const lineEnd = lineEndOf(anchor);
  // What shares one line with its neighbours is not indented.
  const between = /[\r\n]/.test(lineEnd) ? lineEnd + anchor.indent : lineEnd;
  const at = side === 'after' ? anchor.end : anchor.start;
  const blocks = added.map((der) => blockLike(anchor, der));
  const text = blocks.map((block) => (side === 'after' ? between + block : block + between)).join('');
  return { kind: 'replace', start: at, end: at, text };
}

/** A block of the same label, line ends and indentation. */
export function blockLike(block: PemBlock, der: Uint8Array): string {
  return encodePemLike(block, block.label, der);
}
