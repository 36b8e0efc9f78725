/** Certificate requests (PKCS #10, RFC 2986). */
import type { Signer } from '../domain/signer.ts';
import { signatureAlgorithmDer } from './algorithms.ts';
import { bitString, context, integer, sequence } from './der-encode.ts';

/**
 * A DER request for the signer's key, with no attributes and so no names besides the subject: step-ca reads neither
 * subject nor names from it on a rekey, it takes the key and the proof that we hold it. `subject` is the DER of a Name,
 * the empty one by default. Throws what the signer throws.
 */
export async function createCsr(signer: Signer, subject: Uint8Array = sequence()): Promise<Uint8Array> {
  const attributes = context(0); // IMPLICIT SET OF, not OPTIONAL: there even when empty
  const info = sequence(integer(0), subject, signer.spki, attributes);
  const signature = await signer.sign(info);
  return sequence(info, signatureAlgorithmDer(signer.keySpec), bitString(signature));
}
