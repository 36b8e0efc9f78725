/** Keys from passwords as PKCS#12 derives them: RFC 7292 appendix B. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** The ID byte of appendix B.3. */
const purposes = { key: 1, iv: 2, mac: 3 } as const;

/** Null is no password, which appendix B.1 leaves open and Windows and others write: no octets, not even the two of zero. */
export type Password = string | null;

export interface Pkcs12KeyRequest {
  readonly digest: 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512';
  readonly purpose: keyof typeof purposes;
  readonly password: Password;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Bytes. */
  readonly length: number;
}

/** PBES2's octets of a password: UTF-8 (RFC 8018 appendix A leaves it open; OpenSSL, Go and Java agree on it). */
export function passwordBytes(password: Password): Uint8Array {
  return new TextEncoder().encode(password ?? '');
}

/** A BMPString with its two bytes of zero behind it (appendix B.1). */
function bmpPassword(password: Password): Uint8Array {
  if (password === null) return new Uint8Array();
  return Uint8Array.from(Buffer.from(`${password}\0`, 'utf16le').swap16());
}

/** The bytes, repeated to a whole number of blocks (steps 2 and 3). */
function fillBlocks(bytes: Uint8Array, blockLength: number): Uint8Array {
  const filled = new Uint8Array(blockLength * Math.ceil(bytes.length / blockLength));
  return filled.map((_, i) => bytes[i % bytes.length] ?? 0);
}

/** Rounds between two looks at what else there is to do: some 50 ms. */
const roundsAtOnce = 20_000;

/** How often the hash runs for a key of this length, an iteration each. */
export function pkcs12Rounds({
  digest,
  iterations,
  length,
}: Pick<Pkcs12KeyRequest, 'digest' | 'iterations' | 'length'>) {
  return iterations * Math.ceil(length / createHash(digest).digest().length);
}

/** It runs here and not in OpenSSL, so it makes way for other renewals now and then. */
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

/** Step 6C: each block of the input becomes itself plus `addend` plus one, modulo 2 to the block's length. */
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
