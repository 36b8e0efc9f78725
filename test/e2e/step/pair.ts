/** Which pair, which output and which key: the positional arguments, --out-*, --private-key. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { CreateKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { expect } from 'vitest';
import { makeKey, pkcs8Pem } from '../../../testkit/certificates/index.ts';
import { client } from '../../../testkit/local-aws/client.ts';
import { step } from '../../../testkit/tools/go-tools.ts';
import { beside } from '../../support/programs.ts';
import { isKeyOf, serialOf } from '../../support/renewer.ts';
import { refusals } from '../judges.ts';
import { expectRekeyed, expectUntouched, ours, type Row, refusedFields } from './row.ts';

const stepTool = await step();

export const inPlace: Row[] = [
  {
    here: '{ secretId }, a name',
    see: async (world) => {
      const secret = await world.fresh();
      await expectRekeyed(world, secret, await world.renew({ secretId: secret.name }));
    },
  },
  {
    here: '{ secretId }, an ARN',
    see: async (world) => {
      const secret = await world.fresh();
      await expectRekeyed(world, secret, await world.renew({ secretId: secret.arn }));
    },
  },
  {
    here: '{ secretId }: and step takes the pair for its own next rekey',
    see: async (world) => {
      const { arn } = await world.fresh();
      await world.renew({ secretId: arn });
      const { pair } = await world.reader(arn);
      const files = {
        'leaf.crt': pair.certificate + pair.chain,
        'leaf.key': pair.privateKey ?? '',
        'root.crt': world.ca.rootPem,
      };
      await beside(files, async ({ call, read }) => {
        if (!stepTool.found) throw new Error(stepTool.message);
        await call(stepTool.path, 'certificate', 'verify', 'leaf.crt', '--roots', 'root.crt');
        const at = ['--ca-url', world.ca.url, '--root', 'root.crt'];
        await call(stepTool.path, 'ca', 'rekey', '--force', ...at, 'leaf.crt', 'leaf.key');
        const next = new X509Certificate(await read('leaf.crt'));
        expect(isKeyOf(createPrivateKey(pair.privateKey ?? ''), next)).toBe(false);
      });
    },
  },
];

export const out: Row[] = [
  {
    here: '{ out }: the pair together, in one version; the source stays',
    see: async (world) => {
      const secret = await world.fresh();
      const name = await world.put(undefined, ours);
      const answer = await world.renew({ secretId: secret.arn, out: { secretId: name } });
      expect(answer).toMatchObject({ outcome: 'rekeyed', secretArn: secret.arn, versionId: secret.versionId });
      await expectUntouched(world, secret);
      const { certificate, versionId, pair } = await world.reader(name);
      expect(serialOf(certificate)).toBe(answer.serialNumber);
      expect(answer.out).toMatchObject({ versionId, secretArn: expect.stringContaining(name) });
      expect(await refusals([pair.certificate], { root: world.ca.rootPem, chain: pair.chain })).toEqual([]);
      expect(await world.versions(name)).toEqual([versionId]);
    },
  },
  {
    here: '{ out } that is not there: SecretNotFound says how to create it',
    see: async (world) => {
      const secret = await world.fresh();
      const error = await world.refused({ secretId: secret.arn, out: { secretId: 'no/such/secret' } });
      expect(error.errorType).toBe('SecretNotFound');
      expect(error.errorMessage).toMatch(/create-secret --name no\/such\/secret --tags Key=cert-renewer:profile/);
      await expectUntouched(world, secret);
    },
  },
  {
    here: '{ out } of another profile, or of none: SecretNotEnrolled',
    see: async (world) => {
      const secret = await world.fresh();
      for (const tags of [{ profile: 'same-key' }, {}]) {
        const error = await world.refused({
          secretId: secret.arn,
          out: { secretId: await world.put(undefined, tags) },
        });
        expect(error.errorType).toBe('SecretNotEnrolled');
      }
      await expectUntouched(world, secret);
    },
  },
  {
    here: '{ out } with a value: OutputExists without force, and with it the old value is AWSPREVIOUS',
    see: async (world) => {
      const secret = await world.fresh();
      const name = await world.put('what was there', ours);
      const { versionId: first } = await world.look(name);
      const error = await world.refused({ secretId: secret.arn, out: { secretId: name } });
      expect(error).toMatchObject({ errorType: 'OutputExists', errorMessage: expect.stringContaining('force') });
      expect((await world.look(name)).value).toBe('what was there');
      await world.renew({ secretId: secret.arn, out: { secretId: name }, force: true });
      expect((await world.reader(name)).stages.get('AWSPREVIOUS')).toBe(first);
      await expectUntouched(world, secret);
    },
  },
];

/** --out-cert and --out-key are one option here, so neither can be named alone. */
export const outTogether: Row[] = [
  refusedFields(
    { out: {} },
    { out: { certificate: 'x' } },
    { out: { secretId: 's', certificate: 'x' } },
    { outCert: 's' },
    { outKey: 's' },
  ),
  {
    here: '{ out: { secretId } }, the source itself: refused',
    see: async (world) => {
      const secret = await world.fresh();
      const error = await world.refused({ secretId: secret.arn, out: { secretId: secret.name } });
      expect(error.errorType).toBe('InvalidRequest');
      await expectUntouched(world, secret);
    },
  },
];

export const privateKey: Row[] = [
  {
    here: '{ privateKey: { secretId } }: the certificate is for that key, and the key is beside it',
    see: async (world) => {
      const secret = await world.fresh();
      const key = makeKey('P-384');
      const answer = await world.renew({
        secretId: secret.arn,
        privateKey: { secretId: await world.put(pkcs8Pem(key), ours) },
      });
      expect(answer).toMatchObject({ outcome: 'rekeyed', keyAlgorithm: 'EC P-384' });
      expect(isKeyOf(key, (await world.reader(secret.arn)).certificate)).toBe(true);
    },
  },
  {
    here: '{ privateKey: { kmsKeyId } }: KMS signs the request, and the secret names the key',
    see: async (world) => {
      const secret = await world.fresh();
      const kms = client(KMSClient, world.emulator);
      const Tags = [{ TagKey: 'cert-renewer:profile', TagValue: 'internal' }];
      const create = new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', Tags });
      const { KeyMetadata: { Arn = '' } = {} } = await kms.send(create);
      await world.renew({ secretId: secret.arn, privateKey: { kmsKeyId: Arn } });
      const value = JSON.parse((await world.look(secret.arn)).value);
      expect(Object.keys(value)).toEqual(['certificate', 'kmsKeyId', 'certificateChain']);
      expect(value.kmsKeyId).toBe(Arn);
      const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: Arn }));
      const publicKey = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
      expect(new X509Certificate(value.certificate).publicKey.equals(publicKey)).toBe(true);
    },
  },
  {
    here: '{ privateKey } that is weak, the old one, or of another profile: refused',
    see: async (world) => {
      const secret = await world.fresh();
      const weak = makeKey('RSA-1024');
      const given: [string, string][] = [
        ['WeakKey', await world.put(pkcs8Pem(weak), ours)],
        ['WeakKey', await world.put(secret.leaf.keyPem, ours)],
        ['SecretNotEnrolled', await world.put(pkcs8Pem(makeKey()), { profile: 'same-key' })],
      ];
      for (const [errorType, secretId] of given) {
        expect(await world.refused({ secretId: secret.arn, privateKey: { secretId } })).toMatchObject({ errorType });
      }
      await expectUntouched(world, secret);
    },
  },
];
