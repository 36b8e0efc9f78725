/** Other signatures that a CA needs from the renew function: with which keys, and who else may use these. */
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

it('the renew function alone may sign with the provisioner’s key in KMS and read its public half, by one statement', () => {
  expect(about('RenewRole', keyArn, template).map(({ Action }) => Action)).toEqual(['kms:GetPublicKey', 'kms:Sign']);
  expect(withSid('RenewRole', 'CaSign', template)).toMatchObject({
    Resource: keyArn,
    Condition: { StringEquals: { 'kms:SigningAlgorithm': expect.arrayContaining(['ECDSA_SHA_256']) } },
  });
  expect(about('ScanRole', keyArn, template)).toEqual([]);
});

it('the renew function alone reads the provisioner’s key in a secret', () => {
  expect(about('RenewRole', 'pki/provisioner', template).map(({ Action }) => Action)).toEqual([
    'secretsmanager:GetSecretValue',
  ]);
  expect(about('ScanRole', 'pki/provisioner', template)).toEqual([]);
});

it('without a provisioner there is no such statement', () => {
  const { template: plain } = synthesize();
  expect(withSid('RenewRole', 'CaSign', plain)).toEqual({});
});
