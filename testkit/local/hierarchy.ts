import 'reflect-metadata';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  webcrypto,
} from 'node:crypto';
import { promisify } from 'node:util';
import * as x509 from '@peculiar/x509';

/** A key's algorithm and size, written as cert-renewer's answers write it. */
export type KeyType = 'EC P-256' | 'EC P-384' | 'EC P-521' | 'OKP Ed25519' | `RSA ${number}`;

export interface CaPair {
  readonly certificatePem: string;
  /** PKCS#8, not encrypted. */
  readonly keyPem: string;
}

/** A root and an intermediate that it signed. */
export interface Hierarchy {
  readonly root: CaPair;
  readonly intermediate: CaPair;
}

export interface HierarchyOptions {
  /** Default: "Local". The certificates are called "<name> Root CA" and "<name> Intermediate CA". */
  readonly name?: string;
  /** Default: EC P-256, for both. */
  readonly key?: KeyType;
  /** Sign the intermediate with this root (a CA that changes its intermediate); else a new one is made. */
  readonly root?: CaPair;
  readonly intermediateNotBefore?: Date;
  /** Default: in a year. The root lasts ten. */
  readonly intermediateNotAfter?: Date;
}

const DAY = 86_400_000;
const crypto = webcrypto;
const { keyCertSign, cRLSign } = x509.KeyUsageFlags;

export async function makeHierarchy(options: HierarchyOptions = {}): Promise<Hierarchy> {
  const { name = 'Local', key = 'EC P-256' } = options;
  const now = Date.now();
  const root =
    options.root ?? (await selfSigned(`CN=${name} Root CA`, key, new Date(now - DAY), new Date(now + 3650 * DAY)));
  const issuer = new x509.X509Certificate(root.certificatePem);
  const pair = await generateKey(key);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: `CN=${name} Intermediate CA`,
      issuer: issuer.subject,
      notBefore: options.intermediateNotBefore ?? new Date(now - DAY),
      notAfter: options.intermediateNotAfter ?? new Date(now + 365 * DAY),
      publicKey: await webPublicKey(pair),
      signingKey: await webPrivateKey(createPrivateKey(root.keyPem)),
      signingAlgorithm: signingAlgorithm(createPrivateKey(root.keyPem)),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(await webPublicKey(pair), false, crypto),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, crypto),
      ],
    },
    crypto,
  );
  return { root, intermediate: { certificatePem: pem(certificate), keyPem: pkcs8(pair) } };
}

async function selfSigned(subject: string, type: KeyType, notBefore: Date, notAfter: Date): Promise<CaPair> {
  const key = await generateKey(type);
  const publicKey = await webPublicKey(key);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject,
      issuer: subject,
      notBefore,
      notAfter,
      publicKey,
      signingKey: await webPrivateKey(key),
      signingAlgorithm: signingAlgorithm(key),
      extensions: [
        new x509.BasicConstraintsExtension(true, 1, true),
        new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
      ],
    },
    crypto,
  );
  return { certificatePem: pem(certificate), keyPem: pkcs8(key) };
}

const generate = promisify(generateKeyPair);

/** A new private key. RSA takes its time: 0.2 s for 2048 bits, 2 s for 4096. */
export async function generateKey(type: KeyType): Promise<KeyObject> {
  if (type === 'OKP Ed25519') return (await generate('ed25519')).privateKey;
  const size = type.split(' ')[1] ?? '';
  if (type.startsWith('RSA')) return (await generate('rsa', { modulusLength: Number(size) })).privateKey;
  return (await generate('ec', { namedCurve: size })).privateKey;
}

/** A positive serial number of 128 bits, as hex. */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40; // positive, and never shorter
  return bytes.toString('hex');
}

export function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

export function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The key in WebCrypto's form, which @peculiar/x509 signs with. */
export function webPrivateKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), importAlgorithm(key), true, ['sign']);
}

export function webPublicKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return crypto.subtle.importKey('spki', new Uint8Array(der), importAlgorithm(key), true, ['verify']);
}

const NIST_NAMES: Record<string, string> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function importAlgorithm(key: KeyObject): { name: string; namedCurve?: string; hash?: string } {
  if (key.asymmetricKeyType === 'ed25519') return { name: 'Ed25519' };
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  return { name: 'ECDSA', namedCurve: NIST_NAMES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? '' };
}

/** What to sign with: the digest that goes with the key's size. */
export function signingAlgorithm(key: KeyObject): { name: string; hash?: string } {
  const { name, namedCurve, hash } = importAlgorithm(key);
  if (name === 'Ed25519') return { name };
  return { name, hash: hash ?? (namedCurve === 'P-256' ? 'SHA-256' : namedCurve === 'P-384' ? 'SHA-384' : 'SHA-512') };
}
