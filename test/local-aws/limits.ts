/** The size limits of policies, environments and parameters, by a call and by a template. */
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { AddPermissionCommand, LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { CreateTopicCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { client, type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Behaviour, outcome } from './behaviour.ts';
import { deployed } from './functions.ts';
import { refusal } from './stacks.ts';

type Document = Readonly<Record<string, unknown>>;

const service = { Service: 'events.amazonaws.com' };
const statement = (Action: unknown, Sid = 'S') => ({
  Sid,
  Effect: 'Allow',
  Principal: service,
  Action,
  Resource: '*',
});
const policyOf = (...Statement: readonly unknown[]): Document => ({ Version: '2012-10-17', Statement });
const several = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Builds a policy of exactly this many characters, plus this much white space. */
function sized(length: number, spaces = 0): string {
  const text = (resource: string) =>
    JSON.stringify(policyOf({ ...statement('sqs:SendMessage'), Resource: `arn:aws:sqs:::${resource}` }));
  return text('x'.repeat(length - text('').length)) + ' '.repeat(spaces);
}
const parsed = (text: string): Document => JSON.parse(text);

/** AWS's own messages, as users report them. */
const SAID = [
  [/Submitted policy is over max allowed size/, 'too large'],
  [/\d+ statements were found/, 'too many statements'],
  [/\d+ actions were found/, 'too many actions'],
  [/larger than 30 KB/, 'too large'],
  [/exceeded the 4KB limit/, 'too large'],
  [/Maximum policy size of 10240 bytes exceeded for role/, 'too large'],
  [/Cannot exceed quota for PolicySize: 6144/, 'too large'],
  [/Cannot exceed quota for PoliciesPerRole: 10/, 'too many'],
  [/support a maximum parameter value of \d+ characters/, 'too large'],
] as const;

/** Returns the outcome of a stack with one resource. */
async function stack(aws: Endpoint, Type: string, Properties: Document): Promise<string> {
  return said(await refusal(aws, { It: { Type, Properties } }));
}

function said(reason: string): string {
  return SAID.find(([pattern]) => pattern.test(reason))?.[1] ?? reason;
}

async function queuePolicies(aws: Endpoint): Promise<unknown> {
  const sqs = client(SQSClient, aws);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName('queue') }));
  const set = (policy: string) =>
    outcome(sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: policy } })));
  const statements = (count: number) =>
    policyOf(...several(count, (index) => statement('sqs:SendMessage', `S${index}`)));
  const actions = (count: number) => policyOf(statement(several(count, (index) => `sqs:Action${index}`)));
  const make = (PolicyDocument: Document) =>
    stack(aws, 'AWS::SQS::QueuePolicy', { Queues: [QueueUrl], PolicyDocument });
  return [
    [await set(sized(8192)), await set(sized(8193)), await make(parsed(sized(8193)))],
    [await set(JSON.stringify(statements(20))), await set(JSON.stringify(statements(21))), await make(statements(21))],
    [await set(JSON.stringify(actions(7))), await set(JSON.stringify(actions(8))), await make(actions(8))],
  ];
}

async function topicPolicies(aws: Endpoint): Promise<unknown> {
  const sns = client(SNSClient, aws);
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: uniqueName('topic') }));
  const set = (AttributeValue: string) =>
    outcome(sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue })));
  const make = (PolicyDocument: Document) =>
    stack(aws, 'AWS::SNS::TopicPolicy', { Topics: [TopicArn], PolicyDocument });
  const create = (policy: string) =>
    outcome(sns.send(new CreateTopicCommand({ Name: uniqueName('topic'), Attributes: { Policy: policy } })));
  return [
    [await set(sized(30_720)), await create(sized(30_720))],
    [await set(sized(30_721)), await create(sized(30_721)), await make(parsed(sized(30_721)))],
  ];
}

/** Counts the permissions of about a thousand characters that a function accepts, and returns the error at the end. */
async function permissions(aws: Endpoint): Promise<unknown> {
  const FunctionName = await deployed(aws, 'export const handler = async () => undefined;');
  const lambda = client(LambdaClient, aws);
  for (let count = 0; count < 30; count++) {
    const ended = await outcome(
      lambda.send(
        new AddPermissionCommand({
          FunctionName,
          StatementId: `statement-${count}`,
          Action: 'lambda:InvokeFunction',
          Principal: 'events.amazonaws.com',
          SourceArn: `arn:aws:events:us-east-1:000000000000:rule/${'x'.repeat(800)}-${count}`,
        }),
      ),
    );
    if (ended !== 'ok') return [count > 10 && count < 25, ended];
  }
  return 'no end';
}

async function environments(aws: Endpoint): Promise<unknown> {
  const FunctionName = await deployed(aws, 'export const handler = async () => undefined;');
  const variables = (size: number) => ({ Variables: { A: 'x'.repeat(size - 8) } }); // {"A":""}
  const update = (size: number) =>
    outcome(
      client(LambdaClient, aws).send(
        new UpdateFunctionConfigurationCommand({ FunctionName, Environment: variables(size) }),
      ),
    );
  const make = (size: number) =>
    stack(aws, 'AWS::Lambda::Function', {
      Role: 'arn:aws:iam::000000000000:role/any',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: 'exports.handler = async () => undefined;' },
      Environment: variables(size),
    });
  return [await update(4096), await update(4097), await make(4096), await make(4097)];
}

const trust = policyOf(statement('sts:AssumeRole'));

async function rolePolicies(aws: Endpoint): Promise<unknown> {
  const iam = client(IAMClient, aws);
  const RoleName = uniqueName('role');
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const put = (PolicyName: string, PolicyDocument: string) =>
    outcome(iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument })));
  const createManaged = (PolicyDocument: string) =>
    outcome(iam.send(new CreatePolicyCommand({ PolicyName: uniqueName('policy'), PolicyDocument })));
  const attach = (index: number) =>
    outcome(
      iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: `arn:aws:iam::000000000000:policy/${index}` })),
    );
  const inline = (...lengths: number[]) => ({
    AssumeRolePolicyDocument: trust,
    Policies: lengths.map((length, index) => ({ PolicyName: `P${index}`, PolicyDocument: parsed(sized(length)) })),
  });
  const roleAndPolicy = (own: number) => ({
    Role: { Type: 'AWS::IAM::Role', Properties: inline(own) },
    Policy: {
      Type: 'AWS::IAM::Policy',
      Properties: { Roles: [{ Ref: 'Role' }], PolicyName: 'more', PolicyDocument: parsed(sized(5000)) },
    },
  });
  const attached = [];
  for (let index = 0; index < 11; index++) attached.push(await attach(index));
  return {
    inline: [await put('a', sized(5000, 900)), await put('b', sized(5240)), await put('b', sized(5241))],
    managed: [await createManaged(sized(6144, 100)), await createManaged(sized(6145))],
    attached: [new Set(attached.slice(0, 10)).size, ...attached.slice(9)],
    inUpdate: [
      said(await refusal(aws, roleAndPolicy(5000), roleAndPolicy(5240))),
      said(await refusal(aws, roleAndPolicy(5000), roleAndPolicy(5241))),
    ],
    inTemplate: [
      await stack(aws, 'AWS::IAM::Role', inline(5000, 5240)),
      await stack(aws, 'AWS::IAM::Role', inline(5000, 5241)),
      await stack(aws, 'AWS::IAM::Policy', {
        Roles: [RoleName],
        PolicyName: 'c',
        PolicyDocument: parsed(sized(5241)),
      }),
      await stack(aws, 'AWS::IAM::ManagedPolicy', { PolicyDocument: parsed(sized(6145)) }),
      await stack(aws, 'AWS::IAM::Role', {
        ...inline(),
        ManagedPolicyArns: several(11, (index) => `arn:aws:iam::000000000000:policy/${index}`),
      }),
    ],
  };
}

async function parameters(aws: Endpoint): Promise<unknown> {
  const put = (size: number, Tier?: 'Standard' | 'Advanced' | 'Intelligent-Tiering') => {
    const Value = 'x'.repeat(size);
    return outcome(
      client(SSMClient, aws).send(
        new PutParameterCommand({ Name: uniqueName('parameter'), Type: 'String', Value, Tier }),
      ),
    );
  };
  const make = (size: number, Tier?: string) =>
    stack(aws, 'AWS::SSM::Parameter', { Type: 'String', Value: 'x'.repeat(size), Tier });
  return {
    standard: [await put(4096), await put(4097), await make(4096), await make(4097)],
    larger: [await put(8192, 'Advanced'), await put(8193, 'Advanced'), await put(8193, 'Intelligent-Tiering')],
    inTemplate: [await make(8192, 'Intelligent-Tiering'), await make(8193, 'Intelligent-Tiering')],
  };
}

const LIMIT = 'LimitExceededException';

export const LIMITS: readonly Behaviour[] = [
  {
    patch: 'queue-policy-limits',
    observe: queuePolicies,
    withPatch: [
      ['ok', 'OverLimit', 'too large'],
      ['ok', 'OverLimit', 'too many statements'],
      ['ok', 'OverLimit', 'too many actions'],
    ],
    without: [
      ['ok', 'ok', 'ok'],
      ['ok', 'ok', 'ok'],
      ['ok', 'ok', 'ok'],
    ],
  },
  {
    patch: 'topic-policy-limit',
    observe: topicPolicies,
    withPatch: [
      ['ok', 'ok'],
      ['InvalidParameterException', 'InvalidParameterException', 'too large'],
    ],
    without: [
      ['ok', 'ok'],
      ['ok', 'ok', 'ok'],
    ],
  },
  {
    patch: 'function-policy-limit',
    observe: permissions,
    withPatch: [true, 'PolicyLengthExceededException'],
    without: 'no end',
  },
  {
    patch: 'function-environment-limit',
    observe: environments,
    withPatch: ['ok', 'InvalidParameterValueException', 'ok', 'too large'],
    without: ['ok', 'ok', 'ok', 'ok'],
  },
  {
    patch: 'role-policy-limits',
    observe: rolePolicies,
    withPatch: {
      inline: ['ok', 'ok', LIMIT],
      managed: ['ok', LIMIT],
      attached: [1, 'ok', LIMIT],
      inUpdate: ['ok', 'too large'],
      inTemplate: ['ok', 'too large', 'too large', 'too large', 'too many'],
    },
    without: {
      inline: ['ok', 'ok', 'ok'],
      managed: ['ok', 'ok'],
      attached: [1, 'ok', 'ok'],
      inUpdate: ['ok', 'ok'],
      inTemplate: ['ok', 'ok', 'ok', 'ok', 'ok'],
    },
  },
  {
    patch: 'parameter-size',
    observe: parameters,
    withPatch: {
      standard: ['ok', 'ValidationException', 'ok', 'too large'],
      larger: ['ok', 'ValidationException', 'ValidationException'],
      inTemplate: ['ok', 'too large'],
    },
    without: { standard: ['ok', 'ok', 'ok', 'ok'], larger: ['ok', 'ok', 'ok'], inTemplate: ['ok', 'ok'] },
  },
];
