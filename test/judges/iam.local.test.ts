/** Tests of the judge of statements: it finds each planted mistake, and accepts the statements of AWS's own pages. */
import { beforeAll, expect, it } from 'vitest';
import { describeFound } from '../support/local.ts';
import { assemblyOfBodies } from './assembly.ts';
import { isOf, judgeStatement } from './iam.ts';
import { type ActionsMeant, actionsMeant } from './iam-data.ts';
import { judgesPython } from './python.ts';
import { type Statement, statementsOf } from './statements.ts';

const python = await judgesPython();
const here = 'eu-central-1:111122223333';
const secret = `arn:aws:secretsmanager:${here}:secret:web/tls-??????`;
const key = `arn:aws:kms:${here}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
const queue = `arn:aws:sqs:${here}:work`;

type Written = Readonly<Record<string, unknown>>;

/** Returns a role's policy with these statements, as a template writes it. */
const policy = (...written: readonly Written[]): Statement[] =>
  statementsOf(
    assemblyOfBodies('written', {
      Resources: {
        Policy: { Type: 'AWS::IAM::Policy', Properties: { PolicyDocument: { Statement: written } } },
      },
    }),
  );

const wrong: readonly (readonly [what: string, Written, RegExp])[] = [
  ['a misspelt action', { Action: 'sqs:SendMessages', Resource: queue }, /no action sqs:SendMessages/],
  ['a service that is not there', { Action: 'sqss:SendMessage', Resource: queue }, /no action sqss:SendMessage/],
  [
    'an action on what it is not for',
    { Action: ['kms:Sign', 'sqs:SendMessage'], Resource: key },
    /sqs:SendMessage is for arn:\S+:sqs:\S+, not for arn:aws:kms/,
  ],
  [
    'an action that knows no resource, on one',
    { Action: 'secretsmanager:ListSecrets', Resource: secret },
    /ListSecrets is for \* alone, not for/,
  ],
  [
    'a resource that no action is for',
    { Action: 'sqs:SendMessage', Resource: [queue, `arn:aws:sns:${here}:work`] },
    /no action of it is for arn:aws:sns/,
  ],
  [
    'a function beside its event bus',
    { Action: 'events:PutEvents', Resource: `arn:aws:events:${here}:rule/bus/rule` },
    /PutEvents is for/,
  ],
  [
    'kms:ViaService on S3',
    {
      Action: 's3:GetObject',
      Resource: 'arn:aws:s3:::bucket/*',
      Condition: { StringEquals: { 'kms:ViaService': 'x' } },
    },
    /s3:GetObject knows no condition kms:ViaService/,
  ],
  [
    'VersionStage where only a label is moved or read',
    {
      Action: 'secretsmanager:PutSecretValue',
      Resource: secret,
      Condition: { StringEquals: { 'secretsmanager:VersionStage': 'AWSCURRENT' } },
    },
    /PutSecretValue knows no condition secretsmanager:VersionStage/,
  ],
  [
    'a tag of the resource where there is none',
    {
      Action: 'secretsmanager:ListSecrets',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/cert-renewer:profile': 'x' } },
    },
    /ListSecrets knows no condition aws:ResourceTag\/cert-renewer:profile/,
  ],
  [
    'tags of a request that carries none',
    { Action: 'kms:Sign', Resource: key, Condition: { StringEquals: { 'aws:RequestTag/a': 'x' } } },
    /kms:Sign knows no condition aws:RequestTag\/a/,
  ],
  [
    'a misspelt global key',
    { Action: 'kms:Sign', Resource: key, Condition: { Bool: { 'aws:SecureTransfer': 'true' } } },
    /knows no condition aws:SecureTransfer/,
  ],
];

/** Statements from AWS's own pages. */
const right: readonly Written[] = [
  {
    Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
    Resource: secret,
    Condition: { StringEquals: { 'aws:ResourceTag/a': 'x', 'secretsmanager:ResourceTag/a': 'x' } },
  },
  {
    Action: 'kms:Decrypt',
    Resource: key,
    Condition: { StringEquals: { 'kms:ViaService': 'x', 'kms:EncryptionContext:SecretARN': secret } },
  },
  { Action: 'sqs:*', Effect: 'Deny', Resource: queue, Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
  {
    Action: 'sqs:SendMessage',
    Effect: 'Deny',
    Resource: queue,
    Condition: { StringNotEquals: { 'aws:PrincipalTag/team': 'pki' } },
  },
  { Action: ['secretsmanager:ListSecrets', 'ssm:ListCommands'], Resource: '*' },
  { Action: 'ssm:SendCommand', Resource: [`arn:aws:ssm:${here}:document/Run`, `arn:aws:ec2:${here}:instance/*`] },
];

describeFound([python], 'a statement', () => {
  let meant: ActionsMeant = {};
  beforeAll(async () => {
    const all = policy(...wrong.map(([, written]) => written), ...right);
    meant = await actionsMeant(
      python.found ? python.path : '',
      all.flatMap(({ actions }) => actions),
    );
  });
  const judged = (...written: readonly Written[]) =>
    policy(...written).flatMap((statement) => judgeStatement(statement, meant));

  it.each(wrong)('finds: %s', (_, written, problem) => {
    const found = judged({ Sid: 'One', Effect: 'Allow', ...written });
    expect(found.join('\n')).toMatch(problem);
    expect(found.join('\n')).toContain('0.template.json Policy One: ');
  });

  it('finds nothing in the statements of AWS’s own pages', () => {
    expect(right.flatMap((written) => judged(written))).toEqual([]);
  });

  it.each([
    ['arn:aws:sqs:*:*:*', true],
    ['arn:aws:sqs:eu-central-1:111122223333:a', true],
    ['arn:aws:sns:eu-central-1:111122223333:a', false],
    ['arn:aws:sqs:eu-central-1', false],
    ['*', false],
  ])('%s may be the ARN of a queue: %s', (arn, expected) => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the data's own placeholders.
    expect(isOf(arn, { arn: 'arn:${Partition}:sqs:${Region}:${Account}:${QueueName}' })).toBe(expected);
  });
});
