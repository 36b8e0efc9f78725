/** Group 6: what Secrets Manager's native rotation does around its function. */
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  FilterLogEventsCommand,
  type FilterLogEventsCommandOutput,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { zip } from '../../testkit/local-aws/zip.ts';
import { group } from './group.ts';
import { judged } from './outcome.ts';
import { role, secret } from './resources.ts';
import type { Room } from './room.ts';

/** A rotation function that logs each step and then waits, so that the version can be observed during the step. */
const code = (milliseconds: number): string => `export const handler = async ({ Step, SecretId }) => {
  console.log('called ' + JSON.stringify({ step: Step, secret: SecretId }));
  await new Promise((resolve) => setTimeout(resolve, ['createSecret', 'testSecret'].includes(Step) ? ${milliseconds} : 0));
};`;

async function rotationFunction(room: Room): Promise<string> {
  const logs = room.client(CloudWatchLogsClient);
  const lambda = room.client(LambdaClient);
  const logGroupName = room.name('rotation');
  await room.make(
    'log group',
    'rotation',
    (name) => logs.send(new CreateLogGroupCommand({ logGroupName: name })),
    (name) => logs.send(new DeleteLogGroupCommand({ logGroupName: name })),
  );
  const Role = await role(room, 'rotation', {
    principal: { Service: 'lambda.amazonaws.com' },
    statements: [
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: `${room.arn('logs', `log-group:${logGroupName}`)}:*`,
      },
    ],
  });
  const create = (FunctionName: string) =>
    lambda.send(
      new CreateFunctionCommand({
        ...{ FunctionName, Role, Runtime: 'nodejs24.x', Handler: 'index.handler', Timeout: 30 },
        Code: { ZipFile: zip({ 'index.mjs': code(room.limit(5)) }) },
        LoggingConfig: { LogGroup: logGroupName },
      }),
    );
  const { FunctionArn = '' } = await room.make(
    'function',
    'rotation',
    (name) => room.untilTaken(() => create(name), isRoleUnknown),
    (FunctionName) => lambda.send(new DeleteFunctionCommand({ FunctionName })),
  );
  const FunctionName = room.name('rotation');
  await room.until(60, async () => {
    const { State } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    return State === 'Active' || undefined;
  });
  await lambda.send(
    new AddPermissionCommand({
      ...{ FunctionName, StatementId: 'rotation', Action: 'lambda:InvokeFunction' },
      ...{ Principal: 'secretsmanager.amazonaws.com', SourceAccount: room.account.id },
    }),
  );
  return FunctionArn;
}

/** Lambda checks a role before IAM has spread it: "The role defined for the function cannot be assumed by Lambda". */
const isRoleUnknown = (thrown: unknown): boolean =>
  thrown instanceof Error && thrown.name === 'InvalidParameterValueException' && thrown.message.includes('role');

interface Seen {
  /** The steps, in the order of their calls. */
  readonly steps: readonly string[];
  /** The value of AWSPENDING during the steps, `empty`, or undefined if no version had the stage. */
  readonly pending: string | undefined;
  /** Tells whether a version that is not current has the stage at the end. */
  readonly isPendingLeft: boolean;
}

async function rotate(room: Room, functionArn: string, SecretId: string, RotateImmediately: boolean): Promise<Seen> {
  const secrets = room.client(SecretsManagerClient);
  const start = new RotateSecretCommand({
    ...{ SecretId, RotateImmediately, RotationLambdaARN: functionArn, RotationRules: { AutomaticallyAfterDays: 365 } },
  });
  let pending: string | undefined;
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (pending === undefined && !isOver) {
      pending = await pendingValue(secrets, SecretId);
      await room.pause(Math.min(300, room.limit(1)));
    }
  };
  const watching = watch();
  watching.catch(() => {}); // awaited below. An earlier failure must not end the process before it has deleted its resources.
  try {
    // The new permission of Secrets Manager takes a moment to spread.
    await room.untilTaken(() => secrets.send(start), isNotPermitted);
    const last = RotateImmediately ? 'finishSecret' : 'testSecret';
    await room.until(60, async () => (await stepsOf(room, SecretId)).includes(last) || undefined);
    await room.pause(room.limit(15)); // for unexpected steps, and for the end of the last step
  } finally {
    isOver = true;
    await watching;
  }
  const isPendingLeft = (await pendingValue(secrets, SecretId)) !== undefined;
  return { steps: await stepsOf(room, SecretId), pending, isPendingLeft };
}

const isNotPermitted = (thrown: unknown): boolean =>
  thrown instanceof Error && /AccessDenied/.test(thrown.name + thrown.message);

async function pendingValue(secrets: SecretsManagerClient, SecretId: string): Promise<string | undefined> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  const [found] = Object.entries(VersionIdsToStages).find(
    ([, labels]) => labels.includes('AWSPENDING') && !labels.includes('AWSCURRENT'),
  ) ?? [undefined];
  if (found === undefined) return undefined;
  try {
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId, VersionId: found }));
    return SecretString;
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return 'empty';
    throw error;
  }
}

async function stepsOf(room: Room, secretArn: string): Promise<readonly string[]> {
  const logs = room.client(CloudWatchLogsClient);
  const logGroupName = room.name('rotation');
  const events: { readonly message?: string | undefined }[] = [];
  let nextToken: string | undefined;
  do {
    // An empty page is not always the last one.
    const page: FilterLogEventsCommandOutput = await logs.send(new FilterLogEventsCommand({ logGroupName, nextToken }));
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return events.flatMap(({ message = '' }) => {
    const [json] = /\{"step":.*\}/.exec(message) ?? [];
    const called: { step: string; secret: string } | undefined = json && JSON.parse(json);
    return called?.secret === secretArn ? [called.step] : [];
  });
}

export const rotation = group({
  makes: [
    { kind: 'log group', part: 'rotation' },
    { kind: 'role', part: 'rotation' },
    { kind: 'function', part: 'rotation' },
    { kind: 'secret', part: 'rotates-later' },
    { kind: 'secret', part: 'rotates-now' },
  ],
  setUp: rotationFunction,
  behaviours: [
    {
      line: '6.1',
      says: 'RotateSecret with RotateImmediately false: testSecret alone, with the current value as AWSPENDING, and the label goes again',
      observe: async (room, functionArn) => {
        const arn = await secret(room, 'rotates-later', { SecretString: 'current' });
        const { steps, pending, isPendingLeft } = await rotate(room, functionArn, arn, false);
        return judged([
          ...(steps.join() === 'testSecret' ? [] : [`the steps called: ${steps.join(', ') || 'none'}`]),
          ...(pending === 'current' ? [] : [`AWSPENDING: ${pending === undefined ? 'none' : pending}`]),
          ...(isPendingLeft ? ['AWSPENDING stays'] : []),
        ]);
      },
    },
    {
      line: '6.2',
      says: 'RotateSecret makes an empty AWSPENDING first, and then calls createSecret',
      observe: async (room, functionArn) => {
        const arn = await secret(room, 'rotates-now', { SecretString: 'current' });
        const { steps, pending } = await rotate(room, functionArn, arn, true);
        return judged([
          ...(steps[0] === 'createSecret' ? [] : [`the steps called: ${steps.join(', ') || 'none'}`]),
          ...(pending === 'empty' ? [] : [`AWSPENDING: ${pending === undefined ? 'none' : pending}`]),
        ]);
      },
    },
  ],
});
