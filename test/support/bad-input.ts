/** Every kind of secret that can't be renewed, each with the expected report. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  ReplicateSecretToRegionsCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  type Tag,
} from '@aws-sdk/client-secrets-manager';
import type { ReasonCode } from '../../lambdas/domain/decision.ts';
import { pemHierarchy } from '../../testkit/cas/hierarchy.ts';
import { type CaAccess, forge, issue, type Leaf, type LeafRequest } from '../../testkit/cas/leaf.ts';
import { client, type Endpoint, ROOT, uniqueName } from '../../testkit/local-aws/client.ts';
import { inShape } from '../../testkit/local-aws/enrolled.ts';
import { camel, dueDates, hour } from './on-demand.ts';

export interface Setting {
  readonly aws: Endpoint;
  readonly ca: CaAccess;
  /** ARN of any Lambda function. It is set as a foreign rotation function. */
  readonly anyFunctionArn: string;
  /** Profile of the secrets that are made. */
  readonly profile: string;
}

export interface BadInput {
  readonly what: string;
  readonly code: ReasonCode;
  /** Matches the message: what was found, and what to do. */
  readonly says: RegExp;
  /**
   * Who finds the problem, and what that leaves:
   * - `worker`: a worker reads the secret and fails: a tag, an event and a log line
   * - `scan`: the scan reports it in plan, log and an event; nothing is written
   * - `plan`: the plan has it, and the log if the user should look into it; no event, nothing written
   */
  readonly foundBy: 'worker' | 'scan' | 'plan';
  /** Makes the secret and returns its ARN. */
  readonly make: (setting: Setting) => Promise<string>;
}

type Content = Pick<BadInput, 'code' | 'says'> & {
  readonly value: (setting: Setting) => string | Uint8Array | Promise<string | Uint8Array>;
};

async function create(
  { aws, profile }: Setting,
  value: string | Uint8Array | undefined,
  tags: Readonly<Record<string, string>> = {},
  name = uniqueName('bad'),
): Promise<string> {
  const Tags = profileTags(profile, tags);
  const content = typeof value === 'string' ? { SecretString: value } : value && { SecretBinary: value };
  const request = new CreateSecretCommand({ Name: name, Tags, ...content });
  return (await client(SecretsManagerClient, aws).send(request)).ARN ?? '';
}

const profileTags = (profile: string, tags: Readonly<Record<string, string>> = {}): Tag[] =>
  Object.entries({ profile, ...tags }).map(([key, Value]) => ({ Key: `cert-renewer:${key}`, Value }));

const due = ({ ca }: Setting, request: LeafRequest = {}): Promise<Leaf> => forge(ca, { ...dueDates(), ...request });
const pair = (leaf: Leaf): string => camel(leaf, leaf.keyPem);
const shapesAllowed = /expected a JSON object with certificate, privateKey/;

/** Contents of enrolled secrets with valid tags. */
const contents: Readonly<Record<string, Content>> = {
  'no certificate but a password': {
    code: 'UnsupportedSecret',
    says: /^A JSON object with the fields \["username", "password"\]: expected a JSON object with certificate/,
    value: () => JSON.stringify({ username: 'admin', password: randomBytes(12).toString('hex') }),
  },
  'plain text': {
    code: 'UnsupportedSecret',
    says: /^Text of 24 characters .* expected/,
    value: () => randomBytes(12).toString('hex'),
  },
  '60 KB of random bytes': {
    code: 'UnsupportedSecret',
    says: /^Binary data of 60000 bytes that is neither text nor PKCS#12/,
    value: () => new Uint8Array(randomBytes(60_000)),
  },
  '60 KB of random text': {
    code: 'UnsupportedSecret',
    says: shapesAllowed,
    value: () => randomBytes(30_000).toString('hex'),
  },
  'JSON that was cut': {
    code: 'UnsupportedSecret',
    says: /begins like JSON but is not valid JSON/,
    value: async (setting) => pair(await due(setting)).slice(0, 700),
  },
  'a certificate whose PEM was cut': {
    code: 'UnsupportedSecret',
    says: /"certificate" has a PEM block BEGIN CERTIFICATE that is not closed by its END line: expected whole/,
    value: async (setting) => {
      const leaf = await due(setting);
      return camel({ ...leaf, certificatePem: leaf.certificatePem.slice(0, 300) }, leaf.keyPem);
    },
  },
  'a key whose PEM was cut': {
    code: 'UnsupportedSecret',
    says: /"privateKey" has a PEM block BEGIN PRIVATE KEY that is not closed/,
    value: async (setting) => {
      const leaf = await due(setting);
      return camel(leaf, leaf.keyPem.slice(0, 120));
    },
  },
  'a PEM text that was cut': {
    code: 'UnsupportedSecret',
    says: /not closed by its END line/,
    value: async (setting) => {
      const leaf = await due(setting);
      return leaf.keyPem + leaf.certificatePem.slice(0, 400);
    },
  },
  'a certificate with lines missing': {
    code: 'InvalidCertificate',
    says: /is not an X\.509 certificate.*Store the certificate there again/,
    value: async (setting) => {
      const leaf = await due(setting);
      const lines = leaf.certificatePem.split('\n');
      return camel({ ...leaf, certificatePem: [...lines.slice(0, 3), ...lines.slice(5)].join('\n') }, leaf.keyPem);
    },
  },
  'no key': {
    code: 'UnsupportedSecret',
    says: /no key: expected either "privateKey" \(PEM\) or "kmsKeyId"/,
    value: async (setting) => JSON.stringify({ certificate: (await due(setting)).certificatePem }),
  },
  'an unsupported kind of key': {
    code: 'UnsupportedSecret',
    says: /secp256k1: expected an EC key on P-256, P-384, P-521/,
    value: async (setting) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
      return camel(await due(setting), String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
    },
  },
  'the key of another certificate': {
    code: 'KeyMismatch',
    says: /does not match the certificate: store a certificate and its own key/,
    value: async (setting) => camel(await due(setting), (await issue(setting.ca)).keyPem),
  },
  'an encrypted key without a password': {
    code: 'PasswordRequired',
    says: /is encrypted: set passwordSecretId in the profile/,
    value: async (setting) => {
      const leaf = await due(setting);
      const passphrase = randomBytes(12).toString('hex');
      const encrypted = leaf.key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
      return camel(leaf, String(encrypted));
    },
  },
  'a KMS key that is not tagged': {
    code: 'KmsDenied',
    says: /GetPublicKey.*tag the key with cert-renewer:profile/,
    value: async (setting) => {
      const make = new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
      const { KeyMetadata: { Arn: kmsKeyId = '' } = {} } = await client(KMSClient, setting.aws).send(make);
      const { certificatePem: certificate, chainPem: chain } = await due(setting);
      return inShape('camel', { certificate, chain, kmsKeyId });
    },
  },
  'a certificate that expired': {
    code: 'CertificateExpired',
    says: /expired at .*allowRenewalAfterExpiry.*or store a new certificate in the secret/,
    value: async (setting) => {
      const now = Date.now();
      const dates = { notBefore: new Date(now - 24 * hour), notAfter: new Date(now - hour) };
      return pair(await due(setting, dates));
    },
  },
  "another CA's certificate": {
    code: 'CaRejected',
    says: /unknown_ca.*check that the certificate is from the profile.s CA/,
    value: async (setting) => {
      const { intermediate } = pemHierarchy({ name: 'Foreign' });
      const keys = { intermediatePem: intermediate.certificatePem, intermediateKeyPem: intermediate.keyPem };
      return pair(await due({ ...setting, ca: { ...setting.ca, ...keys } }));
    },
  },
  'a certificate that is no TLS client’s': {
    code: 'InvalidRequest',
    says: /can't be rekeyed at step-ca: its extended key usage has no clientAuth.*neither by TLS nor by a token/,
    value: async (setting) => pair(await due(setting, { extKeyUsage: ['serverAuth'] })),
  },
};

const badTags: Readonly<Record<string, { readonly tags: Readonly<Record<string, string>>; readonly says: RegExp }>> = {
  'an invalid window': {
    tags: { 'expires-in': 'soon' },
    says: /^The tag cert-renewer:expires-in is "soon": expected a duration above zero such as 8h30m.*\. Correct/,
  },
  'a negative period': { tags: { 'rekey-period': '-8h' }, says: /cert-renewer:rekey-period is "-8h": expected/ },
  'a window and a period': {
    tags: { 'expires-in': '8h', 'rekey-period': '8h' },
    says: /^cert-renewer:expires-in and cert-renewer:rekey-period are both set.*Keep one/,
  },
  'an invalid mode': { tags: { mode: 'reissue' }, says: /is "reissue": expected one of "rekey", "renew"/ },
  'a size without kty': { tags: { size: '2048' }, says: /^cert-renewer:size is set without cert-renewer:kty/ },
  'paused neither true nor false': { tags: { paused: 'yes' }, says: /is "yes": expected one of "true", "false"/ },
};

const leftAlone: readonly BadInput[] = [
  {
    what: 'an unknown profile',
    code: 'UnknownProfile',
    says: /^The tag cert-renewer:profile is "nowhere", but this stack has no such profile: correct the tag, or deploy/,
    foundBy: 'plan',
    make: async (setting) => create(setting, pair(await due(setting)), { profile: 'nowhere' }),
  },
  {
    what: 'a secret that is being deleted',
    code: 'SecretNotFound',
    says: /scheduled for deletion. To have it renewed, restore it/,
    foundBy: 'plan',
    make: async (setting) => {
      const arn = await create(setting, pair(await due(setting)));
      const remove = new DeleteSecretCommand({ SecretId: arn, RecoveryWindowInDays: 7 });
      await client(SecretsManagerClient, setting.aws).send(remove);
      return arn;
    },
  },
  {
    what: 'a replica',
    code: 'Replica',
    says: /only its primary Region can write/,
    foundBy: 'plan',
    make: async (setting) => {
      const { endpoint } = setting.aws;
      const primary = new SecretsManagerClient({ endpoint, region: 'eu-west-1', credentials: ROOT });
      const Name = uniqueName('replica');
      const SecretString = pair(await due(setting));
      const made = await primary.send(
        new CreateSecretCommand({ Name, SecretString, Tags: profileTags(setting.profile) }),
      );
      const AddReplicaRegions = [{ Region: 'us-east-1' }];
      await primary.send(new ReplicateSecretToRegionsCommand({ SecretId: Name, AddReplicaRegions }));
      return (made.ARN ?? '').replace('eu-west-1', 'us-east-1');
    },
  },
  {
    what: 'a secret that another function rotates',
    code: 'RotationEnabled',
    says: /rotates this secret with another function.* stop that with aws secretsmanager cancel-rotate-secret/,
    foundBy: 'plan',
    make: async (setting) => {
      const SecretId = await create(setting, pair(await due(setting)));
      const rotate = new RotateSecretCommand({
        SecretId,
        RotationLambdaARN: setting.anyFunctionArn,
        RotateImmediately: false,
        RotationRules: { AutomaticallyAfterDays: 30 },
      });
      await client(SecretsManagerClient, setting.aws).send(rotate);
      return SecretId;
    },
  },
  {
    what: 'a secret of another AWS service',
    code: 'ManagedByService',
    says: /belongs to the AWS service rds/,
    foundBy: 'plan',
    make: async (setting) => create(setting, pair(await due(setting)), {}, uniqueName('rds!cluster')),
  },
  {
    what: 'a secret without a value',
    code: 'NotDue',
    says: /no value yet: store the first certificate and its key in it/,
    foundBy: 'plan',
    make: (setting) => create(setting, undefined),
  },
];

export const badInputs: readonly BadInput[] = [
  ...Object.entries(contents).map(([what, { code, says, value }]): BadInput => {
    const make = async (setting: Setting): Promise<string> => create(setting, await value(setting));
    return { what, code, says, foundBy: 'worker', make };
  }),
  ...Object.entries(badTags).map(([what, { tags, says }]): BadInput => {
    const make = async (setting: Setting): Promise<string> => create(setting, pair(await due(setting)), tags);
    return { what, code: 'InvalidTag', says, foundBy: 'scan', make };
  }),
  ...leftAlone,
];
