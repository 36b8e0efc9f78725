/**
 * The configuration as TypeScript. Made from the schema (config-schema.ts) by `npm run schema`; do not edit.
 */

/** The configuration of a stack: cert-renewer.json. */
export interface ConfigOptions {
  /**
   * How often to scan: rate(1 hour) or cron(0 8 ? * MON-FRI *).
   * @default rate(1 hour)
   */
  readonly schedule?: string | undefined;
  /**
   * Time zone of a cron schedule, an IANA name such as Europe/Paris.
   * @default UTC
   */
  readonly scheduleTimezone?: string | undefined;
  /**
   * Number of workers at once, 2 to 1000, and so of the batches that a CA gets at a time.
   * @default 10
   */
  readonly maxConcurrency?: number | undefined;
  /**
   * true: stops the schedule. Renewals on demand still work.
   * @default false
   */
  readonly paused?: boolean | undefined;
  /**
   * Days for which logs are kept.
   * @default 90
   */
  readonly logRetentionDays?: number | undefined;
  /**
   * Whether there is a CloudWatch dashboard, and the function that shows the certificates on it.
   * @default true
   */
  readonly dashboard?: boolean | undefined;
  /**
   * Who gets e-mails about failures, and about certificates that are overdue or not served.
   * @default nobody
   */
  readonly notify?: NotifyOptions | undefined;
  /**
   * Probes the endpoints of the certificates: whether they serve the new certificate after a renewal.
   * @default endpoints are not probed
   */
  readonly probe?: ProbeOptions | undefined;
  /**
   * The VPC of the functions, for a CA in a private network.
   * @default the functions run outside of any VPC
   */
  readonly vpc?: VpcOptions | undefined;
  /**
   * ARNs of the customer KMS keys that secrets (certificates, passwords, imported authorities, the API's tokens) or the topics of sns
   * hooks are encrypted with.
   * @default none
   */
  readonly encryptionKeys?: readonly string[] | undefined;
  /** Profiles by name. A profile is a CA, and defaults for the secrets whose tag cert-renewer:profile names it. */
  readonly profiles: Readonly<Record<string, ProfileOptions>>;
  /**
   * The stack's own certificate authorities, by name.
   * @default none
   */
  readonly authorities?: Readonly<Record<string, AuthorityOptions>> | undefined;
  /**
   * The HTTP API that renews those authorities.
   * @default callers need IAM credentials
   */
  readonly caApi?: CaApiOptions | undefined;
  /**
   * Declared certificates, by the names of their secrets. The deployment creates each secret and has its certificate issued; it is
   * issued again when the declaration changes. The secret is retained when its entry or the stack is deleted.
   * @default none
   */
  readonly certificates?: Readonly<Record<string, CertificateOptions>> | undefined;
}

/** Who gets e-mails about failures, and about certificates that are overdue or not served. */
export interface NotifyOptions {
  /** E-mail addresses. AWS asks each of them for confirmation. */
  readonly email: readonly string[];
}

/** Probes the endpoints of the certificates: whether they serve the new certificate after a renewal. */
export interface ProbeOptions {
  /**
   * Where the probe may connect, up to 100 entries: dns:example.com (that name and all names below it) or ip:10.0.0.0/8. The addresses
   * that a name resolves to need no entry.
   */
  readonly allow: readonly string[];
  /**
   * A duration (1h): how long after a renewal all endpoints may serve the old certificate.
   * @default 1h
   */
  readonly within?: string | undefined;
}

/** The VPC of the functions, for a CA in a private network. */
export interface VpcOptions {
  /** Id of the VPC. */
  readonly vpcId: string;
  /** Ids of the subnets. They need NAT, or interface endpoints for secretsmanager, kms, ssm, events and sqs. */
  readonly subnetIds: readonly string[];
  /**
   * Ids of the security groups.
   * @default a new group, which allows all outbound and no inbound traffic
   */
  readonly securityGroupIds?: readonly string[] | undefined;
}

/** Profiles by name. A profile is a CA, and defaults for the secrets whose tag cert-renewer:profile names it. */
export interface ProfileOptions {
  /** The CA that issues and renews the certificates of this profile. */
  readonly ca: CaOptions;
  /**
   * rekey (new key pair) or renew (same key pair).
   * @default rekey
   */
  readonly mode?: 'rekey' | 'renew' | undefined;
  /**
   * The renewal window: a certificate is due when no more than this is left. A duration (8h) or a percentage of the validity (33%).
   * Excludes rekeyPeriod.
   * @default a third of the validity
   */
  readonly expiresIn?: string | undefined;
  /**
   * A duration (720h): a certificate is due when this much has passed since its notBefore. Excludes expiresIn.
   * @default none
   */
  readonly rekeyPeriod?: string | undefined;
  /**
   * Type of new keys.
   * @default the algorithm and size of the current key
   */
  readonly kty?: 'EC' | 'OKP' | 'RSA' | undefined;
  /**
   * Curve of new keys. With kty EC: P-256, P-384 or P-521; default: P-256. With kty OKP: Ed25519.
   * @default none
   */
  readonly curve?: 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | undefined;
  /**
   * Size of new keys in bits, with kty RSA: 2048 to 8192.
   * @default 2048
   */
  readonly size?: number | undefined;
  /**
   * Name or ARN of the secret with the password of encrypted keys.
   * @default none
   */
  readonly passwordSecretId?: string | undefined;
  /**
   * true: the schedule skips the secrets of this profile.
   * @default false
   */
  readonly paused?: boolean | undefined;
  /**
   * The declared certificates that this profile may issue.
   * @default the profile issues nothing
   */
  readonly issue?: IssueOptions | undefined;
  /**
   * What to run after each renewal.
   * @default nothing
   */
  readonly hooks?: readonly HookOptions[] | undefined;
}

/** The CA that issues and renews the certificates of this profile. */
export type CaOptions = StepCaOptions | OfflineCaOptions | InfisicalCaOptions | AcmeCaOptions;

/** A step-ca. */
export interface StepCaOptions {
  /** A step-ca. */
  readonly type: 'step-ca';
  /** Address of the CA: https, without a query. */
  readonly url: string;
  /** The root certificates: a PEM file, relative to this file, or PEM text. */
  readonly root: string;
  /**
   * A JWK provisioner, which issues declared certificates.
   * @default the CA renews and rekeys only
   */
  readonly provisioner?: ProvisionerOptions | undefined;
}

/** A JWK provisioner, which issues declared certificates. */
export interface ProvisionerOptions {
  /** Name of the JWK provisioner at the CA. */
  readonly name: string;
  /**
   * ARN of the KMS key that is the provisioner's. Excludes keySecretId.
   * @default none
   */
  readonly kmsKeyArn?: string | undefined;
  /**
   * Name or ARN of the secret with the provisioner's key, PEM or JWK. Excludes kmsKeyArn.
   * @default none
   */
  readonly keySecretId?: string | undefined;
}

/** An authority of the stack's own. */
export interface OfflineCaOptions {
  /** An authority of the stack's own. */
  readonly type: 'offline';
  /** Name of the authority, under "authorities". */
  readonly authority: string;
}

/** An internal CA of Infisical. Only the certificate of the CA itself is renewed. */
export interface InfisicalCaOptions {
  /** An internal CA of Infisical. Only the certificate of the CA itself is renewed. */
  readonly type: 'infisical';
  /** Address of Infisical: https, without a query. */
  readonly url: string;
  /** Id of the CA. */
  readonly caId: string;
  /** Name or ARN of the secret with the login: JSON with clientId and clientSecret, or with token. */
  readonly authSecretId: string;
  /**
   * The root certificates for TLS and for the chain: a PEM file, relative to this file, or PEM text.
   * @default TLS trusts the roots of the system, and the chain must lead to a root in the secret
   */
  readonly root?: string | undefined;
  /**
   * Path of the renewal API, with {caId} in it.
   * @default the current path, then the previous one
   */
  readonly apiPath?: string | undefined;
}

/** A CA that speaks ACME (RFC 8555): Let's Encrypt, ACM, step-ca and others. */
export interface AcmeCaOptions {
  /** A CA that speaks ACME (RFC 8555): Let's Encrypt, ACM, step-ca and others. */
  readonly type: 'acme';
  /**
   * Address of the directory: https, without a query. Excludes acmEndpoint.
   * @default none
   */
  readonly directory?: string | undefined;
  /**
   * ARN of one of ACM's ACME endpoints, instead of directory.
   * @default none
   */
  readonly acmEndpoint?: string | undefined;
  /**
   * true: you agree to the CA's terms of service. Many CAs make no account without it.
   * @default false
   */
  readonly agreeToTerms?: boolean | undefined;
  /**
   * Addresses at which the CA reaches the owner of the account, such as mailto:ops@example.com.
   * @default none
   */
  readonly contact?: readonly string[] | undefined;
  /**
   * ARN of the KMS key of the account, P-256 or RSA.
   * @default the stack makes one, P-256, and retains it
   */
  readonly accountKeyArn?: string | undefined;
  /**
   * Name or ARN of the secret with an external account binding: JSON with kid and hmacKey. Excludes eabBinding.
   * @default none
   */
  readonly eabSecretId?: string | undefined;
  /**
   * ARN of an external account binding of one of ACM's ACME endpoints. Excludes eabSecretId.
   * @default none
   */
  readonly eabBinding?: string | undefined;
  /** How the CA checks that the names are yours. */
  readonly challenge: ChallengeOptions;
  /**
   * Name of one of the CA's profiles, which decides validity and usages.
   * @default the CA's default
   */
  readonly acmeProfile?: string | undefined;
  /**
   * Common name of the root whose chain is taken, if the CA offers several.
   * @default the CA's first chain
   */
  readonly preferredChain?: string | undefined;
  /**
   * The root certificates of issued certificates: a PEM file, relative to this file, or PEM text.
   * @default the roots of the system
   */
  readonly root?: string | undefined;
  /**
   * The root certificates of the CA's TLS certificate: a PEM file, relative to this file, or PEM text.
   * @default the roots of the system
   */
  readonly serverRoot?: string | undefined;
}

/** How the CA checks that the names are yours. */
export type ChallengeOptions = Dns01ChallengeOptions | DnsPersist01ChallengeOptions | NoneChallengeOptions;

/** TXT records _acme-challenge.* in hosted zones of Route 53. */
export interface Dns01ChallengeOptions {
  /** TXT records _acme-challenge.* in hosted zones of Route 53. */
  readonly type: 'dns-01';
  /** Ids of the hosted zones, by their domains. Each name must lie within one of the domains. */
  readonly zones: Readonly<Record<string, string>>;
}

/** A standing TXT record _validation-persist.*, which you write. */
export interface DnsPersist01ChallengeOptions {
  /** A standing TXT record _validation-persist.*, which you write. */
  readonly type: 'dns-persist-01';
}

/** None: the names are approved at the CA beforehand. */
export interface NoneChallengeOptions {
  /** None: the names are approved at the CA beforehand. */
  readonly type: 'none';
}

/** The declared certificates that this profile may issue. */
export interface IssueOptions {
  /**
   * The allowed names, up to 200: dns:example.com (that name, all names below it and their wildcards), email:example.com,
   * uri:.example.com, ip:10.0.0.0/8, or cn:<text> for a common name.
   */
  readonly allow: readonly string[];
  /**
   * Validity of certificates that declare none: a duration (720h). Not with an acme CA.
   * @default the CA's default
   */
  readonly duration?: string | undefined;
  /**
   * The longest validity that a declaration may have: a duration.
   * @default no limit but that of the CA
   */
  readonly maxDuration?: string | undefined;
}

/** What to run after each renewal. */
export type HookOptions =
  | ExecHookOptions
  | SignalHookOptions
  | LambdaHookOptions
  | SnsHookOptions
  | AcmHookOptions
  | EcsHookOptions;

/** Runs a command on instances, by SSM Run Command. */
export interface ExecHookOptions {
  /** Runs a command on instances, by SSM Run Command. */
  readonly type: 'exec';
  /** The command, for sh, with CERT_RENEWER_SECRET_ARN and CERT_RENEWER_VERSION_ID in its environment. Fixed at deployment. */
  readonly command: string;
  /** Selects the instances with this tag. */
  readonly targetTag: TargetTagOptions;
}

/** Selects the instances with this tag. */
export interface TargetTagOptions {
  /** Key of the tag, up to 128 characters. */
  readonly key: string;
  /** Value of the tag, up to 256 characters. */
  readonly value: string;
}

/** Sends a signal to a process on instances, by SSM Run Command. */
export interface SignalHookOptions {
  /** Sends a signal to a process on instances, by SSM Run Command. */
  readonly type: 'signal';
  /** Absolute path of a file with the process id. */
  readonly pidFile: string;
  /**
   * Number of the signal, 1 to 64.
   * @default 1 (SIGHUP)
   */
  readonly signal?: number | undefined;
  /** Selects the instances with this tag. */
  readonly targetTag: TargetTagOptions;
}

/** Invokes a Lambda function and waits for it. */
export interface LambdaHookOptions {
  /** Invokes a Lambda function and waits for it. */
  readonly type: 'lambda';
  /** ARN of the function, in any Region. Its input is the event "Certificate Renewed". */
  readonly functionArn: string;
}

/** Publishes the event "Certificate Renewed" to a topic. */
export interface SnsHookOptions {
  /** Publishes the event "Certificate Renewed" to a topic. */
  readonly type: 'sns';
  /** ARN of the topic, in the stack's Region. */
  readonly topicArn: string;
}

/** Imports the certificate into ACM again, under the same ARN. */
export interface AcmHookOptions {
  /** Imports the certificate into ACM again, under the same ARN. */
  readonly type: 'acm';
  /** ARNs of ACM certificates, by the names of the secrets. */
  readonly certificates: Readonly<Record<string, string>>;
}

/** Has services of Amazon ECS replace their tasks by new ones. */
export interface EcsHookOptions {
  /** Has services of Amazon ECS replace their tasks by new ones. */
  readonly type: 'ecs';
  /** <cluster>/<service> by the names of the secrets, in the stack's account and Region. */
  readonly services: Readonly<Record<string, string>>;
}

/** The stack's own certificate authorities, by name. */
export interface AuthorityOptions {
  /**
   * Creates the authority once, with its key in KMS: the first certificate. Excludes secretId.
   * @default none
   */
  readonly create?: NewAuthorityOptions | undefined;
  /**
   * Name or ARN of the secret with an existing CA certificate. Excludes create.
   * @default none
   */
  readonly secretId?: string | undefined;
  /**
   * With secretId: ARN of the KMS key of the certificate.
   * @default the key is in the secret
   */
  readonly kmsKeyArn?: string | undefined;
  /**
   * With secretId: name or ARN of the secret with the password of the key.
   * @default the key is not encrypted
   */
  readonly passwordSecretId?: string | undefined;
  /**
   * Name of the authority that issues this one.
   * @default none, this is a root
   */
  readonly parent?: string | undefined;
  /**
   * A step-ca's ca.json, relative to this file. Its claims and its backdate apply to this authority.
   * @default none
   */
  readonly caConfig?: string | undefined;
  /**
   * true: the authority signs nothing.
   * @default false
   */
  readonly disabled?: boolean | undefined;
}

/** Creates the authority once, with its key in KMS: the first certificate. Excludes secretId. */
export interface NewAuthorityOptions {
  /** Subject (RFC 4514), such as CN=Example Root. */
  readonly subject: string;
  /** Kind of the key: EC P-256, EC P-384, EC P-521, RSA 2048, RSA 3072 or RSA 4096. */
  readonly key: string;
  /** Validity, a duration (87600h). No longer than the parent's. */
  readonly validity: string;
  /**
   * pathLenConstraint, 0 to 16: how many authorities may follow below this one.
   * @default no limit
   */
  readonly pathLen?: number | undefined;
  /**
   * Name constraints of the certificate (RFC 5280, section 4.2.1.10).
   * @default none
   */
  readonly nameConstraints?: NameConstraintOptions | undefined;
}

/** Name constraints of the certificate (RFC 5280, section 4.2.1.10). */
export interface NameConstraintOptions {
  /**
   * Permitted subtrees, up to 100: dns:example.com, email:example.com, uri:.example.com or ip:10.0.0.0/8.
   * @default all names
   */
  readonly permitted?: readonly string[] | undefined;
  /**
   * Excluded subtrees, up to 100.
   * @default none
   */
  readonly excluded?: readonly string[] | undefined;
}

/** The HTTP API that renews those authorities. */
export interface CaApiOptions {
  /**
   * iam (AWS signature) or bearer (a token).
   * @default iam
   */
  readonly auth?: 'iam' | 'bearer' | undefined;
  /**
   * Name or ARN of the secret with the tokens. Required with bearer.
   * @default none
   */
  readonly tokenSecretId?: string | undefined;
}

/**
 * Declared certificates, by the names of their secrets. The deployment creates each secret and has its certificate issued; it is
 * issued again when the declaration changes. The secret is retained when its entry or the stack is deleted.
 */
export interface CertificateOptions {
  /** Name of the profile whose CA issues the certificate. The profile needs "issue". */
  readonly profile: string;
  /**
   * Host names and wildcards (*.example.com). International labels are written as A-labels (xn--…). A certificate needs at least one
   * name of any kind.
   * @default none
   */
  readonly dnsNames?: readonly string[] | undefined;
  /**
   * IPv4 and IPv6 addresses.
   * @default none
   */
  readonly ipAddresses?: readonly string[] | undefined;
  /**
   * E-mail addresses.
   * @default none
   */
  readonly emails?: readonly string[] | undefined;
  /**
   * Absolute URIs, such as spiffe://example.com/web.
   * @default none
   */
  readonly uris?: readonly string[] | undefined;
  /**
   * Common name of the subject: one of the names, or a text that the profile allows as cn:<text>.
   * @default no subject, and a critical subjectAltName
   */
  readonly commonName?: string | undefined;
  /**
   * The whole subject (RFC 4514), instead of commonName.
   * @default the subject that commonName gives
   */
  readonly subject?: string | undefined;
  /**
   * Extended key usages.
   * @default serverAuth and clientAuth; with an acme CA serverAuth
   */
  readonly usages?:
    | readonly ('serverAuth' | 'clientAuth' | 'codeSigning' | 'emailProtection' | 'timeStamping')[]
    | undefined;
  /**
   * Validity, a duration (720h). Not with an acme CA.
   * @default the profile's issue.duration, else the CA's default
   */
  readonly duration?: string | undefined;
  /**
   * Type of new keys.
   * @default the profile's, else as the current key, else EC
   */
  readonly kty?: 'EC' | 'OKP' | 'RSA' | null | undefined;
  /**
   * Curve of new keys. With kty EC: P-256, P-384 or P-521; default: P-256. With kty OKP: Ed25519.
   * @default none
   */
  readonly curve?: 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | null | undefined;
  /**
   * Size of new keys in bits, with kty RSA: 2048 to 8192.
   * @default 2048
   */
  readonly size?: number | null | undefined;
  /**
   * ARN, id or alias of a KMS key that the certificate is for. It is never replaced.
   * @default a key in the secret
   */
  readonly kmsKeyId?: string | undefined;
  /**
   * Shape of an empty secret's first value. pkcs12 needs the profile's passwordSecretId.
   * @default camel
   */
  readonly shape?: 'camel' | 'snake' | 'tls' | 'pem' | 'pkcs12' | undefined;
  /**
   * rekey (new key pair) or renew (same key pair).
   * @default the profile's
   */
  readonly mode?: 'rekey' | 'renew' | null | undefined;
  /**
   * The renewal window: the certificate is due when no more than this is left. A duration (8h) or a percentage of the validity (33%).
   * Excludes rekeyPeriod.
   * @default the profile's
   */
  readonly expiresIn?: string | null | undefined;
  /**
   * A duration (720h): the certificate is due when this much has passed since its notBefore. Excludes expiresIn.
   * @default the profile's
   */
  readonly rekeyPeriod?: string | null | undefined;
  /**
   * true: the schedule skips the secret, and the deployment does not wait for the certificate.
   * @default false
   */
  readonly paused?: boolean | undefined;
  /**
   * ARN of the customer KMS key that the secret is encrypted with. If you change or remove it later, name the old key in
   * encryptionKeys for that deployment.
   * @default the key aws/secretsmanager
   */
  readonly encryptionKey?: string | undefined;
  /**
   * true: the secret exists already, with the profile's tag. It keeps its shape and its encryption key.
   * @default false
   */
  readonly existing?: boolean | undefined;
  /**
   * Up to 5 places where the certificate is served: host:port or host:port/servername.
   * @default none
   */
  readonly endpoints?: readonly string[] | undefined;
  /**
   * Whether the deployment waits for the certificate, and fails if it isn't issued within ten minutes.
   * @default true
   */
  readonly wait?: boolean | undefined;
}
