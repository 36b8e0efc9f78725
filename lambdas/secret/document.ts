/** Opens a secret's value as a document: JSON, PEM text, or bytes. */
import { count } from '../domain/count.ts';
import { RenewalError } from '../domain/errors.ts';
import { pemBlocks } from '../domain/pem.ts';
import { beginsLikeDer, unreadPem } from '../domain/pem-unread.ts';
import type { SecretValue } from '../domain/secret.ts';
import { fieldNames, jsonMembers, parseJson } from './json-text.ts';
import type { SecretDocument } from './shape.ts';

/** Some editors write it at the start of a text. JSON.parse does not accept it, so it is removed and added again. */
const byteOrderMark = '\uFEFF';

export interface OpenedValue {
  readonly document: SecretDocument;
  /** Returns a value of the same kind (text or binary) with the text or bytes that a shape wrote. */
  close(written: string | Uint8Array): SecretValue;
}

/** Opens a value. `expected` is the end of the message. Throws UnsupportedSecret if the value can have no shape. */
export function openValue(value: SecretValue, expected: string): OpenedValue {
  if (value.kind === 'string') return openMarked(value.text, expected, (text) => ({ kind: 'string', text }));
  const text = textOf(value.bytes);
  if (text === undefined) return { document: { kind: 'binary', bytes: value.bytes }, close: toBinary };
  return openMarked(text, expected, toBinary);
}

function openMarked(text: string, expected: string, close: (text: string) => SecretValue): OpenedValue {
  const mark = text.startsWith(byteOrderMark) ? byteOrderMark : '';
  return {
    document: openText(text.slice(mark.length), expected),
    close: (written) => (typeof written === 'string' ? close(mark + written) : toBinary(written)),
  };
}

function toBinary(written: string | Uint8Array): SecretValue {
  return { kind: 'binary', bytes: typeof written === 'string' ? new TextEncoder().encode(written) : written };
}

/**
 * Decodes valid UTF-8; otherwise undefined, because the unchanged part must be written back with the same bytes. A PKCS#12 file is never
 * UTF-8: the length octet of its SEQUENCE (0x80 to 0x84) can't follow 0x30, the digit 0.
 */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function openText(text: string, expected: string): SecretDocument {
  const fail = (found: string) => new RenewalError('UnsupportedSecret', `${found}: expected ${expected}.`);
  if (text.trim() === '') throw fail('An empty value');
  const json = parseJson(text);
  if (json !== undefined) {
    const { value } = json;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const kind = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
      throw fail(`JSON that is ${kind}${typeof value === 'string' ? unreadPem(text) : ''}`);
    }
    return { kind: 'json', text, members: jsonMembers(text) };
  }
  const length = count(text.length, 'character');
  if (/^\s*[{[]/.test(text)) throw fail(`Text of ${length} that begins like JSON but is not valid JSON`);
  const blocks = pemBlocks(text, 'The PEM text');
  if (blocks.length === 0) throw fail(`Text of ${length} that is neither JSON nor PEM${unreadPem(text)}`);
  return { kind: 'pem', text, blocks };
}

/** Describes a document for a message: names of fields, counts and lengths, never a value. */
export function describeDocument(document: SecretDocument): string {
  if (document.kind === 'binary') {
    const { bytes } = document;
    const der = beginsLikeDer(bytes)
      ? ' (it begins like DER: convert it to PEM with openssl x509 -inform der for a certificate, or openssl pkey -inform der for a key)'
      : '';
    return `Binary data of ${count(bytes.length, 'byte')} that is neither text nor PKCS#12${der}`;
  }
  if (document.kind === 'pem') return 'PEM text';
  return `A JSON object with the fields ${fieldNames(document.members)}`;
}
