/**
 * cert-renewer.json. cert-renewer.schema.json is made from this (npm run schema), and the props of
 * the construct are held to it too. What one field alone can't say is in config.ts.
 */
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as z from 'zod/mini';
import { createFields } from '../../lambdas/policy/authority.ts';
import { certificateFields } from '../../lambdas/policy/certificate-entry.ts';
import { secretName } from '../../lambdas/policy/declaration.ts';
import { profileName } from '../../lambdas/policy/profile-name.ts';
import { caSchema, profileFields } from '../../lambdas/providers/profile.ts';

const describe = <Schema extends z.ZodMiniType>(text: string, schema: Schema): Schema =>
  schema.check(z.describe(text)) as Schema; // check() returns the same kind of schema, but its type says less
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

/** What CloudWatch Logs offers; 9999 is CDK's "for ever". */
export const retentionDays: readonly number[] = Object.values(RetentionDays).filter(
  (days): days is RetentionDays => typeof days === 'number' && days !== RetentionDays.INFINITE,
);

/** What EC2 allows in the value of a tag. */
const tagValue = z
  .string()
  .check(z.regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,256}$/u, 'expected the text of a tag of up to 256 characters'));
/** And in its key, but for a +, which SSM's targets can't have. `tag:` before it is within SSM's 163 characters. */
const tagKey = z
  .string()
  .check(
    z.regex(
      /^[\p{L}\p{Z}\p{N}_.:/=@-]{1,128}$/u,
      "expected the text of a tag: letters, digits, spaces and _ . : / = - @, up to 128 characters. EC2 takes a + as well, but Run Command can't target instances by it: give them another tag",
    ),
  );
const targetTag = describe('The instances: those with this tag.', z.strictObject({ key: tagKey, value: tagValue }));

const hook = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('exec'),
    command: describe(
      'For sh, with CERT_RENEWER_SECRET_ARN and CERT_RENEWER_VERSION_ID in its environment. Fixed at deployment.',
      text(),
    ),
    targetTag,
  }),
  z.strictObject({
    type: z.literal('signal'),
    pidFile: z.string().check(z.regex(/^\/[^\0\n]+$/, 'expected an absolute path such as /run/nginx.pid')),
    signal: describe('Its number; 1 (SIGHUP) by default.', z.optional(z.int().check(z.minimum(1), z.maximum(64)))),
    targetTag,
  }),
  z.strictObject({
    type: z.literal('lambda'),
    functionArn: arn(
      'lambda',
      'a Lambda function',
      'function:[\\w-]+(?::[\\w$-]+)?',
      'arn:aws:lambda:<region>:<account>:function:<name>',
    ),
  }),
  z.strictObject({
    type: z.literal('sns'),
    topicArn: arn('sns', 'an SNS topic', '[\\w-]+', 'arn:aws:sns:<region>:<account>:<name>'),
  }),
  z.strictObject({
    type: z.literal('acm'),
    certificates: describe(
      'By the name of the secret: the certificate of ACM that is imported again.',
      z.record(
        text(),
        arn('acm', 'a certificate of ACM', 'certificate/[\\w-]+', 'arn:aws:acm:<region>:<account>:certificate/<id>'),
      ),
    ),
  }),
]);

/** The fields that profile, tag and request share, for people who read the schema in an editor. */
const described = {
  ca: describe(
    'The certificate authority, with its address and its root: a PEM file beside this file, or PEM text.',
    caSchema,
  ),
  mode: describe('rekey (a new key pair, the default) or renew (the same key pair).', profileFields.mode),
  expiresIn: describe(
    'Act when no more than this is left: 8h, or 33% of the validity. Default: a third.',
    profileFields.expiresIn,
  ),
  rekeyPeriod: describe(
    'Act when this much has passed since notBefore. Excludes expiresIn.',
    profileFields.rekeyPeriod,
  ),
  kty: describe('Type of new keys. Default: the same algorithm and size as the present key.', profileFields.kty),
  curve: describe('With kty EC: P-256 (default), P-384, P-521. With kty OKP: Ed25519.', profileFields.curve),
  size: describe('With kty RSA: bits, 2048 by default.', profileFields.size),
  passwordSecretId: describe(
    'Name or ARN of the secret with the password of encrypted keys.',
    profileFields.passwordSecretId,
  ),
  paused: describe('true: the schedule leaves the secrets of this profile alone.', profileFields.paused),
  issue: describe(
    'What may be issued in this profile: names (dns:example.com and all below it, ip:10.0.0.0/8, cn:<text> …), and for how long.',
    profileFields.issue,
  ),
} satisfies Record<keyof typeof profileFields, z.ZodMiniType>;

export const configProfile = z.strictObject({
  ...described,
  hooks: describe('What to run after each renewal.', z.optional(z.array(hook))),
});

const configAuthority = z.strictObject({
  create: describe(
    'Made once, with its key in KMS: the subject (RFC 4514), the kind of key, the validity (a duration), pathLen and nameConstraints of the first certificate.',
    z.optional(z.strictObject(createFields)),
  ),
  secretId: describe('Name or ARN of the secret with a CA certificate that is there already.', z.optional(text())),
  kmsKeyArn: describe('The key in KMS of that certificate; without it the key is in the secret.', z.optional(keyArn())),
  passwordSecretId: describe(
    'Name or ARN of the secret with the password of the key in the secret.',
    z.optional(text()),
  ),
  parent: describe('The authority that issues it; none for a root.', z.optional(profileName)),
  caConfig: describe(
    "A step-ca's ca.json beside this file: its claims and its backdate hold here, for renewals and for new certificates.",
    z.optional(text()),
  ),
  disabled: describe('true: it signs nothing.', z.optional(z.boolean())),
});

/** The fields of an entry of `certificates`, for people who read the schema in an editor. */
const describedCertificate = {
  profile: describe('Name of the profile whose CA issues it; the profile needs "issue".', certificateFields.profile),
  dnsNames: describe(
    'Host names; a wildcard stands for the first label, and international labels are A-labels (xn--…). Of all kinds of names there has to be one at least.',
    certificateFields.dnsNames,
  ),
  ipAddresses: describe('IPv4 and IPv6 addresses.', certificateFields.ipAddresses),
  emails: describe('E-mail addresses.', certificateFields.emails),
  uris: describe('Absolute URIs such as spiffe://example.com/web.', certificateFields.uris),
  commonName: describe(
    "The subject's common name: one of the names, or allowed by the profile as cn:<text>. Default: no subject.",
    certificateFields.commonName,
  ),
  subject: describe('The whole subject (RFC 4514), in place of commonName.', certificateFields.subject),
  usages: describe('What it is for. Default: serverAuth and clientAuth.', certificateFields.usages),
  duration: describe(
    "How long it is valid. Default: the profile's issue.duration, else the CA's own.",
    certificateFields.duration,
  ),
  kty: describe("Type of new keys. Default: the profile's, else as the present key, else EC.", certificateFields.kty),
  curve: describe('With kty EC: P-256 (default), P-384, P-521. With kty OKP: Ed25519.', certificateFields.curve),
  size: describe('With kty RSA: bits, 2048 by default.', certificateFields.size),
  kmsKeyId: describe(
    'A key in KMS (ARN, id or alias), which is certified as it is and never replaced.',
    certificateFields.kmsKeyId,
  ),
  shape: describe(
    'How a secret that is empty so far is written: camel (default), snake, tls, pem, or pkcs12 with the passwordSecretId of the profile.',
    certificateFields.shape,
  ),
  mode: describe(
    "rekey (a new key pair) or renew (the same key pair). Default: the profile's.",
    certificateFields.mode,
  ),
  expiresIn: describe(
    "Act when no more than this is left: 8h, or 33% of the validity. Default: the profile's.",
    certificateFields.expiresIn,
  ),
  rekeyPeriod: describe(
    'Act when this much has passed since notBefore. Excludes expiresIn.',
    certificateFields.rekeyPeriod,
  ),
  paused: describe(
    'true: the schedule leaves it alone, and the deployment does not wait for it.',
    certificateFields.paused,
  ),
  encryptionKey: describe(
    'ARN of the customer KMS key that the secret is encrypted with; one that is taken away again stays in encryptionKeys for that deployment. Default: the key aws/secretsmanager.',
    certificateFields.encryptionKey,
  ),
  existing: describe(
    "true: the secret is there and carries the profile's tag; it keeps its shape and its encryption key.",
    certificateFields.existing,
  ),
  endpoints: describe(
    'Where the certificate is served: host:port or host:port/servername, up to 5.',
    certificateFields.endpoints,
  ),
  wait: describe(
    "Whether the deployment ends when the certificate is there, and fails where it can't be had. Default: true.",
    certificateFields.wait,
  ),
} satisfies Record<keyof typeof certificateFields, z.ZodMiniType>;

export const configSchema = z.strictObject({
  $schema: z.optional(z.string()),
  schedule: describe('How often to scan: rate(1 hour), the default, or cron(0 8 ? * MON-FRI *).', z.optional(text())),
  scheduleTimezone: describe('IANA name of the time zone of a cron schedule; UTC by default.', z.optional(text())),
  maxConcurrency: describe(
    'Worker Lambdas at once, 10 by default: no more than this many batches reach a CA at a time.',
    z.optional(z.int().check(z.minimum(2), z.maximum(1000))),
  ),
  paused: describe('true stops the schedule; invocations by hand go on working.', z.optional(z.boolean())),
  logRetentionDays: describe('How long logs are kept, 90 days by default.', z.optional(z.literal([...retentionDays]))),
  dashboard: describe(
    'false: no dashboard, and no function that shows the inventory on it. Default: there is one.',
    z.optional(z.boolean()),
  ),
  notify: describe(
    'Who is told of failures and overdue certificates; each address has to confirm.',
    z.optional(z.strictObject({ email: z.array(emailAddress).check(z.minLength(1)) })),
  ),
  vpc: describe(
    'For a CA in a private network. The subnets need NAT, or endpoints for secretsmanager, kms, ssm, events and sqs.',
    z.optional(
      z.strictObject({
        vpcId: text(),
        subnetIds: z.array(text()).check(z.minLength(1)),
        securityGroupIds: z.optional(z.array(text()).check(z.minLength(1))),
      }),
    ),
  ),
  encryptionKeys: describe(
    "Customer KMS keys that secrets (certificates, passwords, imported authorities, the API's tokens) or the topics of sns hooks are encrypted with.",
    z.optional(z.array(keyArn())),
  ),
  profiles: describe(
    'By name: which CA, and the defaults for the secrets that carry it as cert-renewer:profile.',
    z.record(profileName, configProfile),
  ),
  authorities: describe(
    "Certificate authorities of the stack's own.",
    z.optional(z.record(profileName, configAuthority)),
  ),
  caApi: describe(
    'Who may call the HTTP API that renews those authorities: by IAM (the default), or with a token of the secret tokenSecretId.',
    z.optional(z.strictObject({ auth: z.optional(z.enum(['iam', 'bearer'])), tokenSecretId: z.optional(text()) })),
  ),
  certificates: describe(
    'Declared certificates, by the names of their secrets: the stack makes each secret, has the certificate issued, and has it issued anew when its declaration changes. A secret outlives its entry and the stack.',
    z.optional(z.record(secretName, z.strictObject(describedCertificate))),
  ),
});

export type ConfigDocument = z.infer<typeof configSchema>;
export type ProfileConfig = z.infer<typeof configProfile>;
export type HookConfig = z.infer<typeof hook>;
export type AuthorityConfig = z.infer<typeof configAuthority>;

/** cert-renewer.schema.json, for editors and CI. */
export function jsonSchema(): Record<string, unknown> {
  return { title: 'cert-renewer.json', ...z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input' }) };
}
