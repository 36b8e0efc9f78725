/** openssl as the judge. It shares no code with this project. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pem } from '../../testkit/certificates/index.ts';

export interface Verification {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs `openssl verify -x509_strict` on a leaf, with these roots, at this time. */
export function opensslVerify(
  leaf: Uint8Array,
  { roots, chain = [], now }: { roots: readonly Uint8Array[]; chain?: readonly Uint8Array[]; now: number },
): Verification {
  return inFolder((folder) => {
    const file = (name: string, ...certificates: readonly Uint8Array[]) => {
      writeFileSync(join(folder, name), pem(...certificates));
      return join(folder, name);
    };
    const untrusted = chain.length > 0 ? ['-untrusted', file('chain.pem', ...chain)] : [];
    const trusted = ['-CAfile', file('roots.pem', ...roots), '-no-CAfile', '-no-CApath', '-no-CAstore'].filter(
      (argument) => argument !== '-no-CAfile', // it would drop our extensions too
    );
    const strict = ['-x509_strict', '-check_ss_sig', '-attime', String(Math.floor(now / 1000))];
    return run(['verify', ...strict, ...trusted, ...untrusted, file('leaf.pem', leaf)]);
  });
}

/** Returns `openssl x509 -text`, without what every renewal changes. */
export function opensslText(certificate: Uint8Array): string {
  return inFolder((folder) => {
    const file = join(folder, 'certificate.pem');
    writeFileSync(file, pem(certificate));
    return run(['x509', '-noout', '-text', '-certopt', 'no_serial,no_validity,no_signame,no_sigdump', '-in', file])
      .output;
  });
}

function run(args: readonly string[]): Verification {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  return { ok: status === 0, output: stdout + stderr };
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-openssl-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
