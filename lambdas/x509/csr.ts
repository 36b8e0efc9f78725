/** Certificate signing requests (PKCS #10, RFC 2986). */
import { createPublicKey, verify } from 'node:crypto';
import * as write from '../asn1/writer.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, signatureAlgorithmDer } from './algorithms.ts';

/**
 * Creates a DER request for the signer's key, without attributes. At a rekey step-ca takes only the key from it, and the proof of
 * possession. `subject` is the DER of a Name; default: the empty name. Throws InvalidRequest if the signer's two halves don't belong
 * together, and what the signer throws.
 */
export async function createCsr(signer: Signer, subject: Uint8Array = write.sequence()): Promise<Uint8Array> {
  return signRequest(requestInfo(signer, subject), signer);
}

/** Signs a CertificationRequestInfo. Throws as createCsr. */
export async function signRequest(info: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const signature = await signer.sign(info);
  // A CA that does not verify the request would certify somebody else's key.
  if (!verifies(signer, info, signature)) {
    throw new RenewalError(
      'InvalidRequest',
      "The new key's signature of the request does not verify, so the public and the private key don't belong together: give a matching pair.",
      { concerns: 'request' },
    );
  }
  return write.sequence(info, signatureAlgorithmDer(signer.keySpec), write.bitString(signature));
}

function requestInfo({ spki }: Signer, subject: Uint8Array): Uint8Array {
  const attributes = write.context(0); // IMPLICIT SET OF, not OPTIONAL: present also when empty
  return write.sequence(write.integer(0), subject, spki, attributes);
}

/** Whether the signer has the private key of its public key: signs a request and verifies the signature. Throws what the signer throws. */
export async function provesItsKey(signer: Signer): Promise<boolean> {
  const info = requestInfo(signer, write.sequence());
  return verifies(signer, info, await signer.sign(info));
}

function verifies({ spki, keySpec }: Signer, data: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  return verify(algorithmOf(keySpec).digest, data, key, signature);
}
