/** Fields of a JSON shape with certificates: a string with PEM blocks, or an array of such strings. */
import { RenewalError } from '../domain/errors.ts';
import { encodePem, encodePemLike, lineEndOf, type PemBlock, pemBlocks } from '../domain/pem.ts';
import { strayPem, tellBlock, unreadPem } from '../domain/pem-unread.ts';
import {
  type FoundCertificate,
  isCertificateBlock,
  openCertificate,
  type Place,
  type PlaceKind,
  type PlacePlan,
} from './certificates.ts';
import {
  type ArrayEdit,
  fieldName,
  type JsonElement,
  type JsonMember,
  type Replacement,
  rewriteArray,
} from './json-text.ts';
import { applyEdits, blockLike, certificateEdits } from './pem-edit.ts';

/** A string of the field, with its certificate blocks. */
interface Part {
  readonly element: JsonElement;
  readonly text: string;
  readonly blocks: readonly PemBlock[];
}

export interface CertificateField extends Place {
  readonly name: string;
  readonly member: JsonMember;
  readonly parts: readonly Part[];
  readonly found: readonly FoundCertificate[];
}

/** Reads a field with certificates. Throws UnsupportedSecret, InvalidCertificate. */
export function readCertificateField(name: string, member: JsonMember, kind: PlaceKind): CertificateField {
  const isArray = Array.isArray(member.value.value);
  if (isArray && kind !== 'chain') throw notCertificates(name, 'an array');
  const elements = isArray ? member.elements : member.value.value === null ? [] : [member.value];
  const parts = elements.map((element): Part => {
    if (typeof element.value !== 'string')
      throw notCertificates(name, `${isArray ? 'an array with ' : ''}${kindOf(element.value)}`);
    return { element, text: element.value, blocks: certificateBlocks(element.value, name) };
  });
  const blocks = parts.flatMap((part) => part.blocks);
  const found = blocks.map(({ der }, i) =>
    openCertificate(der, `Certificate ${i + 1} of the field ${fieldName(name)}`),
  );
  return { kind, name, member, parts, found, certificates: found.map(({ der }) => der) };
}

function certificateBlocks(text: string, name: string): PemBlock[] {
  const blocks = pemBlocks(text, `The field ${fieldName(name)}`);
  if (blocks.length === 0 && text.trim() !== '') {
    throw notCertificates(name, `text without a PEM block${unreadPem(text)}`);
  }
  const other = blocks.find((block) => !isCertificateBlock(block));
  if (other !== undefined) {
    throw notCertificates(name, `a PEM block that is not CERTIFICATE but ${tellBlock(other.label)}`);
  }
  const stray = strayPem(text, blocks);
  if (stray !== undefined) throw notCertificates(name, stray);
  return blocks;
}

function notCertificates(name: string, found: string): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `The field ${fieldName(name)} holds ${found}: expected certificates in PEM.`,
  );
}

/** Describes the type of a JSON value for a message. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The style of PEM in an empty field, taken from the leaf's field. */
export interface PemStyle {
  /** Between two blocks. */
  readonly lineEnd: string;
  /** The text after the last block. */
  readonly ending: string;
  /** Returns a block with its indentation. */
  encode(label: string, der: Uint8Array): string;
}

/** Returns the style of a field's first block. */
export function styleOf(field: CertificateField | undefined): PemStyle {
  const part = field?.parts[0];
  const block = part?.blocks[0];
  if (part === undefined || block === undefined) return { lineEnd: '\n', ending: '', encode: encodePem };
  const lineEnd = lineEndOf(block);
  return {
    lineEnd,
    ending: /[\r\n]$/.test(part.text) ? lineEnd : '',
    encode: (label, der) => block.indent + encodePemLike(block, label, der),
  };
}

/** Returns the edits of a field by a plan. What stays keeps its text. `text` is the whole JSON text. */
export function rewriteField(text: string, field: CertificateField, plan: PlacePlan, style: PemStyle): Replacement[] {
  if (field.certificates.length === 0) {
    return plan.added.length === 0 ? [] : [fillEmpty(text, field, plan.added, style)];
  }
  const parts = splitPlan(field.parts, plan);
  if (Array.isArray(field.member.value.value)) {
    const edits = parts.map(([part, partPlan]) => arrayEdit(text, part, partPlan));
    return [rewriteArray(text, field.member, edits)];
  }
  return parts.map(([part, partPlan]) => ({
    ...part.element,
    text: literalOf(text, part, rewritePart(part, partPlan)),
  }));
}

/** Fills an empty field: one string, or an array with an element for each certificate. */
function fillEmpty(text: string, field: CertificateField, added: readonly Uint8Array[], style: PemStyle): Replacement {
  const blocks = added.map((der) => style.encode('CERTIFICATE', der));
  if (Array.isArray(field.member.value.value)) {
    const literals = blocks.map((block) => JSON.stringify(block + style.ending));
    return rewriteArray(text, { ...field.member, elements: [] }, [{ literals }]);
  }
  return { ...field.member.value, text: JSON.stringify(blocks.join(style.lineEnd) + style.ending) };
}

/** Distributes a plan over the strings of a field. */
function splitPlan(parts: readonly Part[], plan: PlacePlan): [Part, PlacePlan][] {
  let from = 0;
  return parts.map((part) => {
    const to = from + part.blocks.length;
    const { anchor } = plan;
    const here = anchor !== undefined && anchor.index >= from && anchor.index < to;
    const split: PlacePlan = {
      becomes: plan.becomes.slice(from, to),
      added: here ? plan.added : [],
      anchor: here ? { index: anchor.index - from, side: anchor.side } : undefined,
    };
    from = to;
    return [part, split];
  });
}

/** Returns a string with its new blocks. It is empty if no certificate is left, without the comments around them. */
function rewritePart(part: Part, plan: PlacePlan): string {
  const isEmpty = plan.becomes.every((der) => der === undefined);
  return isEmpty ? '' : applyEdits(part.text, certificateEdits(part.blocks, plan));
}

/** Returns the JSON literal of a string. An unchanged string keeps its literal, with its escapes. `text` is the whole JSON text. */
function literalOf(text: string, { element, text: held }: Part, rewritten: string): string {
  return rewritten === held ? text.slice(element.start, element.end) : JSON.stringify(rewritten);
}

/**
 * Returns the edit of an array's element. After an element with one certificate (as in Vault), new certificates are elements of their own.
 * In an element with a whole chain, they are added to it.
 */
function arrayEdit(text: string, part: Part, plan: PlacePlan): ArrayEdit {
  const [block] = part.blocks;
  if (block === undefined) return { literals: [literalOf(text, part, part.text)] };
  const isWhole = part.blocks.length > 1;
  const rewritten = rewritePart(part, isWhole ? plan : { ...plan, added: [] });
  const stays = rewritten === '' ? [] : [literalOf(text, part, rewritten)];
  if (isWhole) return { literals: stays };
  const after = part.text.slice(block.end);
  const ending = after.trim() === '' ? after : '';
  const added = plan.added.map((der) => JSON.stringify(block.indent + blockLike(block, der) + ending));
  return { literals: plan.anchor?.side === 'before' ? [...added, ...stays] : [...stays, ...added] };
}
