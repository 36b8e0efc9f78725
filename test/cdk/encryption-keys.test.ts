/** Customer keys of secrets: who may use them through Secrets Manager, and for which actions. */
import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { synthesize } from './fixtures.ts';
import { type Json, statements, textOf } from './template-reading.ts';

const keys = ['1', '2'].map(
  (end) => `arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-12345678900${end}`,
);
const create = { subject: 'CN=An Authority', key: 'EC P-256', validity: '87600h' };
const authorities = {
  locked: { secretId: 'pki/locked', passwordSecretId: 'pki/password' },
  below: { create, parent: 'locked' },
  furtherBelow: { create, parent: 'below' },
  root: { create },
  issuing: { create, parent: 'root' },
} satisfies CertRenewerProps['authorities'];
const { template } = synthesize({
  authorities,
  encryptionKeys: keys,
  caApi: { auth: 'bearer', tokenSecretId: 'pki/tokens' },
});

/** Returns the KMS actions that a role has on the customer keys, by key. */
function uses(role: string, from: Template = template): Record<string, unknown> {
  const found = statements(role, from).flatMap(({ Action, Resource, Condition }) =>
    [Resource].flat().flatMap((resource) => (keys.includes(textOf(resource)) ? [{ resource, Action, Condition }] : [])),
  );
  for (const { Condition } of found) {
    const { StringEquals, ...others } = Condition as { StringEquals: Json };
    expect(textOf(StringEquals['kms:ViaService'])).toBe('secretsmanager.<AWS::Region>.<AWS::URLSuffix>');
    expect(others).toEqual({});
  }
  return Object.fromEntries(found.map(({ resource, Action }) => [textOf(resource), Action]));
}
const all = (actions: unknown) => Object.fromEntries(keys.map((key) => [key, actions]));

describe('a customer key of encryptionKeys', () => {
  it.each(['RenewRole', 'CaApiHandlerRole'])('decrypts and encrypts secrets for %s', (role) => {
    expect(uses(role)).toEqual(all(['kms:Decrypt', 'kms:GenerateDataKey']));
  });

  it.each(['belowCreatorRole', 'furtherBelowCreatorRole'])(
    'only decrypts an imported authority for %s: what it writes has no customer key',
    (role) => {
      expect(uses(role)).toEqual(all('kms:Decrypt'));
    },
  );

  it.each(['rootCreatorRole', 'issuingCreatorRole'])('is not needed by %s, which reads what the stack made', (role) => {
    expect(uses(role)).toEqual({});
  });

  it('has no permission for the scan', () => {
    expect(uses('ScanRole')).toEqual({});
  });
});
