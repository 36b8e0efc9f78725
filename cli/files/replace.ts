/** Writes one text file as a whole. */
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { RenewalError } from '../../lambdas/domain/errors.ts';

/** A reader sees the old text or the new one, never a part. Throws InvalidRequest. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(beside, text, { flag: 'wx' });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new RenewalError('InvalidRequest', `${file} can't be written: ${reason}`);
  }
}
