import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cachePath, projectRoot } from '../tools/cache.ts';
import { freePort, type Running, start, untilReady } from '../tools/process.ts';
import { pythonWith } from '../tools/python.ts';
import { temporaryFolder } from '../tools/temporary.ts';
import { required, type Tool } from '../tools/tool.ts';
import { journalOf, requestsOf } from './calls.ts';

export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';

export interface Emulator {
  /** http://127.0.0.1:<port> */
  readonly endpoint: string;
  /** Environment of the AWS SDKs and the CDK, as root of the account: AWS_ENDPOINT_URL, credentials, Region. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** The file with all answered calls, if it `keepsCalls`. every-call.ts reads it. */
  readonly callsFile: string;
  readonly pid: number;
  /** Deletes all resources of the account. */
  reset(): Promise<void>;
  /** Ends it and its Lambda workers, and removes its folder. Safe to call twice. */
  stop(): Promise<void>;
}

/** The serialisable part of an Emulator. */
export type EmulatorAccess = Pick<Emulator, 'endpoint' | 'env' | 'logFile' | 'callsFile' | 'pid'>;

export interface EmulatorOptions {
  /** Patches to leave out (testkit/local-aws/patches), or ['all']. */
  readonly without?: readonly string[];
  /** Records every call, for a test that counts them. */
  readonly keepsCalls?: boolean;
}

/**
 * Starts the local AWS on 127.0.0.1 and a free port, and waits until it answers.
 * A temporary folder has its state. With KEEP_LOGS=1 its log stays in .cache/logs.
 * @throws ToolMissingError if Python is missing, and Error with the end of the log if it does not start.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const python = required(await emulatorPython());
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(python, options);
    } catch (error) {
      // Another program may take the port before the emulator does.
      if (attempt === 3 || !String(error).includes('already in use')) throw error;
    }
  }
}

async function launch(python: string, { without = [], keepsCalls = false }: EmulatorOptions): Promise<Emulator> {
  const { path: folder, remove } = await temporaryFolder('aws');
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const logFolder = process.env['KEEP_LOGS'] === '1' ? cachePath('logs') : folder;
  await mkdir(logFolder, { recursive: true });
  const logFile = join(logFolder, `emulator-${port}.log`);
  const callsFile = join(folder, 'calls.jsonl');
  let running: Running | undefined;
  const stop = async (): Promise<void> => {
    await running?.stop();
    await remove();
  };
  try {
    running = await start({
      command: python,
      args: [join(import.meta.dirname, 'emulator.py')],
      cwd: folder,
      env: { ...environment(folder, port, without), EMULATOR_EVERY_CALL: keepsCalls ? callsFile : '' },
      logFile,
    });
    await untilReady(running, 'the local AWS', logFile, async () => (await fetch(`${endpoint}/_ministack/health`)).ok);
  } catch (error) {
    await stop();
    throw error;
  }
  const reset = async (): Promise<void> => {
    const { ok, status } = await fetch(`${endpoint}/_ministack/reset`, { method: 'POST' });
    if (!ok) throw new Error(`the local AWS can't be reset: ${status}`);
  };
  return { endpoint, env: clientEnvironment(endpoint), logFile, callsFile, pid: running.pid, reset, stop };
}

/** Returns the emulator's environment. Its Lambdas inherit it, so no variable of the caller and no setting of the real AWS is in it. */
function environment(folder: string, port: number, without: readonly string[]): Record<string, string> {
  return {
    // Lambdas run on the first `node` on PATH, so this is the project's own version.
    PATH: `${join(projectRoot, 'node_modules', '.bin')}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    HOME: folder,
    TMPDIR: folder,
    LANG: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1', // no __pycache__ beside the patches
    PYTHONUNBUFFERED: '1',
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    AUTH: 'true', // IAM policies are always enforced
    IOT_MTLS_ENABLED: '0', // otherwise it listens on 0.0.0.0:8883
    SFTP_ENABLED: '0',
    LAMBDA_ASYNC_RETRY_BASE_SECONDS: '0.2', // seconds before the second try. AWS waits a minute.
    DOCKER_HOST: `unix://${join(folder, 'no-docker.sock')}`, // otherwise it removes containers of this machine
    EMULATOR_FOLDER: folder,
    EMULATOR_WITHOUT: without.join(','),
    EMULATOR_JOURNAL: journalOf(port) ?? '',
    EMULATOR_REQUESTS: requestsOf(port) ?? '',
  };
}

function clientEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test', // root of the emulator's account
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null', // no profile of the user must apply
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

/** Returns this process's environment for child processes, with the emulator's AWS_* variables instead of the user's. */
export function environmentFor(emulator: Pick<Emulator, 'env'>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const path = `${join(projectRoot, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`;
  return { ...Object.fromEntries(own), PATH: path, ...emulator.env };
}

/** Returns the Python of the emulator's environment, or what is missing. Never throws. */
export const emulatorPython = (): Promise<Tool> =>
  pythonWith({ name: 'emulator', requirements: 'requirements-emulator.txt', what: 'the local AWS (ministack)' });
