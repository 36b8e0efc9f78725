/** Starts the fake AWS (aws.mjs) and the slow CA (slow.mjs), each in a separate process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The data of the server's answers. Secrets have the names `s-<number>`. */
export interface World {
  readonly count: number;
  readonly profile: string;
  /** Tags besides that of the profile. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Every n-th secret is due by its tags. With 0 or undefined no secret has status tags. */
  readonly dueEvery?: number;
  readonly due?: Window;
  readonly notDue?: Window;
  /** Secret n has the value number n modulo their count. */
  readonly values: readonly string[];
  /** Values of secrets with other names. */
  readonly named?: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
  /** PEM, Ed25519. */
  readonly kmsKey?: string;
  /** Milliseconds before an answer: of all calls, and of single ones by name. */
  readonly latency?: number;
  readonly delays?: Readonly<Record<string, number>>;
  /** Quota of PutSecretValue and UpdateSecretVersionStage together, in the whole account. */
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
  /** HTTPS. Undefined without a certificate. */
  readonly tlsEndpoint: string | undefined;
  /** Sets the world, forgets everything written, and counts calls from zero. */
  set(world: World): Promise<void>;
  calls(): Promise<Calls>;
  /** Returns the number of secrets with a new version and a new certificate. */
  renewed(): Promise<number>;
  /** Returns when messages become visible again (milliseconds since 1970), by receipt. */
  returned(): Promise<Readonly<Record<string, number>>>;
  stop(): void;
}

/** The first version of every secret. */
export const firstVersion = '00000000-0000-4000-8000-000000000000';

export const arnOf = (name: string): string => `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-AbCdEf`;

/** PEM. The certificate is for localhost and is followed by its chain. */
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

/** Puts a proxy in front of the CA at `url`. Each answer comes so many milliseconds later. */
export async function startSlowCa(url: string, milliseconds: number): Promise<{ url: string; stop: () => void }> {
  const { said, stop } = await startPart('slow.mjs', [new URL(url).port, String(milliseconds)]);
  return { url: `https://localhost:${said}`, stop };
}

/** Starts a server that prints its ports and ends with its stdin. */
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
