import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { type Concern, RenewalError, restated } from '../../lambdas/domain/errors.ts';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import type { KeyVault } from '../../lambdas/domain/ports.ts';
import type { Signer } from '../../lambdas/domain/signer.ts';
import { Faults } from './faults.ts';

export interface FakeKeyInput {
  readonly spec: KeySpec;
  /** The private key. Default: a new one. */
  readonly privateKey?: KeyObject;
  /** With or without `alias/`. */
  readonly alias?: string;
  readonly usage?: 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT';
}

interface Key extends FakeKeyInput {
  readonly arn: string;
  readonly privateKey: KeyObject;
  enabled: boolean;
}

/** Keys in KMS. They sign, and their private keys stay hidden. Faults can be set on `signer` (GetPublicKey) and `sign`. */
export class FakeKeyVault implements KeyVault {
  readonly faults: Faults;
  readonly #keys = new Map<string, Key>();
  readonly #aliases = new Map<string, string>();

  readonly #newId: () => string;

  constructor(faults = new Faults(), newId: () => string = randomUUID) {
    this.faults = faults;
    this.#newId = newId;
  }

  /** Adds a key. Returns its ARN. */
  add(input: FakeKeyInput): string {
    const arn = `arn:aws:kms:us-east-1:000000000000:key/${this.#newId()}`;
    this.#keys.set(arn, { ...input, arn, privateKey: input.privateKey ?? generate(input.spec), enabled: true });
    if (input.alias !== undefined) this.setAlias(input.alias, arn);
    return arn;
  }

  setAlias(alias: string, arn: string): void {
    this.#aliases.set(alias.replace(/^alias\//, ''), arn);
  }

  /** Disables a key. It still returns its public key, but does not sign. */
  setEnabled(arn: string, enabled: boolean): void {
    this.#find(arn).enabled = enabled;
  }

  signer(keyId: string, concerns: Concern = 'certificate'): Promise<Signer> {
    return this.faults.around('signer', [keyId], () => {
      const key = this.#find(keyId);
      if (key.usage === 'ENCRYPT_DECRYPT')
        throw new RenewalError('InvalidRequest', `${keyId} is no key that can sign.`);
      const spki = new Uint8Array(createPublicKey(key.privateKey).export({ format: 'der', type: 'spki' }));
      return { keySpec: key.spec, spki, kmsKeyArn: key.arn, sign: (data) => this.#sign(key, data, concerns) };
    });
  }

  async #sign(key: Key, data: Uint8Array, concerns: Concern): Promise<Uint8Array> {
    try {
      return await this.faults.around('sign', [key.arn, data], () => {
        if (!key.enabled) throw new RenewalError('KmsDenied', `${key.arn} is disabled.`);
        return new Uint8Array(sign(digests.get(formatKeySpec(key.spec)) ?? rsaDigest(key.spec), data, key.privateKey));
      });
    } catch (error) {
      throw concerns === 'certificate' || !(error instanceof RenewalError) ? error : restated(error, { concerns });
    }
  }

  #find(keyId: string): Key {
    const alias = keyId.includes('alias/') ? keyId.slice(keyId.indexOf('alias/') + 6) : undefined;
    const arn = alias === undefined ? keyId : this.#aliases.get(alias);
    const key = [...this.#keys.values()].find((each) => each.arn === arn || each.arn.endsWith(`/${arn}`));
    if (key) return key;
    throw new RenewalError('KmsDenied', `There is no key ${keyId}.`);
  }
}

/** Repeated here on purpose, because a fake that shares them with the product could not find an error in them. */
const digests = new Map<string, string | null>([
  ['EC P-256', 'sha256'],
  ['EC P-384', 'sha384'],
  ['EC P-521', 'sha512'],
  ['OKP Ed25519', null],
]);

function rsaDigest(spec: KeySpec): string | null {
  return spec.kty === 'RSA' ? 'sha256' : null;
}

function generate(spec: KeySpec): KeyObject {
  switch (spec.kty) {
    case 'EC':
      return generateKeyPairSync('ec', { namedCurve: spec.curve }).privateKey;
    case 'OKP':
      return generateKeyPairSync('ed25519').privateKey;
    case 'RSA':
      return generateKeyPairSync('rsa', { modulusLength: spec.size }).privateKey;
  }
}
