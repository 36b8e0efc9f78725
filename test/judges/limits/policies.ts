/** Limits of policies: of IAM's roles, and of queues, topics, keys and functions. */
import { type Assembly, type Resource, referred, resourcesOf } from '../assembly.ts';
import { filled, property, textOf } from '../filled.ts';
import { each, type Limit, lengthOf, type Measured, measured, numberOf } from './limit.ts';

const iam = 'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html';
const lambda = 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html';
const sqs = 'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html';
const sns = 'https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html';
const kms = 'https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html';

type Statement = Readonly<Record<string, unknown>>;

const policyTypes = ['AWS::IAM::Policy', 'AWS::IAM::RolePolicy'];

/** IAM does not count white space. */
const characters = (document: unknown): number => JSON.stringify(document ?? '').replaceAll(/\s/g, '').length;
const bytes = (document: unknown): number => Buffer.byteLength(JSON.stringify(document ?? ''));
const list = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat());

/** Inline policies of a role: its own, and those of AWS::IAM::Policy in any template. */
function inline(assembly: Assembly): Measured[] {
  const sums = new Map<string, { role: Resource; sum: number }>();
  const add = (role: Resource, length: number) => {
    const key = `${role.template.file} ${role.id}`;
    sums.set(key, { role, sum: (sums.get(key)?.sum ?? 0) + length });
  };
  for (const role of resourcesOf(assembly, 'AWS::IAM::Role')) {
    for (const { PolicyDocument } of list(property(assembly, role, 'Policies')) as Statement[]) {
      add(role, characters(PolicyDocument));
    }
  }
  for (const policy of resourcesOf(assembly, ...policyTypes)) {
    const length = characters(property(assembly, policy, 'PolicyDocument'));
    for (const role of rolesOf(assembly, policy)) add(role, length);
  }
  return [...sums.values()].map(({ role, sum }) => measured(role, sum));
}

function rolesOf(assembly: Assembly, { template, properties }: Resource): Resource[] {
  return list(properties['Roles'] ?? properties['RoleName'])
    .map((role) => referred(assembly, template, role))
    .filter((role) => role !== undefined);
}

/** Managed policies that the role itself attaches, or that name the role. */
function attached(assembly: Assembly): Measured[] {
  const naming = resourcesOf(assembly, 'AWS::IAM::ManagedPolicy').flatMap((policy) => rolesOf(assembly, policy));
  return resourcesOf(assembly, 'AWS::IAM::Role').map((role) => {
    const others = naming.filter(({ id, template }) => id === role.id && template === role.template);
    return measured(role, list(role.properties['ManagedPolicyArns']).length + others.length);
  });
}

/** The statements that Lambda writes for AWS::Lambda::Permission, by function. */
function functionPolicies(assembly: Assembly): Measured[] {
  const permissions = resourcesOf(assembly, 'AWS::Lambda::Permission').map((permission) => ({
    length: permissionLength(assembly, permission),
    of: referred(assembly, permission.template, permission.properties['FunctionName']),
  }));
  const frame = bytes({ Version: '2012-10-17', Id: 'default', Statement: [] });
  return resourcesOf(assembly, 'AWS::Lambda::Function').map((made) => {
    const own = permissions.filter(({ of }) => of?.id === made.id && of.template === made.template);
    return measured(made, frame + own.reduce((sum, { length }) => sum + length + 1, 0));
  });
}

function permissionLength(assembly: Assembly, { template, id, properties }: Resource): number {
  const text = (name: string) => textOf(assembly, template, properties[name]);
  return bytes({
    Sid: `cert-renewer-of-a-longer-name-${id}-${'X'.repeat(12)}`,
    Effect: 'Allow',
    Principal: { Service: text('Principal') },
    Action: text('Action'),
    Resource: textOf(assembly, template, properties['FunctionName']),
    Condition: {
      ...(properties['SourceAccount'] !== undefined && {
        StringEquals: { 'AWS:SourceAccount': text('SourceAccount') },
      }),
      ...(properties['SourceArn'] !== undefined && { ArnLike: { 'AWS:SourceArn': text('SourceArn') } }),
    },
  });
}

const document = ({ properties, template }: Resource, assembly: Assembly): { Statement: Statement[] } =>
  filled(assembly, template, properties['PolicyDocument'] ?? { Statement: [] }) as { Statement: Statement[] };

/** Combines the counts of a policy's statements to one number: the largest, or the sum. */
const inStatements = (
  type: string,
  count: (statement: Statement) => number,
  together: (...counts: number[]) => number,
): Limit['measure'] =>
  each(type, (resource, assembly) => together(0, ...document(resource, assembly).Statement.map(count)));

const sum = (...counts: number[]): number => counts.reduce((all, one) => all + one, 0);
const principals = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value).flat() : list(value);

export const policyLimits: readonly Limit[] = [
  { what: 'inline policies of a role, characters in sum', most: 10_240, source: iam, measure: inline },
  {
    what: 'a managed policy, characters',
    most: 6_144,
    source: iam,
    measure: each('AWS::IAM::ManagedPolicy', (resource, assembly) => characters(document(resource, assembly))),
  },
  { what: 'managed policies of a role', most: 10, source: iam, measure: attached },
  {
    what: "a role's trust policy, characters",
    most: 2_048,
    source: iam,
    measure: each('AWS::IAM::Role', (role, assembly) =>
      characters(property(assembly, role, 'AssumeRolePolicyDocument')),
    ),
  },
  lengthOf('AWS::IAM::Role', 'RoleName', 64, iam),
  lengthOf(
    'AWS::IAM::Role',
    'Description',
    1_000,
    'https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html',
  ),
  lengthOf('AWS::IAM::Policy', 'PolicyName', 128, iam),
  numberOf('AWS::IAM::Role', 'MaxSessionDuration', [3_600, 43_200], iam),
  { what: "a function's resource policy, bytes", most: 20_480, source: lambda, measure: functionPolicies },
  {
    what: "a queue's policy, bytes",
    most: 8_192,
    source: sqs,
    measure: each('AWS::SQS::QueuePolicy', (resource, assembly) => bytes(document(resource, assembly))),
  },
  {
    what: "a queue's policy, statements",
    most: 20,
    source: sqs,
    measure: each('AWS::SQS::QueuePolicy', (resource, assembly) => document(resource, assembly).Statement.length),
  },
  {
    what: "actions in a statement of a queue's policy",
    most: 7,
    source: sqs,
    measure: inStatements('AWS::SQS::QueuePolicy', ({ Action }) => list(Action).length, Math.max),
  },
  {
    // Counted for one statement. Queues with twenty statements with a condition each deploy without an error.
    what: "conditions in a statement of a queue's policy",
    most: 10,
    source: sqs,
    measure: inStatements(
      'AWS::SQS::QueuePolicy',
      ({ Condition = {} }) => Object.values(Condition as Record<string, object>).flatMap(Object.keys).length,
      Math.max,
    ),
  },
  {
    what: "principals of a queue's policy",
    most: 50,
    source: sqs,
    measure: inStatements('AWS::SQS::QueuePolicy', ({ Principal }) => principals(Principal).length, sum),
  },
  {
    what: "a topic's policy, bytes",
    most: 30_720,
    source: sns,
    measure: each('AWS::SNS::TopicPolicy', (resource, assembly) => bytes(document(resource, assembly))),
  },
  {
    what: "a topic's policy, statements",
    most: 100,
    source: sns,
    measure: each('AWS::SNS::TopicPolicy', (resource, assembly) => document(resource, assembly).Statement.length),
  },
  {
    what: "a key's policy, bytes",
    most: 32_768,
    source: kms,
    measure: each('AWS::KMS::Key', (key, assembly) => bytes(property(assembly, key, 'KeyPolicy'))),
  },
];
