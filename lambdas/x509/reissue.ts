/**
 * A certificate's successor: what the old one says, byte for byte as it stands there, but for a written list of fields.
 * Nothing is parsed and written anew that can be copied, so what is not understood here comes through as well: unknown
 * critical extensions, odd encodings, policies.
 */
import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { readSequence } from '../asn1/reader.ts';
import { contextTag, tags } from '../asn1/tags.ts';
import * as write from '../asn1/writer.ts';
import type { Certificate, Extension } from '../domain/certificate.ts';
import { RenewalError } from '../domain/errors.ts';
import type { Instant } from '../domain/instant.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import type { Entropy } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, signatureAlgorithmDer } from './algorithms.ts';
import { authorityKeyIdentifierOf, encodeExtension, subjectKeyIdentifierOf } from './extension-values.ts';
import { authorityCertificate, findExtension } from './extensions.ts';
import { namesAsIssuer } from './issuer-rules.ts';
import { oids } from './oids.ts';

export interface NewValidity {
  /** To the second; a fraction is dropped. */
  readonly notBefore: Instant;
  readonly notAfter: Instant;
}

export interface ReissueRequest extends NewValidity {
  /** The certificate that is followed. */
  readonly certificate: Certificate;
  /** The issuer's certificate of today; `self`: the key signs for its own name. */
  readonly issuer: Certificate | 'self';
  /** Of the key that will sign. */
  readonly issuerKeySpec: KeySpec;
  /** The new key's, for a rekey. */
  readonly spki?: Uint8Array;
  /** Octets of the serial number, the highest bit 0 (newSerialNumber). */
  readonly serialNumber: Uint8Array;
  /**
   * What becomes of the authority key identifier. `today`: as step-ca does it for a leaf, the issuer's of today, also
   * where none was. `keep`: for a CA certificate, as it was as long as it still names the issuer.
   */
  readonly authorityKey: 'today' | 'keep';
}

/**
 * 16 octets: positive, 126 of the bits random (RFC 5280 section 4.1.2.2 allows 20 octets; 64 random bits are what the
 * CA/Browser Forum asks for).
 */
export function newSerialNumber(entropy: Entropy): Uint8Array {
  const octets = new Uint8Array(entropy(16));
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40; // not negative, and never shorter
  return octets;
}

/** The DER of the TBSCertificate: pure, and ready to be signed. Throws InvalidCertificate. */
export function reissuedTbs(request: ReissueRequest): Uint8Array {
  const { certificate, issuer } = request;
  const old = readParts(certificate.der);
  const extensions = reissuedExtensions(request, old.extensions);
  const version = extensions.length > 0 ? write.context(0, write.integer(2)) : old.version;
  return write.sequence(
    ...(version === undefined ? [] : [version]),
    write.unsignedInteger(request.serialNumber),
    signatureAlgorithmDer(request.issuerKeySpec),
    issuer === 'self' ? certificate.subject : issuer.subject,
    write.sequence(write.time(request.notBefore), write.time(request.notAfter)),
    certificate.subject,
    request.spki ?? certificate.spki,
    ...old.uniqueIds,
    ...(extensions.length > 0 ? [write.context(3, write.sequence(...extensions))] : []),
  );
}

interface Parts {
  readonly version: Uint8Array | undefined;
  readonly uniqueIds: readonly Uint8Array[];
  /** Each as it stands, by its place in `Certificate.extensions`. */
  readonly extensions: readonly Uint8Array[];
}

/** What `parseCertificate` has checked already, as bytes. */
function readParts(der: Uint8Array): Parts {
  const tbs = readSequence(der, 'the certificate').enter(tags.sequence);
  const version = tbs.optional(contextTag(0, true))?.bytes;
  for (let fields = 0; fields < 6; fields++) tbs.any(); // serial number … public key
  const uniqueIds = [1, 2].flatMap((number) => tbs.optional(contextTag(number, false))?.bytes ?? []);
  const wrapped = tbs.optional(contextTag(3, true));
  const extensions: Uint8Array[] = [];
  if (wrapped !== undefined) {
    for (const list = readSequence(wrapped.value, 'the extensions'); !list.done; ) extensions.push(list.any().bytes);
  }
  return { version, uniqueIds, extensions };
}

/** Each in its place; what comes new stands behind the others. */
function reissuedExtensions(request: ReissueRequest, raw: readonly Uint8Array[]): Uint8Array[] {
  const { certificate, spki } = request;
  const replaced = new Map<string, Extension>();
  if (request.authorityKey === 'today' || !stillNamesIssuer(request)) {
    replaced.set(oids.authorityKeyIdentifier, newAuthorityKey(request));
  }
  if (spki !== undefined) {
    const critical = findExtension(certificate, oids.subjectKeyIdentifier)?.critical ?? false;
    replaced.set(oids.subjectKeyIdentifier, subjectKeyIdentifierOf(spki, critical));
  }
  const kept = certificate.extensions.flatMap(({ oid }, i) => {
    const extension = replaced.get(oid);
    replaced.delete(oid);
    return extension === undefined ? (raw[i] ?? []) : encodeExtension(extension);
  });
  return [...kept, ...[...replaced.values()].map(encodeExtension)];
}

/** Its criticality stays what it was: a critical one shuts out readers that do not know it. */
function newAuthorityKey({ certificate, issuer }: ReissueRequest): Extension {
  const critical = findExtension(certificate, oids.authorityKeyIdentifier)?.critical ?? false;
  return authorityKeyIdentifierOf(issuer === 'self' ? certificate : issuer, critical);
}

/**
 * Whether the old authority key identifier may stay. Besides the key's identifier it may hold the name and serial number
 * of the issuer's certificate (RFC 5280 section 4.2.1.1), and openssl finds no path if that is another one: a root that
 * named itself so has a new serial number now.
 */
function stillNamesIssuer({ certificate, issuer }: ReissueRequest): boolean {
  if (issuer !== 'self') return namesAsIssuer(certificate, issuer);
  const isByKeyAlone = authorityCertificate(certificate).serialNumber === undefined;
  return isByKeyAlone && namesAsIssuer(certificate, certificate);
}

/**
 * The certificate of this TBS, signed. The signature is verified under the signer's public key before it is given away:
 * what is stored has been checked by another implementation than the one that signed.
 *
 * Throws CertificateRejected for a signature that does not verify, and what the signer throws.
 */
export async function signCertificate(tbs: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const signature = await signer.sign(tbs);
  const der = write.sequence(tbs, signatureAlgorithmDer(signer.keySpec), write.bitString(signature));
  if (verifies(der, tbs, signature, signer)) return der;
  throw new RenewalError(
    'CertificateRejected',
    `The signature over the new certificate does not verify under the authority's public key${signer.kmsKeyArn ? ` (${signer.kmsKeyArn})` : ''}: nothing was stored. Check that key.`,
  );
}

function verifies(der: Uint8Array, tbs: Uint8Array, signature: Uint8Array, { keySpec, spki }: Signer): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  try {
    return verify(algorithmOf(keySpec).digest, tbs, key, signature) && new X509Certificate(der).verify(key);
  } catch {
    return false; // OpenSSL does not take it for a certificate
  }
}

/** reissuedTbs and signCertificate in one. */
export function reissue(
  request: Omit<ReissueRequest, 'issuerKeySpec'> & { readonly signer: Signer },
): Promise<Uint8Array> {
  const { signer, ...rest } = request;
  return signCertificate(reissuedTbs({ ...rest, issuerKeySpec: signer.keySpec }), signer);
}
