/**
 * Proof that a key is a certificate's. The public half in a key's file is a claim: RFC 5915, RFC 5958 and RFC 8017 keep it
 * beside the private part, and OpenSSL believes it. So the key has to sign, and the public key in the certificate to verify.
 */
import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf } from '../x509/algorithms.ts';
import { hasExplicitParameters, samePublicKey } from '../x509/public-key.ts';

declare const proof: unique symbol;
/** A signer of which it was seen that it signs for the public key that it shows. Its `spki` is the certificate's own. */
export type ProvenKey = Signer & { readonly [proof]: true };

/** Proven once is enough for one signer: what it signs with can't change. Nothing is kept from one secret to the next. */
const proven = new WeakSet<Signer>();

/**
 * The key, proven to be the certificate's; undefined where it is another one, or only claims to be it. A key in KMS is not
 * asked to sign: KMS itself tells its public half.
 *
 * Throws InvalidCertificate or UnsupportedSecret for a certificate whose public key is of no kind that is used here, and
 * WeakKey for one with which anybody can sign.
 */
export async function provenKey(
  certificate: Pick<Certificate, 'spki' | 'keySpec'>,
  key: Signer,
): Promise<ProvenKey | undefined> {
  const { spki } = certificate;
  if (isProven(key) && sameBytes(key.spki, spki)) return key;
  checkKind(certificate);
  if (!samePublicKey(key.spki, spki)) return undefined;
  const publicKey = publicKeyOf(spki);
  if (key.kmsKeyArn === undefined && !(await signsFor(publicKey, key))) return undefined;
  const found = { ...key, spki } as ProvenKey;
  proven.add(found);
  return found;
}

function isProven(key: Signer): key is ProvenKey {
  return proven.has(key);
}

/** RFC 5480 section 2.1.1 allows named curves alone. Explicit parameters can describe a weak curve that resembles one. */
function checkKind({ spki, keySpec }: Pick<Certificate, 'spki' | 'keySpec'>): void {
  if (hasExplicitParameters(spki)) {
    throw new RenewalError(
      'InvalidCertificate',
      "The certificate's public key has explicit EC parameters in the place of a named curve (RFC 5480): have a certificate issued for a key on a named curve, P-256, P-384 or P-521.",
    );
  }
  if (keySpec !== undefined) return;
  throw new RenewalError(
    'UnsupportedSecret',
    'The certificate holds a kind of key that cannot be renewed here: expected EC P-256, P-384, P-521, Ed25519 or RSA.',
  );
}

function publicKeyOf(spki: Uint8Array): KeyObject {
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new RenewalError(
      'InvalidCertificate',
      "The certificate's public key can't be read, as a point that is not on its curve: put a certificate into the secret that the CA issued.",
      { cause },
    );
  }
  // RFC 8017 section 3.1: at least 3. With 1 a signature is the message itself.
  const exponent = publicKey.asymmetricKeyDetails?.publicExponent;
  if (exponent === undefined || exponent > 2n) return publicKey;
  throw new RenewalError(
    'WeakKey',
    `The RSA key has the public exponent ${exponent}, so that anybody can sign with it: have a certificate issued for another key.`,
  );
}

/**
 * What is signed begins like no token, CSR, certificate or TLS message, so that the signature is good for nothing else:
 * random bytes alone could be the digest of one. It ends in random bytes, so that no signature that was made elsewhere can
 * come out, whatever a library does with parts of an RSA key that do not belong to its modulus.
 */
function challenge(): Uint8Array {
  return Buffer.concat([Buffer.from('cert-renewer: proof of possession of a private key\0'), randomBytes(32)]);
}

async function signsFor(publicKey: KeyObject, key: Signer): Promise<boolean> {
  const data = challenge();
  try {
    return verify(algorithmOf(key.keySpec).digest, data, publicKey, await key.sign(data));
  } catch {
    return false; // parts that fit nowhere: OpenSSL can't compute with them
  }
}
