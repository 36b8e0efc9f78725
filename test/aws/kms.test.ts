import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { GetPublicKeyCommand, type GetPublicKeyCommandOutput, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { kmsKeyVault } from '../../lambdas/aws/kms.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

const aws = mockClient(KMSClient);
const arn = 'arn:aws:kms:eu-central-1:123456789012:key/0000aaaa-0000-4000-8000-000000000000';
const clock = new FakeClock();
const open = () => kmsKeyVault({ region: 'eu-central-1', clock })(noLimits);
const named = (name: string) => Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: 400 } });

type Answer = Pick<GetPublicKeyCommandOutput, 'KeyId' | 'KeySpec' | 'KeyUsage' | 'PublicKey'>;
const spki = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'der', type: 'spki' });
const answer = (KeySpec: NonNullable<Answer['KeySpec']>, publicKey: Buffer, more: Answer = {}): Answer => ({
  ...{ KeyId: arn, KeySpec, KeyUsage: 'SIGN_VERIFY', PublicKey: new Uint8Array(publicKey) },
  ...more,
});
const ec = (namedCurve: string) => spki(generateKeyPairSync('ec', { namedCurve }));
const rsa = spki(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const ed25519 = spki(generateKeyPairSync('ed25519'));
const p256 = answer('ECC_NIST_P256', ec('P-256'));

beforeEach(() => {
  aws.reset();
  aws.on(SignCommand).resolves({ Signature: Uint8Array.of(1, 2, 3) });
});

describe('sign', () => {
  const data = new Uint8Array(5_000).fill(7);
  test.each<[string, Answer, string, string]>([
    ['P-256', p256, 'sha256', 'ECDSA_SHA_256'],
    ['P-384', answer('ECC_NIST_P384', ec('P-384')), 'sha384', 'ECDSA_SHA_384'],
    ['P-521', answer('ECC_NIST_P521', ec('P-521')), 'sha512', 'ECDSA_SHA_512'],
    ['RSA', answer('RSA_2048', rsa), 'sha256', 'RSASSA_PKCS1_V1_5_SHA_256'],
  ])(
    '%s: a digest made here, because the message is longer than KMS accepts',
    async (_, publicKey, hash, algorithm) => {
      aws.on(GetPublicKeyCommand).resolves(publicKey);
      const signer = await open().signer('alias/web');
      expect(await signer.sign(data)).toEqual(Uint8Array.of(1, 2, 3));
      expect(aws.commandCalls(SignCommand).map(({ args }) => args[0].input)).toEqual([
        {
          ...{ KeyId: arn, SigningAlgorithm: algorithm, MessageType: 'DIGEST' },
          Message: new Uint8Array(createHash(hash).update(data).digest()),
        },
      ]);
    },
  );

  test('Ed25519: the message itself, to 4,096 bytes', async () => {
    aws.on(GetPublicKeyCommand).resolves(answer('ECC_NIST_EDWARDS25519', ed25519));
    const signer = await open().signer(arn);
    await signer.sign(data.subarray(0, 4_096));
    expect(aws.commandCalls(SignCommand)[0]?.args[0].input).toEqual({
      ...{ KeyId: arn, SigningAlgorithm: 'ED25519_SHA_512', MessageType: 'RAW', Message: data.subarray(0, 4_096) },
    });
    await expect(signer.sign(data.subarray(0, 4_097))).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringContaining('4096'),
    });
    expect(aws.commandCalls(SignCommand)).toHaveLength(1);
  });

  test.each([
    ['DisabledException', 'KmsDenied'],
    ['ThrottlingException', 'KmsUnavailable'],
    ['KMSInternalException', 'KmsUnavailable'],
  ])('%s is %s', async (name, code) => {
    aws.on(GetPublicKeyCommand).resolves(p256).on(SignCommand).rejects(named(name));
    const signer = await open().signer(arn);
    await expect(signer.sign(data)).rejects.toMatchObject({ code });
  });

  test('an answer without a signature is tried again', async () => {
    aws.on(GetPublicKeyCommand).resolves(p256).on(SignCommand).resolves({});
    await expect((await open().signer(arn)).sign(data)).rejects.toMatchObject({ code: 'KmsUnavailable' });
  });
});

describe('keys that are refused', () => {
  test.each<[string, Answer]>([
    ['secp256k1', answer('ECC_SECG_P256K1', ec('secp256k1'))],
    ['for encryption', answer('RSA_2048', rsa, { KeyUsage: 'ENCRYPT_DECRYPT' })],
    ['for key agreement', answer('ECC_NIST_P256', ec('P-256'), { KeyUsage: 'KEY_AGREEMENT' })],
    ['another key than KMS says', answer('ECC_NIST_P256', ec('P-384'))],
    ['a post-quantum key', answer('ML_DSA_44', ed25519)],
    ['no public key', { KeyId: arn, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }],
  ])('%s', async (_, publicKey) => {
    aws.on(GetPublicKeyCommand).resolves(publicKey);
    await expect(open().signer('alias/web')).rejects.toMatchObject({
      code: 'InvalidRequest',
      message: expect.stringMatching(/alias\/web.*expected an asymmetric key.*ECC_NIST_P256/),
    });
  });
});

describe('GetPublicKey', () => {
  test('is called once for each key and process, also by concurrent callers', async () => {
    aws.on(GetPublicKeyCommand).resolves(p256);
    const vault = open();
    const signers = await Promise.all([vault.signer(arn), vault.signer(arn)]);
    clock.advance(86_400_000);
    expect((await vault.signer(arn)).spki).toBe(signers[0].spki);
    expect(aws.commandCalls(GetPublicKeyCommand)).toHaveLength(1);
  });

  test('a failure is not kept', async () => {
    aws.on(GetPublicKeyCommand).rejectsOnce(named('ThrottlingException')).resolves(p256);
    const vault = open();
    await expect(vault.signer(arn)).rejects.toMatchObject({ code: 'KmsUnavailable' });
    expect((await vault.signer(arn)).kmsKeyArn).toBe(arn);
  });

  test.each(['alias/web', 'arn:aws:kms:eu-central-1:123456789012:alias/web'])(
    '%s is requested again after a minute, because it may name another key',
    async (alias) => {
      const other = arn.replace('0000aaaa', '0000bbbb');
      aws
        .on(GetPublicKeyCommand)
        .resolvesOnce(p256)
        .resolves({ ...p256, KeyId: other });
      const vault = open();
      const first = await vault.signer(alias);
      clock.advance(59_000);
      expect((await vault.signer(alias)).kmsKeyArn).toBe(first.kmsKeyArn);
      expect(aws.commandCalls(GetPublicKeyCommand)).toHaveLength(1);
      clock.advance(1_000);
      expect((await vault.signer(alias)).kmsKeyArn).toBe(other);
      await first.sign(Uint8Array.of(1)); // a signer that was given out keeps its key
      expect(aws.commandCalls(SignCommand)[0]?.args[0].input.KeyId).toBe(arn);
    },
  );
});

test('each invocation signs within its own limits, with a public key that is requested once', async () => {
  aws.on(GetPublicKeyCommand).resolves(p256);
  const vaultOf = kmsKeyVault({ region: 'eu-central-1', clock });
  const over = { limits: { begin: AbortSignal.abort(), work: AbortSignal.abort(), answer: AbortSignal.abort() } };
  const [now, late] = [await vaultOf(noLimits).signer(arn), vaultOf(over)];
  await expect(now.sign(new Uint8Array(8))).resolves.toBeDefined();
  await expect(late.signer(arn)).rejects.toMatchObject({
    code: 'KmsUnavailable',
    message: expect.stringMatching(/ran out of time/),
  });
  expect(aws.commandCalls(GetPublicKeyCommand)).toHaveLength(1);
});

test('an error for the key of a request concerns the request', async () => {
  aws.on(GetPublicKeyCommand).resolves(p256).on(SignCommand).rejects(named('DisabledException'));
  const vault = open();
  const [own, given] = await Promise.all([vault.signer(arn), vault.signer(arn, 'request')]);
  await expect(own.sign(new Uint8Array(8))).rejects.toMatchObject({ code: 'KmsDenied', concerns: 'certificate' });
  await expect(given.sign(new Uint8Array(8))).rejects.toMatchObject({ code: 'KmsDenied', concerns: 'request' });
});
