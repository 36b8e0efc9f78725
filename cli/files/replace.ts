/** One text file, written whole. */
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { RenewalError } from '../../lambdas/domain/errors.ts';

/** Whoever opens it meanwhile sees the old one or the new one. Throws InvalidRequest. */
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
