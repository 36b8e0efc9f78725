/**
 * Writes new certificates and requests with @peculiar/x509. It is loaded by import() when one is needed, so that other cold starts don't
 * pay for it. It signs nothing: ca-certificate.ts, leaf-certificate.ts and named-csr.ts check its output before a key signs it.
 */
import 'reflect-metadata'; // has to stand before the library, which needs it at once
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  type GeneralNameType,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { readSequence } from '../asn1/reader.ts';
import { tags } from '../asn1/tags.ts';
import type { Certificate } from '../domain/certificate.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import { algorithmOf } from './algorithms.ts';
import { keyIdentifier, nameConstraintsOf } from './extension-values.ts';
import { subjectKeyIdentifier } from './extensions.ts';
import type { NewValidity } from './reissue.ts';
import { hex } from './strings.ts';

/** A placeholder for the signature, as long as R‖S of the largest curve. It is discarded. */
const placeholder = new Uint8Array(132).fill(1);

/** The fields that every certificate needs. */
export interface CertificateRequest extends NewValidity {
  /** DER of the Name (parseName); the empty name for a leaf without a subject. */
  readonly subject: Uint8Array;
  /** DER of the public key to certify. */
  readonly spki: Uint8Array;
  /** The issuer's certificate; `self` for a root. */
  readonly issuer: Certificate | 'self';
  /** Kind of the key that will sign. */
  readonly issuerKeySpec: KeySpec;
  /** Octets of the serial number, the highest bit 0 (newSerialNumber). */
  readonly serialNumber: Uint8Array;
}

export interface CaCertificateRequest extends CertificateRequest {
  /** Number of CA certificates that may be below it; undefined: no limit. */
  readonly pathLength: number | undefined;
  /** DER of GeneralNames (constraintBase). Both empty: no constraints. */
  readonly permitted: readonly Uint8Array[];
  readonly excluded: readonly Uint8Array[];
}

/** Returns the DER of the TBSCertificate of a CA, as ca-certificate.ts describes it. */
export async function writeCaCertificate(request: CaCertificateRequest): Promise<Uint8Array> {
  const { spki, issuer, permitted, excluded } = request;
  const constraints = nameConstraintsOf(permitted, excluded); // the library has no class for these
  return writeCertificate(request, [
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    new BasicConstraintsExtension(true, request.pathLength, true),
    new SubjectKeyIdentifierExtension(hex(keyIdentifier(spki))),
    ...(issuer === 'self' ? [] : [new AuthorityKeyIdentifierExtension(hex(ownIdentifier(issuer)))]),
    ...(permitted.length + excluded.length === 0
      ? []
      : [new Extension(constraints.oid, constraints.critical, new Uint8Array(constraints.value))]),
  ]);
}

export interface LeafCertificateRequest extends CertificateRequest {
  readonly issuer: Certificate;
  /** In the form of RequestedNames; at least one. */
  readonly names: readonly string[];
  readonly keyUsages: readonly LeafKeyUsage[];
  /** OIDs of the extended key usages; at least one. */
  readonly usages: readonly string[];
}

export type LeafKeyUsage = 'digitalSignature' | 'keyEncipherment';

/** Returns the DER of the TBSCertificate of a leaf, as leaf-certificate.ts describes it. */
export async function writeLeafCertificate(request: LeafCertificateRequest): Promise<Uint8Array> {
  const { subject, spki, issuer, names, keyUsages, usages } = request;
  return writeCertificate(request, [
    new KeyUsagesExtension(
      keyUsages.reduce<number>((flags, usage) => flags | KeyUsageFlags[usage], 0),
      true,
    ),
    new ExtendedKeyUsageExtension([...usages]),
    new SubjectKeyIdentifierExtension(hex(keyIdentifier(spki))),
    new AuthorityKeyIdentifierExtension(hex(ownIdentifier(issuer))),
    namesExtension(subject, names),
  ]);
}

async function writeCertificate(request: CertificateRequest, extensions: Extension[]): Promise<Uint8Array> {
  const { subject, issuer, spki } = request;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: hex(request.serialNumber),
    issuer: nameOf(issuer === 'self' ? subject : issuer.subject),
    subject: nameOf(subject),
    notBefore: new Date(request.notBefore),
    notAfter: new Date(request.notAfter),
    publicKey: new Uint8Array(spki),
    signingAlgorithm: webAlgorithm(request.issuerKeySpec),
    signature: placeholder,
    extensions,
  });
  return toBeSigned(certificate.rawData);
}

/** Returns the issuer's subjectKeyIdentifier or, without one, the identifier of its key. */
function ownIdentifier(issuer: Certificate): Uint8Array {
  return subjectKeyIdentifier(issuer) ?? keyIdentifier(issuer.spki);
}

function nameOf(der: Uint8Array): Name {
  return new Name(new Uint8Array(der));
}

/** Returns WebCrypto's name of the signature algorithm of a kind of key. */
function webAlgorithm(spec: KeySpec): { name: string; namedCurve?: string; hash?: string } {
  const { webCryptoName: name, digest } = algorithmOf(spec);
  const hash = digest?.replace('sha', 'SHA-');
  return { name, ...(hash !== undefined && { hash }), ...(spec.kty === 'EC' && { namedCurve: spec.curve }) };
}

/** Returns the first field of a certificate or a request, the signed part. */
function toBeSigned(signed: ArrayBuffer): Uint8Array {
  return readSequence(new Uint8Array(signed), 'what was written').take(tags.sequence).bytes;
}

export interface RequestedNames {
  /** DER of the Name (parseName); the empty name requests no subject. */
  readonly subject: Uint8Array;
  /**
   * Each has the form of subjectAltNames: `dns:`, `ip:`, `email:` or `uri:` and the value. Addresses are in their shortest form (RFC 5952),
   * international names in ASCII (RFC 5280 section 7).
   */
  readonly names: readonly string[];
}

/** Returns the DER of the CertificationRequestInfo (RFC 2986) of this key, subject and names. */
export async function writeNamedRequest(spki: Uint8Array, request: RequestedNames): Promise<Uint8Array> {
  const { subject, names } = request;
  const csr = await Pkcs10CertificateRequestGenerator.create(
    {
      name: nameOf(subject),
      extensions: names.length === 0 ? [] : [namesExtension(subject, names)],
      keys: { publicKey: keyElsewhere, privateKey: keyElsewhere },
      signingAlgorithm: keyElsewhere.algorithm,
    },
    cryptoFor(spki),
  );
  return toBeSigned(csr.rawData);
}

/** Returns a subjectAltName extension, critical if the subject is empty (RFC 5280 section 4.2.1.6). */
function namesExtension(subject: Uint8Array, names: readonly string[]): Extension {
  return new SubjectAlternativeNameExtension(names.map(generalName), readSequence(subject, 'the subject').done);
}

const libraryKinds: Readonly<Record<string, GeneralNameType>> = { dns: 'dns', ip: 'ip', email: 'email', uri: 'url' };

/** Converts `dns:`, `ip:`, `email:` or `uri:` and a value to a name of the library. */
function generalName(text: string): JsonGeneralName {
  const colon = text.indexOf(':');
  const type = libraryKinds[text.slice(0, colon)];
  if (type === undefined) throw new TypeError('a kind of name that the library is not asked for');
  return { type, value: text.slice(colon + 1) };
}

/** A placeholder for both halves of a key that WebCrypto does not have. The library reads only the algorithm. */
const keyElsewhere = { algorithm: { name: 'Ed25519' } };

/** Returns the functions of a Crypto that the library needs for a request: the public key, and a placeholder for the signature. */
function cryptoFor(spki: Uint8Array) {
  return { subtle: { exportKey: async () => spki, sign: async () => placeholder } };
}
