/**
 * How much work one secret may ask for to be opened. A count of iterations is whatever its writer chose: without a limit
 * a secret would hold a worker for minutes, or take all of its memory, and many safes in one file would add up.
 */
import type { Pkcs12KeyRequest } from './pkcs12-key.ts';
import { pkcs12Rounds } from './pkcs12-key.ts';

/** One iteration of PBKDF2 costs 1, about 0.4 µs; the others as measured beside it. */
const price = { pkcs12Round: 3, scryptBlock: 2 } as const;

/** More than twice of what OWASP advises for HMAC-SHA-256, for a file's MAC, certificates and key each. */
const mostWork = 4_000_000;
/** Of a single PBKDF2. */
const mostIterations = 2_000_000;
/** 128·N·r bytes. Four at a time fit into the worker's 512 MB, and a pool of libuv has four threads. */
const mostScryptMemory = 64 * 1024 * 1024;

/** The work left for one secret. Each method is false where it is more than that, and takes it away where not. */
export class WorkBudget {
  #left = mostWork;

  pbkdf2(iterations: number): boolean {
    return iterations >= 1 && iterations <= mostIterations && this.#take(iterations);
  }

  scrypt(cost: number, blockSize: number, parallelization: number): boolean {
    // RFC 7914 section 2: the cost is larger than 1.
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
