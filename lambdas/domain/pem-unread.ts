/** Describes PEM that a text contains in a form that can't be read, for a message. Its content is never quoted. */
import { decodeBase64, type PemBlock, tellLabel } from './pem.ts';

const begin = '-----BEGIN ';
const labelOfPair = /^((?:[A-Z0-9]{1,20} ){0,3}(?:CERTIFICATE|PRIVATE KEY))-----/;
/** Escaped line ends, and other characters between the lines of a quoted string. */
const between = /\\[nrt]|\\(?=[\r\n])|["',]/g;

/**
 * Describes the first certificate or private key in PEM that does not begin on its own line, for instance in a quoted YAML string.
 * Such a block can't be written back in the same form, so it is not read. Comments (#, ;, //) are ignored. `blocks` are the blocks
 * that are read. Returns undefined if there is no such block.
 */
export function strayPem(text: string, blocks: readonly PemBlock[] = []): string | undefined {
  let lineStart = 0;
  let from = 0;
  let block = 0;
  for (let at = text.indexOf(begin); at !== -1; at = text.indexOf(begin, from)) {
    const lineEnd = text.slice(from, at).lastIndexOf('\n');
    if (lineEnd !== -1) lineStart = from + lineEnd + 1;
    from = at + begin.length;
    while ((blocks[block]?.end ?? Number.POSITIVE_INFINITY) <= at) block++;
    if ((blocks[block]?.start ?? Number.POSITIVE_INFINITY) <= at) continue;
    const [head, label] = labelOfPair.exec(text.slice(from, from + 100)) ?? [];
    if (head === undefined || label === undefined || /^\s*(?:#|;|\/\/)/.test(text.slice(lineStart, at))) continue;
    const body = text.slice(from + head.length, text.indexOf('-----', from + head.length));
    if (!body.includes('Proc-Type:') && decodeBase64(body.replace(between, '')) === undefined) continue;
    const escaped = body.includes('\\n') ? ', with \\n (a backslash and the letter n) instead of line ends' : '';
    return `a PEM block BEGIN ${label} that does not begin on its own line${escaped}`;
  }
  return undefined;
}

/** Returns the same for a text without any block, as the end of a sentence. Empty if nothing is found. */
export function unreadPem(text: string): string {
  const stray = strayPem(text);
  if (stray !== undefined) return `, with ${stray}`;
  return decodeBase64(text)?.[0] === sequence ? ', base64 without its BEGIN and END lines' : '';
}

/** Returns whether the bytes begin like a certificate or a key in DER: the tag of a SEQUENCE and a length in the long form. */
export function beginsLikeDer(bytes: Uint8Array): boolean {
  return bytes[0] === sequence && (bytes[1] ?? 0) >= 0x80 && (bytes[1] ?? 0) <= 0x84;
}

const sequence = 0x30;

/** Returns a block's label for a message, for `TRUSTED CERTIFICATE` with the command that converts it. */
export function tellBlock(label: string): string {
  const advice =
    label === 'TRUSTED CERTIFICATE' ? ' (make it a CERTIFICATE: openssl x509 -in old.pem -out new.pem)' : '';
  return `BEGIN ${tellLabel(label)}${advice}`;
}
