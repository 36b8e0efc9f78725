/** Writes and reads secret values with code that the product does not use. */
import { createPrivateKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { pem } from '../certificates/index.ts';
import type { ShapeName } from './plan.ts';

/** A mark in every confidential value, so that a leak is found. */
export const mark = 'sim-secret';
export const password = `${mark}-password`;

export interface NewValue {
  readonly shape: ShapeName;
  readonly leaf: Uint8Array;
  readonly chain: readonly Uint8Array[];
  readonly key: KeyObject | { readonly kmsKeyId: string };
  /** Must be kept by a renewal. */
  readonly note: string;
}

function keyText(key: KeyObject, isEncrypted: boolean): string {
  const encryption = isEncrypted ? { cipher: 'aes-256-cbc', passphrase: password } : {};
  return String(key.export({ type: 'pkcs8', format: 'pem', ...encryption }));
}

export function writeValue({ shape, leaf, chain, key, note }: NewValue): string {
  const isEncrypted = shape.endsWith('encrypted');
  const chainText = pem(...chain);
  const keyField = (name: string): Record<string, string> =>
    'kmsKeyId' in key ? { kmsKeyId: key.kmsKeyId } : { [name]: keyText(key, isEncrypted) };
  switch (shape) {
    case 'camel':
    case 'camel encrypted':
      return JSON.stringify({ note, certificate: pem(leaf), ...keyField('privateKey'), certificateChain: chainText });
    case 'snake':
      return JSON.stringify({
        certificate: pem(leaf),
        ...keyField('private_key'),
        ca_chain: chain.map((each) => pem(each)),
        note,
      });
    case 'tls':
      return JSON.stringify({ 'tls.crt': pem(leaf) + chainText, note, ...keyField('tls.key') });
    default:
      return `# ${note}\n${pem(leaf)}${chainText}${'kmsKeyId' in key ? '' : keyText(key, isEncrypted)}`;
  }
}

export type Content =
  | { readonly kind: 'bad'; readonly why: string }
  | {
      readonly kind: 'pair';
      readonly leaf: X509Certificate;
      readonly chain: readonly X509Certificate[];
      readonly notBefore: number;
      readonly notAfter: number;
      readonly isCa: boolean;
      readonly key: KeyObject | undefined;
      readonly kmsKeyId: string | undefined;
      readonly isEncrypted: boolean;
      readonly note: string | undefined;
    };

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** Reads a value as an application does. Never throws. */
export function readValue(value: SecretValue): Content {
  if (value.kind !== 'string') return { kind: 'bad', why: 'bytes' };
  try {
    return readText(value.text);
  } catch (error) {
    return { kind: 'bad', why: error instanceof Error ? error.message : String(error) };
  }
}

function readText(text: string): Content {
  if (text === '{}') return { kind: 'bad', why: 'empty' };
  const json: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
  const fields = new Map(Object.entries(typeof json === 'object' && json !== null ? json : {}));
  const all = json === undefined ? text : [...fields.values()].flat().join('\n');
  const blocks = [...all.matchAll(block)].map(([whole, label = '']) => ({ whole, label }));
  const certificates = blocks
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ whole }) => new X509Certificate(whole));
  const keyBlock = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  const leaf = certificates.find(({ ca }) => !ca) ?? certificates[0];
  if (leaf === undefined) return { kind: 'bad', why: 'no certificate' };
  const kmsKeyId = fields.get('kmsKeyId');
  const note = json === undefined ? /^# (.*)$/m.exec(text)?.[1] : fields.get('note');
  return {
    kind: 'pair',
    leaf,
    chain: certificates.filter((each) => each !== leaf),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    isCa: leaf.ca,
    key: keyBlock && createPrivateKey({ key: keyBlock.whole, passphrase: password }),
    kmsKeyId: typeof kmsKeyId === 'string' ? kmsKeyId : undefined,
    isEncrypted: keyBlock?.whole.includes('ENCRYPTED') ?? false,
    note: typeof note === 'string' ? note : undefined,
  };
}

/** Checks a pair by a signature, as a TLS server uses it. */
export function belongTogether(key: KeyObject, leaf: X509Certificate): boolean {
  const challenge = Buffer.from('who has this key?');
  const isEdwards = key.asymmetricKeyType === 'ed25519';
  if (leaf.publicKey.asymmetricKeyType !== key.asymmetricKeyType) return false;
  return verify(
    isEdwards ? null : 'sha256',
    challenge,
    leaf.publicKey,
    sign(isEdwards ? null : 'sha256', challenge, key),
  );
}

/** Tells whether each certificate has signed the one before it, up to one of the roots. */
export function leadsTo(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): boolean {
  let top = leaf;
  for (let steps = 0; steps <= chain.length; steps++) {
    if (roots.some((root) => isIssuer(root, top))) return true;
    const next = chain.find((each) => each !== top && isIssuer(each, top));
    if (next === undefined) return false;
    top = next;
  }
  return false;
}

const verified = new WeakMap<X509Certificate, WeakMap<X509Certificate, boolean>>();

function isIssuer(issuer: X509Certificate, of: X509Certificate): boolean {
  const known = verified.get(issuer) ?? new WeakMap<X509Certificate, boolean>();
  verified.set(issuer, known);
  const seen = known.get(of);
  if (seen !== undefined) return seen;
  const result = issuer.subject === of.issuer && of.verify(issuer.publicKey);
  known.set(of, result);
  return result;
}
