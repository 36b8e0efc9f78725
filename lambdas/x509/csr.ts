/** Certificate requests (PKCS #10, RFC 2986). */
import { createPublicKey, verify } from 'node:crypto';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, signatureAlgorithmDer } from './algorithms.ts';
import { bitString, context, integer, sequence } from './der-encode.ts';

/**
 * A DER request for the signer's key, with no attributes and so no names besides the subject: step-ca reads neither
 * subject nor names from it on a rekey, it takes the key and the proof that we hold it. `subject` is the DER of a Name,
 * the empty one by default. Throws what the signer throws.
 */
export async function createCsr(signer: Signer, subject: Uint8Array = sequence()): Promise<Uint8Array> {
  const info = requestInfo(signer, subject);
  const signature = await signer.sign(info);
  return sequence(info, signatureAlgorithmDer(signer.keySpec), bitString(signature));
}

function requestInfo({ spki }: Signer, subject: Uint8Array): Uint8Array {
  const attributes = context(0); // IMPLICIT SET OF, not OPTIONAL: there even when empty
  return sequence(integer(0), subject, spki, attributes);
}

/**
 * Whether the signer has the key that it shows: it signs a request, as for any CA, and the signature is verified. Throws
 * what the signer throws.
 */
export async function provesItsKey(signer: Signer): Promise<boolean> {
  const info = requestInfo(signer, sequence());
  const signature = await signer.sign(info);
  const key = createPublicKey({ key: Buffer.from(signer.spki), format: 'der', type: 'spki' });
  return verify(algorithmOf(signer.keySpec).digest, info, key, signature);
}
