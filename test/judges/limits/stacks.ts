/** Limits of CloudFormation on a template, and of Lambda, SQS and SSM on their resources. */
import { referred, resourcesOf } from '../assembly.ts';
import { property, textOf } from '../filled.ts';
import { each, type Limit, lengthOf, measured, numberOf } from './limit.ts';

const cloudFormation = 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html';
const lambda = 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html';
const lambdaApi = (page: string) => `https://docs.aws.amazon.com/lambda/latest/api/API_${page}.html`;
const sqs = 'https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html';
const sqsApi = 'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html';
const ssm = 'https://docs.aws.amazon.com/general/latest/gr/ssm.html';
const ssmApi = (page: string) => `https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_${page}.html`;

const keys = (value: unknown): string[] => Object.keys((value ?? {}) as object);

/** Measures each template once. */
const ofTemplate =
  (value: (template: Parameters<Limit['measure']>[0]['templates'][number]) => number): Limit['measure'] =>
  ({ templates }) =>
    templates.map((template) => measured({ template, id: '' }, value(template)));

const stackLimits: readonly Limit[] = [
  {
    what: 'resources of a template',
    least: 1,
    most: 500,
    source: cloudFormation,
    measure: ofTemplate(({ body }) => keys(body.Resources).length),
  },
  {
    what: 'outputs of a template',
    most: 200,
    source: cloudFormation,
    measure: ofTemplate(({ body }) => keys(body.Outputs).length),
  },
  {
    what: 'parameters of a template',
    most: 200,
    source: cloudFormation,
    measure: ofTemplate(({ body }) => keys(body.Parameters).length),
  },
  {
    what: 'bytes of a template',
    most: 1_000_000,
    source: cloudFormation,
    measure: ofTemplate(({ text }) => Buffer.byteLength(text)),
  },
  {
    what: "characters of a template's description",
    most: 1_024,
    source: cloudFormation,
    measure: ofTemplate(({ body }) => body.Description?.length ?? 0),
  },
  {
    what: 'characters of a name of a resource, an output or a parameter',
    most: 255,
    source: cloudFormation,
    measure: ({ templates }) =>
      templates.flatMap((template) =>
        [template.body.Resources, template.body.Outputs, template.body.Parameters]
          .flatMap(keys)
          .map((id) => measured({ template, id }, id.length)),
      ),
  },
  {
    what: "bytes of a parameter's value, for a nested stack",
    most: 4_096,
    source: cloudFormation,
    measure: each('AWS::CloudFormation::Stack', ({ template, properties }, assembly) =>
      Math.max(
        0,
        ...Object.values((properties['Parameters'] ?? {}) as object).map((value) =>
          Buffer.byteLength(textOf(assembly, template, value)),
        ),
      ),
    ),
  },
];

const functionLimits: readonly Limit[] = [
  {
    what: "bytes of a function's environment",
    most: 4_096,
    source: lambda,
    measure: each('AWS::Lambda::Function', (made, assembly) => {
      const { Variables = {} } = (property(assembly, made, 'Environment') ?? {}) as {
        Variables?: Record<string, unknown>;
      };
      return Object.entries(Variables).reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}${value}`), 0);
    }),
  },
  lengthOf('AWS::Lambda::Function', 'Description', 256, lambdaApi('CreateFunction')),
  lengthOf('AWS::Lambda::Function', 'FunctionName', 64, lambdaApi('CreateFunction')),
  numberOf('AWS::Lambda::Function', 'Timeout', [1, 900], lambda),
  numberOf('AWS::Lambda::Function', 'MemorySize', [128, 10_240], lambda),
  numberOf(
    'AWS::Lambda::EventInvokeConfig',
    'MaximumEventAgeInSeconds',
    [60, 21_600],
    lambdaApi('PutFunctionEventInvokeConfig'),
  ),
  numberOf('AWS::Lambda::EventInvokeConfig', 'MaximumRetryAttempts', [0, 2], lambdaApi('PutFunctionEventInvokeConfig')),
  numberOf('AWS::Lambda::EventSourceMapping', 'BatchSize', [1, 10_000], lambdaApi('CreateEventSourceMapping')),
  numberOf(
    'AWS::Lambda::EventSourceMapping',
    'ScalingConfig.MaximumConcurrency',
    [2, 1_000],
    lambdaApi('ScalingConfig'),
  ),
  {
    what: 'seconds that a function may take longer than a message of its queue is hidden',
    most: 0,
    source: sqs,
    measure: each('AWS::Lambda::EventSourceMapping', ({ template, properties }, assembly) => {
      const queue = referred(assembly, template, properties['EventSourceArn']);
      const reader = referred(assembly, template, properties['FunctionName']);
      if (queue?.type !== 'AWS::SQS::Queue' || !reader) return undefined;
      const seconds = Number(reader.properties['Timeout'] ?? 3) - Number(queue.properties['VisibilityTimeout'] ?? 30);
      return Math.max(0, seconds);
    }),
  },
];

const queueLimits: readonly Limit[] = [
  lengthOf('AWS::SQS::Queue', 'QueueName', 80, sqsApi),
  numberOf('AWS::SQS::Queue', 'VisibilityTimeout', [0, 43_200], sqsApi),
  numberOf('AWS::SQS::Queue', 'MessageRetentionPeriod', [60, 1_209_600], sqsApi),
];

const parameterLimits: readonly Limit[] = [
  {
    what: "bytes of a parameter's value, beyond what its tier takes",
    most: 0,
    source: ssm,
    measure: each('AWS::SSM::Parameter', ({ template, properties }, assembly) => {
      const most = ['Advanced', 'Intelligent-Tiering'].includes(String(properties['Tier'])) ? 8_192 : 4_096;
      return Math.max(0, Buffer.byteLength(textOf(assembly, template, properties['Value'])) - most);
    }),
  },
  lengthOf('AWS::SSM::Parameter', 'Name', 1_011, ssmApi('PutParameter')),
  lengthOf('AWS::SSM::Parameter', 'Description', 1_024, ssmApi('PutParameter')),
  {
    what: 'bytes of a document',
    most: 65_536,
    source: ssmApi('CreateDocument'),
    measure: each('AWS::SSM::Document', (made, assembly) =>
      Buffer.byteLength(JSON.stringify(property(assembly, made, 'Content') ?? '')),
    ),
  },
  {
    what: 'documents of an account in a Region',
    most: 500,
    source: ssm,
    measure: (assembly) => {
      const [first, ...more] = resourcesOf(assembly, 'AWS::SSM::Document');
      return first ? [measured({ template: first.template, id: '' }, more.length + 1)] : [];
    },
  },
  lengthOf(
    'AWS::SecretsManager::Secret',
    'Name',
    512,
    'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html',
  ),
  lengthOf(
    'AWS::SecretsManager::Secret',
    'Description',
    2_048,
    'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html',
  ),
  lengthOf(
    'AWS::KMS::Key',
    'Description',
    8_192,
    'https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html',
  ),
];

export const stackAndFunctionLimits: readonly Limit[] = [
  ...stackLimits,
  ...functionLimits,
  ...queueLimits,
  ...parameterLimits,
];
