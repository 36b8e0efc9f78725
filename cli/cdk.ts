/** Runs the CDK for `deploy`, `diff`, `destroy` and `bootstrap`: the npm package aws-cdk, in its own process. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from './exit.ts';
import type { Target } from './session.ts';

export interface CdkCommand {
  /** The CDK's own command and options: `deploy`, `--require-approval`, `never`. */
  readonly words: readonly string[];
  readonly target: Target;
  /** Absolute path of the configuration. */
  readonly config: string;
  /** Absolute path of the file for the stack's outputs. Default: a temporary file. */
  readonly outputsFile?: string | undefined;
  /** Where the CDK's stdout goes. `returned` is for commands that ask nothing. */
  readonly stdout: 'stdout' | 'stderr' | 'returned';
  /** Ends the CDK. CloudFormation still completes an operation that has begun. */
  readonly interrupted: AbortSignal;
}

export interface CdkEnd {
  /** The CDK's exit code; 128 plus the signal's number if a signal ended it. */
  readonly code: number;
  /** The stack's outputs by name, after a deployment. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The CDK's stdout, if it is `returned`. */
  readonly text: string;
}

export interface Cdk {
  readonly run: (command: CdkCommand) => Promise<CdkEnd>;
  /** Validates a configuration file as the deployment does. Throws UsageError with all that is wrong, or if there is no file. */
  readonly checkFile: (file: string) => Promise<void>;
  /** The same for a configuration that is not written yet. Paths in it start at `folder`. */
  readonly check: (document: unknown, file: string, folder: string) => Promise<void>;
}

/** What the edge passes in from its process. */
export interface CdkEdges {
  /** The program `node`. */
  readonly node: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdin is a terminal. To ask there, the CDK must stay in the terminal's foreground process group. */
  readonly isTerminal: boolean;
  /** Registers a listener for the exit of this process. The returned function removes it. */
  readonly atExit: (listener: () => void) => () => void;
}

export function cdkOf(edges: CdkEdges): Cdk {
  return {
    run: (command) => runCdk(edges, command),
    checkFile: async (file) => {
      if (existsSync(file)) return validated(({ readConfigFile }) => readConfigFile(file));
      throw new UsageError(
        `There is no file ${file}: write one with cert-renewer init, or name another with --config.`,
      );
    },
    check: (document, source, baseDirectory) =>
      validated(({ validateConfig }) => validateConfig(document, { source, baseDirectory })),
  };
}

type Validation = typeof import('../cdk/config/config.ts');

/** Loads the validation on demand, which takes half a second. */
async function validated(validate: (module: Validation) => unknown): Promise<void> {
  for (const name of ['aws-cdk-lib', 'constructs']) manifestOf(name);
  const module = await import('../cdk/config/config.ts');
  try {
    validate(module);
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ConfigError') throw new UsageError(thrown.message);
    throw thrown;
  }
}

async function runCdk(edges: CdkEdges, command: CdkCommand): Promise<CdkEnd> {
  // The CDK runs in a temporary folder: the user's cdk.json has no effect, and no file is left behind.
  const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-cdk-'));
  const outputsFile = command.outputsFile ?? join(folder, 'outputs.json');
  try {
    const { code, text } = await ended(edges, command, folder, outputsFile);
    return { code, text, outputs: code === 0 ? outputsIn(outputsFile) : {} };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ended(
  edges: CdkEdges,
  command: CdkCommand,
  folder: string,
  outputsFile: string,
): Promise<Omit<CdkEnd, 'outputs'>> {
  const { words, target, config, stdout, interrupted } = command;
  const { region, profile } = target.aws;
  const [name = ''] = words;
  const args = [
    ...[cdkProgram(), ...words, '--app', appCommand(edges.node), '--output', join(folder, 'cdk.out')],
    ...['-c', `config=${config}`, '-c', `stackName=${target.stackName}`],
    ...['--no-notices', '--no-version-reporting'],
    ...(name === 'deploy' ? ['--outputs-file', outputsFile] : []),
    ...(profile === undefined ? [] : ['--profile', profile]),
  ];
  const env = {
    ...edges.env,
    CDK_DISABLE_VERSION_CHECK: '1',
    ...(region !== undefined && { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
  };
  // Without a terminal the CDK leads its own process group, so that a signal reaches the app's process too.
  const leads = !edges.isTerminal;
  const child = spawn(edges.node, args, {
    ...{ cwd: folder, env, detached: leads },
    stdio: ['inherit', fileOf[stdout], 2],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const signal = (name: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      if (leads) process.kill(-child.pid, name);
      else child.kill(name);
    }
  };
  const onInterrupt = () => signal('SIGTERM'); // only a terminal sends Ctrl-C to the CDK too
  const forget = edges.atExit(() => {
    signal('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  interrupted.addEventListener('abort', onInterrupt);
  return new Promise<Omit<CdkEnd, 'outputs'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, by) => {
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({ code: by === null ? (code ?? 1) : 128 + constants.signals[by], text });
    });
  }).finally(() => {
    interrupted.removeEventListener('abort', onInterrupt);
    forget();
  });
}

/** A file descriptor of this process, or a new pipe. */
const fileOf = { stdout: 1, stderr: 2, returned: 'pipe' } as const;

/** The file contains one stack, and its name is the only key. */
function outputsIn(file: string): Record<string, string> {
  if (!existsSync(file)) return {};
  const parsed: Record<string, Record<string, string>> = JSON.parse(readFileSync(file, 'utf8'));
  return Object.values(parsed)[0] ?? {};
}

function cdkProgram(): string {
  const manifest = manifestOf('aws-cdk');
  const { bin }: { bin: Record<string, string> } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(dirname(manifest), bin['cdk'] ?? '');
}

/**
 * Returns the path of a peer's package.json. Throws UsageError if the peer is missing: npm installs peers, pnpm and Yarn do not
 * always.
 */
export function manifestOf(peer: string): string {
  try {
    return createRequire(import.meta.url).resolve(`${peer}/package.json`);
  } catch {
    throw new UsageError(
      `The package ${peer} is missing: install the CDK beside cert-renewer (npm install aws-cdk aws-cdk-lib constructs).`,
    );
  }
}

/** Returns the shell command that starts the app: `cdk/app.ts` in a clone, its bundle in the package. */
function appCommand(node: string): string {
  const source = fileURLToPath(new URL('../cdk/app.ts', import.meta.url));
  if (!existsSync(source)) return line(node, fileURLToPath(new URL('./app.js', import.meta.url)));
  return line(node, '--import', import.meta.resolve('tsx'), source);
}

/** The space at the end keeps the quotes: yargs removes a pair of quotes around a whole value. */
const line = (...words: readonly string[]): string => `${words.map((word) => quoted(word)).join(' ')} `;

/**
 * Puts a word in double quotes, which every shell reads. In them sh gives a meaning to four characters, so these are escaped.
 * cmd.exe has no escape, and needs none in a path: only `%` keeps a meaning there.
 */
export function quoted(word: string, isWindows = sep === '\\'): string {
  return `"${isWindows ? word : word.replace(/[\\"$`]/g, '\\$&')}"`;
}
