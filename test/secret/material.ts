/** Certificates and keys for the tests of this room, made once a run. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { encodePem } from '../../lambdas/domain/pem.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'RSA';
export const keyKinds: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'];

export function newKey(kind: KeyKind): KeyObject {
  if (kind === 'RSA') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind }).privateKey;
}

export interface Issued {
  readonly key: KeyObject;
  readonly der: Uint8Array;
}

const algorithms = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'P-521': { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  Ed25519: { name: 'Ed25519' },
  RSA: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const;

function webKey(key: KeyObject, kind: KeyKind, use: 'sign' | 'verify') {
  const jwk = key.export({ format: 'jwk' });
  const usable =
    use === 'sign'
      ? jwk
      : { ...jwk, d: undefined, p: undefined, q: undefined, dp: undefined, dq: undefined, qi: undefined };
  return webcrypto.subtle.importKey('jwk', JSON.parse(JSON.stringify(usable)), algorithms[kind], true, [use]);
}

let serial = 1;

/** A certificate for a key of this kind, a new one or the given one, signed by `issuer` (a P-256 one), or by itself. */
export async function issue(
  name: string,
  kind: KeyKind,
  issuer?: Issued & { name: string },
  { key = newKey(kind), notAfter = '2027-01-01T00:00:00Z' }: { key?: KeyObject; notAfter?: string } = {},
): Promise<Issued & { name: string }> {
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: `CN=${name}`,
      issuer: `CN=${issuer?.name ?? name}`,
      serialNumber: (serial++).toString(16).padStart(2, '0'),
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date(notAfter),
      publicKey: await webKey(key, kind, 'verify'),
      signingKey: await webKey(issuer?.key ?? key, issuer ? 'P-256' : kind, 'sign'),
      signingAlgorithm: algorithms[issuer ? 'P-256' : kind],
      extensions: [],
    },
    webcrypto,
  );
  return { name, key, der: new Uint8Array(certificate.rawData) };
}

/** Two generations of one CA, and a leaf of each kind of key in each generation. */
export async function makeMaterial() {
  const root = await issue('Root', 'P-256');
  const nextRoot = await issue('Next Root', 'P-256');
  const otherRoot = await issue('Other Root', 'P-256');
  const crossRoot = await issue('Root', 'P-256', { ...otherRoot, name: 'Root' });
  const intermediates = [
    await issue('A', 'P-256', root),
    await issue('B', 'P-256', root),
    await issue('C', 'P-256', root),
  ];
  const [a = root] = intermediates;
  const leaves = new Map<KeyKind, Issued>();
  const nextLeaves = new Map<KeyKind, Issued>();
  for (const kind of keyKinds) {
    leaves.set(kind, await issue('leaf', kind, a));
    nextLeaves.set(kind, await issue('leaf', kind, a));
  }
  const of = (leavesOf: Map<KeyKind, Issued>) => (kind: KeyKind) => {
    const found = leavesOf.get(kind);
    if (!found) throw new Error(kind);
    return found;
  };
  const [, b = a, c = a] = intermediates;
  return {
    root: root.der,
    nextRoot: nextRoot.der,
    otherRoot: otherRoot.der,
    /** Self-issued and not self-signed: issuer and subject have the root's name, and another root's key signed it. */
    crossRoot: crossRoot.der,
    a: a.der,
    b: b.der,
    c: c.der,
    leaf: of(leaves),
    nextLeaf: of(nextLeaves),
  };
}

export const pem = (der: Uint8Array, lineEnd = '\n') => encodePem('CERTIFICATE', der, lineEnd);

export type KeyEncoding = 'pkcs8' | 'traditional';

/** A key in PEM; `traditional` is SEC1 or PKCS#1 where the kind has one. */
export function keyPem(key: KeyObject, encoding: KeyEncoding = 'pkcs8', lineEnd = '\n'): string {
  if (encoding === 'traditional' && key.asymmetricKeyType === 'ec') {
    return encodePem('EC PRIVATE KEY', key.export({ format: 'der', type: 'sec1' }), lineEnd);
  }
  if (encoding === 'traditional' && key.asymmetricKeyType === 'rsa') {
    return encodePem('RSA PRIVATE KEY', key.export({ format: 'der', type: 'pkcs1' }), lineEnd);
  }
  return encodePem('PRIVATE KEY', key.export({ format: 'der', type: 'pkcs8' }), lineEnd);
}

export const text = (value: string): SecretValue => ({ kind: 'string', text: value });
export const binary = (bytes: Uint8Array): SecretValue => ({ kind: 'binary', bytes });

const golden = new URL('../golden/secret/', import.meta.url);
export const goldenText = (name: string) => readFileSync(new URL(name, golden), 'utf8');
export const goldenBytes = (name: string) => new Uint8Array(readFileSync(new URL(name, golden)));
export const goldenPassword = goldenText('password.txt');
export const goldenKey = () => createPrivateKey(goldenText('step-plain.key'));
