/** The shape of a PKCS#12 file in SecretBinary. */
import { count } from '../domain/count.ts';
import type { Shape } from './shape.ts';

export const pkcs12: Shape<'pkcs12'> = {
  name: 'pkcs12',
  expected: 'a PKCS#12 file as binary data',
  recognise(document) {
    if (document.kind !== 'binary' || !beginsLikePkcs12(document.bytes)) return undefined;
    return async (context) => {
      const { readPkcs12 } = await import('./pkcs12/content.ts');
      return readPkcs12(document.bytes, `The binary data of ${count(document.bytes.length, 'byte')}`, context);
    };
  },
};

/** Whether bytes begin with SEQUENCE { INTEGER 3, SEQUENCE …, with any encoding of the length. */
export function beginsLikePkcs12(bytes: Uint8Array): boolean {
  const length = bytes[1] ?? 0;
  const at = length <= 0x80 ? 2 : 2 + (length & 0x7f);
  return bytes[0] === 0x30 && bytes[at] === 2 && bytes[at + 1] === 1 && bytes[at + 2] === 3 && bytes[at + 3] === 0x30;
}
