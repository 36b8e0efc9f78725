/** `openssl verify` as the judge of many leaves at once. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../../lambdas/domain/certificate.ts';
import { pem } from '../../testkit/certificates/index.ts';
import { now } from './issue.ts';

export interface Question {
  readonly leaves: readonly Certificate[];
  /** Issuers of all leaves together, so each issuer needs its own name. */
  readonly issuers: readonly Certificate[];
  readonly roots: readonly Certificate[];
  readonly args?: readonly string[];
}

/** Returns which of the leaves openssl accepts, in their order. */
export function opensslAccepts({ leaves, issuers, roots, args = [] }: Question): boolean[] {
  const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-openssl-'));
  const file = (name: string, certificates: readonly Certificate[]) => {
    const path = join(folder, name);
    writeFileSync(path, pem(...certificates.map(({ der }) => der)));
    return path;
  };
  try {
    const trusted = ['-CAfile', file('roots.pem', roots), '-untrusted', file('issuers.pem', issuers)];
    const files = leaves.map((leaf, i) => file(`${i}.pem`, [leaf]));
    const at = ['-attime', String(Math.floor(now / 1000))];
    const { stdout } = spawnSync('openssl', ['verify', ...at, ...args, ...trusted, ...files], { encoding: 'utf8' });
    return files.map((path) => stdout.includes(`${path}: OK`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
