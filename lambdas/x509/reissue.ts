/**
 * Writes the successor of a certificate. Everything is copied byte for byte, except a fixed list of fields. So it also keeps what the
 * product does not understand: unknown critical extensions, odd encodings, policies.
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
  /** In whole seconds; a fraction is dropped. */
  readonly notBefore: Instant;
  readonly notAfter: Instant;
}

export interface ReissueRequest extends NewValidity {
  /** The old certificate. */
  readonly certificate: Certificate;
  /** The issuer's current certificate; `self`: the key signs for its own name. */
  readonly issuer: Certificate | 'self';
  /** Kind of the key that will sign. */
  readonly issuerKeySpec: KeySpec;
  /** The new public key, for a rekey. */
  readonly spki?: Uint8Array;
  /** Octets of the serial number, the highest bit 0 (newSerialNumber). */
  readonly serialNumber: Uint8Array;
  /**
   * The authority key identifier. `today`: that of the current issuer, also if there was none, as step-ca does for a leaf. `keep`:
   * unchanged as long as it matches the issuer, for a CA certificate.
   */
  readonly authorityKey: 'today' | 'keep';
}

/**
 * Returns 16 octets: positive, with 126 random bits. RFC 5280 section 4.1.2.2 allows 20 octets; the CA/Browser Forum requires 64 random
 * bits.
 */
export function newSerialNumber(entropy: Entropy): Uint8Array {
  const octets = new Uint8Array(entropy(16));
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40; // not negative, and always 16 octets
  return octets;
}

/** Returns the DER of the TBSCertificate, ready to be signed. Throws InvalidCertificate. */
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
  /** The encoded extensions, in the order of `Certificate.extensions`. */
  readonly extensions: readonly Uint8Array[];
}

/** Reads the encoded parts of a certificate that parseCertificate has checked. */
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

/** Returns the extensions in their order; new ones follow at the end. */
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

/** Returns the new authorityKeyIdentifier with the old criticality: readers must reject an unknown critical extension. */
function newAuthorityKey({ certificate, issuer }: ReissueRequest): Extension {
  const critical = findExtension(certificate, oids.authorityKeyIdentifier)?.critical ?? false;
  return authorityKeyIdentifierOf(issuer === 'self' ? certificate : issuer, critical);
}

/**
 * Whether the old authority key identifier may stay. It may also contain the name and serial number of the issuer's certificate (RFC 5280
 * section 4.2.1.1). If these belong to another certificate, openssl finds no path. A renewed root has a new serial number, so a root that
 * names its own does not match.
 */
function stillNamesIssuer({ certificate, issuer }: ReissueRequest): boolean {
  if (issuer !== 'self') return namesAsIssuer(certificate, issuer);
  const isByKeyAlone = authorityCertificate(certificate).serialNumber === undefined;
  return isByKeyAlone && namesAsIssuer(certificate, certificate);
}

/**
 * Signs a TBSCertificate and verifies the signature with node:crypto, another implementation than the signer's.
 *
 * Throws CertificateRejected if the signature does not verify, and what the signer throws.
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
    return false; // OpenSSL can't read the certificate
  }
}

/** reissuedTbs and signCertificate in one call. */
export function reissue(
  request: Omit<ReissueRequest, 'issuerKeySpec'> & { readonly signer: Signer },
): Promise<Uint8Array> {
  const { signer, ...rest } = request;
  return signCertificate(reissuedTbs({ ...rest, issuerKeySpec: signer.keySpec }), signer);
}
