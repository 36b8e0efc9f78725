/** A stack that makes its authorities itself, with keys in KMS and IAM in front of the API: deployed, called and inspected. */
import { X509Certificate } from 'node:crypto';
import { DescribeKeyCommand, GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callCaApi, type HttpCall, newPath, oldPath, renewalUntil } from '../../testkit/local-aws/ca-api.ts';
import { client, invoke, waitFor } from '../../testkit/local-aws/client.ts';
import { install } from '../../testkit/local-aws/install.ts';
import { type Emulator, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { bootstrap } from '../../testkit/local-aws/stack.ts';
import { opensslText, opensslVerify } from '../authority/openssl.ts';
import { userWith } from '../local-aws/iam.ts';
import { outcome } from '../support/calls.ts';
import { describeWith } from '../support/local.ts';
import { logEntries } from '../support/logs.ts';

describeWith(['stack'], 'authorities that the stack makes, and the CA API with IAM', ({ stack }) => {
  // A local AWS of its own, because the name of the stack is already used in the shared one.
  let emulator: Emulator;
  let secrets: SecretsManagerClient;
  let outputs: Record<string, string>;

  beforeAll(async () => {
    emulator = await startEmulator();
    secrets = client(SecretsManagerClient, emulator);
    await bootstrap(emulator);
    outputs = await install(emulator, stack.own.iam);
    const authorities = [outputs['RootSecretArn'] ?? '', outputs['IssuingSecretArn'] ?? ''];
    await waitFor('the first look at both authorities', async () => {
      const written = await Promise.all(authorities.map((arn) => tagsOf(arn)));
      return written.every((keys) => keys.has('cert-renewer:version-id'));
    });
    // A failure tag, so that a success has something to remove. It is set after the first inspection, which would remove it.
    for (const SecretId of authorities) {
      const Tags = [{ Key: 'cert-renewer:failure', Value: '1 2026-01-01T00:00:00Z KmsUnavailable' }];
      await secrets.send(new TagResourceCommand({ SecretId, Tags }));
    }
  }, 240_000);
  afterAll(() => emulator?.stop());

  const ask = (call: HttpCall) => callCaApi(outputs['CaApiUrl'] ?? '', call);
  const read = async (output: string): Promise<Record<string, string>> => {
    const { SecretString = '{}' } = await secrets.send(new GetSecretValueCommand({ SecretId: outputs[output] }));
    return JSON.parse(SecretString);
  };
  const tagsOf = async (SecretId: string) => {
    const { Tags = [] } = await secrets.send(new DescribeSecretCommand({ SecretId }));
    return new Set(Tags.map(({ Key }) => Key));
  };
  const certificateOf = async (output: string) => new X509Certificate((await read(output))['certificate'] ?? '');

  it('has first certificates as configured, for the keys in its outputs', async () => {
    const [root, issuing] = [await certificateOf('RootSecretArn'), await certificateOf('IssuingSecretArn')];
    const now = Date.now() + 1000;
    expect(opensslVerify(issuing.raw, { roots: [root.raw], now })).toMatchObject({ ok: true });
    const text = opensslText(issuing.raw);
    expect(text).toMatch(/Subject: O ?= ?Example, CN ?= ?Example Issuing/);
    expect(text).toMatch(/Basic Constraints: critical\n\s+CA:TRUE, pathlen:0\n/);
    expect(text).toMatch(/Name Constraints: critical\n\s+Permitted:\n\s+DNS:example\.com\n/);
    const kms = client(KMSClient, emulator);
    for (const [certificate, output, spec] of [
      [root, 'RootKeyArn', 'ECC_NIST_P384'],
      [issuing, 'IssuingKeyArn', 'ECC_NIST_P256'],
    ] as const) {
      const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: outputs[output] }));
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: outputs[output] }));
      expect(KeyMetadata).toMatchObject({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' });
      expect(Buffer.from(PublicKey).equals(certificate.publicKey.export({ type: 'spki', format: 'der' }))).toBe(true);
    }
  });

  it('has had its first scan, though its schedule fires a day later', async () => {
    const said = await waitFor('the inspection of both', async () => {
      const lines = await logEntries(emulator, 0);
      const seen = (output: string) => lines.some(({ secretArn, action }) => secretArn === outputs[output] && action);
      return seen('RootSecretArn') && seen('IssuingSecretArn') && lines;
    });
    expect(said.some(({ message }) => message === 'The first scan of the stack was started.')).toBe(true);
  });

  it('lets no other principal sign with the keys, even if IAM allows it', async () => {
    const admin = await userWith(emulator, { Effect: 'Allow', Action: 'kms:*', Resource: '*' });
    const sign = new SignCommand({
      KeyId: outputs['IssuingKeyArn'],
      SigningAlgorithm: 'ECDSA_SHA_256',
      Message: new Uint8Array(32),
      MessageType: 'DIGEST',
    });
    expect(await outcome(client(KMSClient, emulator, admin).send(sign))).toBe('denied');
    const look = new GetPublicKeyCommand({ KeyId: outputs['IssuingKeyArn'] });
    expect(await outcome(client(KMSClient, emulator, admin).send(look))).toBe('ok');
  });

  it('accepts the callers that IAM allows, for the paths that it allows', async () => {
    const api = new URL(outputs['CaApiUrl'] ?? '').hostname.split('.')[0];
    const resource = (path: string) => `arn:aws:execute-api:us-east-1:000000000000:${api}/$default/POST${path}`;
    const nobody = await userWith(emulator, { Effect: 'Allow', Action: 's3:*', Resource: '*' });
    const operator = await userWith(emulator, {
      Effect: 'Allow',
      Action: 'execute-api:Invoke',
      Resource: [resource(newPath('issuing')), resource(oldPath('issuing'))],
    });
    const path = newPath('issuing');
    const body = renewalUntil('2030-06-01T00:00:00.000Z');
    const before = await certificateOf('IssuingSecretArn');
    expect(await ask({ path, body })).toMatchObject({ status: 403 });
    expect(await ask({ path, body, signedBy: nobody })).toMatchObject({ status: 403 });
    expect(await ask({ path: newPath('root'), signedBy: operator })).toMatchObject({ status: 403 });
    expect((await certificateOf('IssuingSecretArn')).fingerprint256).toBe(before.fingerprint256);

    const renewed = await ask({ path, body, signedBy: operator });
    expect(renewed).toMatchObject({ status: 200, body: { serialNumber: expect.stringMatching(/^[0-9a-f]{16,40}$/) } });
    const after = await certificateOf('IssuingSecretArn');
    expect(after.publicKey.equals(before.publicKey)).toBe(true);
    expect(after.validToDate).toEqual(new Date('2030-06-01T00:00:00Z'));
    expect(opensslText(after.raw)).toBe(opensslText(before.raw));
    const root = await certificateOf('RootSecretArn');
    expect(opensslVerify(after.raw, { roots: [root.raw], now: Date.now() + 1000 })).toMatchObject({ ok: true });

    expect(await ask({ path: oldPath('issuing'), body: '{', signedBy: operator })).toMatchObject({ status: 400 });
    expect(await ask({ path, body: '{}', signedBy: operator })).toMatchObject({ status: 422 });
    expect(await ask({ path, body, signedBy: operator })).toMatchObject({ status: 400, body: { error: 'BadRequest' } });
    // The open $default route returns the body that docs/ca-api.md promises, and reaches nothing behind it.
    expect(await ask({ path: '/', method: 'GET' })).toMatchObject({ status: 404, body: { error: 'NotFound' } });
  });

  it('renews the root on demand: the trust bundle has the old and the new root, and certificates of the old one still verify', async () => {
    const before = await certificateOf('RootSecretArn');
    const request = { secretId: outputs['RootSecretArn'], force: true };
    const { payload, error } = await invoke(emulator, outputs['RenewFunctionName'] ?? '', request);
    expect({ payload, error }).toMatchObject({
      error: undefined,
      payload: { outcome: 'renewed', profile: 'authority:root', keyAlgorithm: 'EC P-384' },
    });
    const after = await certificateOf('RootSecretArn');
    expect(after.serialNumber).not.toBe(before.serialNumber);
    const issuing = await certificateOf('IssuingSecretArn');
    expect(opensslVerify(issuing.raw, { roots: [after.raw], now: Date.now() + 1000 })).toMatchObject({ ok: true });
    const bundle = await waitFor('the trust bundle', async () => {
      const sent = new GetSecretValueCommand({ SecretId: outputs['TrustBundleSecretArn'] });
      const { SecretString = '' } = await secrets.send(sent);
      return SecretString.split(/(?<=-----END CERTIFICATE-----)\s*/).filter((pem) => pem.includes('BEGIN'));
    });
    const fingerprints = bundle.map((pem) => new X509Certificate(pem).fingerprint256);
    expect(fingerprints.sort()).toEqual([before.fingerprint256, after.fingerprint256].sort());
  });
});
