/** A stack with declared certificates for the one e2e test that owns it: its local AWS, its CA, and what must exist before. */
import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateAliasCommand, CreateKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { jwkProvisioner, startStepCa } from '../../testkit/cas/step-ca.ts';
import { client, type Endpoint } from '../../testkit/local-aws/client.ts';
import { type EmulatorAccess, startEmulator } from '../../testkit/local-aws/ministack.ts';

/** The versions of the stack, in order. The last has a changed profile and one certificate more. */
export const declaredVersions = ['first/declared', 'changed/declared', 'declared'] as const;
export type DeclaredVersion = (typeof declaredVersions)[number];

export interface DeclaredStack {
  /** Holds only the keys, the password and the provisioner's secret at first. It records its calls. */
  readonly emulator: EmulatorAccess;
  readonly stepCa: { readonly rootPem: string; readonly logFile: string };
  /** Password of the profile `sealed`. */
  readonly password: string;
  /** Stored in the secret `declared/provisioner`, for the profile `step-file`. */
  readonly provisionerKey: JsonWebKey;
  /** ARNs of customer keys. */
  readonly encryptionKeys: readonly [string, string];
}

export const PROVISIONER_SECRET = 'declared/provisioner';
const PASSWORD = 'declared/password';
/** Alias of a key in KMS that carries the tag of the profile `own`. */
export const LEAF_KEY = 'alias/declared-leaf';
/** Declared by the last version of the stack only. */
export const LATE = 'declared/late';

const own = { profile: 'own', dnsNames: ['web.svc.example'] } satisfies CertificateEntry;

/** Declarations by the name of the secret. Each is for one kind of change. */
const first = (encryptionKey: string) =>
  ({
    'declared/camel': { ...own, dnsNames: ['web.svc.example', '*.web.svc.example'], ipAddresses: ['10.0.0.7'] },
    'declared/tls': { ...own, shape: 'tls', dnsNames: ['one.svc.example', 'two.svc.example'] },
    'declared/pem': { ...own, shape: 'pem', duration: '240h' },
    'declared/rsa': { ...own, shape: 'snake', kty: 'RSA', size: 2048 },
    'declared/usages': { ...own, commonName: 'web.svc.example' },
    'declared/pkcs12': { profile: 'sealed', dnsNames: ['sealed.svc.example'], shape: 'pkcs12' },
    'declared/kms': { ...own, kmsKeyId: LEAF_KEY },
    'declared/customer': { ...own, encryptionKey },
    'declared/settings': { ...own, expiresIn: '40%' },
    'declared/paused': { ...own, paused: true },
    'declared/left': own,
    'declared/step': { profile: 'step', dnsNames: ['step.svc.example'], shape: 'tls' },
    'declared/step-file': { profile: 'step-file', dnsNames: ['file.svc.example'] },
  }) satisfies Record<string, CertificateEntry>;

/** Declarations whose change needs another certificate: a name added, a name replaced, the duration, the key, the usages. */
export const changed = [
  'declared/camel',
  'declared/tls',
  'declared/pem',
  'declared/rsa',
  'declared/usages',
  'declared/step',
] as const;

function second([before, after]: readonly [string, string]): Record<string, CertificateEntry> {
  const { 'declared/left': _, ...all } = first(before);
  const { size: __, ...rsa } = all['declared/rsa'];
  return {
    ...all,
    'declared/camel': {
      ...all['declared/camel'],
      dnsNames: ['web.svc.example', '*.web.svc.example', 'www.svc.example'],
    },
    'declared/tls': { ...all['declared/tls'], dnsNames: ['one.svc.example', 'three.svc.example'] },
    'declared/pem': { ...all['declared/pem'], duration: '480h' },
    'declared/rsa': { ...rsa, kty: 'EC', curve: 'P-384' },
    'declared/usages': { ...all['declared/usages'], usages: ['serverAuth'] },
    'declared/step': { ...all['declared/step'], dnsNames: ['other.svc.example'] },
    // Changes the secret only, not the certificate.
    'declared/customer': { ...own, encryptionKey: after },
    'declared/settings': { ...own, mode: 'renew', paused: true },
  };
}

/** Starts it, and writes its configurations into the folder. */
export async function prepareDeclared(folder: string) {
  const emulator = await startEmulator({ keepsCalls: true });
  const undo: (() => Promise<void>)[] = [emulator.stop];
  const close = async (): Promise<void> => {
    await Promise.all(undo.map((step) => step()));
  };
  try {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signing = await signingKey(emulator);
    const provisioners = [
      await jwkProvisioner('by-kms', createPublicKey({ key: Buffer.from(signing.spki), format: 'der', type: 'spki' })),
      await jwkProvisioner('by-secret', privateKey),
    ];
    const ca = await startStepCa({ provisioners, logsRequests: true });
    undo.push(ca.close);
    const provisionerKey = privateKey.export({ format: 'jwk' });
    const { password, encryptionKeys } = await prepareAccount(emulator, provisionerKey);
    const stepCa = (provisioner: unknown) => ({
      ca: { type: 'step-ca', url: ca.url, root: ca.rootPem, provisioner },
      issue: { allow: ['dns:svc.example'], duration: '24h' },
    });
    const offline = {
      ca: { type: 'offline', authority: 'issuing' },
      issue: { allow: ['dns:svc.example', 'ip:10.0.0.0/8'], duration: '720h' },
    };
    const config = (certificates: unknown, issue = {}) => ({
      schedule: 'rate(1 day)',
      encryptionKeys,
      profiles: {
        own: { ...offline, issue: { ...offline.issue, ...issue } },
        sealed: { ...offline, passwordSecretId: PASSWORD },
        step: stepCa({ name: 'by-kms', kmsKeyArn: signing.arn }),
        'step-file': stepCa({ name: 'by-secret', keySecretId: PROVISIONER_SECRET }),
      },
      authorities: {
        root: { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 1 } },
        issuing: {
          create: { subject: 'CN=Example Issuing', key: 'EC P-256', validity: '26280h', pathLen: 0 },
          parent: 'root',
        },
      },
      certificates,
    });
    const late = { [LATE]: { profile: 'step-file', dnsNames: ['late.svc.example'] } };
    const changedOnes = second(encryptionKeys);
    const files = await written(folder, {
      'first/declared': config(first(encryptionKeys[0])),
      'changed/declared': config(changedOnes),
      // A profile's limits alone need no other certificate.
      declared: config({ ...changedOnes, ...late }, { maxDuration: '2160h' }),
    });
    const { endpoint, env, logFile, callsFile, pid } = emulator;
    const access: DeclaredStack = {
      emulator: { endpoint, env, logFile, callsFile, pid },
      stepCa: { rootPem: ca.rootPem, logFile: ca.logFile },
      ...{ password, provisionerKey, encryptionKeys },
    };
    return { access, files, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function signingKey(aws: Endpoint): Promise<{ arn: string; spki: Uint8Array }> {
  const kms = client(KMSClient, aws);
  const create = new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  const { KeyMetadata: { Arn: arn = '' } = {} } = await kms.send(create);
  const { PublicKey: spki = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
  return { arn, spki };
}

async function prepareAccount(aws: Endpoint, provisionerKey: JsonWebKey) {
  const kms = client(KMSClient, aws);
  const Tags = [{ TagKey: 'cert-renewer:profile', TagValue: 'own' }];
  const leaf = await kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', Tags }));
  await kms.send(new CreateAliasCommand({ AliasName: LEAF_KEY, TargetKeyId: leaf.KeyMetadata?.KeyId }));
  const customerKey = async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  const encryptionKeys = [await customerKey(), await customerKey()] as const;
  const secrets = client(SecretsManagerClient, aws);
  const password = randomBytes(12).toString('base64url');
  await secrets.send(new CreateSecretCommand({ Name: PASSWORD, SecretString: password }));
  const SecretString = JSON.stringify(provisionerKey);
  await secrets.send(new CreateSecretCommand({ Name: PROVISIONER_SECRET, SecretString }));
  return { password, encryptionKeys };
}

async function written(folder: string, configs: Readonly<Record<DeclaredVersion, unknown>>) {
  await mkdir(folder, { recursive: true });
  const files = { 'first/declared': '', 'changed/declared': '', declared: '' };
  for (const version of declaredVersions) {
    files[version] = join(folder, `${version.replace('/', '-')}.json`);
    await writeFile(files[version], JSON.stringify(configs[version], null, 2));
  }
  return files;
}
