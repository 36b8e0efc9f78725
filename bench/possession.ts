/** The cost of a proof that a key belongs to a certificate, by kind of key. */
import { localSigner } from '../lambdas/keys/local.ts';
import { provenKey } from '../lambdas/keys/possession.ts';
import { type KeyKind, makeKey } from '../testkit/certificates/index.ts';

export const keyTypes: readonly KeyKind[] = ['P-256', 'Ed25519', 'RSA-2048', 'P-384', 'RSA-4096', 'P-521'];

/** Returns the milliseconds of CPU for one proof, in this process. */
export async function proof(type: KeyKind, count: number): Promise<number> {
  const signer = localSigner(makeKey(type));
  const certificate = { spki: signer.spki, keySpec: signer.keySpec };
  const prove = async (): Promise<void> => {
    if (!(await provenKey(certificate, signer))) throw new Error(`the key ${type} did not prove itself`);
  };
  for (let warm = 0; warm < count / 10; warm++) await prove();
  const before = process.cpuUsage();
  for (let each = 0; each < count; each++) await prove();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}
