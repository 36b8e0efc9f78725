import { Token } from 'aws-cdk-lib';
import { Annotations, Match, type Template, Template as Templates } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { otherMemory } from '../../bench/stack.ts';
import type { CertRenewerProps } from '../../cdk/cert-renewer.ts';
import { validateConfig } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { CertRenewerStack } from '../../cdk/stack.ts';
import { longestCall } from '../../lambdas/aws/lambda.ts';
import { config, examples, newApp, synthesize } from './fixtures.ts';
import { actionsOf, environment, type Json, one, statements, textOf, withSid } from './template-reading.ts';

type Hook = NonNullable<CertRenewerProps['profiles'][string]['hooks']>[number];
const functionArn = 'arn:aws:lambda:eu-central-1:111122223333:function:on-renewal';
const topicArn = 'arn:aws:sns:eu-central-1:111122223333:renewals';
const certificateArn = 'arn:aws:acm:eu-central-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
const web = { key: 'Role', value: 'web' };
const hooks: Hook[] = [
  { type: 'exec', command: '/usr/local/bin/reload', targetTag: web },
  { type: 'signal', pidFile: '/run/nginx.pid', targetTag: { key: 'Role', value: 'proxy' } },
  { type: 'lambda', functionArn },
  { type: 'sns', topicArn },
  { type: 'acm', certificates: { 'web/lb': certificateArn } },
  { type: 'ecs', services: { 'web/lb': 'prod/web', 'web/client': 'prod/web', 'web/api': 'default/api' } },
];
const serviceArns = ['prod/web', 'default/api'].map(
  (name) => `arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:service/${name}`,
);
const withHooks = (...given: Hook[]) => ({
  profiles: {
    web: { ...config.profiles.internal, passwordSecretId: 'pki/password', hooks: given },
    plain: config.profiles.internal,
  },
});
const { stack, template } = synthesize(withHooks(...hooks));
const rules = (from: Template = template): Json[] =>
  Object.values(from.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties);
const rule = (type: string): Json =>
  rules().find(({ Description }) => Description === `cert-renewer: a hook (${type}) of the profile web`) ?? {};
const target = (type: string) => (rule(type)['Targets'] as Json[] | undefined)?.[0] ?? {};
const idOf = (type: string, idPart: string) =>
  Object.keys(template.findResources(type)).find((id) => id.includes(idPart)) ?? '';

describe('a hook', () => {
  it.each(['exec', 'signal', 'lambda', 'sns', 'acm', 'ecs'])('%s is a rule of the bus for its profile only', (type) => {
    expect(rule(type)).toMatchObject({
      EventBusName: { Ref: expect.stringContaining('Bus') },
      EventPattern: {
        source: ['cert-renewer'],
        'detail-type': ['Certificate Renewed'],
        detail: { profile: ['web'] },
      },
      State: 'ENABLED',
    });
    expect(rule(type)['Targets']).toHaveLength(1);
    expect(target(type)).toMatchObject({
      RetryPolicy: { MaximumRetryAttempts: 20, MaximumEventAgeInSeconds: 6 * 3600 },
      DeadLetterConfig: { Arn: { 'Fn::GetAtt': [idOf('AWS::SQS::Queue', `Hooks${type}Failures`), 'Arn'] } },
    });
    // The unchanged event, without an input transformer.
    expect(target(type)).not.toHaveProperty('InputTransformer');
  });

  it('lambda may call the function, version or alias that it names', () => {
    expect(environment('web2lambdaRunFunction', template)).toMatchObject({ FUNCTION_ARN: functionArn, HOOK: 'lambda' });
    expect(withSid('web2lambdaRunRole', 'Invoke', template)).toEqual({
      Sid: 'Invoke',
      Effect: 'Allow',
      Action: 'lambda:InvokeFunction',
      Resource: functionArn,
    });
    // The limit of the user's function, plus time to report that it was exceeded.
    expect(one('AWS::Lambda::Function', 'web2lambdaRunFunction', template)).toMatchObject({
      Timeout: 900,
      MemorySize: otherMemory.hook,
    });
    expect(longestCall).toBeLessThan(895_000);
  });

  it('sns publishes with its own role, and leaves the topic’s policy unchanged', () => {
    expect(target('sns')).toMatchObject({
      Arn: topicArn,
      RoleArn: { 'Fn::GetAtt': [idOf('AWS::IAM::Role', 'web3sns'), 'Arn'] },
    });
    expect(statements('web3sns', template)).toEqual([{ Effect: 'Allow', Action: 'sns:Publish', Resource: topicArn }]);
    const policies = Object.values(template.findResources('AWS::SNS::TopicPolicy'));
    expect(policies.flatMap(({ Properties }) => Properties['Topics'])).not.toContain(topicArn);
  });

  it('sns may use the customer keys for the topic’s messages, through SNS in the topic’s Region only', () => {
    const encryptionKeys = ['arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'];
    const made = synthesize({ ...withHooks({ type: 'sns', topicArn }), encryptionKeys }).template;
    const statement = withSid('web0sns', 'TopicKeys', made);
    expect(statement).toMatchObject({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: encryptionKeys[0] });
    const { StringEquals } = statement['Condition'] as { StringEquals: Json };
    expect(textOf(StringEquals['kms:ViaService'])).toBe('sns.eu-central-1.<AWS::URLSuffix>');
  });

  it.each([
    ['us-east-1', /hooks\[0\]\.topicArn: the topic is in eu-central-1, .* its own Region, us-east-1/],
    ['eu-central-1', undefined],
  ])('sns to a topic in another Region is refused at synthesis (%s)', (region, refusal) => {
    const make = () =>
      new CertRenewerStack(newApp(), 'CertRenewer', {
        config: withHooks({ type: 'sns', topicArn }),
        env: { region, account: '111122223333' },
      });
    if (refusal) expect(make).toThrow(refusal);
    else expect(make).not.toThrow();
  });

  it('sns to topics of two Regions is refused in any Region of the stack', () => {
    const elsewhere = { type: 'sns', topicArn: 'arn:aws:sns:us-east-1:111122223333:renewals' } as const;
    expect(() => synthesize(withHooks({ type: 'sns', topicArn }, elsewhere))).toThrow(
      /hooks\[1\]\.topicArn: the topic is in us-east-1/,
    );
  });

  it('causes a warning if the bus would get more rules than AWS allows by default', () => {
    const given = Array.from({ length: 100 }, (): Hook => ({ type: 'sns', topicArn }));
    const profile = { ...config.profiles.internal, hooks: given };
    const { stack: many } = synthesize({ profiles: { a: profile, b: profile, c: profile } });
    Annotations.fromStack(many).hasWarning('*', Match.stringLikeRegexp('will have 303 rules'));
  });

  it('acm may read the secrets that it names while they have the profile’s tag, and import existing certificates', () => {
    const role = 'web4acmRunRole';
    expect(actionsOf(role, template)).toEqual(
      [
        'acm:ImportCertificate',
        'events:PutEvents',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'secretsmanager:GetSecretValue',
        'secretsmanager:GetSecretValue',
        'sqs:GetQueueAttributes',
        'sqs:GetQueueUrl',
        'sqs:SendMessage',
      ].sort(),
    );
    expect(textOf(withSid(role, 'Read', template)['Resource'])).toMatch(/:secret:web\/lb-\?{6}$/);
    expect(withSid(role, 'Read', template)['Condition']).toEqual({
      StringEquals: { 'aws:ResourceTag/cert-renewer:profile': 'web' },
    });
    expect(withSid(role, 'Import', template)['Resource']).toBe(certificateArn);
    expect(textOf(withSid(role, 'Passwords', template)['Resource'])).toMatch(/:secret:pki\/password-\?{6}$/);
    expect(environment('web4acmRunFunction', template)).toMatchObject({
      CERTIFICATES: JSON.stringify({ 'web/lb': certificateArn }),
      PASSWORD_SECRET_ID: 'pki/password',
      PROFILE: 'web',
    });
  });

  it('acm may import in the certificate’s Region and partition', () => {
    const elsewhere = [
      'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
      'arn:aws-cn:acm:cn-north-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
    ];
    const certificates = Object.fromEntries(elsewhere.map((arn, i) => [`web/${i}`, arn]));
    const made = synthesize(withHooks({ type: 'acm', certificates })).template;
    const statement = withSid('web0acmRunRole', 'Import', made);
    expect(statement).toMatchObject({
      Effect: 'Allow',
      Action: 'acm:ImportCertificate',
      Resource: elsewhere.toSorted(),
    });
    expect(environment('web0acmRunFunction', made)).toMatchObject({ CERTIFICATES: JSON.stringify(certificates) });
  });

  it.each([
    ['exec', 'web0exec', 'web'],
    ['signal', 'web1signal', 'proxy'],
  ])('%s may run its document on its instances', (type, id, value) => {
    const role = `${id}RunRole`;
    const document = idOf('AWS::SSM::Document', id);
    expect(environment(`${id}RunFunction`, template)).toMatchObject({
      DOCUMENT_NAME: { Ref: document },
      TARGET_KEY: 'Role',
      TARGET_VALUE: value,
      PROFILE: 'web',
      HOOK: type,
    });
    expect(actionsOf(role, template).filter((action) => /ssm|secretsmanager|iam|sts/.test(String(action)))).toEqual([
      'ssm:SendCommand',
      'ssm:SendCommand',
    ]);
    expect(textOf(withSid(role, 'Document', template)['Resource'])).toMatch(new RegExp(`:document/<${document}>$`));
    expect(withSid(role, 'Targets', template)['Condition']).toEqual({
      StringEquals: { 'ssm:resourceTag/Role': value },
    });
    expect((withSid(role, 'Targets', template)['Resource'] as unknown[]).map(textOf)).toEqual([
      'arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*',
      'arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:managed-instance/*',
    ]);
  });

  it('ecs may deploy the services that it names, and nothing else', () => {
    const role = 'web5ecsRunRole';
    expect(actionsOf(role, template).filter((action) => !/^(?:logs|sqs):/.test(String(action)))).toEqual([
      'ecs:UpdateService',
      'events:PutEvents',
    ]);
    const statement = withSid(role, 'Deploy', template);
    expect(statement).not.toHaveProperty('Condition');
    expect((statement['Resource'] as unknown[]).map(textOf).sort()).toEqual(serviceArns.toSorted());
    expect(environment('web5ecsRunFunction', template)).toMatchObject({
      SERVICES: JSON.stringify({ 'web/lb': 'prod/web', 'web/client': 'prod/web', 'web/api': 'default/api' }),
      PROFILE: 'web',
      HOOK: 'ecs',
    });
  });

  it('ecs hears of the ends of the deployments of its services only, on the account’s default bus', () => {
    const [found, ...more] = rules().filter(({ EventPattern }) => JSON.stringify(EventPattern).includes('aws.ecs'));
    expect(more).toEqual([]);
    expect(found).not.toHaveProperty('EventBusName');
    const { resources, ...pattern } = (found?.['EventPattern'] ?? {}) as Json;
    expect((resources as unknown[]).map(textOf)).toEqual(serviceArns);
    expect(pattern).toEqual({
      source: ['aws.ecs'],
      'detail-type': ['ECS Deployment State Change'],
      detail: { eventName: ['SERVICE_DEPLOYMENT_COMPLETED', 'SERVICE_DEPLOYMENT_FAILED'] },
    });
    expect(found?.['Targets']).toMatchObject([
      {
        Arn: { 'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'web5ecsRun'), 'Arn'] },
        RetryPolicy: { MaximumRetryAttempts: 20 },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [idOf('AWS::SQS::Queue', 'HooksDeadLetters'), 'Arn'] } },
      },
    ]);
    template.hasResourceProperties('AWS::Lambda::Permission', {
      FunctionName: { 'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'web5ecsRun'), 'Arn'] },
      SourceArn: { 'Fn::GetAtt': [idOf('AWS::Events::Rule', 'web5ecsDeployments'), 'Arn'] },
    });
  });

  it('ecs has a rule with a name of its own in each profile, within AWS’s 64 characters', () => {
    const name = 'p'.repeat(64);
    const hook: Hook = { type: 'ecs', services: { a: 'b/c' } };
    const profile = { ...config.profiles.internal, hooks: [hook, hook] };
    const made = synthesize({ profiles: { [name]: profile, other: profile } }).template;
    const names = rules(made).flatMap(({ Name }) => (Name === undefined ? [] : String(Name)));
    expect(new Set(names).size).toBe(4);
    for (const each of names) expect(each).toMatch(/^cert-renewer-[0-9a-f]{12}-[\w.-]{1,38}$/);
  });

  it('ecs takes the name of a service of the app', () => {
    const made = newApp();
    const app = new CertRenewerStack(made, 'CertRenewer', {
      config: withHooks({ type: 'ecs', services: { 'web/lb': `prod/${Token.asString({ Ref: 'Service' })}` } }),
    });
    const statement = withSid('web0ecsRunRole', 'Deploy', Templates.fromStack(app));
    expect(textOf(statement['Resource'])).toMatch(/:service\/prod\/<Service>$/);
  });

  it('makes no policy that IAM refuses, and no warning at synthesis', () => {
    for (const [id, { Properties }] of Object.entries(template.findResources('AWS::IAM::Policy'))) {
      const sids = Properties['PolicyDocument'].Statement.flatMap(({ Sid }: Json) => Sid ?? []);
      expect(new Set(sids).size, `${id}: ${sids}`).toBe(sids.length);
    }
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  it('adds nothing to a profile without hooks', () => {
    const { template: none } = synthesize({ profiles: { plain: { ...config.profiles.internal, hooks: [] } } });
    none.resourceCountIs('AWS::SSM::Document', 0);
    expect(rules(none)).toHaveLength(2);
    none.resourceCountIs('AWS::SQS::Queue', 4);
  });
});

/** Returns `cert-renewer-<stack>-`. */
const prefixOf = (name: unknown): string => /^cert-renewer-[0-9a-f]{12}-/.exec(String(name))?.[0] ?? '';

describe('a hook that fails', () => {
  it('on an instance is noticed on the account’s default bus, by one rule for all of the stack’s documents', () => {
    const status = rules().filter(({ EventPattern }) => JSON.stringify(EventPattern).includes('aws.ssm'));
    expect(status).toHaveLength(1);
    expect(status[0]).not.toHaveProperty('EventBusName');
    const names = Object.values(template.findResources('AWS::SSM::Document')).map(({ Properties }) => Properties.Name);
    const prefix = environment('HooksReporterFunction', template)['DOCUMENT_PREFIX'];
    expect(prefix).toMatch(/^cert-renewer-[0-9a-f]{12}-$/);
    expect(names).toEqual([`${prefix}0.web.0.exec`, `${prefix}0.web.1.signal`]);
    expect(status[0]).toMatchObject({
      EventPattern: {
        source: ['aws.ssm'],
        'detail-type': ['EC2 Command Status-change Notification', 'EC2 Command Invocation Status-change Notification'],
        detail: { 'document-name': [{ prefix }] },
      },
      Targets: [
        {
          Arn: { 'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'HooksReporter'), 'Arn'] },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [idOf('AWS::SQS::Queue', 'HooksDeadLetters'), 'Arn'] } },
        },
      ],
    });
    const pattern = status[0]?.['EventPattern'] as { detail: { status: [{ 'anything-but': string[] }] } };
    for (const state of ['Failed', 'TimedOut', 'Cancelled', 'Incomplete', 'Undeliverable', 'Terminated']) {
      expect(pattern.detail.status[0]['anything-but']).not.toContain(state);
    }
    expect(pattern.detail.status[0]['anything-but']).toContain('Success');
  });

  it('is kept if it can’t be delivered: every target has a dead-letter queue, and each queue accepts its rules by one statement', () => {
    for (const { Description, Targets } of rules()) {
      for (const each of Targets as Json[]) expect(each['DeadLetterConfig'], String(Description)).toBeDefined();
    }
    const policies = Object.values(template.findResources('AWS::SQS::QueuePolicy')).map(({ Properties }) => Properties);
    /** Returns the ARNs of the rules whose messages a queue accepts, as text. */
    const patternsOf = (queue: string): string[] =>
      policies
        .filter(({ Queues }) => Queues.some(({ Ref }: Json) => Ref === queue))
        .flatMap(({ PolicyDocument }) => PolicyDocument.Statement as Json[])
        .filter(({ Principal }) => JSON.stringify(Principal).includes('events.amazonaws.com'))
        .map(({ Action, Condition }) => {
          expect(Action).toBe('sqs:SendMessage');
          expect(Object.keys(Condition as Json)).toEqual(['ArnLike']);
          return textOf((Condition as { ArnLike: Json }).ArnLike['aws:SourceArn']);
        });
    for (const [id, { Properties }] of Object.entries(template.findResources('AWS::Events::Rule'))) {
      const bus = Properties['EventBusName'];
      // All rules of the stack's bus by one statement. Those of the default bus for ecs hooks by the prefix of their names.
      const { Name } = Properties;
      const pattern =
        bus === undefined
          ? Name === undefined
            ? `<${id},Arn>`
            : `arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule/${prefixOf(Name)}*`
          : `arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule/${textOf(bus)}/*`;
      for (const { DeadLetterConfig } of Properties['Targets']) {
        const patterns = patternsOf(DeadLetterConfig.Arn['Fn::GetAtt'][0]);
        expect(patterns.filter((each) => each === pattern)).toEqual([pattern]);
        expect(patterns.length).toBeLessThanOrEqual(2);
      }
    }
  });

  it.each(['exec', 'signal', 'lambda', 'sns', 'acm', 'ecs'])('%s is reported once, and then kept', (type) => {
    const deadLetters = idOf('AWS::SQS::Queue', 'HooksDeadLetters');
    expect(one('AWS::SQS::Queue', `Hooks${type}Failures`, template)).toMatchObject({
      RedrivePolicy: { maxReceiveCount: 1, deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters, 'Arn'] } },
      SqsManagedSseEnabled: true,
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [idOf('AWS::SQS::Queue', `Hooks${type}Failures`), 'Arn'] },
      FunctionName: { Ref: idOf('AWS::Lambda::Function', 'HooksReporter') },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    const queues = textOf(environment('HooksReporterFunction', template)['QUEUES']);
    expect(JSON.parse(queues)[`<${idOf('AWS::SQS::Queue', `Hooks${type}Failures`)},Arn>`]).toBe(type);
  });

  it.each(['web0exec', 'web1signal', 'web2lambda', 'web4acm', 'web5ecs'])(
    'in its own function is reported there too (%s)',
    (id) => {
      const type = id.slice('web0'.length);
      template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
        FunctionName: { Ref: idOf('AWS::Lambda::Function', `${id}Run`) },
        MaximumRetryAttempts: 2,
        DestinationConfig: {
          OnFailure: { Destination: { 'Fn::GetAtt': [idOf('AWS::SQS::Queue', `Hooks${type}Failures`), 'Arn'] } },
        },
      });
    },
  );

  it('is not lost with the function that reports it: its event is kept', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: idOf('AWS::Lambda::Function', 'HooksReporter') },
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [idOf('AWS::SQS::Queue', 'HooksDeadLetters'), 'Arn'] } },
      },
    });
  });

  it('has alarms: on reported failures, and on dead letters', () => {
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
    const topics = Object.keys(template.findResources('AWS::SNS::Topic'));
    const having = (wanted: Json) =>
      alarms.filter((alarm) =>
        Object.entries(wanted).every(([name, value]) => JSON.stringify(alarm[name]) === JSON.stringify(value)),
      );
    expect(having({ MetricName: 'HookFailed', Dimensions: [{ Name: 'Profile', Value: 'web' }] })).toHaveLength(1);
    expect(having({ MetricName: 'HookFailed' })).toHaveLength(1);
    const ofQueues = having({ MetricName: 'ApproximateNumberOfMessagesVisible' }).map(({ Dimensions }) =>
      JSON.stringify(Dimensions),
    );
    expect(ofQueues.join()).toContain(idOf('AWS::SQS::Queue', 'HooksDeadLetters'));
    for (const { AlarmActions } of alarms) expect(AlarmActions).toEqual([{ Ref: topics[0] }]);
  });

  it('causes an e-mail, and has a rule and a metric of the construct', () => {
    expect(
      JSON.stringify(
        rules().filter(({ EventPattern }) => JSON.stringify(EventPattern).includes('Certificate Hook Failed')),
      ),
    ).toContain(idOf('AWS::Lambda::Function', 'NoticesSender'));
    const other = new CertRenewerStack(newApp(), 'CertRenewer', { config: withHooks(...hooks) });
    other.renewer.onHookFailed('Mine');
    Templates.fromStack(other).hasResourceProperties('AWS::Events::Rule', {
      EventPattern: { source: ['cert-renewer'], 'detail-type': ['Certificate Hook Failed'] },
    });
    expect(other.renewer.metricHookFailed('web')).toMatchObject({ metricName: 'HookFailed', statistic: 'Sum' });
  });

  it('is reported by a role that can publish and look up commands', () => {
    expect(actionsOf('HooksReporterRole', template).filter((action) => !/^(?:logs|sqs):/.test(String(action)))).toEqual(
      ['events:PutEvents', 'ssm:ListCommands'],
    );
  });
});

describe('refused hooks', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'an expansion of SSM',
      { type: 'exec', command: 'echo {{ssm:secret}}', targetTag: web },
      /hooks\[0\]\.command: the text contains \{\{/,
    ],
    [
      'any other one',
      { type: 'exec', command: 'docker ps --format "{{.ID}}"', targetTag: web },
      /hooks\[0\]\.command: the text contains \{\{/,
    ],
    [
      'one in a path',
      { type: 'signal', pidFile: '/run/{{ x }}', targetTag: web },
      /hooks\[0\]\.pidFile: the text contains \{\{/,
    ],
    ['a NUL', { type: 'exec', command: 'echo\0', targetTag: web }, /hooks\[0\]\.command: the text contains a NUL/],
    [
      'no command',
      { type: 'exec', command: '', targetTag: web },
      /hooks\[0\]\.command: found an empty text; expected at least one character/,
    ],
    [
      'signal 0, which asks only',
      { type: 'signal', pidFile: '/x', signal: 0, targetTag: web },
      /hooks\[0\]\.signal: expected a whole number from 1 to 64/,
    ],
    [
      'a tag that EC2 has not',
      { type: 'exec', command: 'x', targetTag: { key: 'a*', value: 'b' } },
      /hooks\[0\]\.targetTag\.key: expected a tag's key/,
    ],
    ['no target', { type: 'exec', command: 'x' }, /hooks\[0\]\.targetTag: missing/],
    [
      'a name for a function',
      { type: 'lambda', functionArn: 'reload' },
      /hooks\[0\]\.functionArn: expected the ARN of a Lambda function/,
    ],
    [
      'a queue for a topic',
      { type: 'sns', topicArn: 'arn:aws:sqs:eu-central-1:111122223333:q' },
      /hooks\[0\]\.topicArn: expected the ARN of an SNS topic/,
    ],
    [
      'a certificate without a Region',
      { type: 'acm', certificates: { web: 'arn:aws:acm::111122223333:certificate/1' } },
      /hooks\[0\]\.certificates\.web: .*expected the ARN of a certificate in ACM/,
    ],
    [
      'no certificates',
      { type: 'acm', certificates: {} },
      /hooks\[0\]\.certificates: found no certificate; expected at least one/,
    ],
    [
      'an ARN for a name',
      { type: 'acm', certificates: { 'arn:aws:x': certificateArn } },
      /hooks\[0\]\.certificates: found the ARN arn:aws:x as a key/,
    ],
    [
      'something else to import',
      { type: 'acm', certificates: { x: 'arn:aws:iam::111122223333:server-certificate/x' } },
      /certificates\.x: expected the ARN of a certificate in ACM/,
    ],
    [
      'more certificates than fit',
      {
        type: 'acm',
        certificates: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`web/${i}`, certificateArn])),
      },
      /hooks\[0\]\.certificates: found \d+ characters/,
    ],
    ['no services', { type: 'ecs', services: {} }, /hooks\[0\]\.services: found no service; expected at least one/],
    [
      'an ARN for a name of a service',
      { type: 'ecs', services: { 'arn:aws:x': 'prod/web' } },
      /hooks\[0\]\.services: found the ARN arn:aws:x as a key/,
    ],
    ...[
      'web',
      'prod/',
      '/web',
      'prod/web/1',
      'prod web/x',
      'arn:aws:ecs:eu-central-1:111122223333:service/prod/web',
      `a/${'b'.repeat(256)}`,
    ].map((service): [string, unknown, RegExp] => [
      `the service ${service.slice(0, 60)}`,
      { type: 'ecs', services: { 'web/tls': service } },
      /hooks\[0\]\.services\["web\/tls"\]: .*expected <cluster>\/<service>/,
    ]),
    [
      'more services than fit into a function',
      {
        type: 'ecs',
        services: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`web/${i}`, 'prod/web'])),
      },
      /hooks\[0\]\.services: found \d+ characters/,
    ],
    [
      'more services than fit into the pattern of a rule',
      {
        type: 'ecs',
        services: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`web/${i}`, `prod/web-${i}`])),
      },
      /hooks\[0\]\.services: found 40 services, .*EventBridge allows 2048: split it/,
    ],
    [
      'an unknown key',
      { type: 'sns', topicArn, filter: 1 },
      /hooks\[0\]\.filter: unknown key; allowed here: type, topicArn/,
    ],
  ])('%s', (_, hook, expected) => {
    const problems = (() => {
      try {
        validateConfig(
          { profiles: { web: { ...config.profiles.internal, hooks: [hook] } } },
          { source: 'test', baseDirectory: examples },
        );
      } catch (thrown) {
        if (thrown instanceof ConfigError) return thrown.problems.map(({ path, message }) => `${path}: ${message}`);
        throw thrown;
      }
      return [];
    })();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });
});

it('as many services as are allowed make a pattern that EventBridge allows, in any Region', () => {
  const hookOf = (count: number): Hook => ({
    type: 'ecs',
    services: Object.fromEntries(Array.from({ length: count }, (_, i) => [`web/${i}`, `prod/web-${i}`])),
  });
  const isAllowed = (count: number) => {
    try {
      validateConfig(withHooks(hookOf(count)), { source: 'test', baseDirectory: examples });
      return true;
    } catch {
      return false;
    }
  };
  const most = Array.from({ length: 40 }, (_, i) => i + 1).findLast(isAllowed) ?? 0;
  const lengthIn = (region: string) => {
    const env = { region, account: '111122223333' };
    const made = new CertRenewerStack(newApp(), 'CertRenewer', { config: withHooks(hookOf(most)), env });
    const [pattern] = rules(Templates.fromStack(made)).flatMap(({ EventPattern }) =>
      JSON.stringify(EventPattern).includes('aws.ecs') ? [EventPattern as Json] : [],
    );
    const arns = ((pattern?.['resources'] ?? []) as unknown[]).map((arn) =>
      textOf(arn).replace('<AWS::Partition>', 'aws-us-gov'),
    );
    return JSON.stringify({ ...pattern, resources: arns }).length;
  };
  expect(most).toBeGreaterThan(20);
  expect(lengthIn('us-gov-west-1')).toBeLessThanOrEqual(2_048);
  expect(lengthIn('us-isof-south-1')).toBeLessThanOrEqual(2_048);
  expect(lengthIn('us-isof-south-1')).toBeGreaterThan(2_048 - 80);
});
