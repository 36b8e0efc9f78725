import { createHash } from 'node:crypto';
import type { Entropy } from '../../lambdas/domain/ports.ts';

/** Returns pseudo-random bytes that are the same in every run: SHA-256 of the seed and a counter. */
export function fakeEntropy(seed = 'cert-renewer'): Entropy {
  let counter = 0;
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      createHash('sha256').update(`${seed} ${counter++}`).digest(),
    );
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
  };
}
