/** Certificates and keys for the tests of this folder, made once in a run. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { encodePem } from '../../lambdas/domain/pem.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { commonNameOnly, makeKey, signCertificate, spkiOf } from '../../testkit/certificates/index.ts';

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'RSA';
export const keyKinds: readonly KeyKind[] = ['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA'];

export const newKey = (kind: KeyKind): KeyObject => makeKey(kind === 'RSA' ? 'RSA-2048' : kind);

export interface Issued {
  readonly key: KeyObject;
  readonly der: Uint8Array;
}

/** Makes a certificate for a key of this kind (a new or the given one), signed by `issuer`, or by itself. */
export function issue(
  name: string,
  kind: KeyKind,
  issuer?: Issued & { name: string },
  { key = newKey(kind), notAfter = '2027-01-01T00:00:00Z' }: { key?: KeyObject; notAfter?: string } = {},
): Issued & { name: string } {
  const der = signCertificate(
    {
      subject: commonNameOnly(name),
      spki: spkiOf(key),
      notBefore: Date.parse('2026-01-01T00:00:00Z'),
      notAfter: Date.parse(notAfter),
      extensions: [],
    },
    { subject: commonNameOnly(issuer?.name ?? name), key: issuer?.key ?? key },
  );
  return { name, key, der };
}

/** Two generations of one CA, and a leaf of each kind of key in each generation. */
export function makeMaterial() {
  const root = issue('Root', 'P-256');
  const nextRoot = issue('Next Root', 'P-256');
  const otherRoot = issue('Other Root', 'P-256');
  const crossRoot = issue('Root', 'P-256', { ...otherRoot, name: 'Root' });
  const intermediates = [issue('A', 'P-256', root), issue('B', 'P-256', root), issue('C', 'P-256', root)];
  const [a = root] = intermediates;
  const leaves = new Map<KeyKind, Issued>();
  const nextLeaves = new Map<KeyKind, Issued>();
  for (const kind of keyKinds) {
    leaves.set(kind, issue('leaf', kind, a));
    nextLeaves.set(kind, issue('leaf', kind, a));
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
    /** Self-issued but not self-signed: issuer and subject have the root's name, and another root's key signed it. */
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

/** Returns a key in PEM. `traditional` is SEC1 or PKCS#1 if the kind has one. */
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
