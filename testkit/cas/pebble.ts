/**
 * Pebble, Let's Encrypt's small ACME server for tests, on this machine. It misbehaves on purpose: it refuses good nonces, waits
 * before it validates, and forgets everything at its end. https://github.com/letsencrypt/pebble
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import {
  commonNameOnly,
  makeHierarchy,
  makeKey,
  makeLeaf,
  pem,
  pkcs8Pem,
  subjectAltName,
} from '../certificates/index.ts';
import type { DnsServer } from '../dns/server.ts';
import { cachePath } from '../tools/cache.ts';
import { pebble } from '../tools/go-tools.ts';
import { freePort, type Running, start as startProcess, untilReady, watched } from '../tools/process.ts';
import { type TemporaryFolder, temporaryFolder } from '../tools/temporary.ts';
import { required } from '../tools/tool.ts';

/** Pebble's environment variables. Each value in text. */
export interface PebbleEnvironment {
  /** "1": validates at once. Default: after 0 to 4 s. */
  readonly PEBBLE_VA_NOSLEEP?: string;
  /** Validates after a whole number of seconds below this one. The README says 15, the program 5. */
  readonly PEBBLE_VA_SLEEPTIME?: string;
  /** "1": asks no DNS server, and every challenge is valid. */
  readonly PEBBLE_VA_ALWAYS_VALID?: string;
  /** Percentage of good nonces that it refuses. Default: 5. */
  readonly PEBBLE_WFE_NONCEREJECT?: string;
  /** Percentage of names whose valid authorisation it uses again. Default: 50. With 100 an order for known names is ready at once. */
  readonly PEBBLE_AUTHZREUSE?: string;
  /** How many other roots certify its intermediate. A certificate then has so many alternate chains. Default: 0. */
  readonly PEBBLE_ALTERNATE_ROOTS?: string;
  /** How many intermediates a chain has. Default: 1. */
  readonly PEBBLE_CHAIN_LENGTH?: string;
}

/** The fields of Pebble's configuration that tests change. */
export interface PebbleConfig {
  /** A new account then needs an external account binding with one of these keys. */
  readonly externalAccountBindingRequired?: boolean;
  /** MAC keys in base64url, by key id. */
  readonly externalAccountMACKeys?: Readonly<Record<string, string>>;
  /** It rejects orders for these names and those below. An order for a name above one of them ends in a panic, without an answer. */
  readonly domainBlocklist?: readonly string[];
  /** The CA's names in CAA and dns-persist-01 records. Default: pebble.letsencrypt.org. */
  readonly caaIdentities?: readonly string[];
  readonly keyAlgorithm?: 'rsa' | 'ecdsa';
  /** By name, with the validity in seconds. Pebble picks one at random for an order without a profile. Default: "default", 90 days. */
  readonly profiles?: Readonly<Record<string, { readonly description: string; readonly validityPeriod: number }>>;
  /** Seconds in Retry-After, half of them as a date. 0 omits the header. Default: 3 and 5, as in Pebble's own configuration. */
  readonly retryAfter?: { readonly authz: number; readonly order: number };
}

export interface PebbleOptions {
  /** The DNS server that it asks, by TCP. */
  readonly dns: Pick<DnsServer, 'address'>;
  readonly env?: PebbleEnvironment;
  readonly config?: PebbleConfig;
}

/** What Pebble has done since its start, by its log. */
export interface PebbleCounts {
  readonly accounts: number;
  readonly orders: number;
  readonly finalizations: number;
  readonly issued: number;
  readonly validations: number;
}

/** A Pebble on this machine. */
export interface LocalPebble {
  /** https://localhost:<port>/dir. Its certificate has 127.0.0.1 too. */
  readonly directory: string;
  /** https://localhost:<port>, Pebble's own interface. */
  readonly management: string;
  /** The root of the server's certificate, in PEM. It is not the root of the certificates that Pebble issues. */
  readonly serverRoot: string;
  /** A file with `serverRoot`. */
  readonly serverRootFile: string;
  readonly logFile: string;
  /** The process group as it runs now; undefined if it is stopped. */
  readonly processGroup: number | undefined;
  /** Returns the root of the issued certificates, in PEM. It is new at each start. `index` > 0: an alternate root. */
  issuingRoot(index?: number): Promise<string>;
  /** Sets the answer of ARI for an issued certificate, in PEM. A text is sent as it is, also if it is not JSON. */
  setRenewalInfo(certificate: string, answer: string | Readonly<Record<string, unknown>>): Promise<void>;
  /** Returns the log since the last start. */
  log(): Promise<string>;
  /** Counts in that log. */
  counts(): Promise<PebbleCounts>;
  /** Stops it. Connections are refused until `start`. */
  stop(): Promise<void>;
  /** Starts it again on the same ports, with changed options. It knows no account and no order, and has a new root. */
  start(changes?: Partial<PebbleOptions>): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/**
 * Starts Pebble on free ports of 127.0.0.1. By default it misbehaves as it does by default. It is ready in less than 0.1 s, and issues in 0.4 s without its waits.
 * @throws ToolMissingError when it can't be built.
 */
export async function startPebble(options: PebbleOptions): Promise<LocalPebble> {
  const program = required(await pebble());
  const folder = await temporaryFolder('pebble');
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await launch(program, folder, options);
      } catch (error) {
        // Another program may take a port before Pebble does.
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
  first: PebbleOptions,
): Promise<LocalPebble> {
  const ports = { acme: await freePort(), management: await freePort() };
  const management = `https://localhost:${ports.management}`;
  const directory = `https://localhost:${ports.acme}/dir`;
  const logFolder = process.env['KEEP_LOGS'] === '1' ? cachePath('logs') : folder;
  await mkdir(logFolder, { recursive: true });
  const logFile = join(logFolder, `pebble-${ports.acme}.log`);
  const serverRoot = await writeServerCertificate(folder);
  let options = first;
  let running: Running | undefined;
  const log = () => readFile(logFile, 'utf8');
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = undefined;
  };
  const start = async (changes: Partial<PebbleOptions> = {}): Promise<void> => {
    await stop();
    options = { ...options, ...changes };
    await writeFile(join(folder, 'pebble.json'), JSON.stringify(configurationOf(ports, options.config)));
    await writeFile(logFile, '');
    running = await startProcess({
      ...watched(program, ['-config', 'pebble.json', '-dnsserver', options.dns.address], folder),
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder, ...options.env },
      logFile,
    });
    await untilReady(running, 'Pebble', logFile, async () => {
      await ask(directory, serverRoot);
      await ask(`${management}/roots/0`, serverRoot);
      return true;
    });
  };
  await start();
  return {
    directory,
    management,
    serverRoot,
    serverRootFile: join(folder, 'server_root.pem'),
    logFile,
    get processGroup() {
      return running?.pid;
    },
    issuingRoot: (index = 0) => ask(`${management}/roots/${index}`, serverRoot),
    setRenewalInfo: async (Certificate, answer) => {
      const ARIResponse = typeof answer === 'string' ? answer : JSON.stringify(answer);
      await ask(`${management}/set-renewal-info/`, serverRoot, JSON.stringify({ Certificate, ARIResponse }));
    },
    log,
    counts: async () => countsOf(await log()),
    stop,
    start,
    close: async () => {
      await stop();
      await remove();
    },
  };
}

/** Pebble's own certificate has a public key pair. This one is new, so that no test trusts a key that everyone has. */
async function writeServerCertificate(folder: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const [notBefore, notAfter] = [now - 86_400_000, now + 30 * 86_400_000];
  const hierarchy = makeHierarchy(notBefore, notAfter, 'Pebble Server');
  const key = makeKey();
  const leaf = makeLeaf(
    {
      key,
      subject: commonNameOnly('localhost'),
      notBefore,
      notAfter,
      extensions: [subjectAltName('dns:localhost', 'ip:127.0.0.1')],
      provisioner: null,
    },
    hierarchy,
  );
  const root = pem(hierarchy.root);
  await writeFile(join(folder, 'server.pem'), pem(leaf) + pem(hierarchy.intermediate));
  await writeFile(join(folder, 'server.key'), pkcs8Pem(key), { mode: 0o600 });
  await writeFile(join(folder, 'server_root.pem'), root);
  return root;
}

function configurationOf(ports: { readonly acme: number; readonly management: number }, config: PebbleConfig = {}) {
  return {
    pebble: {
      listenAddress: `127.0.0.1:${ports.acme}`,
      managementListenAddress: `127.0.0.1:${ports.management}`,
      certificate: 'server.pem',
      privateKey: 'server.key',
      keyAlgorithm: 'ecdsa',
      profiles: { default: { description: 'The default profile', validityPeriod: 90 * 86_400 } },
      retryAfter: { authz: 3, order: 5 },
      ...config,
    },
  };
}

function countsOf(log: string): PebbleCounts {
  const lines = (pattern: RegExp) => log.match(pattern)?.length ?? 0;
  return {
    accounts: lines(/There are now \d+ accounts in memory/g),
    orders: lines(/Added order "/g),
    finalizations: lines(/is fully authorized\. Processing finalization/g),
    issued: lines(/Issued certificate serial /g),
    validations: lines(/Pulled a task from the Tasks queue/g),
  };
}

/** Returns the body of a 200. With `body` it is a POST. */
function ask(url: string, ca: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { ca, agent: false, headers: { 'user-agent': 'cert-renewer-tests' } }; // Pebble requires a User-Agent
    const sent = request(url, { ...options, method: body === undefined ? 'GET' : 'POST' }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`Pebble answered ${url} with ${answer.statusCode}: ${text}`));
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
