/** The shape `{ pkcs12 }`: a PKCS#12 file in base64, with or without line breaks. */
import { RenewalError } from '../domain/errors.ts';
import { decodeBase64 } from '../domain/pem.ts';
import { kindOf } from './json-field.ts';
import { fieldName, type JsonMember, replaceSlices, withoutValues } from './json-text.ts';
import type { ReadContext, Shape, ShapeContent } from './shape.ts';

const field = 'pkcs12';

export const jsonPkcs12: Shape<'json-pkcs12'> = {
  name: 'json-pkcs12',
  expected: 'a JSON object with pkcs12 (base64)',
  recognise(document) {
    if (document.kind !== 'json') return undefined;
    const member = document.members.get(field);
    return member && ((context) => readMember(document.text, member, context));
  },
};

async function readMember(text: string, member: JsonMember, context: ReadContext): Promise<ShapeContent> {
  const { value } = member.value;
  const fail = (found: string) =>
    new RenewalError(
      'UnsupportedSecret',
      `The field ${fieldName(field)} holds ${found}: expected a PKCS#12 file in base64.`,
    );
  if (typeof value !== 'string') throw fail(kindOf(value));
  const bytes = decodeBase64(value);
  if (bytes === undefined) throw fail('text that is not base64');
  const { readPkcs12 } = await import('./pkcs12/content.ts');
  const content = await readPkcs12(bytes, `The PKCS#12 file in the field ${fieldName(field)}`, context);
  return {
    ...content,
    rest: withoutValues(text, [member]),
    async write(next) {
      const written = await content.write(next);
      if (written === bytes) return text;
      return replaceSlices(text, [{ ...member.value, text: JSON.stringify(base64Like(value, written)) }]);
    },
  };
}

/** Formats base64 with the line length and the line ends of the old text, also at its end. */
function base64Like(before: string, bytes: Uint8Array): string {
  const packed = Buffer.from(bytes).toString('base64');
  const [lineEnd = '\n'] = /\r\n|\n|\r/.exec(before) ?? [];
  const [first = '', second] = before.trim().split(lineEnd);
  const width = second === undefined ? packed.length : first.length;
  const lines: string[] = [];
  for (let at = 0; at < packed.length; at += width) lines.push(packed.slice(at, at + width));
  return lines.join(lineEnd) + (/[\r\n]$/.test(before) ? lineEnd : '');
}
