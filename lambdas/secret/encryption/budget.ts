/**
 * Limits the work to open one secret. The writer of a secret chooses the iteration counts. Without a limit, a secret could occupy a worker
 * for minutes or use all of its memory, and many safes in one file would add up.
 */
import type { Pkcs12KeyRequest } from './pkcs12-key.ts';
import { pkcs12Rounds } from './pkcs12-key.ts';

/** Cost of an operation. An iteration of PBKDF2 costs 1, about 0.4 µs; the others are measured relative to it. */
const price = { pkcs12Round: 3, scryptBlock: 2 } as const;

/** Work for one secret: more than twice what OWASP recommends for HMAC-SHA-256, for each of a file's MAC, certificates and key. */
const mostWork = 4_000_000;
/** Iterations of one PBKDF2. */
const mostIterations = 2_000_000;
/** Bytes (128·N·r) of one scrypt. Four at a time fit into the worker's 512 MB, and libuv's pool has four threads. */
const mostScryptMemory = 64 * 1024 * 1024;

/** The remaining work for one secret. Each method subtracts its work and returns true, or returns false if too little is left. */
export class WorkBudget {
  #left = mostWork;

  pbkdf2(iterations: number): boolean {
    return iterations >= 1 && iterations <= mostIterations && this.#take(iterations);
  }

  scrypt(cost: number, blockSize: number, parallelization: number): boolean {
    // RFC 7914 section 2: the cost must be larger than 1.
    if (cost < 2 || blockSize < 1 || parallelization < 1 || 128 * cost * blockSize > mostScryptMemory) return false;
    return this.#take(cost * blockSize * parallelization * price.scryptBlock);
  }

  pkcs12(request: Pick<Pkcs12KeyRequest, 'digest' | 'iterations' | 'length'>): boolean {
    return request.iterations >= 1 && this.#take(pkcs12Rounds(request) * price.pkcs12Round);
  }

  #take(work: number): boolean {
    if (work > this.#left) return false;
    this.#left -= work;
    return true;
  }
}
