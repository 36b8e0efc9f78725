/**
 * Values of a template as they are once CloudFormation has filled them in, at the greatest length that they may well have:
 * limits count what is deployed, and the template only says where it comes from.
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

/** A service's part of an ARN, and the longest name that CloudFormation makes up. */
const kinds: Readonly<Record<string, readonly [arn: string, longest: number]>> = {
  'AWS::ApiGatewayV2::Api': ['execute-api:R:A:', 10],
  'AWS::CloudFormation::Stack': ['cloudformation:R:A:stack/', 128],
  'AWS::CloudWatch::Alarm': ['cloudwatch:R:A:alarm:', 255],
  'AWS::Events::EventBus': ['events:R:A:event-bus/', 256],
  'AWS::Events::Rule': ['events:R:A:rule/', 64],
  'AWS::IAM::ManagedPolicy': ['iam::A:policy/', 128],
  'AWS::IAM::Role': ['iam::A:role/', 64],
  'AWS::KMS::Key': ['kms:R:A:key/', 36],
  'AWS::Lambda::Function': ['lambda:R:A:function:', 64],
  'AWS::Logs::LogGroup': ['logs:R:A:log-group:', 512],
  'AWS::SNS::Topic': ['sns:R:A:', 256],
  'AWS::SQS::Queue': ['sqs:R:A:', 80],
  'AWS::SSM::Document': ['ssm:R:A:document/', 128],
  'AWS::SSM::Parameter': ['ssm:R:A:parameter', 1011],
  'AWS::Scheduler::Schedule': ['scheduler:R:A:schedule/default/', 64],
  'AWS::SecretsManager::Secret': ['secretsmanager:R:A:secret:', 519],
};
/** Their Ref is the ARN. */
const byArn = ['AWS::SecretsManager::Secret', 'AWS::SNS::Topic', 'AWS::IAM::ManagedPolicy'];
/** Where a template may name a resource itself. */
const nameProperty = /^(Name|FunctionName|RoleName|QueueName|TopicName|AlarmName|LogGroupName|DashboardName)$/;
/** For what is of another kind. */
const unknown = 'x'.repeat(140);

/** The value with every reference and function replaced by text. */
export function filled(assembly: Assembly, template: Template, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => filled(assembly, template, each));
  if (intrinsic(value)) return textOf(assembly, template, value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(assembly, template, each)]));
}

/** The same as one text; JSON of what is neither text, number nor reference. */
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
  return name === 'Ref' ? (pseudo[String(argument)] ?? referenceText(template, value)) : referenceText(template, value);
}

function referenceText(template: Template, value: unknown): string {
  const [name, argument] = intrinsic(value) ?? [];
  const id = [argument].flat().join('.').split('.')[0] ?? '';
  const body = template.body.Resources[id];
  const kind = body && kinds[body.Type];
  if (!body || !kind) return unknown;
  const own = Object.entries(body.Properties ?? {}).find(([key]) => nameProperty.test(key))?.[1];
  const physical = typeof own === 'string' ? own : made(template, id, kind[1]);
  const isArn =
    name === 'Ref' ? byArn.includes(body.Type) : attributeOf(value) === 'Arn' || attributeOf(value).endsWith('Arn');
  const prefix = `arn:${pseudo['AWS::Partition']}:${kind[0].replace('R', pseudo['AWS::Region'] ?? '').replace('A', pseudo['AWS::AccountId'] ?? '')}`;
  return isArn ? `${prefix}${physical}` : physical;
}

/** `<stack>-<logical id>-<12 characters>`, cut to what the resource's kind takes. */
function made(template: Template, id: string, longest: number): string {
  return `${stackName(template)}-${id}-${'X'.repeat(12)}`.slice(-longest);
}

function stackName({ nestedIn }: Template): string {
  return nestedIn ? made(nestedIn.parent, nestedIn.id, 128) : (pseudo['AWS::StackName'] ?? '');
}

const plain = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
const longer = (one: string, other: string): string => (one.length >= other.length ? one : other);

/** Of a resource's property, filled in. */
export function property(assembly: Assembly, { template, properties }: Resource, name: string): unknown {
  return filled(assembly, template, properties[name]);
}
