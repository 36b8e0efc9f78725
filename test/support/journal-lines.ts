import { vi } from 'vitest';
import { powertoolsJournal } from '../../lambdas/aws/journal.ts';
import type { Journal } from '../../lambdas/domain/ports.ts';

/** Returns the log lines that `write` makes, as the functions write them. Each has the request id `r1`. */
export function journalLines(write: (journal: Journal) => void): readonly string[] {
  const written: string[] = [];
  vi.stubEnv('POWERTOOLS_DEV', '');
  const streams = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0),
  );
  try {
    const journal = powertoolsJournal();
    journal.begin('r1');
    write(journal);
  } finally {
    for (const stream of streams) stream.mockRestore();
    vi.unstubAllEnvs();
  }
  if (written.length === 0) throw new Error('nothing was written');
  return written.map((line) => line.trim());
}
