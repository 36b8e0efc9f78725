/** Files that commands read. */
import { readFile } from 'node:fs/promises';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { beginsLikeDer } from '../../lambdas/domain/pem-unread.ts';

/** Bytes: more than any chain has. A larger file is the wrong one. */
const most = 1_048_576;

/** Reads UTF-8 text. Throws InvalidRequest. */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new RenewalError('InvalidRequest', `The file ${path} can't be read (${why}).`, { cause });
  }
  if (bytes.length > most) {
    throw new RenewalError('InvalidRequest', `The file ${path} has ${bytes.length} bytes: expected PEM text.`);
  }
  if (beginsLikeDer(bytes)) {
    throw new RenewalError(
      'InvalidRequest',
      `The file ${path} is DER: expected PEM. Convert it with openssl x509 -inform der (a certificate) or openssl pkey -inform der (a key).`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RenewalError('InvalidRequest', `The file ${path} is not text: expected PEM.`, { cause });
  }
}
