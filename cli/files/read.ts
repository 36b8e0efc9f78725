/** Files that the command line reads. */
import { readFile } from 'node:fs/promises';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { beginsLikeDer } from '../../lambdas/domain/pem-unread.ts';

/** More than any chain, and less than a file that was meant for something else. */
const most = 1_048_576;

/** UTF-8. Throws InvalidRequest. */
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
      `The file ${path} is DER: expected PEM, which openssl x509 -inform der (a certificate) or openssl pkey -inform der (a key) makes of it.`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RenewalError('InvalidRequest', `The file ${path} is no text: expected PEM.`, { cause });
  }
}
