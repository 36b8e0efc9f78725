import { Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { readConfigFile } from '../../cdk/config/config.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { config, examples, newApp } from './fixtures.ts';

const everything: CertRenewerProps = {
  profiles: {
    internal: {
      ...config.profiles.internal,
      passwordSecretId: 'pki/password',
      hooks: readConfigFile(`${examples}hooks.json`).profiles['web']?.hooks,
    },
    other: config.profiles.internal,
    infisical: { ca: { type: 'infisical', url: 'https://eu.infisical.com', caId: 'x', authSecretId: 'pki/login' } },
    ...readConfigFile(`${examples}acme.json`).profiles,
    offline: { ca: { type: 'offline', authority: 'issuing' }, issue: { allow: ['dns:example.com'] } },
  },
  authorities: readConfigFile(`${examples}authorities.json`).authorities,
  caApi: { auth: 'bearer', tokenSecretId: 'pki/tokens' },
  certificates: { 'web/tls': { profile: 'offline', dnsNames: ['web.example.com'] } },
  notify: { email: ['ops@example.com'] },
  probe: { allow: ['dns:example.com'] },
  vpc: { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'] },
  encryptionKeys: ['arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'],
};

describe('cdk-nag’s AwsSolutions', () => {
  it.each<[string, CertRenewerProps]>([
    ['the least', config],
    ['everything', everything],
    ['an API by IAM', { ...everything, caApi: { auth: 'iam' } }],
  ])('accepts %s', (_, options) => {
    const app = newApp();
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    new CertRenewerStack(app, 'CertRenewer', { config: options });
    expect(() => app.synth()).not.toThrow();
  });

  it('reports planted problems', () => {
    const app = newApp();
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    const { renewer } = new CertRenewerStack(app, 'CertRenewer', { config });
    renewer.renewFunction.addToRolePolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] }));
    expect(() => app.synth()).toThrow(/AwsSolutions-IAM5/);
  });
});
