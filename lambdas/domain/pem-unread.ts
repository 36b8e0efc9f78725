/** What is in a text beside its PEM blocks and was meant to be one, for a message: it is never quoted. */
import { decodeBase64, type PemBlock, tellLabel } from './pem.ts';

const begin = '-----BEGIN ';
const labelOfPair = /^((?:[A-Z0-9]{1,20} ){0,3}(?:CERTIFICATE|PRIVATE KEY))-----/;
/** Escaped line ends, and what else stands between the lines of a string in quotation marks. */
const between = /\\[nrt]|\\(?=[\r\n])|["',]/g;

/**
 * The first certificate or private key in PEM that does not begin a line of its own, as in a YAML string in quotation
 * marks: it can't be written back as it was, so it is not read either. Comments (#, ;, //) are left alone. `blocks` are
 * those that are read. Undefined where there is none.
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
    const escaped = body.includes('\\n') ? ', with a backslash and a letter (\\n) in the place of its line ends' : '';
    return `a PEM block BEGIN ${label} that does not begin a line of its own${escaped}`;
  }
  return undefined;
}

/** The same of a text without any block, as the end of a sentence; empty where nothing is found. */
export function unreadPem(text: string): string {
  const stray = strayPem(text);
  if (stray !== undefined) return `, with ${stray}`;
  return decodeBase64(text)?.[0] === sequence ? ', base64 without its BEGIN and END lines' : '';
}

/** Whether the bytes begin as a certificate or a key in DER does: the tag of a SEQUENCE, and a length in octets of its own. */
export function beginsLikeDer(bytes: Uint8Array): boolean {
  return bytes[0] === sequence && (bytes[1] ?? 0) >= 0x80 && (bytes[1] ?? 0) <= 0x84;
}

const sequence = 0x30;

/** A block's label, and where there is one the way to make the block a `CERTIFICATE`. */
export function tellBlock(label: string): string {
  const advice =
    label === 'TRUSTED CERTIFICATE' ? ' (make it a CERTIFICATE: openssl x509 -in old.pem -out new.pem)' : '';
  return `BEGIN ${tellLabel(label)}${advice}`;
}
