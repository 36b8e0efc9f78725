/** The stack with declared certificates, and what a reader finds in it. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStackEventsCommand } from '@aws-sdk/client-cloudformation';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { client, invoke } from '../../../testkit/local-aws/client.ts';
import { collectEvents, type EventCollector } from '../../../testkit/local-aws/events.ts';
import { type AnsweredCall, callsFromNow } from '../../../testkit/local-aws/every-call.ts';
import { install } from '../../../testkit/local-aws/install.ts';
import { run } from '../../../testkit/tools/process.ts';
import { inTemporaryFolder } from '../../../testkit/tools/temporary.ts';
import type { DeclaredVersion } from '../../support/declared-stack.ts';
import type { StackAccess } from '../../support/stack-setup.ts';
import { refusals } from '../judges.ts';

export const PREFIX = '/cert-renewer/CertRenewer/certificates/';

export type DeclaredWorld = ReturnType<typeof declaredWorld>;

export function declaredWorld({ declared, own }: StackAccess) {
  const { emulator } = declared;
  const secrets = client(SecretsManagerClient, emulator);
  const ssm = client(SSMClient, emulator);
  let outputs: Readonly<Record<string, string>> = {};
  let bus: EventCollector | undefined;

  const deployStack = async (version: DeclaredVersion): Promise<void> => {
    outputs = await install(emulator, own[version]);
    bus ??= await collectEvents(emulator, output('EventBusName'));
  };
  /** The second stack of the app, whose owner reads a certificate. */
  const deployReader = (): Promise<Record<string, string>> => {
    const { assembly, artifact } = own.declared;
    return install(emulator, { assembly, artifact: `${artifact}-reader`, isJudged: false });
  };
  const output = (name: string): string => outputs[name] ?? '';
  const renew = (request: object) => invoke<Record<string, unknown>>(emulator, output('RenewFunctionName'), request);
  const scan = (request: object) => invoke<Record<string, unknown>>(emulator, output('ScanFunctionName'), request);

  /** Returns the text of the declaration; undefined if there is none. */
  const parameter = async (name: string): Promise<string | undefined> => {
    try {
      return (await ssm.send(new GetParameterCommand({ Name: PREFIX + name }))).Parameter?.Value;
    } catch (error) {
      if (error instanceof ParameterNotFound) return undefined;
      throw error;
    }
  };
  const putParameter = (name: string, Value: string) =>
    ssm.send(new PutParameterCommand({ Name: PREFIX + name, Value, Overwrite: true, Type: 'String' }));

  /** Returns undefined if there is no such secret. */
  async function kept(name: string): Promise<Kept | undefined> {
    try {
      const described = await secrets.send(new DescribeSecretCommand({ SecretId: name }));
      const value = await secrets.send(new GetSecretValueCommand({ SecretId: name }));
      const list = new ListSecretVersionIdsCommand({ SecretId: name, IncludeDeprecated: true });
      const { Versions = [] } = await secrets.send(list);
      const stages = Object.entries(described.VersionIdsToStages ?? {}).flatMap(([id, labels]) =>
        labels.map((label): [string, string] => [label, id]),
      );
      return {
        arn: described.ARN ?? '',
        encryptionKey: described.KmsKeyId,
        tags: Object.fromEntries((described.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
        versions: Versions.map(({ VersionId = '' }) => VersionId),
        stages: Object.fromEntries(stages),
        value: value.SecretString ?? value.SecretBinary ?? '',
      };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  }

  const found = async (name: string): Promise<Kept> => {
    const there = await kept(name);
    if (there === undefined) throw new Error(`there is no secret ${name}`);
    return there;
  };

  const pair = async (name: string): Promise<Pair> => pairIn((await found(name)).value, declared.password);

  /** Returns the root that the certificate must verify to. */
  const rootOf = async (name: string): Promise<string> => {
    if (name.startsWith('declared/step') || name === 'declared/late') return declared.stepCa.rootPem;
    const root = await secrets.send(new GetSecretValueCommand({ SecretId: output('RootSecretArn') }));
    return JSON.parse(root.SecretString ?? '{}').certificate;
  };
  /** Returns what openssl does not accept. It must be empty. */
  const refused = async (name: string): Promise<string[]> => {
    const { certificate, chain } = await pair(name);
    return refusals([certificate], { root: await rootOf(name), chain });
  };

  return {
    ...{ declared, emulator, secrets, ssm, deployStack, deployReader, output, renew, scan, parameter, putParameter },
    ...{ kept, found, pair, rootOf, refused },
    stackEvents: async () => {
      const asked = new DescribeStackEventsCommand({ StackName: 'CertRenewer' });
      return (await client(CloudFormationClient, emulator).send(asked)).StackEvents ?? [];
    },
    /** Records all calls to the local AWS from now on. */
    calls: () => callsFromNow(emulator),
    /** Events of the stack's bus, from the end of the first deployment on. */
    bus: (): EventCollector => {
      if (bus === undefined) throw new Error('nothing is deployed yet');
      return bus;
    },
    /** Counts the requests to sign in step-ca's own log. */
    askedToSign: async () =>
      (await readFile(declared.stepCa.logFile, 'utf8')).match(/path=\/1\.0\/sign /g)?.length ?? 0,
    /** Returns path and text of every file of the syntheses, except for code. */
    assemblies: () => filesOf(own['first/declared'].assembly, own['changed/declared'].assembly, own.declared.assembly),
  };
}

export interface Kept {
  readonly arn: string;
  readonly encryptionKey: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly versions: readonly string[];
  /** Version by stage. */
  readonly stages: Readonly<Record<string, string>>;
  readonly value: string | Uint8Array;
}

/** All in PEM. */
export interface Pair {
  readonly certificate: string;
  readonly chain: string;
  /** Undefined for a key in KMS. */
  readonly privateKey: string | undefined;
}

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;
const keys = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----\n?/;

/** Reads a pair in any shape. openssl reads a PKCS#12 file. */
export async function pairIn(value: string | Uint8Array, password: string): Promise<Pair> {
  const text = typeof value === 'string' ? joined(value) : await opened(value, password);
  const [certificate = '', ...chain] = text.match(certificates) ?? [];
  return { certificate, chain: chain.join(''), privateKey: keys.exec(text)?.[0] };
}

function joined(value: string): string {
  if (!value.startsWith('{')) return value;
  const fields: Record<string, string | string[]> = JSON.parse(value);
  return Object.values(fields).flat().join('\n');
}

function opened(file: Uint8Array, password: string): Promise<string> {
  return inTemporaryFolder('pkcs12', async (folder) => {
    await writeFile(join(folder, 'pair.p12'), file);
    const args = ['pkcs12', '-in', 'pair.p12', '-nodes', '-passin', 'env:PASSWORD'];
    const { code, output } = await run('openssl', args, { cwd: folder, env: { ...process.env, PASSWORD: password } });
    if (code !== 0) throw new Error(`openssl pkcs12: ${output}`);
    return output;
  });
}

async function filesOf(...folders: readonly string[]): Promise<{ path: string; text: string }[]> {
  const found = await Promise.all(
    [...new Set(folders)].map(async (folder) => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
      // Code is older than any key.
      return files.filter((path) => !/\/(?:asset\.[0-9a-f]{64}|bundles)\//.test(path));
    }),
  );
  return Promise.all(found.flat().map(async (path) => ({ path, text: await readFile(path, 'latin1') })));
}

/** Calls of a function's role. `role` is a part of the role's name. */
export const by = (calls: readonly AnsweredCall[], role: string): readonly AnsweredCall[] =>
  calls.filter((call) => call.role.includes(role));

const reading = /^(?:Get|Describe|List)/;
/** Calls that change something, sign, or invoke a function. */
export const writes = (calls: readonly AnsweredCall[]): readonly AnsweredCall[] =>
  calls.filter(
    ({ service, action }) => ['secretsmanager', 'ssm', 'kms', 'lambda'].includes(service) && !reading.test(action),
  );

/** Returns the versions of existing secrets, by name. */
export async function versionsOf(
  world: DeclaredWorld,
  names: readonly string[],
): Promise<Record<string, readonly string[]>> {
  const all = await Promise.all(names.map(async (name) => [name, (await world.found(name)).versions] as const));
  return Object.fromEntries(all);
}
