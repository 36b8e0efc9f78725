/**
 * Secrets under a customer KMS key: of a certificate, of the CA API's tokens, of an imported authority and its password. The
 * role that needs each reads and writes it. What the API does with them: ca-api.test.ts.
 */
import { X509Certificate } from 'node:crypto';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeAll, expect, it } from 'vitest';
import { issue } from '../../testkit/cas/leaf.ts';
import { client, invoke, uniqueName } from '../../testkit/local-aws/client.ts';
import { opensslVerify } from '../authority/openssl.ts';
import { callsOf } from '../support/calls.ts';
import { apiAuthorities, ENCRYPTION_KEY, TOKEN_SECRET } from '../support/e2e-config.ts';
import { describeWith } from '../support/local.ts';
import { camel } from '../support/on-demand.ts';
import { actAs } from '../support/roles.ts';

const sealed = apiAuthorities['api-sealed'];

describeWith(['stack', 'step-ca'], 'secrets under a customer key', ({ emulator, ca, outputs }) => {
  const output = (name: string): string => outputs[name] ?? '';
  const secrets = client(SecretsManagerClient, emulator);
  const read = async (SecretId: string): Promise<Record<string, string>> =>
    JSON.parse((await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString ?? '{}');
  const certificateOf = async (SecretId: string) => new X509Certificate((await read(SecretId))['certificate'] ?? '');
  let keyArn: string;

  beforeAll(async () => {
    const { KeyMetadata } = await client(KMSClient, emulator).send(new DescribeKeyCommand({ KeyId: ENCRYPTION_KEY }));
    keyArn = KeyMetadata?.Arn ?? '';
    expect(keyArn).toMatch(/^arn:aws:kms:/);
  });

  it('hold the tokens, the imported authority and its password', async () => {
    for (const SecretId of [TOKEN_SECRET, sealed.secretId, sealed.passwordSecretId]) {
      const { KmsKeyId } = await secrets.send(new DescribeSecretCommand({ SecretId }));
      expect(KmsKeyId, SecretId).toBe(keyArn);
    }
  });

  it('allow the first certificate of an authority below the imported one', async () => {
    const [parent, child] = [await certificateOf(sealed.secretId), await certificateOf(output('ApiBelowSecretArn'))];
    expect(child.subject).toBe('CN=Example Below');
    expect(opensslVerify(child.raw, { roots: [parent.raw], now: Date.now() + 1000 })).toMatchObject({ ok: true });
  });

  it('let the workers rekey a certificate', async () => {
    const leaf = await issue(ca, {});
    const Tags = [{ Key: 'cert-renewer:profile', Value: 'internal' }];
    const Name = uniqueName('sealed');
    await secrets.send(
      new CreateSecretCommand({ Name, SecretString: camel(leaf, leaf.keyPem), KmsKeyId: keyArn, Tags }),
    );
    const answer = await invoke(emulator, output('RenewFunctionName'), { secretId: Name });
    expect(answer).toMatchObject({ error: undefined, payload: { outcome: 'rekeyed' } });
  });

  it('can’t be read by the scan', async () => {
    const scan = callsOf(emulator, await actAs(emulator, output('ScanFunctionName')));
    expect(await scan.read(TOKEN_SECRET)).toBe('denied');
  });
});
