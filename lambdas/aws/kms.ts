/** Keys in KMS as Signers. The private key never leaves KMS; what is signed is hashed here. */
import { createHash } from 'node:crypto';
import type { GetPublicKeyCommandOutput, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { RenewalError } from '../domain/errors.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import type { Clock, KeyVault } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, keySpecOfSpki, kmsKeySpec } from '../x509/algorithms.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError, quoteId } from './errors.ts';

export interface KmsKeyVaultOptions extends AwsOptions {
  readonly clock: Clock;
}

/** A key's public half never changes, but an alias can be given to another key: so long (ms) its key is believed. */
const aliasKeptFor = 60_000;
/** Bytes of a RAW message, the only kind that Ed25519 takes. */
const longestRawMessage = 4_096;
const allowed =
  'an asymmetric key for SIGN_VERIFY: ECC_NIST_P256, _P384, _P521, _EDWARDS25519, RSA_2048, _3072 or _4096';

interface Kept {
  readonly signer: Promise<Signer>;
  readonly since: number;
}

/** A KeyVault whose client is loaded with the first key. GetPublicKey is asked once per key and process. */
export function kmsKeyVault(options: KmsKeyVaultOptions): KeyVault {
  const sdk = once(async () => {
    const loaded = await import('./sdk/kms.ts');
    return { ...loaded, client: new loaded.KMSClient(clientConfig(options)) };
  });
  const kept = new Map<string, Kept>();

  async function load(keyId: string): Promise<Signer> {
    const answer = await getPublicKey(keyId);
    const { keySpec, spki } = usableKey(answer, keyId);
    const kmsKeyArn = answer.KeyId ?? keyId; // always the key's ARN: an alias may mean another key by the time we sign
    return { keySpec, spki, kmsKeyArn, sign: (data) => sign(kmsKeyArn, keySpec, data) };
  }

  async function getPublicKey(keyId: string): Promise<GetPublicKeyCommandOutput> {
    try {
      const { client, GetPublicKeyCommand } = await sdk();
      return await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
    } catch (thrown) {
      throw awsError(thrown, { service: 'kms', action: 'GetPublicKey', resource: keyId });
    }
  }

  async function sign(keyArn: string, keySpec: KeySpec, data: Uint8Array): Promise<Uint8Array> {
    const request = { KeyId: keyArn, ...signingRequest(keySpec, data, keyArn) };
    try {
      const { client, SignCommand } = await sdk();
      const { Signature } = await client.send(new SignCommand(request));
      if (Signature) return Signature;
    } catch (thrown) {
      throw awsError(thrown, { service: 'kms', action: 'Sign', resource: keyArn });
    }
    throw new RenewalError('KmsUnavailable', `KMS answered Sign on ${keyArn} without a signature: it is tried again.`);
  }

  return {
    signer(keyId) {
      const known = kept.get(keyId);
      if (known && (!isAlias(keyId) || options.clock.now() - known.since < aliasKeptFor)) return known.signer;
      const signer = load(keyId);
      kept.set(keyId, { signer, since: options.clock.now() });
      signer.catch(() => kept.get(keyId)?.signer === signer && kept.delete(keyId)); // a failure is not kept
      return signer;
    },
  };
}

function isAlias(keyId: string): boolean {
  return keyId.startsWith('alias/') || keyId.includes(':alias/');
}

function usableKey(answer: GetPublicKeyCommandOutput, keyId: string): { keySpec: KeySpec; spki: Uint8Array } {
  const { KeyUsage: usage, KeySpec: kmsName, PublicKey: spki } = answer;
  const keySpec = spki && usage === 'SIGN_VERIFY' ? keySpecOfSpki(spki) : undefined;
  if (spki && keySpec && kmsKeySpec(keySpec) === kmsName) return { keySpec, spki };
  throw new RenewalError(
    'InvalidRequest',
    `The KMS key ${quoteId(keyId)} is ${kmsName ?? 'of an unknown kind'} for ${usage ?? 'no use'}: expected ${allowed}.`,
  );
}

/**
 * A digest wherever the algorithm takes one: KMS limits messages to 4,096 bytes, and a certificate can be longer.
 * Ed25519 hashes by itself and takes the message only (RFC 8032; KMS's ED25519_PH_SHA_512 is another algorithm).
 */
function signingRequest(spec: KeySpec, data: Uint8Array, keyArn: string) {
  const { digest, kmsMessageType: MessageType, kmsSigningAlgorithm } = algorithmOf(spec);
  const SigningAlgorithm: SigningAlgorithmSpec = kmsSigningAlgorithm;
  if (digest !== null) {
    return { SigningAlgorithm, MessageType, Message: new Uint8Array(createHash(digest).update(data).digest()) };
  }
  if (data.byteLength <= longestRawMessage) return { SigningAlgorithm, MessageType, Message: data };
  throw new RenewalError(
    'InvalidRequest',
    `${data.byteLength} bytes are to be signed with the KMS key ${keyArn}, and with Ed25519 KMS signs ${longestRawMessage} at most: use an EC or RSA key in KMS.`,
  );
}
