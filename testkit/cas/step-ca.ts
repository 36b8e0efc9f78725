import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { CompactEncrypt, calculateJwkThumbprint, exportJWK } from 'jose';
import { pkcs8Pem } from '../certificates/index.ts';
import { cachePath } from '../tools/cache.ts';
import { stepCa } from '../tools/go-tools.ts';
import { freePort, type Running, start as startProcess, untilReady, watched } from '../tools/process.ts';
import { type TemporaryFolder, temporaryFolder } from '../tools/temporary.ts';
import { required } from '../tools/tool.ts';
import { type PemHierarchy, pemHierarchy } from './hierarchy.ts';
import { type CaAccess, TEMPLATE } from './leaf.ts';

/** step-ca's claims, in Go's durations. */
export interface Claims {
  readonly minTLSCertDuration?: string;
  readonly maxTLSCertDuration?: string;
  readonly defaultTLSCertDuration?: string;
  readonly allowRenewalAfterExpiry?: boolean;
  readonly disableRenewal?: boolean;
}

export interface StepCaOptions {
  /** Replaces the defaults: 1 s to ten years, and 24 h without a requested duration. */
  readonly claims?: Claims;
  /** step-ca's default is 1m. */
  readonly backdate?: string;
  /** Default: a new one. */
  readonly hierarchy?: PemHierarchy;
  /** Starts it with a database, which revoking needs. */
  readonly database?: boolean;
  /** The name of the JWK provisioner. After a change step-ca no longer renews earlier certificates. Default: "local". */
  readonly provisioner?: string;
  /** More provisioners, in the form of ca.json. */
  readonly provisioners?: readonly Readonly<Record<string, unknown>>[];
  /** `authority.policy` of ca.json: what all provisioners may issue. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** The DNS server that validates ACME challenges, 127.0.0.1:<port>. Default: the system's. */
  readonly resolver?: string;
  /** Writes a log line for each request, with its path. */
  readonly logsRequests?: boolean;
}

/** The name of a second JWK provisioner with the key of the first and step-ca's default template, for declared certificates. */
export const issuingProvisioner = 'issuing';

/** A step-ca on this machine. Certificates come from `issue(ca.access, …)` and `forge(ca.access, …)` in leaf.ts. */
export interface LocalCa {
  /** https://localhost:<port>. Its certificate has 127.0.0.1 too. */
  readonly url: string;
  readonly rootPem: string;
  /** A file with the root, for options such as `--root`. */
  readonly rootFile: string;
  /** The folder of ca.json. */
  readonly folder: string;
  readonly logFile: string;
  /** The process group of the CA as it runs now; undefined if it is stopped. */
  readonly processGroup: number | undefined;
  /** Access to the CA as it runs now. */
  readonly access: CaAccess;
  /** Stops the CA. Connections are refused until `start`. */
  stop(): Promise<void>;
  /** Starts the CA on the same port, with changed options. Stops it first if it runs. */
  start(changes?: StepCaOptions): Promise<void>;
  /** Stops the CA and removes its folder. */
  close(): Promise<void>;
}

/**
 * Starts step-ca on 127.0.0.1 and a free port, with a hierarchy of its own. It is ready in about 0.2 s.
 * @throws ToolMissingError when it can't be built.
 */
export async function startStepCa(options: StepCaOptions = {}): Promise<LocalCa> {
  const program = required(await stepCa());
  const folder = await temporaryFolder('ca');
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await launch(program, folder, options);
      } catch (error) {
        // Another program may take the port before step-ca does.
        if (attempt === 3 || !String(error).includes('address already in use')) throw error;
      }
    }
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function launch(
  program: string,
  { path: folder, remove }: TemporaryFolder,
  first: StepCaOptions,
): Promise<LocalCa> {
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const kid = await calculateJwkThumbprint(await exportJWK(createPublicKey(key)));
  const logFolder = process.env['KEEP_LOGS'] === '1' ? cachePath('logs') : folder;
  await mkdir(logFolder, { recursive: true });
  const logFile = join(logFolder, `step-ca-${port}.log`);
  let options: StepCaOptions = first;
  let hierarchy = first.hierarchy ?? pemHierarchy();
  let running: Running | undefined;

  const stop = async (): Promise<void> => {
    await running?.stop();
    running = undefined;
  };
  const start = async (changes: StepCaOptions = {}): Promise<void> => {
    await stop();
    options = { ...options, ...changes };
    hierarchy = options.hierarchy ?? hierarchy;
    await configure(folder, port, options, hierarchy, { key, kid });
    running = await startProcess({
      ...watched(program, ['ca.json', ...(options.resolver ? ['--resolver', options.resolver] : [])], folder),
      cwd: folder,
      // STEPPATH keeps the user's own ~/.step out.
      env: { PATH: process.env['PATH'], HOME: folder, STEPPATH: join(folder, '.step') },
      logFile,
    });
    await untilReady(running, 'step-ca', logFile, () => isHealthy(url, hierarchy.root.certificatePem));
  };
  await start();
  return {
    url,
    rootFile: join(folder, 'root_ca.crt'),
    folder,
    logFile,
    get processGroup() {
      return running?.pid;
    },
    get rootPem() {
      return hierarchy.root.certificatePem;
    },
    get access(): CaAccess {
      return {
        url,
        rootPem: hierarchy.root.certificatePem,
        intermediatePem: hierarchy.intermediate.certificatePem,
        intermediateKeyPem: hierarchy.intermediate.keyPem,
        provisioner: { name: options.provisioner ?? 'local', kid, keyPem: pkcs8Pem(key) },
      };
    },
    stop,
    start,
    close: async () => {
      await stop();
      await remove();
    },
  };
}

async function configure(
  folder: string,
  port: number,
  options: StepCaOptions,
  { root, intermediate }: PemHierarchy,
  { key, kid }: { key: KeyObject; kid: string },
): Promise<void> {
  const jwk = { ...(await exportJWK(createPublicKey(key))), use: 'sig', alg: 'ES256', kid };
  const issuing = { type: 'JWK', name: issuingProvisioner, key: jwk };
  const provisioner = {
    type: 'JWK',
    name: options.provisioner ?? 'local',
    key: jwk,
    options: { x509: { template: TEMPLATE } },
  };
  const claims: Claims = {
    minTLSCertDuration: '1s',
    maxTLSCertDuration: '87600h',
    defaultTLSCertDuration: '24h',
    ...options.claims,
  };
  const config = {
    root: 'root_ca.crt',
    crt: 'intermediate_ca.crt',
    key: 'intermediate_ca.key',
    address: `127.0.0.1:${port}`,
    dnsNames: ['localhost', '127.0.0.1'],
    ...(options.logsRequests ? { logger: { format: 'text' } } : {}),
    ...(options.database ? { db: { type: 'bbolt', dataSource: 'ca.db' } } : {}),
    authority: {
      claims,
      ...(options.backdate ? { backdate: options.backdate } : {}),
      ...(options.policy ? { policy: options.policy } : {}),
      provisioners: [provisioner, issuing, ...(options.provisioners ?? [])],
    },
  };
  await writeFile(join(folder, 'root_ca.crt'), root.certificatePem);
  await writeFile(join(folder, 'intermediate_ca.crt'), intermediate.certificatePem);
  await writeFile(join(folder, 'intermediate_ca.key'), intermediate.keyPem, { mode: 0o600 });
  await writeFile(join(folder, 'ca.json'), JSON.stringify(config, null, 2));
}

function isHealthy(url: string, rootPem: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    get(`${url}/health`, { ca: rootPem, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    }).on('error', reject);
  });
}

/** Returns an X5C provisioner for `provisioners`. It accepts tokens signed with certificates under these roots. */
export function x5cProvisioner(name: string, rootPem: string): Record<string, unknown> {
  new X509Certificate(rootPem); // step-ca reports an invalid root by a cryptic line in its log
  return { type: 'X5C', name, roots: Buffer.from(rootPem).toString('base64') };
}

/** Options of an ACME provisioner in ca.json. */
export interface AcmeProvisionerOptions {
  /** Default: dns-01 alone, because no other challenge works with a DNS server that has only TXT records. */
  readonly challenges?: readonly string[];
  readonly claims?: Claims;
}

/** Returns an ACME provisioner for `provisioners`. It needs `database`, and `resolver` for its challenges. */
export function acmeProvisioner(
  name: string,
  { challenges = ['dns-01'], claims }: AcmeProvisionerOptions = {},
): Record<string, unknown> {
  return { type: 'ACME', name, challenges, ...(claims && { claims }) };
}

/** Returns the URL of an ACME provisioner's directory. */
export const acmeDirectory = ({ url }: Pick<LocalCa, 'url'>, provisioner: string): string =>
  `${url}/acme/${provisioner}/directory`;

/** Options of a JWK provisioner in ca.json, besides its name and its key. */
export interface JwkProvisionerOptions {
  /** Default: the key's thumbprint (RFC 7638), as `step ca provisioner add` has it. */
  readonly kid?: string;
  readonly claims?: Claims;
  /** The template of its certificates. Default: step-ca's own. */
  readonly template?: string;
  /** step-ca keeps the private key too, encrypted with this password, and gives it to `step`, which asks for the password. */
  readonly password?: string;
}

/** Encrypts an EC key P-256, in the format of `step crypto jwk create`. */
async function encryptedJwk(key: KeyObject, password: string): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify({ ...(await exportJWK(key)), use: 'sig', alg: 'ES256' })))
    .setProtectedHeader({ alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', cty: 'jwk+json' })
    .setKeyManagementParameters({ p2c: 10_000 })
    .encrypt(Buffer.from(password));
}

/** Returns a JWK provisioner for `provisioners`. It accepts one-time tokens signed with this key. `key` may be a private key. */
export async function jwkProvisioner(
  name: string,
  key: KeyObject,
  { kid, claims, template, password }: JwkProvisionerOptions = {},
): Promise<Record<string, unknown>> {
  const jwk = await exportJWK(key.type === 'private' ? createPublicKey(key) : key);
  return {
    type: 'JWK',
    name,
    key: { ...jwk, use: 'sig', kid: kid ?? (await calculateJwkThumbprint(jwk)) },
    ...(password !== undefined && { encryptedKey: await encryptedJwk(key, password) }),
    ...(claims && { claims }),
    ...(template !== undefined && { options: { x509: { template } } }),
  };
}
