import { X509Certificate } from 'node:crypto';
import { DescribeKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetParametersByPathCommand } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { client } from '../../../testkit/local-aws/client.ts';
import { LEAF_KEY } from '../../support/declared-stack.ts';
import { publicHalfOf, publicKeyOf } from '../judges.ts';
import { type DeclaredWorld, PREFIX } from './world.ts';

/** Certificates that the deployment waits for. */
export const issued = [
  ...['declared/camel', 'declared/tls', 'declared/pem', 'declared/rsa', 'declared/usages', 'declared/pkcs12'],
  ...['declared/kms', 'declared/customer', 'declared/settings', 'declared/left', 'declared/step', 'declared/step-file'],
];

export function itIsThere(world: DeclaredWorld): void {
  const { found, pair, parameter, refused, declared } = world;

  it.each(issued)('ends when %s is issued: openssl verifies it, and the key belongs to it', async (name) => {
    expect(await refused(name)).toEqual([]);
    const { certificate, privateKey } = await pair(name);
    if (privateKey !== undefined) expect(await publicHalfOf(privateKey)).toBe(await publicKeyOf(certificate));
    const { tags, stages, versions } = await found(name);
    expect(tags['cert-renewer:issued']).toBe(tags['cert-renewer:declared']);
    expect(tags['cert-renewer:version-id']).toBe(stages['AWSCURRENT']);
    expect(stages['AWSCURRENT']).toMatch(/^cert-renewer-/);
    // The other version is the initial {}.
    expect(versions).toHaveLength(2);
  });

  it('writes each shape, and encrypts where there is a password', async () => {
    const fields = async (name: string) => Object.keys(JSON.parse(String((await found(name)).value)));
    expect(await fields('declared/camel')).toEqual(['certificate', 'privateKey', 'certificateChain']);
    expect(await fields('declared/tls')).toEqual(['tls.crt', 'tls.key']);
    expect(await fields('declared/rsa')).toEqual(['certificate', 'private_key', 'certificate_chain']);
    expect(await fields('declared/kms')).toEqual(['certificate', 'kmsKeyId', 'certificateChain']);
    expect((await found('declared/pem')).value).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect((await found('declared/pkcs12')).value).toBeInstanceOf(Uint8Array);
  });

  it('certifies a key in KMS without a change to the key', async () => {
    const { PublicKey = new Uint8Array() } = await client(KMSClient, world.emulator).send(
      new GetPublicKeyCommand({ KeyId: LEAF_KEY }),
    );
    const { publicKey } = new X509Certificate((await pair('declared/kms')).certificate);
    expect(publicKey.export({ type: 'spki', format: 'der' }).equals(PublicKey)).toBe(true);
  });

  it('encrypts with the customer key, and writes the tags', async () => {
    expect(await found('declared/customer')).toMatchObject({ encryptionKey: declared.encryptionKeys[0] });
    expect((await found('declared/settings')).tags).toMatchObject({ 'cert-renewer:expires-in': '40pct' });
    const { KeyMetadata } = await client(KMSClient, world.emulator).send(
      new DescribeKeyCommand({ KeyId: declared.encryptionKeys[0] }),
    );
    expect(KeyMetadata?.KeyUsage).toBe('ENCRYPT_DECRYPT');
  });

  it('does not wait for a paused certificate, which stays {}', async () => {
    const { value, tags, versions } = await found('declared/paused');
    expect(value).toBe('{}');
    expect(tags).toMatchObject({ 'cert-renewer:paused': 'true', 'cert-renewer:declared': expect.any(String) });
    expect(tags).not.toHaveProperty('cert-renewer:issued');
    expect(versions).toHaveLength(1);
  });

  it('keeps one readable parameter for each', async () => {
    const page = await world.ssm.send(
      new GetParametersByPathCommand({ Path: PREFIX, Recursive: true, MaxResults: 10 }),
    );
    const more = await world.ssm.send(
      new GetParametersByPathCommand({ Path: PREFIX, Recursive: true, MaxResults: 10, NextToken: page.NextToken }),
    );
    const names = [...(page.Parameters ?? []), ...(more.Parameters ?? [])].map(({ Name = '' }) => Name);
    expect(names.sort()).toEqual([...issued, 'declared/paused'].map((name) => PREFIX + name).sort());
    const text = (await parameter('declared/camel')) ?? '';
    expect(JSON.parse(text)).toMatchObject({
      secretName: 'declared/camel',
      profile: 'own',
      dnsNames: ['web.svc.example', '*.web.svc.example'],
      ipAddresses: ['10.0.0.7'],
    });
    expect(text.split('\n').length).toBeGreaterThan(5);
  });

  it('asks step-ca once for each of its certificates', async () => {
    expect(await world.askedToSign()).toBe(2);
  });
}
