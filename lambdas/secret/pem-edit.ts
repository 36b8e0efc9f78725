/** Replaces blocks of a PEM text; the text around them stays. */

import { sameBytes } from '../domain/bytes.ts';
import { encodePemLike, lineEndOf, type PemBlock } from '../domain/pem.ts';
import type { PlacePlan } from './certificates.ts';

/** Replaces the text between two offsets, or removes it with its line. */
export type PemEdit =
  | { readonly kind: 'replace'; readonly start: number; readonly end: number; readonly text: string }
  | { readonly kind: 'remove'; readonly start: number; readonly end: number };

/** Applies edits from the end, so that earlier offsets stay valid. Edits must not overlap. */
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
 * Joins the text around a removed block, without its indentation and its line end. At the end of a text without a final newline, the line
 * end before the block is removed instead, so that the text still has none.
 */
function joinAround(before: string, after: string): string {
  const lineEnd = /^[ \t]*(?:\r\n|\n|\r)/.exec(after);
  if (lineEnd) return withoutIndent(before) + after.slice(lineEnd[0].length);
  return after.trim() === '' ? withoutLineEnds(withoutIndent(before)) + after : before + after.trimStart();
}

/** Returns the text without the white space at the start of its last line. White space after other text of that line stays. */
function withoutIndent(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ' || text[end - 1] === '\t') end--;
  return end === 0 || text[end - 1] === '\n' || text[end - 1] === '\r' ? text.slice(0, end) : text;
}

/** Removes line ends, and the space before a block on one line. Other text at the end of a comment stays. */
function withoutLineEnds(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n' || text[end - 1] === '\r') end--;
  return text.slice(0, text.endsWith('----- ') ? end - 1 : end);
}

/** Returns the edits of a text's certificate blocks by a plan. A block with the same DER keeps its text. */
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
  // Blocks on one line are not indented.
  const between = /[\r\n]/.test(lineEnd) ? lineEnd + anchor.indent : lineEnd;
  const at = side === 'after' ? anchor.end : anchor.start;
  const blocks = added.map((der) => blockLike(anchor, der));
  const text = blocks.map((block) => (side === 'after' ? between + block : block + between)).join('');
  return { kind: 'replace', start: at, end: at, text };
}

/** Returns a block with the same label, line ends and indentation. */
export function blockLike(block: PemBlock, der: Uint8Array): string {
  return encodePemLike(block, block.label, der);
}
