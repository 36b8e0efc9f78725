/**
 * Fills in a template's values as CloudFormation would, with the greatest length that they may have. AWS's limits count the
 * deployed values, and a template only says where they come from.
 */
import { type Assembly, attributeOf, followed, intrinsic, type Resource, type Template } from './assembly.ts';

const pseudo: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-southeast-1',
  'AWS::AccountId': '111122223333',
  'AWS::URLSuffix': 'amazonaws.com.cn',
  'AWS::StackName': 'cert-renewer-of-a-longer-name',
  'AWS::StackId':
    'arn:aws-us-gov:cloudformation:ap-southeast-1:111122223333:stack/cert-renewer-of-a-longer-name/12345678-1234-1234-1234-123456789012',
};

const here = `${pseudo['AWS::Region']}:${pseudo['AWS::AccountId']}`;
const regional =
  (service: string, before = '', after = '') =>
  (name: string): string =>
    `arn:${pseudo['AWS::Partition']}:${service}:${here}:${before}${name}${after}`;
const ofIam = (before: string) => (name: string) => regional('iam', before)(name).replace(here, `:${here.slice(-12)}`);

/** The length of the longest name that CloudFormation generates, and the ARN for a name. */
const kinds: Readonly<Record<string, readonly [longest: number, arn: (name: string) => string]>> = {
  'AWS::ApiGatewayV2::Api': [10, regional('execute-api')],
  'AWS::CloudFormation::Stack': [128, regional('cloudformation', 'stack/')],
  'AWS::CloudWatch::Alarm': [255, regional('cloudwatch', 'alarm:')],
  'AWS::Events::EventBus': [256, regional('events', 'event-bus/')],
  'AWS::Events::Rule': [64, regional('events', 'rule/')],
  'AWS::IAM::ManagedPolicy': [128, ofIam('policy/')],
  'AWS::IAM::Role': [64, ofIam('role/')],
  'AWS::KMS::Key': [36, regional('kms', 'key/')],
  'AWS::Lambda::Function': [64, regional('lambda', 'function:')],
  'AWS::Logs::LogGroup': [512, regional('logs', 'log-group:', ':*')],
  'AWS::SNS::Topic': [256, regional('sns')],
  'AWS::SQS::Queue': [80, regional('sqs')],
  'AWS::SSM::Document': [128, regional('ssm', 'document/')],
  'AWS::SSM::Parameter': [1_011, regional('ssm', 'parameter')],
  'AWS::Scheduler::Schedule': [64, regional('scheduler', 'schedule/default/')],
  'AWS::SecretsManager::Secret': [512, regional('secretsmanager', 'secret:', '-AbCdEf')],
  'Custom::CertRenewerCertificates': [512, regional('secretsmanager', 'secret:', '-AbCdEf')], // the ARN is of its secret
};
/** Types whose Ref returns the ARN. */
const byArn = ['AWS::SecretsManager::Secret', 'AWS::SNS::Topic', 'AWS::IAM::ManagedPolicy'];
/** Properties with which a template may name a resource itself. */
const nameProperty = /^(Name|FunctionName|RoleName|QueueName|TopicName|AlarmName|LogGroupName|DashboardName)$/;
/** Returns the property with which a template names this resource itself, if it does. */
export const ownName = ({ type, properties }: Resource): string | undefined =>
  Object.hasOwn(kinds, type) ? Object.keys(properties).find((key) => nameProperty.test(key)) : undefined;
/** Stands for the name or the value of every other type. */
const unknown = 'x'.repeat(140);

/** Returns the value, with each reference and each function replaced by text. */
export function filled(assembly: Assembly, template: Template, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => filled(assembly, template, each));
  if (intrinsic(value)) return textOf(assembly, template, value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(assembly, template, each)]));
}

/** Returns the filled-in value as one text. Objects and arrays become JSON. */
export function textOf(assembly: Assembly, template: Template, value: unknown): string {
  const text = (each: unknown) => textOf(assembly, template, each);
  const [name, argument] = intrinsic(value) ?? [];
  if (name === undefined) return plain(filled(assembly, template, value));
  if (name === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map(text).join(separator);
  }
  if (name === 'Fn::Sub') return String([argument].flat()[0]).replace(/\$\{([^}]+)\}/g, (_, id) => text({ Ref: id }));
  if (name === 'Fn::If') return (argument as unknown[]).slice(1).map(text).reduce(longer);
  if (name !== 'Ref' && name !== 'Fn::GetAtt') return unknown;
  const end = followed(assembly, template, value);
  if (end.value !== value) return textOf(assembly, end.template, end.value);
  return name === 'Ref'
    ? (pseudo[String(argument)] ?? referenceText(assembly, template, value))
    : referenceText(assembly, template, value);
}

function referenceText(assembly: Assembly, template: Template, value: unknown): string {
  const [name, argument] = intrinsic(value) ?? [];
  const id = [argument].flat().join('.').split('.')[0] ?? '';
  const body = template.body.Resources[id];
  const kind = body && kinds[body.Type];
  if (!body || !kind) return unknown;
  const [longest, arn] = kind;
  const text = (each: unknown) => textOf(assembly, template, each);
  const own = Object.entries(body.Properties ?? {}).find(([key]) => nameProperty.test(key))?.[1];
  const physical = own === undefined ? made(template, id, longest) : text(own);
  const isArn = name === 'Ref' ? byArn.includes(body.Type) : attributeOf(value).endsWith('Arn');
  if (!isArn) return physical;
  // The ARN of a rule names its bus, unless that is the account's default bus.
  const bus = body.Type === 'AWS::Events::Rule' ? body.Properties?.['EventBusName'] : undefined;
  return arn(bus === undefined ? physical : `${text(bus)}/${physical}`);
}

/** Returns `<stack>-<logical id>-<12 characters>`, cut to the longest name of the resource's type. */
function made(template: Template, id: string, longest: number): string {
  return `${stackName(template)}-${id}-${'X'.repeat(12)}`.slice(-longest);
}

function stackName({ nestedIn }: Template): string {
  return nestedIn ? made(nestedIn.parent, nestedIn.id, 128) : (pseudo['AWS::StackName'] ?? '');
}

const plain = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
const longer = (one: string, other: string): string => (one.length >= other.length ? one : other);

/** Returns a property of a resource, filled in. */
export function property(assembly: Assembly, { template, properties }: Resource, name: string): unknown {
  return filled(assembly, template, properties[name]);
}
