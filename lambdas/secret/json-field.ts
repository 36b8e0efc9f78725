/** Fields of a JSON shape that hold certificates: a string with PEM blocks, or an array of such strings. */
import { RenewalError } from '../domain/errors.ts';
import { encodePem, lineEndOf, type PemBlock, pemBlocks } from '../domain/pem.ts';
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

/** A string of the field with the certificate blocks in it. */
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

/** Throws UnsupportedSecret, InvalidCertificate. */
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
  if (blocks.length === 0 && text.trim() !== '') throw notCertificates(name, 'text without a PEM block');
  if (!blocks.every(isCertificateBlock)) throw notCertificates(name, 'a PEM block that is not CERTIFICATE');
  return blocks;
}

function notCertificates(name: string, found: string): RenewalError {
  return new RenewalError(
    'UnsupportedSecret',
    `The field ${fieldName(name)} holds ${found}: expected certificates in PEM.`,
  );
}

/** What a JSON value is, for a message. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** How an empty field writes PEM: as the leaf's field does. */
export interface PemStyle {
  readonly lineEnd: string;
  readonly endsWithLineEnd: boolean;
}

/** The style of the first block of a field. */
export function styleOf(field: CertificateField | undefined): PemStyle {
  const part = field?.parts[0];
  const block = part?.blocks[0];
  const lineEnd = block === undefined ? '\n' : lineEndOf(block);
  return { lineEnd, endsWithLineEnd: part !== undefined && /[\r\n]$/.test(part.text) };
}

/** The field's value with the plan carried out; undefined if it stays as it is. `text` is the whole JSON text. */
export function rewriteField(
  text: string,
  field: CertificateField,
  plan: PlacePlan,
  style: PemStyle,
): Replacement | undefined {
  const isArray = Array.isArray(field.member.value.value);
  if (field.certificates.length === 0) {
    return plan.added.length === 0 ? undefined : fillEmpty(text, field, plan.added, style);
  }
  const partPlans = splitPlan(field.parts, plan);
  if (isArray) {
    const edits = field.parts.map((part, i) => arrayEdit(text, part, partPlans[i]));
    const rewritten = rewriteArray(text, field.member, edits);
    return rewritten.text === text.slice(rewritten.start, rewritten.end) ? undefined : rewritten;
  }
  const [part] = field.parts;
  const rewritten = part === undefined ? '' : rewritePart(part, partPlans[0]);
  return rewritten === part?.text ? undefined : { ...field.member.value, text: JSON.stringify(rewritten) };
}

/** A field that was empty: one string, or an element for each certificate. */
function fillEmpty(text: string, field: CertificateField, added: readonly Uint8Array[], style: PemStyle): Replacement {
  const blocks = added.map((der) => encodePem('CERTIFICATE', der, style.lineEnd));
  const after = style.endsWithLineEnd ? style.lineEnd : '';
  if (Array.isArray(field.member.value.value)) {
    const literals = blocks.map((block) => JSON.stringify(block + after));
    return rewriteArray(text, { ...field.member, elements: [] }, [{ literals }]);
  }
  return { ...field.member.value, text: JSON.stringify(blocks.join(style.lineEnd) + after) };
}

/** A field's plan, cut into one for each of its strings. */
function splitPlan(parts: readonly Part[], plan: PlacePlan): PlacePlan[] {
  let from = 0;
  return parts.map(({ blocks }) => {
    const to = from + blocks.length;
    const { anchor } = plan;
    const here = anchor !== undefined && anchor.index >= from && anchor.index < to;
    const split: PlacePlan = {
      becomes: plan.becomes.slice(from, to),
      added: here ? plan.added : [],
      anchor: here ? { index: anchor.index - from, side: anchor.side } : undefined,
    };
    from = to;
    return split;
  });
}

/** A string with its blocks exchanged; empty when no certificate is left, whatever comment stood beside them. */
function rewritePart(part: Part, plan: PlacePlan | undefined): string {
  if (plan === undefined || part.blocks.length === 0) return part.text;
  const isEmpty = plan.added.length === 0 && plan.becomes.every((der) => der === undefined);
  return isEmpty ? '' : applyEdits(part.text, certificateEdits(part.blocks, plan));
}

/** An element of an array: where each holds one certificate, as Vault has it, so does each that is added. */
function arrayEdit(text: string, part: Part, plan: PlacePlan | undefined): ArrayEdit {
  const own = text.slice(part.element.start, part.element.end);
  const literalOf = (rewritten: string) => (rewritten === part.text ? own : JSON.stringify(rewritten));
  const [block] = part.blocks;
  if (plan === undefined || block === undefined) return { literals: [own] };
  if (part.blocks.length > 1) {
    const rewritten = rewritePart(part, plan);
    return { literals: rewritten === '' ? [] : [literalOf(rewritten)] };
  }
  const stays = plan.becomes[0] === undefined ? [] : [literalOf(rewritePart(part, { ...plan, added: [] }))];
  const after = part.text.slice(block.end);
  const added = plan.added.map((der) => JSON.stringify(blockLike(block, der) + (after.trim() === '' ? after : '')));
  return { literals: plan.anchor?.side === 'before' ? [...added, ...stays] : [...stays, ...added] };
}
