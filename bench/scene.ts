/** The scene of all measurements: a real step-ca, an AWS that answers at once, bundles, and due certificates. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PemHierarchy, pemHierarchy } from '../testkit/cas/hierarchy.ts';
import { type CaAccess, forge, type Leaf } from '../testkit/cas/leaf.ts';
import { type LocalCa, startStepCa } from '../testkit/cas/step-ca.ts';
import { inShape } from '../testkit/local-aws/enrolled.ts';
import { step } from '../testkit/tools/go-tools.ts';
import { temporaryFolder } from '../testkit/tools/temporary.ts';
import { required } from '../testkit/tools/tool.ts';
import { type BenchAws, type ServerPair, startAws, startSlowCa, type Window } from './parts/aws.ts';
import { floorBundle, ownBundle } from './parts/bundles.ts';

export interface Scene {
  readonly folder: string;
  readonly aws: BenchAws;
  readonly ca: LocalCa;
  /** The same CA. Each answer comes `slowness` milliseconds later. */
  readonly slowCaUrl: string;
  readonly bundles: Readonly<Record<'renew' | 'scan' | 'inventory' | 'ca-api' | 'run-command' | 'floor', string>>;
  /** The environment of a function, with the local AWS. */
  readonly env: Readonly<Record<string, string>>;
  /** The same with AWS by TLS, as in production. */
  readonly tlsEnv: Readonly<Record<string, string>>;
  /** Values of secrets with due certificates. */
  readonly values: readonly string[];
  readonly authority: AuthorityScene;
  readonly step: StepFiles;
  close(): Promise<void>;
}

/** An authority with its key in KMS, and certificates issued by it. */
export interface AuthorityScene {
  readonly kmsKey: string;
  /** The value of its secret. */
  readonly value: string;
  readonly leaves: readonly string[];
  /** The root above it, with the same kind of key. */
  readonly root: { readonly kmsKey: string; readonly value: string };
}

export interface StepFiles {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly rootFile: string;
  /** A pair for each run, because runs must not write the same file. */
  readonly pairs: readonly { readonly certificate: string; readonly key: string }[];
}

export const hour = 3_600_000;
/** Latency of the slow CA in milliseconds. */
export const slowness = 50;
export const kmsKeyArn = 'arn:aws:kms:us-east-1:000000000000:key/bench';
export async function setScene({
  stepRuns,
  differentLeaves,
}: {
  /** Pairs of files for step. */
  readonly stepRuns: number;
  readonly differentLeaves: number;
}): Promise<Scene> {
  const { path: folder, remove } = await temporaryFolder('bench');
  const [ca, program] = await Promise.all([startStepCa(), step().then(required)]);
  const aws = await startAws(await serverPair(ca.access));
  const slow = await startSlowCa(ca.url, slowness);
  const leaves = await dueLeaves(ca.access, differentLeaves);
  return {
    folder,
    aws,
    ca,
    slowCaUrl: slow.url,
    bundles: {
      renew: ownBundle('renew', folder),
      scan: ownBundle('scan', folder),
      inventory: ownBundle('show-inventory', folder),
      'ca-api': ownBundle('ca-api', folder),
      'run-command': ownBundle('run-command', folder),
      floor: floorBundle(folder),
    },
    env: environment(aws.endpoint),
    tlsEnv: { ...environment(aws.tlsEndpoint ?? ''), NODE_EXTRA_CA_CERTS: ca.rootFile },
    values: leaves.map(contentOf),
    authority: await authorityScene(differentLeaves),
    step: { program, ...(await stepFiles(folder, ca, leaves, stepRuns)) },
    close: async () => {
      aws.stop();
      slow.stop();
      await ca.close();
      await remove();
    },
  };
}

async function serverPair(ca: CaAccess): Promise<ServerPair> {
  const { certificatePem, chainPem, keyPem } = await forge(ca, { sans: ['dns:localhost'] });
  return { certificate: certificatePem + chainPem, key: keyPem };
}

function environment(endpoint: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_LAMBDA_FUNCTION_NAME: 'bench',
    POWERTOOLS_SERVICE_NAME: 'cert-renewer',
    POWERTOOLS_METRICS_NAMESPACE: 'CertRenewer',
    PROFILE_PREFIX: '/bench/profiles',
    AUTHORITY_PREFIX: '/bench/authorities',
    EVENT_BUS_NAME: 'bench',
    QUEUE_URL: `${endpoint}/000000000000/bench`,
    SCHEDULE: 'rate(1 hour)',
    STACK_NAME: 'CertRenewer',
    RENEW_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:000000000000:function:renew',
  };
}

/** Returns a pair with two hours left of a day. */
function dueLeaves(ca: CaAccess, count: number): Promise<Leaf[]> {
  const now = Date.now();
  const dates = { notBefore: new Date(now - 22 * hour), notAfter: new Date(now + 2 * hour) };
  return Promise.all(
    Array.from({ length: count }, (_, index) => forge(ca, { ...dates, sans: [`dns:leaf-${index}.example`] })),
  );
}

const contentOf = ({ certificatePem, chainPem, keyPem }: Leaf): string =>
  inShape('camel', { certificate: certificatePem, chain: chainPem, privateKey: keyPem });

async function authorityScene(differentLeaves: number): Promise<AuthorityScene> {
  const hierarchy = pemHierarchy({ key: 'Ed25519' });
  const { root, intermediate } = hierarchy;
  const leaves = await dueLeaves(accessOf(hierarchy), differentLeaves);
  const value = (certificate: string, chain: string) =>
    JSON.stringify({ certificate, kmsKeyId: kmsKeyArn, certificateChain: chain });
  return {
    kmsKey: intermediate.keyPem,
    value: value(intermediate.certificatePem, root.certificatePem),
    leaves: leaves.map(contentOf),
    root: { kmsKey: root.keyPem, value: value(root.certificatePem, '') },
  };
}

/** Access to a CA that does not run, for forging certificates. */
function accessOf({ root, intermediate }: PemHierarchy): CaAccess {
  return {
    url: 'https://localhost',
    rootPem: root.certificatePem,
    intermediatePem: intermediate.certificatePem,
    intermediateKeyPem: intermediate.keyPem,
    provisioner: { name: 'local', kid: 'none', keyPem: '' },
  };
}

async function stepFiles(folder: string, ca: LocalCa, leaves: readonly Leaf[], pairs: number) {
  const files = Array.from({ length: pairs }, async (_, index) => {
    const leaf = leaves[index % leaves.length];
    const pair = { certificate: join(folder, `step-${index}.crt`), key: join(folder, `step-${index}.key`) };
    if (!leaf) throw new Error('there is no leaf');
    await writeFile(pair.certificate, leaf.certificatePem + leaf.chainPem);
    await writeFile(pair.key, leaf.keyPem, { mode: 0o600 });
    return pair;
  });
  // STEPPATH keeps the user's own ~/.step out.
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, STEPPATH: join(folder, '.step') };
  return { env, rootFile: ca.rootFile, pairs: await Promise.all(files) };
}

/** Returns the window of a day with so many hours left. */
export function windowOf(left: number): Window {
  const at = (offset: number) => `${new Date(Date.now() + offset * hour).toISOString().slice(0, 19)}Z`;
  return { notBefore: at(left - 24), notAfter: at(left) };
}
