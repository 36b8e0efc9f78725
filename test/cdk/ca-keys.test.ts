/** What a CA asks the renew function to sign beside certificates: by which keys, and who else may use them. */
import type { Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { config, synthesize } from './fixtures.ts';
import { statements, textOf, withSid } from './template-reading.ts';

const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-123456789001';
const { internal } = config.profiles;
const withKey = (provisioner: { name: string; kmsKeyArn: string } | { name: string; keySecretId: string }) => ({
  ...internal,
  ca: { ...internal.ca, provisioner },
});
const { template } = synthesize({
  profiles: {
    internal,
    inKms: withKey({ name: 'renewer', kmsKeyArn: keyArn }),
    again: withKey({ name: 'renewer', kmsKeyArn: keyArn }),
    inSecret: withKey({ name: 'renewer', keySecretId: 'pki/provisioner' }),
  },
});

const about = (role: string, text: string, from: Template) =>
  statements(role, from).filter(({ Resource }) => [Resource].flat().some((each) => textOf(each).includes(text)));

it("the provisioner's key in KMS is for the renew function alone, once, to sign with and to be known by", () => {
  expect(about('RenewRole', keyArn, template).map(({ Action }) => Action)).toEqual(['kms:GetPublicKey', 'kms:Sign']);
  expect(withSid('RenewRole', 'CaSign', template)).toMatchObject({
    Resource: keyArn,
    Condition: { StringEquals: { 'kms:SigningAlgorithm': expect.arrayContaining(['ECDSA_SHA_256']) } },
  });
  expect(about('ScanRole', keyArn, template)).toEqual([]);
});

it("the provisioner's key in a secret is read by the renew function alone", () => {
  expect(about('RenewRole', 'pki/provisioner', template).map(({ Action }) => Action)).toEqual([
    'secretsmanager:GetSecretValue',
  ]);
  expect(about('ScanRole', 'pki/provisioner', template)).toEqual([]);
});

it('without a provisioner there is no such statement', () => {
  const { template: plain } = synthesize();
  expect(withSid('RenewRole', 'CaSign', plain)).toEqual({});
});
