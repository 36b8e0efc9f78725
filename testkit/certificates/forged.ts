/**
 * Private keys with the public key of another pair. An attacker who knows only a certificate can put one beside it. Node and
 * OpenSSL read them without an error, and trust the public key in the file.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import * as write from '../../lambdas/asn1/writer.ts';
import type { SecretValue } from '../../lambdas/domain/secret.ts';
import { seal } from '../../lambdas/secret/encryption/pbes.ts';
import { certificateBag } from '../../lambdas/secret/pkcs12/content.ts';
import { closeFile, shroudedKeyBag } from '../../lambdas/secret/pkcs12/file.ts';
import { fakeEntropy } from '../fakes/entropy.ts';
import { der, type KeyKind, makeKey, pem, sequence, spkiOf } from './index.ts';

export const forgeable = ['P-256', 'P-384', 'P-521', 'RSA-2048'] as const satisfies readonly KeyKind[];

/** The attacker's keys, one of each kind, because generating an RSA key is slow. */
const attackers = new Map<KeyKind, KeyObject>();

/** Returns the victim's public key with the private part of another key. */
export function forgedKey(victim: KeyObject, kind: (typeof forgeable)[number]): KeyObject {
  // A public JWK of these kinds has no other members.
  const claimed = createPublicKey(victim).export({ format: 'jwk' });
  const own = attackers.get(kind) ?? makeKey(kind);
  attackers.set(kind, own);
  return createPrivateKey({ key: { ...own.export({ format: 'jwk' }), ...claimed }, format: 'jwk' });
}

/** RFC 5958: an Ed25519 key of version 2, with the public key beside the seed. DER. */
export function forgedEd25519(victim: KeyObject): Uint8Array {
  const own = makeKey('Ed25519').export({ format: 'der', type: 'pkcs8' });
  const [, algorithm = new Uint8Array(), seed = new Uint8Array()] = elements(own);
  const claimed = der(0x81, Uint8Array.of(0), spkiOf(victim).subarray(-32));
  return sequence(der(0x02, Uint8Array.of(1)), algorithm, seed, claimed);
}

/** The three elements of a PrivateKeyInfo, none longer than 127 octets. */
function elements(info: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 2; at < info.length; at += 2 + (info[at + 1] ?? 0)) {
    found.push(info.subarray(at, at + 2 + (info[at + 1] ?? 0)));
  }
  return found;
}

export const password = 'hunter2';

/** Returns a key in PEM, in every encoding of its kind, plain and encrypted. */
export function encodingsOf(key: KeyObject): readonly { readonly name: string; readonly pem: string }[] {
  const types = key.asymmetricKeyType === 'rsa' ? (['pkcs8', 'pkcs1'] as const) : (['pkcs8', 'sec1'] as const);
  const locked = { cipher: 'aes-256-cbc', passphrase: password };
  return types.flatMap((type) => [
    { name: type, pem: String(key.export({ type: type as 'pkcs8', format: 'pem' })) },
    { name: `${type}, encrypted`, pem: String(key.export({ type: type as 'pkcs8', format: 'pem', ...locked })) },
  ]);
}

export interface NamedSecret {
  readonly name: string;
  readonly value: string | SecretValue;
}

/** The fewest iterations, because the tests open the file often. */
const derivation = { kind: 'pbkdf2', iterations: 2048, digest: 'sha256' } as const;

async function pkcs12(certificates: readonly Uint8Array[], key: KeyObject): Promise<Uint8Array> {
  const info = key.export({ format: 'der', type: 'pkcs8' });
  const { algorithm, data } = await seal(info, password, derivation, fakeEntropy());
  const value = write.sequence(algorithm, write.octetString(data));
  const safes = [
    { bags: certificates.map((each) => certificateBag(each, undefined)), derivation },
    { bags: [{ id: shroudedKeyBag, value, attributes: undefined }], derivation: undefined },
  ];
  return closeFile({ safes, macIterations: derivation.iterations }, password, fakeEntropy());
}

/** Returns a certificate with a key, in every shape and encoding of a secret. */
export async function secretsOf(
  leaf: Uint8Array,
  chain: readonly Uint8Array[],
  key: KeyObject,
): Promise<readonly NamedSecret[]> {
  const certificate = pem(leaf);
  const certificateChain = pem(...chain);
  const texts = encodingsOf(key).flatMap(({ name, pem }) => [
    { name: `JSON, ${name}`, value: JSON.stringify({ certificate, privateKey: pem, certificateChain }) },
    { name: `PEM, ${name}`, value: certificate + certificateChain + pem },
  ]);
  const file = await pkcs12([leaf, ...chain], key);
  return [
    ...texts,
    { name: 'PKCS#12', value: { kind: 'binary', bytes: file } },
    { name: 'JSON, PKCS#12', value: JSON.stringify({ pkcs12: Buffer.from(file).toString('base64') }) },
  ];
}
