/** `npm run check-aws` on the local AWS, in a process of its own, as a user runs it. */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, ListDashboardsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient, ListEventBusesCommand, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListSubscriptionsCommand, ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { forLambda } from '../../cdk/functions/bundle.ts';
import { groups } from '../../scripts/check-aws/table.ts';
import { client } from '../../testkit/local-aws/client.ts';
import { type Emulator, environmentFor, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { temporaryFolder } from '../../testkit/tools/temporary.ts';
import { describeWith } from '../support/local.ts';

const begin = /^Type yes to begin:$/m;
const documented = /^as documented/;

/** The result of each line on the local AWS. `why`: the reason for a difference from AWS. */
const expected: Readonly<Record<string, { readonly told: RegExp; readonly why?: string }>> = {
  '1.1': { told: /^as documented \(InvalidParameterException: / },
  '1.2': { told: documented },
  '1.3': { told: documented },
  '2.1': { told: /^as documented \(.*none of 20 was late; .*none of 20 was late; .*none of 20 was late\)$/ },
  '2.2': { told: /^as documented \(after \d+ s\)$/ },
  '3.1': { told: documented },
  '3.2': { told: documented },
  '4.1': { told: documented },
  '4.2': { told: /^as documented \(nothing came within / },
  '4.3': { told: /^as documented \(those in the value are not escaped: / },
  '4.4': { told: /^as documented$/, why: 'the test answers for the reader' },
  '5.1': { told: documented },
  '5.2': { told: /^not as documented: it was taken$/, why: 'it has no instances, so that no tag of theirs is judged' },
  '6.1': { told: documented },
  '6.2': { told: documented },
  '7.1': { told: documented },
  '7.2': { told: documented },
  '8.1': { told: /^as documented \(INSUFFICIENT_DATA after / },
  '8.2': { told: documented },
  '8.3': { told: documented },
  '9.1': { told: documented },
};

/** The script in one file: loading its sources takes a second, and is done once here, and by the script that starts it. */
let program: string;
/** The same with small-table.ts as its table, for all that does not depend on the table. It takes a quarter of the time. */
let small: string;
/** What the account has before anything runs. */
let empty: Awaited<ReturnType<typeof inventory>>;

const smallTable: Plugin = {
  name: 'small table',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/table\.ts$/ }, () => ({ path: join(import.meta.dirname, 'small-table.ts') })),
};

describeWith(['emulator'], 'npm run check-aws', () => {
  let aws: Emulator;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder('check-aws');
    program = join(folder.path, 'check-aws.mjs');
    small = join(folder.path, 'small.mjs');
    const settings: BuildOptions = { ...forLambda, minify: false, entryPoints: ['scripts/check-aws.ts'] };
    [aws] = await Promise.all([
      startEmulator(), // of its own: all that is in the account is counted
      build({ ...settings, outfile: program }),
      build({ ...settings, outfile: small, plugins: [smallTable] }),
    ]);
    empty = await inventory(aws);
  });
  afterAll(async () => {
    await aws?.stop();
    await folder?.remove();
  });

  it('makes nothing without a yes', async () => {
    const { code, output } = await check(aws, [], { answers: [[begin, 'no\n']] });
    expect(output).toContain('Account 000000000000, Region us-east-1');
    expect(output).toMatch(/^ {4}cert-renewer-check-[0-9a-f]{8}-swap$/m);
    expect(output).toContain('Nothing was made');
    expect(code).toBe(1);
    expect((await check(aws, [], { answers: [], by: small })).output).toContain('Nothing was made');
    expect(await inventory(aws)).toEqual(empty);
  });

  it.each([
    [['--patience', 'none'], '--patience none: expected a number above 0'],
    [['--instance-tag', 'web'], '--instance-tag web: expected Key=Value'],
    [['--all'], "Unknown option '--all'"],
  ])('refuses %j', async (words, message) => {
    const { code, output } = await check(aws, words, { answers: [], by: small });
    expect(output).toContain(message);
    expect(code).toBe(1);
  });

  it('prints one line for each behaviour, and leaves nothing behind', { timeout: 180_000 }, async () => {
    const words = ['--instance-tag', 'Role=web', '--email', 'reader@example.com'];
    const { code, output } = await check(aws, words, {
      answers: [
        [begin, 'yes\n'],
        [/asks to confirm a subscription/, '\n'],
        [/The next e-mail should say\n {2}cert-renewer: the CA said "no \\ never"\n/, 'y\n'],
      ],
    });
    const told = Object.fromEntries(
      groups
        .flatMap(({ behaviours }) => behaviours)
        .map(({ line, says }) => {
          const lines = output.split('\n').filter((each) => each.startsWith(`${line} ${says}: `));
          expect(lines, output).toHaveLength(1);
          return [line, lines[0]?.slice(`${line} ${says}: `.length) ?? ''];
        }),
    );
    expect(Object.keys(told)).toEqual(Object.keys(expected));
    for (const [line, { told: pattern, why }] of Object.entries(expected)) {
      expect(told[line], `${line}${why === undefined ? '' : ` (${why})`}`).toMatch(pattern);
    }
    expect(output).toContain('All that was made has been taken away.');
    expect(code, 'not all is as documented').toBe(1);
    expect(await inventory(aws)).toEqual(empty);
  });

  const unforeseen = "data:text/javascript,process.once('SIGUSR2', () => { throw new Error('unforeseen') })";
  const unwaited = "data:text/javascript,process.once('SIGUSR2', () => void Promise.reject(new Error('unforeseen')))";
  const told = 'Interrupted: what was made is taken away now.';
  it('removes what all groups have made when it is interrupted by Ctrl-C', { timeout: 120_000 }, async () => {
    const { code, output } = await check(aws, ['--yes'], { interrupt: (child) => child.kill('SIGINT') });
    expect(output).toContain(told);
    expect(output).toMatch(/^4\.2 .*: not tried: interrupted$/m);
    expect(output).toContain('All that was made has been taken away.');
    expect(code).toBe(1);
    expect(await inventory(aws)).toEqual(empty);
  });

  it.each<[string, (child: ChildProcess) => void, readonly string[], readonly string[]]>([
    ['by a closed terminal', (child) => child.kill('SIGHUP'), [], [told]],
    ['by a closed pipe of its output', (child) => child.stdout?.destroy(), [], [told]],
    [
      'by closed pipes of its output and its errors',
      (child) => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      },
      [],
      [],
    ],
    ['by a fault', (child) => child.kill('SIGUSR2'), ['--import', unforeseen], ['Error: unforeseen', told]],
    [
      'by an unhandled rejection',
      (child) => child.kill('SIGUSR2'),
      ['--import', unwaited],
      ['Error: unforeseen', told],
    ],
  ])('removes what it has made when it is interrupted %s', { timeout: 120_000 }, async (_, interrupt, node, says) => {
    const { code, output } = await check(aws, ['--yes'], { interrupt, node, by: small });
    for (const text of says) expect(output).toContain(text);
    if (says.length > 0) {
      expect(output).toMatch(/^4\.2 .*: not tried: interrupted$/m);
      expect(output).toContain('All that was made has been taken away.');
    }
    expect(code).toBe(1);
    expect(await inventory(aws)).toEqual(empty);
  });

  it('notices a closed terminal through the script that starts it', { timeout: 120_000 }, async () => {
    const args = ['scripts/bootstrap.mjs', 'scripts/check-aws.ts', '--patience', '0.2', '--yes'];
    const child = spawn(process.execPath, args, { cwd: projectRoot, env: environmentFor(aws) });
    const { code, output } = await watch(child, { interrupt: () => child.kill('SIGHUP') });
    expect(output).toContain('All that was made has been taken away.');
    expect(code).toBe(1);
    expect(await inventory(aws)).toEqual(empty);
  });
});

interface Told {
  readonly code: number | null;
  readonly output: string;
}

/** Text that is typed when the output asks for it. The input ends after the last. */
type Answer = readonly [question: RegExp, typed: string];

interface Handling {
  readonly answers?: readonly Answer[];
  /** Called once, after the first group has finished, before the others. */
  readonly interrupt?: (child: ChildProcess) => void;
}

/** Time limits are a fifth: the local AWS answers at once, but two busy cores need some time. */
async function check(
  aws: Emulator,
  words: readonly string[],
  { node = [], by = program, ...handling }: Handling & { readonly node?: readonly string[]; readonly by?: string },
): Promise<Told> {
  const args = [...node, by, '--patience', '0.2', ...words];
  return watch(spawn(process.execPath, args, { cwd: projectRoot, env: environmentFor(aws) }), handling);
}

async function watch(child: ChildProcessWithoutNullStreams, { answers = [], interrupt }: Handling): Promise<Told> {
  let output = '';
  const left = [...answers];
  const answer = (): void => {
    const next = left[0]?.[0].test(output) ? left.shift() : undefined;
    if (next) child.stdin.write(next[1]);
    if (left.length === 0) child.stdin.end();
  };
  let isInterrupted = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      answer();
      if (isInterrupted || !interrupt || !/^1\.3 /m.test(output)) return;
      isInterrupted = true;
      interrupt(child);
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

/** Lists everything that could be left in the account, by name. KMS keys that are scheduled for deletion do not count. */
async function inventory(aws: Emulator): Promise<Readonly<Record<string, readonly (string | undefined)[]>>> {
  const [cloudWatch, events, kms, sns] = [CloudWatchClient, EventBridgeClient, KMSClient, SNSClient] as const;
  const keys = (await client(kms, aws).send(new ListKeysCommand())).Keys ?? [];
  const described = keys.map(({ KeyId }) => client(kms, aws).send(new DescribeKeyCommand({ KeyId })));
  const buses = (await client(events, aws).send(new ListEventBusesCommand())).EventBuses ?? [];
  const rules = buses.map(({ Name }) => client(events, aws).send(new ListRulesCommand({ EventBusName: Name })));
  const secrets = client(SecretsManagerClient, aws).send(new ListSecretsCommand({ IncludePlannedDeletion: true }));
  return {
    secrets: ((await secrets).SecretList ?? []).map(({ Name }) => Name),
    queues: (await client(SQSClient, aws).send(new ListQueuesCommand())).QueueUrls ?? [],
    topics: ((await client(sns, aws).send(new ListTopicsCommand())).Topics ?? []).map(({ TopicArn }) => TopicArn),
    subscriptions: ((await client(sns, aws).send(new ListSubscriptionsCommand())).Subscriptions ?? []).map(
      ({ SubscriptionArn }) => SubscriptionArn,
    ),
    buses: buses.map(({ Name }) => Name),
    rules: (await Promise.all(rules)).flatMap(({ Rules = [] }) => Rules.map(({ Name }) => Name)),
    roles: ((await client(IAMClient, aws).send(new ListRolesCommand())).Roles ?? []).map(({ RoleName }) => RoleName),
    functions: ((await client(LambdaClient, aws).send(new ListFunctionsCommand())).Functions ?? []).map(
      ({ FunctionName }) => FunctionName,
    ),
    logGroups: ((await client(CloudWatchLogsClient, aws).send(new DescribeLogGroupsCommand())).logGroups ?? []).map(
      ({ logGroupName }) => logGroupName,
    ),
    stacks: ((await client(CloudFormationClient, aws).send(new ListStacksCommand())).StackSummaries ?? [])
      .filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE')
      .map(({ StackName }) => StackName),
    alarms: ((await client(cloudWatch, aws).send(new DescribeAlarmsCommand())).MetricAlarms ?? []).map(
      ({ AlarmName }) => AlarmName,
    ),
    dashboards: ((await client(cloudWatch, aws).send(new ListDashboardsCommand())).DashboardEntries ?? []).map(
      ({ DashboardName }) => DashboardName,
    ),
    keys: (await Promise.all(described))
      .filter(({ KeyMetadata }) => KeyMetadata?.KeyState !== 'PendingDeletion')
      .map(({ KeyMetadata }) => KeyMetadata?.Description),
  };
}
