/** The command line on fakes: a world of secrets, the stack's functions, the CDK, a person, and a terminal that records its output. */
import { PassThrough } from 'node:stream';
import type { FunctionSettings } from '../../cli/aws/functions.ts';
import { type Cdk, type CdkCommand, type CdkEnd, cdkOf } from '../../cli/cdk.ts';
import { run } from '../../cli/program.ts';
import type { Session } from '../../cli/session.ts';
import { FakeDeclarationKeeper } from '../../testkit/fakes/declaration-keeper.ts';
import { FakeNetwork } from '../../testkit/fakes/probe-network.ts';
import { hour, type World } from '../renewal/world.ts';
import { zoo } from '../renewal/zoo.ts';
import { FakeQueues } from './fake-queues.ts';

export const stack = {
  name: 'CertRenewer',
  arn: 'arn:aws:cloudformation:us-east-1:000000000000:stack/CertRenewer/1',
  partition: 'aws',
  region: 'us-east-1',
  account: '000000000000',
  status: 'UPDATE_COMPLETE',
  updatedAt: 0,
  outputs: new Map([
    ['ScanFunctionName', 'scan'],
    ['RenewFunctionName', 'renew'],
    ['RenewalQueueUrl', 'https://sqs/000000000000/renewals'],
    ['DeadLetterQueueUrl', 'https://sqs/000000000000/dead'],
    ['EventBusName', 'bus'],
  ]),
};

export interface StageOptions {
  readonly world?: World;
  /** Answers an invocation of the function `scan` or `renew`. */
  readonly invoke?: (functionName: string, request: Record<string, unknown>) => unknown;
  readonly session?: Partial<Session>;
  readonly tty?: boolean;
  /** Width of the terminal. Default: 100. */
  readonly columns?: number;
  /** The result of the fake CDK. Default: success without outputs. */
  readonly cdk?: Partial<CdkEnd>;
  /** The same, computed from the command. */
  readonly onCdk?: (command: CdkCommand) => Promise<Partial<CdkEnd>>;
  /** The answers of a person, in order; then the input ends. Default: there is no terminal. */
  readonly answers?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Returns a function that runs command lines in one world, and records of what they did. */
export function stage(options: StageOptions = {}) {
  const world = options.world ?? zoo();
  const requests: { functionName: string; request: Record<string, unknown> }[] = [];
  const declarations = new FakeDeclarationKeeper();
  const interrupts: (() => void)[] = [];
  const exits: number[] = [];
  const cdkCommands: CdkCommand[] = [];
  const questions: string[] = [];
  const answers = [...(options.answers ?? [])];
  const ask = async (question: string): Promise<string | undefined> => {
    questions.push(question);
    return answers.shift();
  };
  // The validation is the real one. It starts no process.
  const validation = cdkOf({ node: '', env: {}, isTerminal: false, atExit: () => () => undefined });
  const cdk: Cdk = {
    ...validation,
    run: async (command) => {
      cdkCommands.push(command);
      return { code: 0, outputs: {}, text: '', ...options.cdk, ...(await options.onCdk?.(command)) };
    },
  };
  const session: Session = {
    target: { stackName: 'CertRenewer', aws: {} },
    version: '1.2.3',
    clock: world.clock,
    store: world.store,
    secrets: {
      create: async ({ name, text, tags }) => {
        const arn = world.store.add({ name, value: text, versionId: 'v1', tags });
        return { arn, versionId: 'v1' };
      },
      tagged: async function* () {},
      versionDates: async (secretId) => {
        const ids = [...world.store.summary(secretId).versions.keys()];
        const read = async (id: string) => (await world.store.read(secretId, id)).createdAt;
        return new Map(
          await Promise.all(ids.map(async (id) => [id, { createdAt: await read(id), lastReadOn: undefined }] as const)),
        );
      },
      all: async function* () {},
    },
    functions: {
      settings: async (): Promise<FunctionSettings> => ({
        environment: { CERT_RENEWER_VERSION: '1.2.3' },
        state: 'Active',
        lastUpdate: 'Successful',
        logGroup: 'log',
      }),
      invoke: async (functionName, request) => {
        const asked = Object(request) as Record<string, unknown>;
        requests.push({ functionName, request: asked });
        return options.invoke?.(functionName, asked);
      },
      start: async (functionName, request) => {
        requests.push({ functionName, request: Object(request) });
      },
    },
    maker: world.store,
    declarations: async () => declarations,
    stack: async () => stack,
    output: async (name) => stack.outputs.get(name) ?? '',
    deployment: async () => ({
      profiles: world.profiles,
      authorities: undefined,
      rotationFunctionArn: undefined,
      step: () => hour,
      longestGap: hour,
    }),
    profileNames: async () => world.profiles.names(),
    observer: {
      scheduleState: async () => 'ENABLED',
      waiting: async () => 0,
      logSince: async () => [{ at: world.clock.now() - 60_000, text: 'START' }],
      logWith: async () => [],
    },
    queues: new FakeQueues(),
    network: new FakeNetwork(),
    resources: async () => [{ type: 'AWS::Scheduler::Schedule', logicalId: 'Schedule', id: 'hourly' }],
    ...options.session,
  };

  function output() {
    const stream = new PassThrough();
    const chunks: string[] = [];
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
    const write = (text: string) => chunks.push(text);
    return { chunks, out: { write, isTTY: options.tty ?? false, columns: options.columns ?? 100 } };
  }

  async function cli(...argv: string[]): Promise<Ended> {
    const [stdout, stderr] = [output(), output()];
    const code = await run(argv, {
      stdout: stdout.out,
      stderr: stderr.out,
      env: options.env ?? {},
      clock: world.clock,
      process: { pid: 1, isAlive: () => false },
      cdk,
      ask: options.answers && ask,
      entropy: world.entropy,
      onInterrupt: (listener) => interrupts.push(listener),
      exit: (exit) => exits.push(exit),
      open: (target) => ({ ...session, target, ...options.session }),
    });
    return { code, stdout: stdout.chunks.join(''), stderr: stderr.chunks.join('') };
  }

  const interrupt = () => {
    for (const listener of interrupts) listener();
  };
  return { cli, world, declarations, requests, cdkCommands, questions, exits, interrupt, session };
}

/** Returns the objects of NDJSON. */
export const records = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
