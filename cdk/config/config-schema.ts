/**
 * The schema of cert-renewer.json and of the construct's props. `npm run schema` makes cert-renewer.schema.json from it. config.ts checks
 * the rules that concern several fields.
 */
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as z from 'zod/mini';
import { createFields } from '../../lambdas/policy/authority.ts';
import { certificateFields } from '../../lambdas/policy/certificate-entry.ts';
import { secretName } from '../../lambdas/policy/declaration.ts';
import { profileName } from '../../lambdas/policy/profile-name.ts';
import { issuanceFields } from '../../lambdas/policy/vocabulary.ts';
import { describe } from '../../lambdas/providers/kind.ts';
import { caSchema, probeFields, profileFields } from '../../lambdas/providers/profile.ts';

const text = () => z.string().check(z.minLength(1));
const arn = (service: string, what: string, resource: string, example: string) =>
  z
    .string()
    .check(
      z.regex(
        new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:${resource}$`),
        `expected the ARN of ${what}: ${example}`,
      ),
    );
export const keyArn = () => arn('kms', 'a KMS key', 'key/[\\w-]+', 'arn:aws:kms:<region>:<account>:key/<id>');
const emailAddress = z
  .string()
  .check(z.regex(/^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+$/, 'expected an e-mail address such as ops@example.com'));

/** The days that CloudWatch Logs allows. */
export const retentionDays: readonly number[] = Object.values(RetentionDays).filter(
  (days): days is RetentionDays => typeof days === 'number' && days !== RetentionDays.INFINITE,
);

/** The values that EC2 allows for a tag. */
const tagValue = z
  .string()
  .check(
    z.regex(
      /^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,256}$/u,
      "expected a tag's value: letters, digits, spaces and _ . : / = + - @, up to 256 characters",
    ),
  );
/** The keys that EC2 allows for a tag, without +, which SSM does not allow in a target. With `tag:`, SSM allows 163 characters. */
const tagKey = z
  .string()
  .check(
    z.regex(
      /^[\p{L}\p{Z}\p{N}_.:/=@-]{1,128}$/u,
      "expected a tag's key: letters, digits, spaces and _ . : / = - @, up to 128 characters. EC2 also allows a +, but Run Command can't select instances by such a tag: give them another one",
    ),
  );
const targetTag = describe(
  'Selects the instances with this tag.',
  z.strictObject({
    key: describe('Key of the tag, up to 128 characters.', tagKey),
    value: describe('Value of the tag, up to 256 characters.', tagValue),
  }),
);

/** https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html */
const ecsService = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z0-9_-]{1,255}\/[A-Za-z0-9_-]{1,255}$/,
      'expected <cluster>/<service>, such as default/web: names of letters, digits, - and _, up to 255 characters each',
    ),
  );

const hook = z.discriminatedUnion('type', [
  z.strictObject({
    type: describe('Runs a command on instances, by SSM Run Command.', z.literal('exec')),
    command: describe(
      'The command, for sh, with CERT_RENEWER_SECRET_ARN and CERT_RENEWER_VERSION_ID in its environment. Fixed at deployment.',
      text(),
    ),
    targetTag,
  }),
  z.strictObject({
    type: describe('Sends a signal to a process on instances, by SSM Run Command.', z.literal('signal')),
    pidFile: describe(
      'Absolute path of a file with the process id.',
      z.string().check(z.regex(/^\/[^\0\n]+$/, 'expected an absolute path such as /run/nginx.pid')),
    ),
    signal: describe(
      'Number of the signal, 1 to 64. Default: 1 (SIGHUP).',
      z.optional(z.int().check(z.minimum(1), z.maximum(64))),
    ),
    targetTag,
  }),
  z.strictObject({
    type: describe('Invokes a Lambda function and waits for it.', z.literal('lambda')),
    functionArn: describe(
      'ARN of the function, in any Region. Its input is the event "Certificate Renewed".',
      arn(
        'lambda',
        'a Lambda function',
        'function:[\\w-]+(?::[\\w$-]+)?',
        'arn:aws:lambda:<region>:<account>:function:<name>',
      ),
    ),
  }),
  z.strictObject({
    type: describe('Publishes the event "Certificate Renewed" to a topic.', z.literal('sns')),
    topicArn: describe(
      "ARN of the topic, in the stack's Region.",
      arn('sns', 'an SNS topic', '[\\w-]+', 'arn:aws:sns:<region>:<account>:<name>'),
    ),
  }),
  z.strictObject({
    type: describe('Imports the certificate into ACM again, under the same ARN.', z.literal('acm')),
    certificates: describe(
      'ARNs of ACM certificates, by the names of the secrets.',
      z.record(
        text(),
        arn('acm', 'a certificate in ACM', 'certificate/[\\w-]+', 'arn:aws:acm:<region>:<account>:certificate/<id>'),
      ),
    ),
  }),
  z.strictObject({
    type: describe('Has services of Amazon ECS replace their tasks by new ones.', z.literal('ecs')),
    services: describe(
      "<cluster>/<service> by the names of the secrets, in the stack's account and Region.",
      z.record(text(), ecsService),
    ),
  }),
]);

/** The fields of a profile, with descriptions for an editor. */
const described = {
  ca: describe('The CA that issues and renews the certificates of this profile.', caSchema),
  mode: describe('rekey (new key pair) or renew (same key pair). Default: rekey.', profileFields.mode),
  expiresIn: describe(
    'The renewal window: a certificate is due when no more than this is left. A duration (8h) or a percentage of the validity (33%). Excludes rekeyPeriod. Default: a third of the validity.',
    profileFields.expiresIn,
  ),
  rekeyPeriod: describe(
    'A duration (720h): a certificate is due when this much has passed since its notBefore. Excludes expiresIn. Default: none.',
    profileFields.rekeyPeriod,
  ),
  kty: describe('Type of new keys. Default: the algorithm and size of the current key.', profileFields.kty),
  curve: describe(
    'Curve of new keys. With kty EC: P-256, P-384 or P-521; default: P-256. With kty OKP: Ed25519.',
    profileFields.curve,
  ),
  size: describe('Size of new keys in bits, with kty RSA: 2048 to 8192. Default: 2048.', profileFields.size),
  passwordSecretId: describe(
    'Name or ARN of the secret with the password of encrypted keys. Default: none.',
    profileFields.passwordSecretId,
  ),
  paused: describe('true: the schedule skips the secrets of this profile. Default: false.', profileFields.paused),
  issue: describe(
    'The declared certificates that this profile may issue. Default: the profile issues nothing.',
    z.optional(
      z.strictObject({
        allow: describe(
          'The allowed names, up to 200: dns:example.com (that name, all names below it and their wildcards), email:example.com, uri:.example.com, ip:10.0.0.0/8, or cn:<text> for a common name.',
          issuanceFields.allow,
        ),
        duration: describe(
          "Validity of certificates that declare none: a duration (720h). Not with an acme CA. Default: the CA's default.",
          issuanceFields.duration,
        ),
        maxDuration: describe(
          'The longest validity that a declaration may have: a duration. Default: no limit but that of the CA.',
          issuanceFields.maxDuration,
        ),
      }),
    ),
  ),
} satisfies Record<keyof typeof profileFields, z.ZodMiniType>;

export const configProfile = z.strictObject({
  ...described,
  hooks: describe('What to run after each renewal. Default: nothing.', z.optional(z.array(hook))),
});

const configAuthority = z.strictObject({
  create: describe(
    'Creates the authority once, with its key in KMS: the first certificate. Excludes secretId.',
    z.optional(
      z.strictObject({
        subject: describe('Subject (RFC 4514), such as CN=Example Root.', createFields.subject),
        key: describe(
          'Kind of the key: EC P-256, EC P-384, EC P-521, RSA 2048, RSA 3072 or RSA 4096.',
          createFields.key,
        ),
        validity: describe("Validity, a duration (87600h). No longer than the parent's.", createFields.validity),
        pathLen: describe(
          'pathLenConstraint, 0 to 16: how many authorities may follow below this one. Default: no limit.',
          createFields.pathLen,
        ),
        nameConstraints: describe(
          'Name constraints of the certificate (RFC 5280, section 4.2.1.10). Default: none.',
          createFields.nameConstraints,
        ),
      }),
    ),
  ),
  secretId: describe('Name or ARN of the secret with an existing CA certificate. Excludes create.', z.optional(text())),
  kmsKeyArn: describe(
    'With secretId: ARN of the KMS key of the certificate. Default: the key is in the secret.',
    z.optional(keyArn()),
  ),
  passwordSecretId: describe(
    'With secretId: name or ARN of the secret with the password of the key. Default: the key is not encrypted.',
    z.optional(text()),
  ),
  parent: describe(
    'Name of the authority that issues this one. Default: none, this is a root.',
    z.optional(profileName),
  ),
  caConfig: describe(
    "A step-ca's ca.json, relative to this file. Its claims and its backdate apply to this authority. Default: none.",
    z.optional(text()),
  ),
  disabled: describe('true: the authority signs nothing. Default: false.', z.optional(z.boolean())),
});

/** The fields of an entry of `certificates`, with descriptions for an editor. */
const describedCertificate = {
  profile: describe(
    'Name of the profile whose CA issues the certificate. The profile needs "issue".',
    certificateFields.profile,
  ),
  dnsNames: describe(
    'Host names and wildcards (*.example.com). International labels are written as A-labels (xn--…). A certificate needs at least one name of any kind. Default: none.',
    certificateFields.dnsNames,
  ),
  ipAddresses: describe('IPv4 and IPv6 addresses. Default: none.', certificateFields.ipAddresses),
  emails: describe('E-mail addresses. Default: none.', certificateFields.emails),
  uris: describe('Absolute URIs, such as spiffe://example.com/web. Default: none.', certificateFields.uris),
  commonName: describe(
    'Common name of the subject: one of the names, or a text that the profile allows as cn:<text>. Default: no subject, and a critical subjectAltName.',
    certificateFields.commonName,
  ),
  subject: describe(
    'The whole subject (RFC 4514), instead of commonName. Default: the subject that commonName gives.',
    certificateFields.subject,
  ),
  usages: describe(
    'Extended key usages. Default: serverAuth and clientAuth; with an acme CA serverAuth.',
    certificateFields.usages,
  ),
  duration: describe(
    "Validity, a duration (720h). Not with an acme CA. Default: the profile's issue.duration, else the CA's default.",
    certificateFields.duration,
  ),
  kty: describe("Type of new keys. Default: the profile's, else as the current key, else EC.", certificateFields.kty),
  curve: describe(
    'Curve of new keys. With kty EC: P-256, P-384 or P-521; default: P-256. With kty OKP: Ed25519.',
    certificateFields.curve,
  ),
  size: describe('Size of new keys in bits, with kty RSA: 2048 to 8192. Default: 2048.', certificateFields.size),
  kmsKeyId: describe(
    'ARN, id or alias of a KMS key that the certificate is for. It is never replaced. Default: a key in the secret.',
    certificateFields.kmsKeyId,
  ),
  shape: describe(
    "Shape of an empty secret's first value. pkcs12 needs the profile's passwordSecretId. Default: camel.",
    certificateFields.shape,
  ),
  mode: describe("rekey (new key pair) or renew (same key pair). Default: the profile's.", certificateFields.mode),
  expiresIn: describe(
    "The renewal window: the certificate is due when no more than this is left. A duration (8h) or a percentage of the validity (33%). Excludes rekeyPeriod. Default: the profile's.",
    certificateFields.expiresIn,
  ),
  rekeyPeriod: describe(
    "A duration (720h): the certificate is due when this much has passed since its notBefore. Excludes expiresIn. Default: the profile's.",
    certificateFields.rekeyPeriod,
  ),
  paused: describe(
    'true: the schedule skips the secret, and the deployment does not wait for the certificate. Default: false.',
    certificateFields.paused,
  ),
  encryptionKey: describe(
    'ARN of the customer KMS key that the secret is encrypted with. If you change or remove it later, name the old key in encryptionKeys for that deployment. Default: the key aws/secretsmanager.',
    certificateFields.encryptionKey,
  ),
  existing: describe(
    "true: the secret exists already, with the profile's tag. It keeps its shape and its encryption key. Default: false.",
    certificateFields.existing,
  ),
  endpoints: describe(
    'Up to 5 places where the certificate is served: host:port or host:port/servername. Default: none.',
    certificateFields.endpoints,
  ),
  wait: describe(
    "Whether the deployment waits for the certificate, and fails if it isn't issued within ten minutes. Default: true.",
    certificateFields.wait,
  ),
} satisfies Record<keyof typeof certificateFields, z.ZodMiniType>;

const probe = z.strictObject({
  allow: describe(
    'Where the probe may connect, up to 100 entries: dns:example.com (that name and all names below it) or ip:10.0.0.0/8. The addresses that a name resolves to need no entry.',
    probeFields.allow,
  ),
  within: describe(
    'A duration (1h): how long after a renewal all endpoints may serve the old certificate. Default: 1h.',
    probeFields.within,
  ),
} satisfies Record<keyof typeof probeFields, z.ZodMiniType>);

export const configSchema = z.strictObject({
  $schema: describe('Address of this schema, for editors.', z.optional(z.string())),
  schedule: describe(
    'How often to scan: rate(1 hour) or cron(0 8 ? * MON-FRI *). Default: rate(1 hour).',
    z.optional(text()),
  ),
  scheduleTimezone: describe(
    'Time zone of a cron schedule, an IANA name such as Europe/Paris. Default: UTC.',
    z.optional(text()),
  ),
  maxConcurrency: describe(
    'Number of workers at once, 2 to 1000, and so of the batches that a CA gets at a time. Default: 10.',
    z.optional(z.int().check(z.minimum(2), z.maximum(1000))),
  ),
  paused: describe('true: stops the schedule. Renewals on demand still work. Default: false.', z.optional(z.boolean())),
  logRetentionDays: describe('Days for which logs are kept. Default: 90.', z.optional(z.literal([...retentionDays]))),
  dashboard: describe(
    'Whether there is a CloudWatch dashboard, and the function that shows the certificates on it. Default: true.',
    z.optional(z.boolean()),
  ),
  notify: describe(
    'Who gets e-mails about failures, and about certificates that are overdue or not served. Default: nobody.',
    z.optional(
      z.strictObject({
        email: describe(
          'E-mail addresses. AWS asks each of them for confirmation.',
          z.array(emailAddress).check(z.minLength(1)),
        ),
      }),
    ),
  ),
  probe: describe(
    'Probes the endpoints of the certificates: whether they serve the new certificate after a renewal. Default: endpoints are not probed.',
    z.optional(probe),
  ),
  vpc: describe(
    'The VPC of the functions, for a CA in a private network. Default: the functions run outside of any VPC.',
    z.optional(
      z.strictObject({
        vpcId: describe('Id of the VPC.', text()),
        subnetIds: describe(
          'Ids of the subnets. They need NAT, or interface endpoints for secretsmanager, kms, ssm, events and sqs.',
          z.array(text()).check(z.minLength(1)),
        ),
        securityGroupIds: describe(
          'Ids of the security groups. Default: a new group, which allows all outbound and no inbound traffic.',
          z.optional(z.array(text()).check(z.minLength(1))),
        ),
      }),
    ),
  ),
  encryptionKeys: describe(
    "ARNs of the customer KMS keys that secrets (certificates, passwords, imported authorities, the API's tokens) or the topics of sns hooks are encrypted with. Default: none.",
    z.optional(z.array(keyArn())),
  ),
  profiles: describe(
    'Profiles by name. A profile is a CA, and defaults for the secrets whose tag cert-renewer:profile names it.',
    z.record(profileName, configProfile),
  ),
  authorities: describe(
    "The stack's own certificate authorities, by name. Default: none.",
    z.optional(z.record(profileName, configAuthority)),
  ),
  caApi: describe(
    'The HTTP API that renews those authorities. Default: callers need IAM credentials.',
    z.optional(
      z.strictObject({
        auth: describe('iam (AWS signature) or bearer (a token). Default: iam.', z.optional(z.enum(['iam', 'bearer']))),
        tokenSecretId: describe('Name or ARN of the secret with the tokens. Required with bearer.', z.optional(text())),
      }),
    ),
  ),
  certificates: describe(
    'Declared certificates, by the names of their secrets. The deployment creates each secret and has its certificate issued; it is issued again when the declaration changes. The secret is retained when its entry or the stack is deleted. Default: none.',
    z.optional(z.record(secretName, z.strictObject(describedCertificate))),
  ),
});

/** The content of cert-renewer.json. */
export type ConfigDocument = z.infer<typeof configSchema>;
/** A profile of the configuration. */
export type ProfileConfig = z.infer<typeof configProfile>;
/** A hook of a profile. */
export type HookConfig = z.infer<typeof hook>;
/** An authority of the configuration. */
export type AuthorityConfig = z.infer<typeof configAuthority>;

/** Returns the JSON Schema of the configuration, for editors and CI. */
export function jsonSchema(): Record<string, unknown> {
  return { title: 'cert-renewer.json', ...z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input' }) };
}
