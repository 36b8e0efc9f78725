/** Derives keys from passwords as PKCS#12 does (RFC 7292 appendix B). */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** The ID bytes of appendix B.3. */
const purposes = { key: 1, iv: 2, mac: 3 } as const;

/**
 * Null is the null password: no octets, without even the two zero bytes. Appendix B.1 does not exclude it, and Windows and others write it.
 */
export type Password = string | null;

export interface Pkcs12KeyRequest {
  readonly digest: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';
  readonly purpose: keyof typeof purposes;
  readonly password: Password;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Length of the key in bytes. */
  readonly length: number;
}

/** Returns a password's octets for PBES2: UTF-8. (RFC 8018 appendix A does not define it; OpenSSL, Go and Java use UTF-8.) */
export function passwordBytes(password: Password): Uint8Array {
  return new TextEncoder().encode(password ?? '');
}

/** Returns a BMPString with two zero bytes at its end (appendix B.1). */
function bmpPassword(password: Password): Uint8Array {
  if (password === null) return new Uint8Array();
  return Uint8Array.from(Buffer.from(`${password}\0`, 'utf16le').swap16());
}

/** Repeats the bytes up to a whole number of blocks (steps 2 and 3). */
function fillBlocks(bytes: Uint8Array, blockLength: number): Uint8Array {
  const filled = new Uint8Array(blockLength * Math.ceil(bytes.length / blockLength));
  return filled.map((_, i) => bytes[i % bytes.length] ?? 0);
}

/** Rounds until other work gets a turn: about 50 ms. */
const roundsAtOnce = 20_000;

/** Returns the number of hash rounds for a key of this length. */
export function pkcs12Rounds({
  digest,
  iterations,
  length,
}: Pick<Pkcs12KeyRequest, 'digest' | 'iterations' | 'length'>) {
  return iterations * Math.ceil(length / createHash(digest).digest().length);
}

/** Derives a key. It runs in JavaScript and not in OpenSSL, so it lets other renewals run from time to time. */
export async function pkcs12Key(request: Pkcs12KeyRequest): Promise<Uint8Array> {
  const blockLength = request.digest === 'sha384' || request.digest === 'sha512' ? 128 : 64;
  const diversifier = new Uint8Array(blockLength).fill(purposes[request.purpose]);
  const input = Buffer.concat([
    fillBlocks(request.salt, blockLength),
    fillBlocks(bmpPassword(request.password), blockLength),
  ]);
  const derived: Buffer[] = [];
  for (let length = 0; length < request.length; ) {
    let hash = createHash(request.digest).update(diversifier).update(input).digest();
    for (let i = 1; i < request.iterations; i++) {
      hash = createHash(request.digest).update(hash).digest();
      if (i % roundsAtOnce === 0) await setImmediate();
    }
    derived.push(hash);
    length += hash.length;
    addToBlocks(input, fillBlocks(hash, blockLength).subarray(0, blockLength));
  }
  return new Uint8Array(Buffer.concat(derived).subarray(0, request.length));
}

/** Adds `addend` plus one to each block of the input, modulo 2 to the power of the block's bits (step 6C). */
function addToBlocks(input: Buffer, addend: Uint8Array): void {
  for (let block = 0; block < input.length; block += addend.length) {
    let carry = 1;
    for (let i = addend.length - 1; i >= 0; i--) {
      const sum = (input[block + i] ?? 0) + (addend[i] ?? 0) + carry;
      input[block + i] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}
