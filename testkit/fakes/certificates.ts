/**
 * Real certificates for tests, in DER of our own: every byte of a name, of an extension or of a validity can be chosen,
 * the odd ones too, and no code under test takes part in the making.
 */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';

// --- DER (X.690), only what a certificate needs ---

export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  const size: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const length = body.length < 128 ? [body.length] : [0x80 | size.length, ...size];
  return new Uint8Array(Buffer.concat([Uint8Array.from([tag, ...length]), body]));
}

export const sequence = (...contents: readonly Uint8Array[]): Uint8Array => der(0x30, ...contents);
export const utf8 = (text: string, tag = 0x0c): Uint8Array => der(tag, Buffer.from(text, 'utf8'));
export const octets = (bytes: Uint8Array): Uint8Array => der(0x04, bytes);
export const bits = (bytes: Uint8Array, unused = 0): Uint8Array => der(0x03, Uint8Array.of(unused), bytes);

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const septets = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift(0x80 | (left % 128));
    return septets;
  });
  return der(0x06, Uint8Array.from(bytes));
}

export function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const magnitude = start === -1 ? Uint8Array.of(0) : bytes.subarray(start);
  return der(0x02, (magnitude[0] ?? 0) & 0x80 ? Uint8Array.of(0) : new Uint8Array(), magnitude);
}

/** UTCTime to 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5). */
function time(instant: Instant): Uint8Array {
  const digits = new Date(instant).toISOString().slice(0, 19).replace(/[-:T]/g, '');
  return digits < '2050' ? utf8(`${digits.slice(2)}Z`, 0x17) : utf8(`${digits}Z`, 0x18);
}

// --- Names ---

const attributeOids = { CN: '2.5.4.3', O: '2.5.4.10', OU: '2.5.4.11', C: '2.5.4.6', L: '2.5.4.7' } as const;
export type Attribute = readonly [type: keyof typeof attributeOids, value: string, stringTag?: number];

/** A Name: a list of RDNs, each one attribute or, for a multi-valued RDN, a list of them. No RDN is the empty name. */
export function distinguishedName(...rdns: readonly (readonly Attribute[])[]): Uint8Array {
  return sequence(
    ...rdns.map((attributes) => {
      const encoded = attributes.map(([type, value, tag]) => sequence(oid(attributeOids[type]), utf8(value, tag)));
      return der(0x31, ...encoded.sort((a, b) => Buffer.compare(a, b))); // DER sorts a SET OF
    }),
  );
}

export const commonNameOnly = (value: string): Uint8Array => distinguishedName([['CN', value]]);

// --- Extensions ---

export const extension = (oidText: string, value: Uint8Array, critical = false): Extension => ({
  oid: oidText,
  critical,
  value,
});

/** `dns:`, `email:`, `uri:` and `ip:` (as the bytes in hex) with the value. */
export function subjectAltName(...names: readonly string[]): Extension {
  const tags: Readonly<Record<string, number>> = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 };
  const encoded = names.map((name) => {
    const kind = name.slice(0, name.indexOf(':'));
    const value = name.slice(kind.length + 1);
    return der(tags[kind] ?? 0x82, Buffer.from(value, kind === 'ip' ? 'hex' : 'utf8'));
  });
  return extension('2.5.29.17', sequence(...encoded));
}

const keyUsageBits = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, cRLSign: 0x02 } as const;

export function keyUsage(...usages: readonly (keyof typeof keyUsageBits)[]): Extension {
  const byte = usages.reduce((all, usage) => all | keyUsageBits[usage], 0);
  const unused = Math.max(0, 31 - Math.clz32(byte & -byte));
  return extension('2.5.29.15', bits(Uint8Array.of(byte), unused), true);
}

export const clientAuth = '1.3.6.1.5.5.7.3.2';
export const serverAuth = '1.3.6.1.5.5.7.3.1';

export const extendedKeyUsage = (...purposes: readonly string[]): Extension =>
  extension('2.5.29.37', sequence(...purposes.map(oid)));

export function basicConstraints(cA: boolean, pathLength?: number): Extension {
  const contents = cA ? [der(0x01, Uint8Array.of(0xff))] : [];
  if (pathLength !== undefined) contents.push(integer(Uint8Array.of(pathLength)));
  return extension('2.5.29.19', sequence(...contents), true);
}

export const stepProvisionerOid = '1.3.6.1.4.1.37476.9000.64.1';

/** step-ca's provisioner extension: by it the CA finds the claims that hold for a renewal (type 6 is X5C). */
export const stepProvisioner = (name: string, type = 6): Extension =>
  extension(
    stepProvisionerOid,
    sequence(integer(Uint8Array.of(type)), octets(Buffer.from(name)), octets(Buffer.from(''))),
  );

/** RFC 5280 section 4.2.1.2, method (1): SHA-1 of the BIT STRING. */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  const headerEnd = 2 + ((spki[1] ?? 0) & 0x80 ? (spki[1] ?? 0) & 0x7f : 0);
  const inside = spki.subarray(headerEnd);
  const algorithmEnd = 2 + (inside[1] ?? 0);
  const bitString = inside.subarray(algorithmEnd);
  const bodyStart = 2 + ((bitString[1] ?? 0) & 0x80 ? (bitString[1] ?? 0) & 0x7f : 0) + 1;
  return new Uint8Array(createHash('sha1').update(bitString.subarray(bodyStart)).digest());
}

export const subjectKeyIdentifier = (spki: Uint8Array): Extension =>
  extension('2.5.29.14', octets(keyIdentifier(spki)));

export const authorityKeyIdentifier = (issuerSpki: Uint8Array): Extension =>
  extension('2.5.29.35', sequence(der(0x80, keyIdentifier(issuerSpki))));

// --- Keys and certificates ---

export type TestKey = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | `RSA-${number}`;

export function makeKey(kind: TestKey): KeyObject {
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519').privateKey;
  if (kind.startsWith('RSA-')) return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind }).privateKey;
}

const spkis = new WeakMap<KeyObject, Uint8Array>();

/** DER SubjectPublicKeyInfo of a private or public key. */
export function spkiOf(key: KeyObject): Uint8Array {
  const known = spkis.get(key);
  if (known) return known;
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  spkis.set(key, spki);
  return spki;
}

const signatures: Readonly<Record<string, { digest: string | null; algorithm: Uint8Array }>> = {
  prime256v1: { digest: 'sha256', algorithm: sequence(oid('1.2.840.10045.4.3.2')) },
  secp384r1: { digest: 'sha384', algorithm: sequence(oid('1.2.840.10045.4.3.3')) },
  secp521r1: { digest: 'sha512', algorithm: sequence(oid('1.2.840.10045.4.3.4')) },
  ed25519: { digest: null, algorithm: sequence(oid('1.3.101.112')) },
  rsa: { digest: 'sha256', algorithm: sequence(oid('1.2.840.113549.1.1.11'), der(0x05)) },
};

export interface CertificateTemplate {
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly extensions: readonly Extension[];
  /** 16 random bytes if left out. */
  readonly serialNumber?: Uint8Array;
}

/** What signs a certificate: the issuer's name and its private key. */
export interface Issuer {
  readonly subject: Uint8Array;
  readonly key: KeyObject;
}

/** A signed certificate, exactly as the template says; DER. */
export function signCertificate(template: CertificateTemplate, issuer: Issuer): Uint8Array {
  const scheme = signatures[issuer.key.asymmetricKeyDetails?.namedCurve ?? issuer.key.asymmetricKeyType ?? ''];
  if (scheme === undefined) throw new Error('this issuer key can not sign a test certificate');
  const extensions = template.extensions.map(({ oid: id, critical, value }) =>
    sequence(oid(id), ...(critical ? [der(0x01, Uint8Array.of(0xff))] : []), octets(value)),
  );
  const tbs = sequence(
    der(0xa0, integer(Uint8Array.of(2))),
    integer(template.serialNumber ?? randomBytes(16)),
    scheme.algorithm,
    issuer.subject,
    sequence(time(template.notBefore), time(template.notAfter)),
    template.subject,
    template.spki,
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  return sequence(tbs, scheme.algorithm, bits(sign(scheme.digest, tbs, issuer.key)));
}

/** A root and an intermediate under it, the usual shape of a private CA. */
export interface Hierarchy {
  readonly root: Uint8Array;
  readonly rootKey: KeyObject;
  readonly rootName: Uint8Array;
  readonly intermediate: Uint8Array;
  readonly intermediateKey: KeyObject;
  readonly intermediateName: Uint8Array;
}

export function makeHierarchy(
  notBefore: Instant,
  notAfter: Instant,
  name = 'Test',
  intermediateKey = makeKey('P-256'),
): Hierarchy {
  const rootKey = makeKey('P-256');
  const rootName = commonNameOnly(`${name} Root`);
  const intermediateName = commonNameOnly(`${name} Intermediate`);
  const authority = (subject: Uint8Array, key: KeyObject, issuerKey: KeyObject, pathLength: number): Uint8Array =>
    signCertificate(
      {
        subject,
        spki: spkiOf(key),
        notBefore,
        notAfter,
        extensions: [
          keyUsage('keyCertSign', 'cRLSign'),
          basicConstraints(true, pathLength),
          subjectKeyIdentifier(spkiOf(key)),
          authorityKeyIdentifier(spkiOf(issuerKey)),
        ],
      },
      { subject: rootName, key: issuerKey },
    );
  return {
    root: authority(rootName, rootKey, rootKey, 1),
    rootKey,
    rootName,
    intermediate: authority(intermediateName, intermediateKey, rootKey, 0),
    intermediateKey,
    intermediateName,
  };
}
