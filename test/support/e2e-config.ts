import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type CaPair, pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import type { CaAccess } from '../../testkit/cas/leaf.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import { ACCOUNT, REGION } from '../../testkit/local-aws/ministack.ts';

/** Secret with the password of the profile `encrypted`. */
export const PASSWORD_SECRET = 'e2e/key-password';

/** Secret with certificate and key of the run's CA, for the profile `offline`. */
export const AUTHORITY_SECRET = 'e2e/own-authority';
/** Alias of a customer KMS key, which the configuration lists in encryptionKeys. */
export const ENCRYPTION_KEY = 'alias/e2e-secrets';

/** Secret with the tokens of the CA API, encrypted with that key. */
export const TOKEN_SECRET = 'e2e/api-tokens';
/** Authorities that only the CA API uses, and the secret of each. */
export const apiAuthorities = {
  'api-root': { secretId: 'e2e/api-root' },
  'api-issuing': { secretId: 'e2e/api-issuing', parent: 'api-root' },
  'api-off': { secretId: 'e2e/api-off', disabled: true },
  'api-empty': { secretId: 'e2e/api-empty' },
  // It has so many tags of its own that no more fit.
  'api-crowded': { secretId: 'e2e/api-crowded' },
  // The certificate is that of `api-root`, and the key is another one.
  'api-broken': { secretId: 'e2e/api-broken' },
  // Its key has a password, and both secrets are encrypted with the customer key.
  'api-sealed': { secretId: 'e2e/api-sealed', passwordSecretId: 'e2e/api-sealed-password' },
  // The deployment makes it, signed by `api-sealed`.
  'api-below': {
    create: { subject: 'CN=Example Below', key: 'EC P-256', validity: '2400h', pathLen: 0 },
    parent: 'api-sealed',
  },
} as const;
/** In the ca.json of the profile `offline`. */
export const OFFLINE_BACKDATE = '2m';

/** A provisioner of the CA of the profile `lenient`. Its key is at the CA, and `step` asks for the password. */
export const ADMIN = { name: 'admin', password: 'correct horse battery staple' } as const;

/** The targets of the hooks of the profiles `hooked` and `hooks-fail`. The test makes those that must exist. */
export const hookTargets = {
  functionName: 'e2e-on-renewal',
  failingFunction: 'e2e-fails-on-renewal',
  missingFunction: 'e2e-no-such-function',
  topicName: 'e2e-renewals',
  missingTopic: 'e2e-no-such-topic',
  /** The name of the secret in the hook `acm`. */
  secretName: 'e2e/imported',
  certificateArn: `arn:aws:acm:${REGION}:${ACCOUNT}:certificate/12345678-1234-1234-1234-123456789012`,
  /** The secret in the hook `ecs`, and its service. */
  deployedSecret: 'e2e/deployed',
  service: { cluster: 'e2e', name: 'web' },
  /** A shell would split it into three words and run `id`. */
  command: "printf '%s' \"a 'b  c'\" && echo `id`",
  webTag: { key: 'Role', value: 'web' },
  proxyTag: { key: 'Role', value: 'proxy' },
} as const;

/** Concurrent workers. Each is a process, and more of them are slower on a machine with few cores. */
const workers = 4;

const functionArn = (name: string) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
const topicArn = (name: string) => `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`;

const hooks = [
  { type: 'exec', command: hookTargets.command, targetTag: hookTargets.webTag },
  { type: 'signal', pidFile: '/run/proxy.pid', targetTag: hookTargets.proxyTag },
  { type: 'lambda', functionArn: functionArn(hookTargets.functionName) },
  { type: 'sns', topicArn: topicArn(hookTargets.topicName) },
  { type: 'acm', certificates: { [hookTargets.secretName]: hookTargets.certificateArn } },
  {
    type: 'ecs',
    services: { [hookTargets.deployedSecret]: `${hookTargets.service.cluster}/${hookTargets.service.name}` },
  },
];
const failingHooks = [
  { type: 'lambda', functionArn: functionArn(hookTargets.failingFunction) },
  { type: 'lambda', functionArn: functionArn(hookTargets.missingFunction) },
  { type: 'sns', topicArn: topicArn(hookTargets.missingTopic) },
];

/** CAs besides the run's own CA. */
export interface MoreCas {
  /** The run's CA behind a gate that a test can shut (gate.ts). */
  readonly gated: { readonly url: string };
  /** A separate CA that renews expired certificates. */
  readonly lenient: Pick<CaAccess, 'url' | 'rootPem'>;
}

/**
 * The profiles of the deployment that all e2e tests share. A test that needs another profile adds it here. No test changes a
 * profile.
 */
export function e2eConfig(
  ca: Pick<CaAccess, 'url'>,
  { gated, lenient }: MoreCas,
  encryptionKey: string,
): Readonly<Record<string, unknown>> {
  const local = { type: 'step-ca', url: ca.url, root: 'root_ca.crt' };
  return {
    schedule: 'rate(1 hour)', // it does not fire while the tests run: they start their scans themselves
    maxConcurrency: workers,
    encryptionKeys: [encryptionKey],
    // The servers of test/e2e/served.test.ts are on this machine.
    probe: { allow: ['dns:localhost', 'ip:127.0.0.0/8'], within: '1s' },
    profiles: {
      internal: { ca: local },
      cli: { ca: local },
      // Used by one file only, which counts its failures.
      'bad-input': { ca: local },
      'same-key': { ca: local, mode: 'renew' },
      encrypted: { ca: local, passwordSecretId: PASSWORD_SECRET },
      hooked: { ca: local, hooks },
      'hooks-fail': { ca: local, hooks: failingHooks },
      paused: { ca: local, paused: true },
      'before-8h30m': { ca: local, expiresIn: '8h30m' },
      'every-16h': { ca: local, rekeyPeriod: '16h' },
      // Nothing listens on port 1.
      unreachable: { ca: { ...local, url: 'https://127.0.0.1:1' } },
      // The CA of `lenient`. Its certificate does not verify to this root.
      untrusted: { ca: { ...local, url: lenient.url } },
      gated: { ca: { ...local, url: gated.url } },
      lenient: { ca: { ...local, url: lenient.url, root: lenient.rootPem } },
      // The run's CA without its server, as in `step ca rekey --offline`.
      offline: { ca: { type: 'offline', authority: 'own' } },
      'api-issued': { ca: { type: 'offline', authority: 'api-issuing' } },
    },
    authorities: { own: { secretId: AUTHORITY_SECRET, caConfig: 'ca.json' }, ...apiAuthorities },
    caApi: { auth: 'bearer', tokenSecretId: TOKEN_SECRET },
  };
}

/** Stacks that a test deploys onto a local AWS of its own. */
export type OwnStack = 'before/schedule' | 'schedule' | 'outage' | 'iam';

/** For the test whose schedule fires, the one whose CA goes away, and the one whose authorities the stack makes. */
function ownConfigs(ca: Pick<CaAccess, 'url'>, outage: Pick<CaAccess, 'url'>): Readonly<Record<OwnStack, unknown>> {
  const profile = { ca: { type: 'step-ca', url: ca.url, root: 'root_ca.crt' } };
  const away = { ca: { ...profile.ca, url: outage.url } };
  const scheduled = { schedule: 'rate(1 minute)', maxConcurrency: workers, profiles: { internal: profile } };
  return {
    // Its bus must exist before its first scan, so that a test can listen.
    'before/schedule': { ...scheduled, paused: true },
    schedule: { ...scheduled, probe: { allow: ['ip:127.0.0.0/8'], within: '30s' } },
    outage: { schedule: 'rate(1 minute)', profiles: { one: away, two: away } },
    iam: {
      schedule: 'rate(1 day)',
      profiles: { leaves: { ca: { type: 'offline', authority: 'issuing' } } },
      // The child comes first: the deployment must find the order itself.
      authorities: {
        issuing: {
          create: {
            subject: 'CN=Example Issuing,O=Example',
            key: 'EC P-256',
            validity: '26280h',
            pathLen: 0,
            nameConstraints: { permitted: ['dns:example.com'] },
          },
          parent: 'root',
        },
        root: { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 1 } },
      },
    },
  };
}

/** Writes a configuration for each of these stacks beside that of prepareE2e. Returns their paths. */
export async function prepareOwn(
  folder: string,
  { ca, outage }: { readonly ca: Pick<CaAccess, 'url'>; readonly outage: Pick<CaAccess, 'url'> },
): Promise<Record<OwnStack, string>> {
  const files = { 'before/schedule': '', schedule: '', outage: '', iam: '' };
  for (const [name, config] of Object.entries(ownConfigs(ca, outage))) {
    files[name as OwnStack] = join(folder, `${name.replace('/', '-')}.json`);
    await writeFile(files[name as OwnStack], JSON.stringify(config, null, 2));
  }
  return files;
}

/**
 * Prepares the deployment: writes the configuration with its root beside it, and makes the secrets that it names. Returns the
 * configuration's path.
 */
export async function prepareE2e(folder: string, aws: Endpoint, ca: CaAccess, more: MoreCas): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'root_ca.crt'), ca.rootPem);
  const config = join(folder, 'cert-renewer.json');
  const customerKey = await newEncryptionKey(aws);
  await writeFile(config, JSON.stringify(e2eConfig(ca, more, customerKey), null, 2));
  // It differs from step-ca's backdate of one minute, so that a test can tell who has issued.
  await writeFile(join(folder, 'ca.json'), JSON.stringify({ authority: { backdate: OFFLINE_BACKDATE } }));
  const secrets = client(SecretsManagerClient, aws);
  const authority = {
    certificate: ca.intermediatePem,
    privateKey: ca.intermediateKeyPem,
    certificateChain: ca.rootPem,
  };
  const password = randomBytes(12).toString('base64url');
  await secrets.send(new CreateSecretCommand({ Name: PASSWORD_SECRET, SecretString: password }));
  const put = (Name: string, value: unknown, KmsKeyId?: string) =>
    secrets.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(value), KmsKeyId }));
  const { root, intermediate } = pemHierarchy({ name: 'API' });
  const pair = ({ certificatePem, keyPem }: CaPair) => ({ certificate: certificatePem, privateKey: keyPem });
  const values = {
    'api-root': pair(root),
    'api-issuing': { ...pair(intermediate), certificateChain: root.certificatePem },
    'api-off': pair(root),
    'api-empty': {},
    'api-crowded': pair(root),
    'api-broken': { ...pair(root), privateKey: intermediate.keyPem },
  };
  await put(AUTHORITY_SECRET, authority);
  for (const [name, value] of Object.entries(values)) {
    await put(apiAuthorities[name as keyof typeof values].secretId, value);
  }
  await put(TOKEN_SECRET, [], customerKey);
  const sealed = apiAuthorities['api-sealed'];
  await put(sealed.secretId, { ...pair(root), privateKey: encrypted(root.keyPem, password) }, customerKey);
  const sealedPassword = { Name: sealed.passwordSecretId, SecretString: password, KmsKeyId: customerKey };
  await secrets.send(new CreateSecretCommand(sealedPassword));
  return config;
}

/** Returns its ARN. The key's policy delegates to IAM, as the default policy of a key does. */
async function newEncryptionKey(aws: Endpoint): Promise<string> {
  const kms = client(KMSClient, aws);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  await kms.send(new CreateAliasCommand({ AliasName: ENCRYPTION_KEY, TargetKeyId: KeyMetadata?.KeyId }));
  return KeyMetadata?.Arn ?? '';
}

function encrypted(keyPem: string, passphrase: string): string {
  const cipher = 'aes-256-cbc';
  return createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'pem', cipher, passphrase }).toString();
}
