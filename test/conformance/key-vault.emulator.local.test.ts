import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  KMSClient,
  type KeySpec as KmsKeySpec,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { kmsKeyVault } from '../../lambdas/aws/kms.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { formatKeySpec, type KeySpec } from '../../lambdas/domain/key-spec.ts';
import { emulatorOptions, systemClock } from '../../testkit/local-aws/adapter-options.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import { describeWith } from '../support/local.ts';
import { keyVaultSuite, type VaultWorld } from './signer.ts';

const kmsNames: Readonly<Record<string, KmsKeySpec>> = {
  'EC P-256': 'ECC_NIST_P256',
  'EC P-384': 'ECC_NIST_P384',
  'EC P-521': 'ECC_NIST_P521',
  'OKP Ed25519': 'ECC_NIST_EDWARDS25519',
  'RSA 2048': 'RSA_2048',
  'RSA 3072': 'RSA_3072',
  'RSA 4096': 'RSA_4096',
};

describeWith(['emulator'], 'KMS', ({ emulator }) => {
  keyVaultSuite('KMS on the emulator', async () => openWorld(emulator));

  test.each<[string, { KeySpec?: KmsKeySpec; KeyUsage?: 'SIGN_VERIFY' | 'GENERATE_VERIFY_MAC' }]>([
    ['a symmetric key', {}],
    ['secp256k1', { KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'SIGN_VERIFY' }],
  ])('%s is refused', async (_, input) => {
    const kms = client(KMSClient, emulator);
    const { KeyMetadata } = await kms.send(new CreateKeyCommand(input));
    const vault = kmsKeyVault({ ...emulatorOptions(emulator), clock: systemClock })(noLimits);
    await expect(vault.signer(KeyMetadata?.Arn ?? '')).rejects.toMatchObject({ code: 'InvalidRequest' });
  });
});

function openWorld(emulator: Endpoint): VaultWorld {
  const kms = client(KMSClient, emulator);
  return {
    vault: kmsKeyVault({ ...emulatorOptions(emulator), clock: systemClock })(noLimits),
    async create(spec: KeySpec, { usage = 'SIGN_VERIFY', alias } = {}) {
      const { KeyMetadata } = await kms.send(
        new CreateKeyCommand({ KeySpec: kmsNames[formatKeySpec(spec)], KeyUsage: usage }),
      );
      const arn = KeyMetadata?.Arn ?? '';
      if (alias) await kms.send(new CreateAliasCommand({ AliasName: `alias/${alias}`, TargetKeyId: arn }));
      return arn;
    },
    async disable(arn) {
      await kms.send(new DisableKeyCommand({ KeyId: arn }));
    },
    close: async () => kms.destroy(),
  };
}
