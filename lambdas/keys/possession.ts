/**
 * Proves that a key belongs to a certificate. The public half in a key's file is only a claim: RFC 5915, RFC 5958 and RFC 8017 store it
 * beside the private part, and OpenSSL believes it. So the key signs a challenge, and the certificate's public key verifies it.
 */
import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { sameBytes } from '../domain/bytes.ts';
import type { Certificate } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf } from '../x509/algorithms.ts';
import { hasExplicitParameters, samePublicKey } from '../x509/public-key.ts';

declare const proof: unique symbol;
/** A signer that has proven its private key. Its `spki` is the certificate's. */
export type ProvenKey = Signer & { readonly [proof]: true };

/** Signers that are proven. Once is enough, because a signer's key can't change. Nothing is kept from one secret to the next. */
const proven = new WeakSet<Signer>();

/**
 * Returns the key if it belongs to the certificate; undefined if it is another key or only claims to be this one. A KMS key need not sign,
 * because KMS itself gives its public half.
 *
 * Throws InvalidCertificate or UnsupportedSecret for a certificate with an unsupported kind of key, and WeakKey for a key with which
 * anybody can sign.
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

/**
 * Checks the kind of key. RFC 5480 section 2.1.1 allows only named curves: explicit parameters can describe a weak curve that resembles
 * one.
 */
function checkKind({ spki, keySpec }: Pick<Certificate, 'spki' | 'keySpec'>): void {
  if (hasExplicitParameters(spki)) {
    throw new RenewalError(
      'InvalidCertificate',
      "The certificate's public key has explicit EC parameters instead of a named curve (RFC 5480): have a certificate issued for a key on a named curve, P-256, P-384 or P-521.",
    );
  }
  if (keySpec !== undefined) return;
  throw new RenewalError(
    'UnsupportedSecret',
    "The certificate's kind of key is not supported: expected EC P-256, P-384, P-521, Ed25519 or RSA.",
  );
}

function publicKeyOf(spki: Uint8Array): KeyObject {
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new RenewalError(
      'InvalidCertificate',
      "The certificate's public key can't be read; its point may not be on its curve: store a certificate that the CA issued.",
      { cause },
    );
  }
  // RFC 8017 section 3.1: at least 3. With 1 a signature is the message itself.
  const exponent = publicKey.asymmetricKeyDetails?.publicExponent;
  if (exponent === undefined || exponent > 2n) return publicKey;
  throw new RenewalError(
    'WeakKey',
    `The RSA key has the public exponent ${exponent}, so anybody can sign with it: have a certificate issued for another key.`,
  );
}

/**
 * Returns the data to sign. It begins unlike any token, CSR, certificate or TLS message, so that the signature is useless elsewhere (random
 * bytes alone could be the digest of one). It ends in random bytes, so that no signature from elsewhere can verify.
 */
function challenge(): Uint8Array {
  return Buffer.concat([Buffer.from('cert-renewer: proof of possession of a private key\0'), randomBytes(32)]);
}

async function signsFor(publicKey: KeyObject, key: Signer): Promise<boolean> {
  const data = challenge();
  try {
    return verify(algorithmOf(key.keySpec).digest, data, publicKey, await key.sign(data));
  } catch {
    return false; // OpenSSL can't compute with inconsistent parts
  }
}
