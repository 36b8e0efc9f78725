import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import * as benchmark from '../../bench/stack.ts';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { noRoomLabel, orderLabel, statusTags } from '../../lambdas/domain/tags.ts';
import { parseProfile } from '../../lambdas/providers/profile.ts';
import { type Call, decide, type Statement } from '../support/iam-policy.ts';
import { config, newApp, rootPem, synthesize } from './fixtures.ts';
import * as reading from './template-reading.ts';
import { type Json, textOf } from './template-reading.ts';

const { template } = synthesize();
const one = (type: string, idPart: string, from: Template = template) => reading.one(type, idPart, from);
const statements = (idPart: string, from: Template = template) => reading.statements(idPart, from);
const withSid = (sid: string, from: Template = template) => reading.withSid('RenewRole', sid, from);
const environment = (idPart: string, from: Template = template) => reading.environment(idPart, from);

describe('outputs', () => {
  it('have the names that docs/configuration.md gives', () => {
    expect(Object.keys(template.toJSON()['Outputs']).sort()).toEqual(
      [
        'DashboardUrl',
        'DeadLetterQueueUrl',
        'EventBusName',
        'RenewFunctionName',
        'RenewalQueueUrl',
        'ScanFunctionName',
      ].sort(),
    );
  });
});

describe('the output DashboardUrl', () => {
  const stackIn = (region?: string) => {
    const app = newApp();
    const env = region === undefined ? {} : { env: { account: '111122223333', region } };
    return Template.fromStack(new CertRenewerStack(app, 'CertRenewer', { config, ...env })).toJSON();
  };
  const [dashboard] = Object.keys(template.findResources('AWS::CloudWatch::Dashboard'));
  const where = (region: string, host: string) =>
    `https://${region}.${host}/cloudwatch/home?region=${region}#dashboards/dashboard/<${dashboard}>`;

  it.each([
    ['eu-central-1', 'console.aws.amazon.com'],
    ['cn-north-1', 'console.amazonaws.cn'],
    ['us-gov-west-1', 'console.amazonaws-us-gov.com'],
  ])('in %s leads to %s', (region, host) => {
    const { Outputs, Conditions = {} } = stackIn(region);
    expect(textOf(Outputs.DashboardUrl.Value)).toBe(where(region, host));
    expect(Conditions).toEqual({});
  });

  it.each([
    ['aws', 'console.aws.amazon.com'],
    ['aws-cn', 'console.amazonaws.cn'],
    ['aws-us-gov', 'console.amazonaws-us-gov.com'],
    ['aws-eusc', 'console.amazonaws-eusc.eu'],
  ])('of a stack without a Region is decided by the deployment: in %s %s', (partition, host) => {
    const { Outputs, Conditions } = stackIn();
    const chosen = (value: unknown): unknown => {
      const { 'Fn::If': choice } = Object(value);
      if (choice === undefined) return value;
      const [condition, yes, no] = choice;
      const { 'Fn::Equals': sides } = Conditions[condition];
      expect(sides[0]).toEqual({ Ref: 'AWS::Partition' });
      return chosen(sides[1] === partition ? yes : no);
    };
    const parts = Outputs.DashboardUrl.Value['Fn::Join'][1].map(chosen);
    expect(textOf({ 'Fn::Join': ['', parts] })).toBe(where('<AWS::Region>', host));
  });

  it('is there with a dashboard only', () => {
    expect(synthesize({ dashboard: false }).template.toJSON()['Outputs']).not.toHaveProperty('DashboardUrl');
  });
});

it('every output says what it is', () => {
  const { Outputs } = template.toJSON();
  for (const { Description } of Object.values<Json>(Outputs)) expect(Description).toMatch(/^The \w/);
});

describe('schedule', () => {
  const schedule = (options: Partial<CertRenewerProps>) =>
    one('AWS::Scheduler::Schedule', '', synthesize(options).template);

  it('is hourly by default, and starts the scan with {}', () => {
    expect(one('AWS::Scheduler::Schedule', '')).toMatchObject({
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: { Input: '{}', RetryPolicy: { MaximumEventAgeInSeconds: 3600 } },
    });
    expect(one('AWS::Scheduler::Schedule', '')).not.toHaveProperty('ScheduleExpressionTimezone');
  });

  it('is as configured', () => {
    expect(schedule({ schedule: 'cron(0 8 * * ? *)', scheduleTimezone: 'Europe/Berlin', paused: true })).toMatchObject({
      ScheduleExpression: 'cron(0 8 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      State: 'DISABLED',
    });
  });

  it('has a role that only this account may use, for the scan and its dead letters only', () => {
    const trust = JSON.stringify(one('AWS::IAM::Role', 'ScheduleRole')['AssumeRolePolicyDocument']);
    expect(trust).toContain('scheduler.amazonaws.com');
    expect(trust).toContain('aws:SourceAccount');
    expect(statements('ScheduleRole').flatMap(({ Action }) => Action)).toEqual([
      'lambda:InvokeFunction',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
    ]);
  });
});

describe('functions', () => {
  it.each([
    ['Scan', 'scan.handler', 900, 512],
    ['Renew', 'renew.handler', 90, 1024],
  ])('%s', (id, handler, timeout, memory) => {
    const properties = one('AWS::Lambda::Function', `${id}Function`);
    expect(properties).toMatchObject({
      Handler: handler,
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: timeout,
      MemorySize: memory,
      LoggingConfig: { LogFormat: 'JSON' },
    });
    expect(properties).not.toHaveProperty('ReservedConcurrentExecutions');
    expect(properties).not.toHaveProperty('VpcConfig');
    expect(environment(`${id}Function`)).toEqual({
      PROFILE_PREFIX: '/cert-renewer/CertRenewer/profiles/',
      CERT_RENEWER_VERSION: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      EVENT_BUS_NAME: expect.anything(),
      QUEUE_URL: expect.anything(),
      SCHEDULE: 'rate(1 hour)',
      CONFIG_HASH: expect.stringMatching(/^[0-9a-f]{16}$/),
      POWERTOOLS_SERVICE_NAME: 'cert-renewer',
      POWERTOOLS_METRICS_NAMESPACE: 'CertRenewer',
      // With it the function knows which secrets it rotates itself.
      ...(id === 'Scan' && { RENEW_FUNCTION_ARN: { 'Fn::GetAtt': [expect.stringContaining('RenewFunction'), 'Arn'] } }),
    });
  });

  it('let Secrets Manager rotate by the renew function, for this account only', () => {
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: { 'Fn::GetAtt': [Match.stringLikeRegexp('RenewFunction'), 'Arn'] },
      Principal: 'secretsmanager.amazonaws.com',
      SourceAccount: { Ref: 'AWS::AccountId' },
    });
  });

  it('keep logs for 90 days, or as configured', () => {
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 90 });
    synthesize({ logRetentionDays: 7 }).template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7 });
  });

  it('know the time zone of a cron', () => {
    const berlin = synthesize({ schedule: 'cron(0 8 * * ? *)', scheduleTimezone: 'Europe/Berlin' }).template;
    expect(environment('RenewFunction', berlin)).toMatchObject({ SCHEDULE_TIMEZONE: 'Europe/Berlin' });
  });

  it('take batches of the queue and answer for each message', () => {
    expect(one('AWS::Lambda::EventSourceMapping', '')).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
    const four = synthesize({ maxConcurrency: 4 }).template;
    expect(one('AWS::Lambda::EventSourceMapping', '', four)).toMatchObject({
      ScalingConfig: { MaximumConcurrency: 4 },
    });
  });

  it('match those of the benchmark', () => {
    const [scan, renew] = ['ScanFunction', 'RenewFunction'].map((id) => one('AWS::Lambda::Function', id));
    const mapping = one('AWS::Lambda::EventSourceMapping', '');
    expect({
      scanMemory: scan?.['MemorySize'],
      workerMemory: renew?.['MemorySize'],
      workerTimeout: Number(renew?.['Timeout']) * 1000,
      batchSize: mapping['BatchSize'],
      maxConcurrency: (mapping['ScalingConfig'] as Json)['MaximumConcurrency'],
      visibilityTimeout: Number(one('AWS::SQS::Queue', 'Renewals')['VisibilityTimeout']) * 1000,
    }).toEqual(benchmark.settings);
    expect(one('AWS::Scheduler::Schedule', '')['ScheduleExpression']).toBe('rate(1 hour)');
    expect(benchmark.scanEvery).toBe(3_600);
  });

  it('start after the profiles', () => {
    const [fn] = Object.values(
      template.findResources('AWS::Lambda::Function', { Properties: { Handler: 'renew.handler' } }),
    );
    expect(fn?.['DependsOn']).toEqual(
      expect.arrayContaining(Object.keys(template.findResources('AWS::SSM::Parameter'))),
    );
  });
});

describe('queues', () => {
  it('redrive after three deliveries to a queue that keeps messages for 14 days', () => {
    expect(one('AWS::SQS::Queue', 'Renewals')).toMatchObject({
      VisibilityTimeout: 300,
      RedrivePolicy: { maxReceiveCount: 3 },
      SqsManagedSseEnabled: true,
    });
    // docs/guarantees.md, G4: three deliveries of a worker that crashes within 15 minutes, and none while it still works.
    const { VisibilityTimeout, RedrivePolicy } = one('AWS::SQS::Queue', 'Renewals') as {
      VisibilityTimeout: number;
      RedrivePolicy: { maxReceiveCount: number };
    };
    expect(VisibilityTimeout * RedrivePolicy.maxReceiveCount).toBeLessThanOrEqual(15 * 60);
    expect(VisibilityTimeout).toBeGreaterThan(2 * Number(one('AWS::Lambda::Function', 'RenewFunction')['Timeout']));
    expect(one('AWS::SQS::Queue', 'QueuesDeadLetters')).toMatchObject({
      MessageRetentionPeriod: 14 * 86_400,
      SqsManagedSseEnabled: true,
    });
  });

  it('speak TLS only', () => {
    template.resourceCountIs('AWS::SQS::QueuePolicy', 4);
    template.allResourcesProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 'sqs:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      }),
    });
  });

  it('accept renewals from the scan, the account’s root and principals with the tag, and from no others', () => {
    const { Statement } = one('AWS::SQS::QueuePolicy', 'Renewals')['PolicyDocument'] as { Statement: Json[] };
    const deny = Statement.find(({ Sid }) => Sid === 'OnlyTheScanSends');
    expect(deny).toMatchObject({ Effect: 'Deny', Action: 'sqs:SendMessage', Principal: { AWS: '*' } });
    const condition = deny?.['Condition'] as { ArnNotLike: { 'aws:PrincipalArn': unknown[] } } | undefined;
    const { ArnNotLike, ...more } = condition ?? { ArnNotLike: { 'aws:PrincipalArn': [] } };
    expect(more).toEqual({ StringNotEquals: { 'aws:PrincipalTag/cert-renewer:redrive': 'true' } });
    const role = 'arn:aws:iam::111122223333:role/Scan';
    const arns = ArnNotLike['aws:PrincipalArn'].map((arn) =>
      textOf(arn)
        .replace('<AWS::Partition>', 'aws')
        .replace('<AWS::AccountId>', '111122223333')
        .replace(/^<CertRenewerScanRole\w+,Arn>$/, role)
        .replace(/<CertRenewerScanRole\w+>/, 'Scan'),
    );
    // Evaluated as IAM does for a principal whose own policy allows sending.
    const statements: Statement[] = [
      { Effect: 'Allow', Action: 'sqs:*', Resource: '*' },
      {
        Effect: 'Deny',
        Action: 'sqs:SendMessage',
        Resource: '*',
        Condition: { ArnNotLike: { 'aws:PrincipalArn': arns }, ...more },
      },
    ];
    const may = (keys: Call['keys']) => decide({ action: 'sqs:SendMessage', resource: 'queue', keys }, statements);
    const tag = 'aws:principaltag/cert-renewer:redrive';
    const other = { 'aws:principalarn': 'arn:aws:iam::111122223333:role/Operators' };
    expect({
      scan: may({ 'aws:principalarn': role }),
      session: may({ 'aws:principalarn': 'arn:aws:sts::111122223333:assumed-role/Scan/one' }),
      root: may({ 'aws:principalarn': 'arn:aws:iam::111122223333:root' }),
      tagged: may({ ...other, [tag]: 'true' }),
      untagged: may(other),
      byAService: may({ ...other, 'aws:viaawsservice': 'true' }),
      otherValue: may({ ...other, [tag]: 'false' }),
      service: may({}),
    }).toEqual({
      scan: 'Allow',
      session: 'Allow',
      root: 'Allow',
      tagged: 'Allow',
      untagged: 'Deny',
      byAService: 'Deny',
      otherValue: 'Deny',
      service: 'Deny',
    });
  });
});

describe('profiles', () => {
  it('are parameters that the workers can read', () => {
    const { template: two } = synthesize({
      profiles: {
        ...config.profiles,
        'b.c': { ...config.profiles.internal, mode: 'renew', expiresIn: '33%', paused: true },
      },
    });
    const parameter = one('AWS::SSM::Parameter', 'Profilesbc', two);
    expect(parameter).toMatchObject({
      Name: '/cert-renewer/CertRenewer/profiles/b.c',
      Type: 'String',
      Tier: 'Intelligent-Tiering',
    });
    expect(parseProfile('b.c', String(parameter['Value']))).toMatchObject({
      name: 'b.c',
      ca: { type: 'step-ca', url: 'https://ca.example:9000', root: rootPem },
      mode: 'renew',
      timing: { window: { percent: 33 } },
      paused: true,
    });
  });

  it('change the hash in the functions when they change', () => {
    const hash = (options: Partial<CertRenewerProps>) =>
      environment('RenewFunction', synthesize(options).template)['CONFIG_HASH'];
    const renewing = { internal: { ...config.profiles.internal, mode: 'renew' as const } };
    expect(hash({})).toBe(environment('RenewFunction')['CONFIG_HASH']);
    expect(hash({ profiles: renewing })).not.toBe(hash({}));
  });

  it('above 8 KB fail at synthesis', () => {
    const root = rootPem.repeat(20);
    expect(() => synthesize({ profiles: { big: { ca: { ...config.profiles.internal.ca, root } } } })).toThrow(
      ConfigError,
    );
    expect(() => synthesize({ profiles: { big: { ca: { ...config.profiles.internal.ca, root } } } })).toThrow(
      /\$\.profiles\.big: found \d+ bytes; a profile may have 8192/,
    );
  });
});

describe('the scan may', () => {
  it('list, send, publish, read profiles and log, but read no secret', () => {
    const allowed = statements('ScanRole').filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.flatMap(({ Action }) => Action).sort()).toEqual(
      [
        'events:PutEvents',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'secretsmanager:ListSecrets',
        'sqs:GetQueueAttributes', // for its own dead letters, beside SendMessage
        'sqs:GetQueueUrl',
        'sqs:SendMessage',
        'sqs:SendMessage',
        'ssm:GetParameter',
      ].sort(),
    );
    expect(statements('ScanRole').find(({ Effect }) => Effect === 'Deny')).toMatchObject({
      Action: ['secretsmanager:BatchGetSecretValue', 'secretsmanager:GetSecretValue'],
      Resource: '*',
    });
    expect(textOf(allowed.find(({ Action }) => Action === 'ssm:GetParameter')?.['Resource'])).toMatch(
      /:parameter\/cert-renewer\/CertRenewer\/profiles\/\*$/,
    );
  });
});

describe('the scan may', () => {
  it('start itself, to continue after its time limit, and no other function', () => {
    const [goesOn, ...more] = statements('ScanGoesOn');
    expect(more).toEqual([]);
    expect(goesOn).toMatchObject({ Effect: 'Allow', Action: 'lambda:InvokeFunction' });
    expect(textOf(goesOn?.['Resource'])).toMatch(/ScanFunction/);
  });
});

describe('the workers may', () => {
  const tagged = { 'aws:ResourceTag/cert-renewer:profile': ['internal'] };
  const one = { 'aws:ResourceTag/cert-renewer:profile': 'internal' };

  it('do this and nothing else', () => {
    expect(
      statements('RenewRole')
        .flatMap(({ Action }) => Action)
        .sort(),
    ).toEqual(
      [
        'events:PutEvents',
        'kms:GetPublicKey',
        'kms:Sign',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:PutSecretValue',
        'secretsmanager:TagResource',
        'secretsmanager:UntagResource',
        'secretsmanager:UpdateSecretVersionStage',
        'sqs:ChangeMessageVisibility',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:GetQueueUrl',
        'sqs:ReceiveMessage',
        'ssm:GetParameter',
      ].sort(),
    );
    expect(statements('RenewRole').every(({ Effect }) => Effect === 'Allow')).toBe(true);
    expect(statements('RenewRole').filter(({ Resource }) => Resource === '*')).toEqual([]);
  });

  const conditions = (sid: string) => JSON.parse(JSON.stringify(withSid(sid)['Condition']));

  it('use secrets and keys of this stack’s profiles only', () => {
    const either = [tagged, one];
    for (const sid of ['ReadAndStage', 'Promote', 'Tag', 'Sign']) {
      const value = conditions(sid).StringEquals['aws:ResourceTag/cert-renewer:profile'];
      expect(
        either.map((form) => form['aws:ResourceTag/cert-renewer:profile']),
        sid,
      ).toContainEqual(value);
    }
    expect(withSid('Describe')).not.toHaveProperty('Condition');
    expect((withSid('ReadAndStage')['Resource'] as unknown[]).map(textOf).sort().reverse()).toEqual([
      'arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:*',
      'arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*',
    ]);
  });

  it('move two stages, and labels of their own', () => {
    const stages = ['AWSCURRENT', 'AWSPENDING', noRoomLabel, orderLabel];
    expect(conditions('Promote').StringEquals['secretsmanager:VersionStage']).toEqual(stages);
  });

  it('write the status tags only, so that they enrol nothing', () => {
    expect(withSid('Tag')).toMatchObject({
      Action: ['secretsmanager:TagResource', 'secretsmanager:UntagResource'],
      Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': [...statusTags] }, Null: { 'aws:TagKeys': 'false' } },
    });
  });

  it('sign by the algorithms of certificates', () => {
    expect(conditions('Sign').StringEquals['kms:SigningAlgorithm']).toEqual([
      'ECDSA_SHA_256',
      'ECDSA_SHA_384',
      'ECDSA_SHA_512',
      'RSASSA_PKCS1_V1_5_SHA_256',
      'ED25519_SHA_512',
    ]);
  });

  it.each([
    ['pki/password', /:secret:pki\/password-\?{6}$/],
    ['arn:aws:secretsmanager:eu-central-1:111122223333:secret:pki-AbCdEf', /^arn:\S+:secret:pki-AbCdEf$/],
    ['arn:aws:secretsmanager:eu-central-1:111122223333:secret:pki', /^arn:\S+:secret:pki-\?{6}$/],
  ])('read the password %s', (passwordSecretId, expected) => {
    const profiles = { internal: { ...config.profiles.internal, passwordSecretId } };
    const statement = withSid('Passwords', synthesize({ profiles }).template);
    expect(statement['Action']).toBe('secretsmanager:GetSecretValue');
    expect(textOf(statement['Resource'])).toMatch(expected);
  });

  it('use a customer key through Secrets Manager only', () => {
    const key = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    const statement = statements('RenewRole', synthesize({ encryptionKeys: [key] }).template).find(
      ({ Resource }) => Resource === key,
    );
    expect(statement?.['Action']).toEqual(['kms:Decrypt', 'kms:GenerateDataKey']);
    const condition = statement?.['Condition'] as { StringEquals: Json } | undefined;
    expect(textOf(condition?.StringEquals['kms:ViaService'])).toBe('secretsmanager.<AWS::Region>.<AWS::URLSuffix>');
  });
});

describe('a private network', () => {
  const vpc = { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef1', 'subnet-0123456789abcdef2'] };

  it('uses the given security groups', () => {
    const { template: inside } = synthesize({ vpc: { ...vpc, securityGroupIds: ['sg-0123456789abcdef0'] } });
    const VpcConfig = {
      SubnetIds: ['subnet-0123456789abcdef1', 'subnet-0123456789abcdef2'],
      SecurityGroupIds: ['sg-0123456789abcdef0'],
    };
    // Functions that call no CA are outside: in the VPC they would need more endpoints.
    const outside = ['send-notice.handler', 'start-first-scan.handler'];
    for (const { Properties } of Object.values(inside.findResources('AWS::Lambda::Function'))) {
      if (outside.includes(Properties['Handler'])) expect(Properties).not.toHaveProperty('VpcConfig');
      else expect(Properties).toMatchObject({ VpcConfig });
    }
    inside.resourceCountIs('AWS::EC2::SecurityGroup', 0);
    expect(statements('ScanRole', inside).flatMap(({ Action }) => Action)).toContain('ec2:CreateNetworkInterface');
  });

  it('gets a security group without inbound rules by default', () => {
    const { template: inside } = synthesize({ vpc });
    expect(securityGroup(inside)).toMatchObject({
      VpcId: 'vpc-0123456789abcdef0',
      SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0' }],
    });
    expect(securityGroup(inside)).not.toHaveProperty('SecurityGroupIngress');
  });
  const securityGroup = (from: Template) =>
    Object.values(from.findResources('AWS::EC2::SecurityGroup'))[0]?.['Properties'];
});
