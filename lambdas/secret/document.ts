/** From a secret's value to a document: JSON, PEM text, or bytes. */
import { count } from '../domain/count.ts';
import { RenewalError } from '../domain/errors.ts';
import { pemBlocks } from '../domain/pem.ts';
import { beginsLikeDer, unreadPem } from '../domain/pem-unread.ts';
import type { SecretValue } from '../domain/secret.ts';
import { fieldNames, jsonMembers, parseJson } from './json-text.ts';
import type { SecretDocument } from './shape.ts';

/** Some editors begin a text with it; JSON.parse does not take it, so it is put aside. */
const byteOrderMark = '\uFEFF';

export interface OpenedValue {
  readonly document: SecretDocument;
  /** A value of the same kind, text or binary, from what a shape wrote. */
  close(written: string | Uint8Array): SecretValue;
}

/** `expected` ends the message. Throws UnsupportedSecret for what no shape could ever be. */
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
 * UTF-8 and nothing else, or undefined: what is written back must be the same bytes. A PKCS#12 file is none, as the
 * length of its SEQUENCE (0x80 to 0x84) never follows 0x30, the digit 0, in UTF-8.
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
  if (/^\s*[{[]/.test(text)) throw fail(`Text of ${length} that begins like JSON and is not valid JSON`);
  const blocks = pemBlocks(text, 'The PEM text');
  if (blocks.length === 0) throw fail(`Text of ${length} that is neither JSON nor PEM${unreadPem(text)}`);
  return { kind: 'pem', text, blocks };
}

/** What was found, for a message: names of fields, counts and lengths, never a value. */
export function describeDocument(document: SecretDocument): string {
  if (document.kind === 'binary') {
    const { bytes } = document;
    const der = beginsLikeDer(bytes)
      ? ' (it begins like DER: openssl x509 -inform der and openssl pkey -inform der make PEM of a certificate and a key)'
      : '';
    return `Binary data of ${count(bytes.length, 'byte')} that is neither text nor PKCS#12${der}`;
  }
  if (document.kind === 'pem') return 'PEM text';
  return `A JSON object with the fields ${fieldNames(document.members)}`;
}
