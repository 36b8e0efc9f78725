/** The certificates of test/golden/x509, by file name without `.crt`. */
import { readdirSync, readFileSync } from 'node:fs';
import { pemBlocks } from '../../lambdas/domain/pem.ts';

const folder = new URL('../golden/x509/', import.meta.url);

export const goldenNames: readonly string[] = readdirSync(folder)
  .filter((file) => file.endsWith('.crt'))
  .map((file) => file.slice(0, -'.crt'.length))
  .sort();

/** DER of the only PEM block of a file. */
export function goldenDer(file: string): Uint8Array {
  const [block] = pemBlocks(readFileSync(new URL(file, folder), 'utf8'));
  if (block === undefined) throw new Error(`no PEM block in ${file}`);
  return block.der;
}

export const golden = (name: string): Uint8Array => goldenDer(`${name}.crt`);
