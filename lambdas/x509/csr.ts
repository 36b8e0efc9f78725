/** Certificate requests (PKCS #10, RFC 2986). */
import { createPublicKey, verify } from 'node:crypto';
import * as write from '../asn1/writer.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, signatureAlgorithmDer } from './algorithms.ts';

/**
 * A DER request for the signer's key, with no attributes and so no names besides the subject: step-ca reads neither
 * subject nor names from it on a rekey, it takes the key and the proof that we hold it. `subject` is the DER of a Name,
 * the empty one by default. Throws InvalidRequest for a signer that has another key than it shows, and what the signer throws.
 */
export async function createCsr(signer: Signer, subject: Uint8Array = write.sequence()): Promise<Uint8Array> {
  return signRequest(requestInfo(signer, subject), signer);
}

/** The request of this CertificationRequestInfo, signed. Throws as createCsr. */
export async function signRequest(info: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const signature = await signer.sign(info);
  // A CA would see it too; but one that did not look would certify a key that is somebody else's.
  if (!verifies(signer, info, signature)) {
    throw new RenewalError(
      'InvalidRequest',
      'The new key did not sign its own request, so nothing proves that it is held: give a key whose two halves belong together.',
      { concerns: 'request' },
    );
  }
  return write.sequence(info, signatureAlgorithmDer(signer.keySpec), write.bitString(signature));
}

function requestInfo({ spki }: Signer, subject: Uint8Array): Uint8Array {
  const attributes = write.context(0); // IMPLICIT SET OF, not OPTIONAL: there even when empty
  return write.sequence(write.integer(0), subject, spki, attributes);
}

/**
 * Whether the signer has the key that it shows: it signs a request, as for any CA, and the signature is verified. Throws
 * what the signer throws.
 */
export async function provesItsKey(signer: Signer): Promise<boolean> {
  const info = requestInfo(signer, write.sequence());
  return verifies(signer, info, await signer.sign(info));
}

function verifies({ spki, keySpec }: Signer, data: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  return verify(algorithmOf(keySpec).digest, data, key, signature);
}
