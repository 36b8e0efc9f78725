import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export interface TemporaryFolder {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/** Makes a folder `cert-renewer-<purpose>-…` in the system's temporary folder. It is removed when this process exits, if not before. */
export async function temporaryFolder(purpose: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `cert-renewer-${purpose}-`));
  folders.add(path);
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    folders.delete(path);
  };
  return { path, remove };
}

/** Uses such a folder during a call. */
export async function inTemporaryFolder<T>(purpose: string, use: (folder: string) => Promise<T>): Promise<T> {
  const { path, remove } = await temporaryFolder(purpose);
  try {
    return await use(path);
  } finally {
    await remove();
  }
}
