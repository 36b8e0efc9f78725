import 'reflect-metadata';
import { createPrivateKey, type KeyObject, randomUUID, webcrypto, X509Certificate } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import * as x509 from '@peculiar/x509';
import { SignJWT } from 'jose';
import {
  generateKey,
  type KeyType,
  pem,
  pkcs8,
  serialNumber,
  signingAlgorithm,
  webPrivateKey,
  webPublicKey,
} from './hierarchy.ts';

/** All that is needed to get certificates from a running step-ca. Serialisable: a test set-up hands it to its tests. */
export interface CaAccess {
  readonly url: string;
  readonly rootPem: string;
  readonly intermediatePem: string;
  readonly intermediateKeyPem: string;
  readonly provisioner: { readonly name: string; readonly kid: string; readonly keyPem: string };
}

/** `dns:`, `ip:`, `email:` or `uri:` and the value. */
export type San = `${'dns' | 'ip' | 'email' | 'uri'}:${string}`;

export interface LeafRequest {
  /** Default: the first DNS name. '' is a certificate without a common name. */
  readonly commonName?: string;
  /** Further parts of the subject, in the terms of a step template: organization, country, serialNumber … */
  readonly subject?: Readonly<Record<string, string | readonly string[]>>;
  /** Default: `dns:leaf.example`. */
  readonly sans?: readonly San[];
  /** A type to make a new key of (default EC P-256), or the key itself. */
  readonly key?: KeyType | KeyObject;
  /** Default: a minute ago, as step-ca backdates. */
  readonly notBefore?: Date;
  /** Default: in 24 hours. */
  readonly notAfter?: Date;
  /** Default: digitalSignature, and keyEncipherment for RSA. */
  readonly keyUsage?: readonly ('digitalSignature' | 'keyEncipherment' | 'contentCommitment' | 'keyAgreement')[];
  /** Default: serverAuth, clientAuth. An empty list leaves the extension out. */
  readonly extKeyUsage?: readonly ('serverAuth' | 'clientAuth' | 'codeSigning' | 'emailProtection')[];
  /** Any more extensions; the value is DER. */
  readonly extensions?: readonly { readonly id: string; readonly critical?: boolean; readonly value: Uint8Array }[];
}

export interface Leaf {
  readonly certificate: X509Certificate;
  readonly certificatePem: string;
  /** The intermediate. */
  readonly chainPem: string;
  readonly key: KeyObject;
  /** PKCS#8. */
  readonly keyPem: string;
}

const MINUTE = 60_000;
const crypto = webcrypto;

/**
 * The JWK provisioner's template: everything in the certificate comes from the one-time token, which only this file makes.
 * (step-ca adds its provisioner extension, SKI and AKI.)
 */
export const TEMPLATE = `{
  "subject": {{ toJson .Token.leaf.subject }},
  "sans": {{ toJson .Token.leaf.sans }},
  "keyUsage": {{ toJson .Token.leaf.keyUsage }},
  "extKeyUsage": {{ toJson .Token.leaf.extKeyUsage }},
  "extensions": {{ toJson .Token.leaf.extensions }}
}`;

/** A certificate signed by step-ca itself, with its provisioner extension, so that /renew and /rekey take it. About 10 ms, but for the key. */
export async function issue(ca: CaAccess, request: LeafRequest = {}): Promise<Leaf> {
  const leaf = await complete(request);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      keys: { privateKey: await webPrivateKey(leaf.key), publicKey: await webPublicKey(leaf.key) },
      signingAlgorithm: signingAlgorithm(leaf.key),
    },
    crypto,
  );
  const body = {
    csr: csr.toString('pem'),
    ott: await oneTimeToken(ca, '/1.0/sign', leaf.commonName || 'leaf', { leaf: templateData(leaf) }),
    notBefore: rfc3339(leaf.notBefore),
    notAfter: rfc3339(leaf.notAfter),
  };
  const { crt } = await post<{ crt: string }>(ca, '/1.0/sign', body);
  return finished(ca, crt, leaf.key);
}

/**
 * A certificate as step-ca would have issued it, signed here with its intermediate's key: for what step-ca refuses to sign,
 * such as one that has expired already, a weak key, or an extension of its own.
 */
export async function forge(ca: CaAccess, request: LeafRequest = {}): Promise<Leaf> {
  const leaf = await complete(request);
  const issuer = new x509.X509Certificate(ca.intermediatePem);
  const issuerKey = createPrivateKey(ca.intermediateKeyPem);
  const publicKey = await webPublicKey(leaf.key);
  const extensions: x509.Extension[] = [
    new x509.KeyUsagesExtension(
      leaf.keyUsage.reduce((flags, usage) => flags | USAGE_FLAGS[usage], 0),
      true,
    ),
    await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
    await x509.AuthorityKeyIdentifierExtension.create(issuer, false, crypto),
    new x509.Extension('1.3.6.1.4.1.37476.9000.64.1', false, exact(provisionerExtension(ca))),
    ...leaf.extensions.map(({ id, critical = false, value }) => new x509.Extension(id, critical, exact(value))),
  ];
  if (leaf.extKeyUsage.length > 0)
    extensions.push(new x509.ExtendedKeyUsageExtension(leaf.extKeyUsage.map((usage) => x509.ExtendedKeyUsage[usage])));
  if (leaf.sans.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(leaf.sans.map(generalName)));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: distinguishedName(leaf),
      issuer: issuer.subject,
      notBefore: leaf.notBefore,
      notAfter: leaf.notAfter,
      publicKey,
      signingKey: await webPrivateKey(issuerKey),
      signingAlgorithm: signingAlgorithm(issuerKey),
      extensions,
    },
    crypto,
  );
  return finished(ca, pem(certificate), leaf.key);
}

/** Have step-ca refuse this certificate from now on. The CA must have been started with `database`. */
export async function revoke(ca: CaAccess, leaf: Leaf): Promise<void> {
  const serial = BigInt(`0x${leaf.certificate.serialNumber}`).toString();
  await post(ca, '/1.0/revoke', { serial, passive: true, ott: await oneTimeToken(ca, '/1.0/revoke', serial, {}) });
}

type Complete = Required<Omit<LeafRequest, 'key'>> & { readonly key: KeyObject };

async function complete(request: LeafRequest): Promise<Complete> {
  const sans = request.sans ?? ['dns:leaf.example'];
  const key = typeof request.key === 'object' ? request.key : await generateKey(request.key ?? 'EC P-256');
  return {
    commonName: request.commonName ?? sans.find((san) => san.startsWith('dns:'))?.slice(4) ?? 'leaf',
    subject: request.subject ?? {},
    sans,
    key,
    notBefore: request.notBefore ?? new Date(Date.now() - MINUTE),
    notAfter: request.notAfter ?? new Date(Date.now() + 24 * 60 * MINUTE),
    keyUsage:
      request.keyUsage ??
      (key.asymmetricKeyType === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature']),
    extKeyUsage: request.extKeyUsage ?? ['serverAuth', 'clientAuth'],
    extensions: request.extensions ?? [],
  };
}

function templateData(leaf: Complete): Record<string, unknown> {
  return {
    subject: { ...(leaf.commonName ? { commonName: leaf.commonName } : {}), ...leaf.subject },
    sans: leaf.sans.map((san) => ({ type: san.slice(0, san.indexOf(':')), value: san.slice(san.indexOf(':') + 1) })),
    keyUsage: leaf.keyUsage,
    extKeyUsage: leaf.extKeyUsage,
    extensions: leaf.extensions.map(({ id, critical = false, value }) => ({
      id,
      critical,
      value: Buffer.from(value).toString('base64'),
    })),
  };
}

function oneTimeToken(ca: CaAccess, path: string, subject: string, claims: Record<string, unknown>): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...claims, sans: [subject] })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: ca.provisioner.kid })
    .setIssuer(ca.provisioner.name)
    .setAudience(`${ca.url}${path}`)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + 60)
    .sign(createPrivateKey(ca.provisioner.keyPem));
}

const agents = new Map<string, Agent>();

function post<T>(ca: CaAccess, path: string, body: unknown): Promise<T> {
  const known = ca.url + ca.rootPem;
  const agent = agents.get(known) ?? new Agent({ ca: ca.rootPem, keepAlive: true });
  agents.set(known, agent);
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    };
    const sent = httpsRequest(new URL(path, ca.url), options, (answer) => {
      let received = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        received += part;
      });
      answer.on('end', () => {
        if (answer.statusCode === 201 || answer.statusCode === 200) resolve(JSON.parse(received) as T);
        else reject(new Error(`step-ca answered ${path} with ${answer.statusCode}: ${received}`));
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

function finished(ca: CaAccess, certificatePem: string, key: KeyObject): Leaf {
  const certificate = new X509Certificate(certificatePem);
  return { certificate, certificatePem, chainPem: ca.intermediatePem, key, keyPem: pkcs8(key) };
}

const USAGE_FLAGS = {
  digitalSignature: x509.KeyUsageFlags.digitalSignature,
  keyEncipherment: x509.KeyUsageFlags.keyEncipherment,
  contentCommitment: x509.KeyUsageFlags.nonRepudiation,
  keyAgreement: x509.KeyUsageFlags.keyAgreement,
} as const;

function generalName(san: San): { type: x509.GeneralNameType; value: string } {
  const types: Record<string, x509.GeneralNameType> = { dns: 'dns', ip: 'ip', email: 'email', uri: 'url' };
  const colon = san.indexOf(':');
  return { type: types[san.slice(0, colon)] ?? 'dns', value: san.slice(colon + 1) };
}

/** In the order in which Go writes a subject; the common name comes after these, the serial number last. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  country: 'C',
  organization: 'O',
  organizationalUnit: 'OU',
  locality: 'L',
  province: 'ST',
};

function distinguishedName({ subject, commonName }: Complete): x509.JsonName {
  const values = (name: string): string[] => [subject[name] ?? []].flat() as string[];
  const parts = Object.entries(ATTRIBUTES).flatMap(([name, type]) =>
    values(name).map((value) => ({ [type]: [value] })),
  );
  const serial = values('serialNumber').map((value) => ({ '2.5.4.5': [value] }));
  return [...parts, ...(commonName ? [{ CN: [commonName] }] : []), ...serial];
}

/** RFC 5280's DER of step-ca's own extension: the provisioner's type (1: JWK), name and key id. */
function provisionerExtension(ca: CaAccess): Buffer {
  const tlv = (tag: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([tag, value.length]), value]);
  const { name, kid } = ca.provisioner;
  return tlv(
    0x30,
    Buffer.concat([tlv(0x02, Buffer.from([1])), tlv(0x04, Buffer.from(name)), tlv(0x04, Buffer.from(kid))]),
  );
}

/** A copy in an ArrayBuffer of its own: a Buffer may be a slice of a larger pool. */
const exact = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

const rfc3339 = (date: Date): string => date.toISOString();
