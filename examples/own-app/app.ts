/**
 * cert-renewer in your own CDK app: a CA in your VPC, a secret with a customer key, and a Lambda function after each renewal. Also a
 * declared certificate of an authority of the stack, and a Lambda function that reads it.
 *
 * `npx cdk synth -a "npx tsx examples/own-app/app.ts"`
 */
import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Code, Function as HandlerFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Certificate, CertRenewer } from '../../cdk/index.ts'; // in an app of your own: from 'cert-renewer'

const app = new App();
const stack = new Stack(app, 'OwnApp');

const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2 });
const renewer = new CertRenewer(stack, 'CertRenewer', {
  schedule: 'cron(0/30 6-20 ? * MON-FRI *)',
  scheduleTimezone: 'Europe/Berlin',
  vpc: { vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS } },
  profiles: {
    internal: {
      ca: {
        type: 'step-ca',
        url: 'https://ca.internal.example:9000',
        root: new URL('../root_ca.crt', import.meta.url).pathname,
      },
      expiresIn: '33%',
    },
    own: { ca: { type: 'offline', authority: 'own' }, issue: { allow: ['dns:svc.example'], duration: '720h' } },
  },
  authorities: { own: { create: { subject: 'CN=Example Root', key: 'EC P-384', validity: '87600h', pathLen: 0 } } },
});

// You put the first certificate and key into the secret. Then the stack renews it.
const secret = new Secret(stack, 'ServerCertificate', {
  secretName: 'web/server',
  encryptionKey: new Key(stack, 'SecretsKey', { enableKeyRotation: true, removalPolicy: RemovalPolicy.RETAIN }),
});
renewer.enrol(secret, { profile: 'internal', mode: 'rekey', expiresIn: '50%' });

const reload = new HandlerFunction(stack, 'Reload', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: Code.fromInline('exports.handler = async ({ detail }) => console.log(detail.secretArn, detail.notAfter);'),
});
renewer.onRenewed('ReloadRule', { target: new LambdaFunction(reload) });

// The deployment waits for the certificate. Resources that use its secret are deployed after it.
const certificate = new Certificate(stack, 'Web', { renewer, profile: 'own', dnsNames: ['web.svc.example'] });
const service = new HandlerFunction(stack, 'Service', {
  runtime: Runtime.NODEJS_24_X,
  handler: 'index.handler',
  code: Code.fromInline('exports.handler = async () => process.env.CERTIFICATE;'),
  environment: { CERTIFICATE: certificate.secretName },
});
certificate.grantRead(service);

// A principal that may invoke the renew function may act as every certificate of its profiles.
const operators = new Role(stack, 'Operators', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
operators.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore'));
renewer.grantInvoke(operators);

renewer.metricSecondsToExpiry('internal').createAlarm(stack, 'AboutToExpire', {
  threshold: 24 * 3600,
  evaluationPeriods: 1,
  alarmDescription: 'A certificate has less than a day left',
});

export { stack };
