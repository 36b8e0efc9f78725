/** Certificates of every kind on the local AWS. Each has its own proxy and its own worker processes. */

import { createPublicKey, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CreateKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { createAuthority } from '../../lambdas/authority/create.ts';
import { kmsKeyVault } from '../../lambdas/aws/kms.ts';
import { secretsManagerStore } from '../../lambdas/aws/secrets-manager.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import type { CaReference } from '../../lambdas/domain/profile.ts';
import { parseAuthority } from '../../lambdas/policy/authority.ts';
import { readDeclaration } from '../../lambdas/policy/declaration.ts';
import { declarationHash, parameterNameOf } from '../../lambdas/policy/declaration-identity.ts';
import { identityOf } from '../../lambdas/providers/index.ts';
import { parseProfile } from '../../lambdas/providers/profile.ts';
import { bareLeaf, type CaAccess } from '../cas/leaf.ts';
import { issuingProvisioner } from '../cas/step-ca.ts';
import { makeKey, pem } from '../certificates/index.ts';
import * as infisical from '../fakes/infisical.ts';
import { rootPem } from '../fakes/tls-server.ts';
import { emulatorOptions, systemClock } from '../local-aws/adapter-options.ts';
import { client, type Endpoint, uniqueName } from '../local-aws/client.ts';
import { type EnrolledSecret, enrol, inShape } from '../local-aws/enrolled.ts';
import type { EmulatorAccess } from '../local-aws/ministack.ts';
import { type AwsProxy, startAwsProxy } from './aws-proxy.ts';
import { asked as askedOf, linesOf } from './worker.ts';

const hour = 3_600_000;

export const kinds = [
  'rekey',
  'renew',
  'key in KMS',
  'offline',
  'CA renewal',
  'infisical',
  'declared, first',
  'declared, changed',
  'declared, own authority',
] as const;
/** Of a CA that answers later. A table of its own (order-crash.ts), because it has other calls. */
export const ordered = 'declared, ordered';
export type Kind = (typeof kinds)[number] | typeof ordered;

/** The name in the certificates of the declared kinds. */
export const declaredName = 'web.svc.example';

export interface Scene {
  readonly kind: Kind;
  readonly proxy: AwsProxy;
  readonly secret: EnrolledSecret;
  /** The environment of the workers. They reach AWS through the proxy. */
  readonly env: Readonly<Record<string, string>>;
  /** Returns the number of requested certificates. */
  issued(): Promise<number>;
  /** Returns the number of orders at a CA that answers later. */
  placed(): Promise<number>;
  close(): Promise<void>;
}

export interface Surroundings {
  readonly emulator: EmulatorAccess;
  readonly ca: CaAccess;
  readonly folder: string;
  readonly infisicalUrl: string;
  /** Only for `ordered`. */
  readonly acme?: { readonly directory: string; readonly serverRoot: string; readonly root: string };
}

/** Makes a certificate that is due. That of an authority is not due, and must be forced. */
export async function sceneOf(kind: Kind, { emulator, ca, folder, infisicalUrl, acme }: Surroundings): Promise<Scene> {
  const prefix = `/${uniqueName('crash')}`;
  const parameter = (name: string, document: object) =>
    client(SSMClient, emulator).send(
      new PutParameterCommand({ Name: `${prefix}/${name}`, Value: JSON.stringify(document), Type: 'String' }),
    );
  const proxy = await startAwsProxy(emulator.endpoint);
  const log = join(folder, `ca-${randomBytes(6).toString('hex')}.log`);
  const { secret, authorities } = await enrolled();
  const queue = kind === ordered ? await makeQueue(emulator) : 'none';

  async function enrolled(): Promise<{ secret: EnrolledSecret; authorities: readonly string[] }> {
    if (kind === 'CA renewal') return ownAuthority(emulator, parameter);
    if (kind === 'infisical') {
      const auth = { Name: uniqueName('auth'), SecretString: JSON.stringify(infisical.login) };
      await client(SecretsManagerClient, emulator).send(new CreateSecretCommand(auth));
      const root = rootPem + pem(infisical.ca.root);
      const source = { type: 'infisical', url: infisicalUrl, caId: 'ca-1', authSecretId: auth.Name, root };
      await parameter('profiles/internal', { ca: source });
      // Ten of its sixty days are left. Its root ends five days after the next sixty.
      const present = infisical.renewed(infisical.now + 10 * 24 * hour, infisical.now - 50 * 24 * hour);
      const value = { certificate: pem(present), certificateChain: pem(infisical.ca.root) };
      return { secret: await enrol(emulator, { value: JSON.stringify(value) }), authorities: [] };
    }
    if (kind === 'declared, own authority') {
      const { authorities } = await ownAuthority(emulator, parameter);
      return { secret: await declare({ type: 'offline', authority: 'root' }, '{}'), authorities };
    }
    if (kind === ordered) {
      const { arn: accountKeyArn } = await kmsKey(emulator);
      const source = {
        type: 'acme',
        ...acme,
        accountKeyArn,
        agreeToTerms: true,
        challenge: { type: 'dns-persist-01' },
      };
      return { secret: await declare(source, '{}'), authorities: [] };
    }
    if (kind === 'declared, first') return { secret: await declare(await issuingCa(), '{}'), authorities: [] };
    const now = Math.floor(Date.now() / 1000) * 1000;
    if (kind === 'declared, changed') {
      const pair = bareLeaf(ca, { key: makeKey(), notBefore: now - hour, notAfter: now + 23 * hour });
      const secret = await declare(await issuingCa(), inShape('camel', pair), { issued: '0'.repeat(32) });
      return { secret, authorities: [] };
    }
    const held = kind === 'key in KMS' ? await kmsKey(emulator) : undefined;
    const pair = bareLeaf(ca, {
      key: held?.publicKey ?? makeKey(),
      notBefore: now - 22 * hour,
      notAfter: now + 2 * hour,
    });
    const value = inShape('camel', { ...pair, ...(held && { kmsKeyId: held.arn }) });
    const tags = kind === 'renew' ? { mode: 'renew' } : {};
    if (kind !== 'offline') {
      await parameter('profiles/internal', { ca: { type: 'step-ca', url: ca.url, root: ca.rootPem } });
      return { secret: await enrol(emulator, { value, tags }), authorities: [] };
    }
    const own = { certificate: ca.intermediatePem, privateKey: ca.intermediateKeyPem, certificateChain: ca.rootPem };
    const name = { Name: uniqueName('own'), SecretString: JSON.stringify(own) };
    await client(SecretsManagerClient, emulator).send(new CreateSecretCommand(name));
    await parameter('authorities/own', { secretId: name.Name });
    await parameter('profiles/internal', { ca: { type: 'offline', authority: 'own' } });
    return { secret: await enrol(emulator, { value }), authorities: ['own'] };
  }

  async function issuingCa(): Promise<CaReference> {
    const key = { Name: uniqueName('provisioner'), SecretString: ca.provisioner.keyPem };
    await client(SecretsManagerClient, emulator).send(new CreateSecretCommand(key));
    const provisioner = { name: issuingProvisioner, keySecretId: key.Name };
    return { type: 'step-ca', url: ca.url, root: ca.rootPem, provisioner };
  }

  /** Declares a certificate, as a deployment does. `issued` is the hash that the present certificate was issued for. */
  async function declare(
    source: CaReference,
    value: string,
    tags: Record<string, string> = {},
  ): Promise<EnrolledSecret> {
    const profile = { ca: source, issue: { allow: ['dns:svc.example'] } };
    await parameter('profiles/internal', profile);
    const usages = source.type === 'acme' ? { usages: ['serverAuth' as const] } : {};
    const asked = { profile: 'internal', dnsNames: [declaredName], ...usages };
    const { declaration } = readDeclaration({ secretName: 'any', ...asked });
    const parsed = await parseProfile('internal', JSON.stringify(profile));
    const declared = declarationHash(declaration, parsed, identityOf(parsed.ca));
    const secret = await enrol(emulator, { value, tags: { ...tags, declared } });
    const document = { secretName: secret.name, ...asked };
    await parameter(`certificates/${parameterNameOf(secret.name)}`, document);
    return secret;
  }

  return {
    kind,
    proxy,
    secret,
    env: {
      ...emulator.env,
      AWS_ENDPOINT_URL: proxy.endpoint,
      AWS_LAMBDA_FUNCTION_NAME: 'renew',
      POWERTOOLS_SERVICE_NAME: 'cert-renewer',
      PROFILE_PREFIX: `${prefix}/profiles`,
      AUTHORITY_PREFIX: `${prefix}/authorities`,
      DECLARATION_PREFIX: `${prefix}/certificates`,
      AUTHORITIES: JSON.stringify(authorities),
      EVENT_BUS_NAME: 'default',
      QUEUE_URL: `${proxy.endpoint}/000000000000/${queue}`,
      SCHEDULE: 'rate(1 hour)',
      CA_LOG: log,
      ...(kind === ordered && { CA_PATHS: acmePaths }),
    },
    issued: async () => {
      if (kind === ordered) return new Set(await linesOf(log, /finalize/)).size;
      if (kind === 'CA renewal' || kind === 'declared, own authority') return proxy.count('Sign');
      return kind === 'offline' ? staged(proxy) : askedOf(log);
    },
    placed: async () => (await linesOf(log, /order-plz/)).length,
    close: () => proxy.close(),
  };
}

/** The paths of Pebble's calls that change something, and of the certificate. */
const acmePaths = '/(order-plz|chalZ/|finalize-order/|certZ/)';

async function makeQueue(emulator: Endpoint): Promise<string> {
  const QueueName = uniqueName('orders');
  await client(SQSClient, emulator).send(new CreateQueueCommand({ QueueName }));
  return QueueName;
}

/** An offline certificate needs no request. Counts the versions that workers have tried to write. */
function staged({ calls }: AwsProxy): number {
  const writes = calls.filter(({ api }) => api === 'PutSecretValue');
  return new Set(writes.map(({ body }) => JSON.parse(body).ClientRequestToken)).size;
}

/** Makes a root of the stack's own with its key in KMS. */
async function ownAuthority(emulator: Endpoint, parameter: (name: string, document: object) => Promise<unknown>) {
  const secrets = client(SecretsManagerClient, emulator);
  const Name = uniqueName('authority');
  const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name, SecretString: '{}' }));
  const { arn: kmsKeyArn } = await kmsKey(emulator);
  const document = {
    secretId: ARN,
    kmsKeyArn,
    create: { subject: 'CN=Root', validity: 100 * 24 * hour, pathLength: 1 },
  };
  await parameter('authorities/root', document);
  const options = emulatorOptions(emulator);
  const authority = parseAuthority('root', JSON.stringify(document));
  const world = {
    authorities: { names: ['root'], find: async () => authority },
    store: secretsManagerStore(options)(noLimits),
    vault: kmsKeyVault({ ...options, clock: systemClock })(noLimits),
    clock: systemClock,
    entropy: (length: number) => new Uint8Array(randomBytes(length)),
  };
  await createAuthority(world, 'root');
  const { currentVersionId = '' } = await world.store.describe(ARN);
  return { secret: { arn: ARN, name: Name, versionId: currentVersionId }, authorities: ['root'] };
}

async function kmsKey(emulator: Endpoint) {
  const kms = client(KMSClient, emulator);
  const Tags = [{ TagKey: 'cert-renewer:profile', TagValue: 'internal' }];
  const made = await kms.send(new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', Tags }));
  const arn = made.KeyMetadata?.Arn ?? '';
  const { PublicKey = new Uint8Array() } = await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
  return { arn, publicKey: createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' }) };
}
