import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { jsonSchema } from '../../cdk/config/config-schema.ts';
import { examples } from './fixtures.ts';

const published = JSON.parse(readFileSync(new URL('../../cert-renewer.schema.json', import.meta.url), 'utf8'));
const validate = new Ajv2020({ strict: true, strictTuples: false }).compile(published);
const example = () => JSON.parse(readFileSync(`${examples}cert-renewer.json`, 'utf8'));

describe('cert-renewer.schema.json', () => {
  it('is up to date (npm run schema)', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(jsonSchema())));
  });

  it('accepts the example', () => {
    validate(example());
    expect(validate.errors).toBeNull();
  });

  it('accepts every option', () => {
    const targetTag = { key: 'Role', value: 'web' };
    const all = {
      ...example(),
      scheduleTimezone: 'Europe/Berlin',
      paused: false,
      vpc: { vpcId: 'vpc-1', subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] },
      encryptionKeys: ['arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'],
      authorities: {
        root: { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 1 } },
        legacy: { secretId: 'pki/legacy', kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/x' },
      },
      caApi: { auth: 'bearer', tokenSecretId: 'pki/tokens' },
      certificates: {
        'web/tls': {
          profile: 'internal',
          dnsNames: ['web.svc.example', '*.web.svc.example'],
          ipAddresses: ['10.0.0.7'],
          emails: [],
          uris: [],
          commonName: 'web.svc.example',
          usages: ['serverAuth', 'clientAuth'],
          duration: '720h',
          mode: 'rekey',
          expiresIn: '33%',
          rekeyPeriod: null,
          kty: 'EC',
          curve: 'P-256',
          size: null,
          paused: false,
          shape: 'camel',
          encryptionKey: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
          endpoints: ['web.svc.example:443'],
          wait: true,
        },
        'web/in-kms': {
          profile: 'internal',
          uris: ['spiffe://example.com/web'],
          kmsKeyId: 'alias/web',
          existing: true,
        },
      },
    };
    all.profiles.internal.issue = { allow: ['dns:svc.example'], duration: '720h', maxDuration: '2160h' };
    all.profiles.internal.hooks = [
      { type: 'exec', command: 'nginx -s reload', targetTag },
      { type: 'signal', pidFile: '/run/nginx.pid', signal: 1, targetTag },
      { type: 'lambda', functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:reload' },
      { type: 'sns', topicArn: 'arn:aws:sns:eu-central-1:111122223333:renewed' },
      { type: 'acm', certificates: { 'web/server': 'arn:aws:acm:eu-central-1:111122223333:certificate/1234abcd' } },
      { type: 'ecs', services: { 'web/server': 'prod/web' } },
    ];
    validate(all);
    expect(validate.errors).toBeNull();
  });

  it.each([
    ['an unknown key', (config: Record<string, unknown>) => Object.assign(config, { foo: 1 })],
    ['a bad value', (config: Record<string, unknown>) => Object.assign(config, { maxConcurrency: 1 })],
    [
      'a bad name of a secret',
      (config: Record<string, unknown>) => Object.assign(config, { certificates: { 'a b': {} } }),
    ],
    ['no profiles', (config: Record<string, unknown>) => delete config['profiles']],
  ])('refuses %s', (_, spoil) => {
    const config = example();
    spoil(config);
    expect(validate(config)).toBe(false);
  });

  it('describes every option of the first level, of a profile and of a certificate', () => {
    const { $schema: _, ...properties } = published.properties;
    for (const [name, node] of Object.entries<{ description?: string }>({
      ...properties,
      ...published.properties.profiles.additionalProperties.properties,
      ...published.properties.certificates.additionalProperties.properties,
    })) {
      expect(node.description, name).toMatch(/\.$/);
    }
  });
});
