/** The local server that answers for AWS at once (aws.mjs), and the CA that takes its time (slow.mjs): processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What the server makes its answers of. Secrets are called `s-<number>`. */
export interface World {
  readonly count: number;
  readonly profile: string;
  /** Besides the profile's. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Every n-th secret is due by its tags, the others are not; 0 or none: no secret has status tags. */
  readonly dueEvery?: number;
  readonly due?: Window;
  readonly notDue?: Window;
  /** SecretString of secret n is that of n modulo their number. */
  readonly values: readonly string[];
  /** Values of secrets with other names. */
  readonly named?: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
  /** PEM, Ed25519. */
  readonly kmsKey?: string;
  /** Milliseconds before an answer: of all calls, and of those that have their own. */
  readonly latency?: number;
  readonly delays?: Readonly<Record<string, number>>;
  /** PutSecretValue and UpdateSecretVersionStage together, of the whole account. */
  readonly writesPerSecond?: number;
}

export interface Window {
  readonly notBefore: string;
  readonly notAfter: string;
}

export type Calls = Readonly<Record<string, number>>;

export interface BenchAws {
  /** Plain HTTP. */
  readonly endpoint: string;
  /** The same over TLS; undefined where it has no certificate. */
  readonly tlsEndpoint: string | undefined;
  /** All that was written is forgotten, and the calls are counted from now on. */
  set(world: World): Promise<void>;
  calls(): Promise<Calls>;
  /** Secrets that have a new version with a new certificate. */
  renewed(): Promise<number>;
  /** When messages are to be seen again (milliseconds since the epoch), by the receipt with which that was asked for. */
  returned(): Promise<Readonly<Record<string, number>>>;
  stop(): void;
}

/** The version that every secret has at first. */
export const firstVersion = '00000000-0000-4000-8000-000000000000';

export const arnOf = (name: string): string => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-AbCdEf`;

/** PEM; the certificate is for localhost and has its chain behind it. */
export interface ServerPair {
  readonly certificate: string;
  readonly key: string;
}

interface Said {
  readonly calls: Calls;
  readonly renewed: number;
  readonly returned: Readonly<Record<string, number>>;
}

export async function startAws(pair?: ServerPair): Promise<BenchAws> {
  const { said, stop } = await startPart('aws.mjs', pair ? [pair.certificate, pair.key] : []);
  const [port, tlsPort] = said.split(' ');
  const endpoint = `http://127.0.0.1:${port}`;
  const ask = async (): Promise<Said> => JSON.parse(await (await fetch(`${endpoint}/_bench`)).text());
  return {
    endpoint,
    tlsEndpoint: tlsPort === undefined ? undefined : `https://localhost:${tlsPort}`,
    set: async (world) => {
      const answer = await fetch(`${endpoint}/_bench`, { method: 'POST', body: JSON.stringify(world) });
      if (!answer.ok) throw new Error(`the local AWS answered ${answer.status}`);
    },
    calls: async () => (await ask()).calls,
    renewed: async () => (await ask()).renewed,
    returned: async () => (await ask()).returned,
    stop,
  };
}

/** The CA at `url`, each of whose answers comes so many milliseconds later. */
export async function startSlowCa(url: string, milliseconds: number): Promise<{ url: string; stop: () => void }> {
  const { said, stop } = await startPart('slow.mjs', [new URL(url).port, String(milliseconds)]);
  return { url: `https://localhost:${said}`, stop };
}

/** A server that says its ports and ends with its stdin. */
async function startPart(file: string, args: readonly string[]): Promise<{ said: string; stop: () => void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [first] = await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${file} ended before it listened`))),
  ]);
  return { said: String(first).trim(), stop: () => child.kill() };
}
