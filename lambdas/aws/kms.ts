/** Signs with keys in KMS. The private key never leaves KMS; data is hashed here. */
import { createHash } from 'node:crypto';
import type { GetPublicKeyCommandOutput, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { type CallPolicy, call } from '../domain/calls.ts';
import { RenewalError, restated } from '../domain/errors.ts';
import type { KeySpec } from '../domain/key-spec.ts';
import type { Clock, KeyVault } from '../domain/ports.ts';
import type { Signer } from '../domain/signer.ts';
import { algorithmOf, keySpecOfSpki, kmsKeySpec } from '../x509/algorithms.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError, quoteId } from './errors.ts';

export interface KmsKeyVaultOptions extends AwsOptions {
  readonly clock: Clock;
}

/** Milliseconds that an alias's key is kept. A key's public half never changes, but an alias can get another key. */
const aliasKeptFor = 60_000;
/** Bytes of a RAW message, the only kind for Ed25519. */
const longestRawMessage = 4_096;
const allowed =
  'an asymmetric key for SIGN_VERIFY: ECC_NIST_P256, _P384, _P521, _EDWARDS25519, RSA_2048, _3072 or _4096';

/** A key in KMS, without its signer. */
type PublicKey = Pick<Signer, 'keySpec' | 'spki'> & { readonly kmsKeyArn: string };

interface Kept {
  readonly key: Promise<PublicKey>;
  readonly since: number;
}

/** Returns a KeyVault for each invocation. Its client is loaded with the first key. It calls GetPublicKey once for each key and process. */
export function kmsKeyVault(options: KmsKeyVaultOptions): (policy: CallPolicy) => KeyVault {
  const sdk = once(async () => {
    const loaded = await import('./sdk/kms.ts');
    return { ...loaded, client: new loaded.KMSClient(clientConfig(options)) };
  });
  const kept = new Map<string, Kept>();

  async function load(keyId: string): Promise<PublicKey> {
    const answer = await getPublicKey(keyId);
    // Always the key's ARN: at the time of the signature an alias may mean another key.
    return { ...usableKey(answer, keyId), kmsKeyArn: answer.KeyId ?? keyId };
  }

  function publicKey(keyId: string): Promise<PublicKey> {
    const known = kept.get(keyId);
    if (known && (!isAlias(keyId) || options.clock.now() - known.since < aliasKeptFor)) return known.key;
    const key = load(keyId);
    kept.set(keyId, { key, since: options.clock.now() });
    key.catch(() => kept.get(keyId)?.key === key && kept.delete(keyId)); // a failure is not kept
    return key;
  }

  async function getPublicKey(keyId: string): Promise<GetPublicKeyCommandOutput> {
    try {
      const { client, GetPublicKeyCommand } = await sdk();
      return await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
    } catch (thrown) {
      throw awsError(thrown, { service: 'kms', action: 'GetPublicKey', resource: keyId });
    }
  }

  async function sign({ keySpec, kmsKeyArn }: PublicKey, data: Uint8Array): Promise<Uint8Array> {
    const request = { KeyId: kmsKeyArn, ...signingRequest(keySpec, data, kmsKeyArn) };
    try {
      const { client, SignCommand } = await sdk();
      const { Signature } = await client.send(new SignCommand(request));
      if (Signature) return Signature;
    } catch (thrown) {
      throw awsError(thrown, { service: 'kms', action: 'Sign', resource: kmsKeyArn });
    }
    throw new RenewalError(
      'KmsUnavailable',
      `KMS answered Sign on ${kmsKeyArn} without a signature: the call is tried again.`,
    );
  }

  return (policy) => ({
    async signer(keyId, concerns = 'certificate') {
      const key = await call(policy, 'signer', () => publicKey(keyId));
      const signed = (data: Uint8Array) => call(policy, 'sign', () => sign(key, data));
      if (concerns === 'certificate') return { ...key, sign: signed };
      const restate = (error: unknown) => {
        throw restated(error, { concerns });
      };
      return { ...key, sign: (data) => signed(data).catch(restate) };
    },
  });
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
 * Returns the fields of a Sign request: a digest if the algorithm allows it, because KMS limits messages to 4,096 bytes and a certificate
 * can be longer. Ed25519 needs the message (RFC 8032); KMS's ED25519_PH_SHA_512 is another algorithm.
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
    `The data to sign with the KMS key ${keyArn} has ${data.byteLength} bytes, but KMS signs at most ${longestRawMessage} with Ed25519: use an EC or RSA key in KMS.`,
  );
}
