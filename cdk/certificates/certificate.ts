/** A declared certificate of an app's own. */
import { type CustomResource, Names, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import type { ICertRenewer } from './binding.ts';
import { declare } from './declarations.ts';
import { throughSecrets } from './permissions.ts';

/** Which certificate there is to be, and how its secret is made and kept: the fields of an entry of `certificates`. */
export interface CertificateProps {
  readonly renewer: ICertRenewer;
  /** Name of a profile of the renewer that has `issue`; its CA issues the certificate. */
  readonly profile: string;
  /** Host names, wildcards among them (`*.example.com`); international labels as A-labels. Of all kinds of names there has to be one at least. @default none */
  readonly dnsNames?: readonly string[] | undefined;
  /** IPv4 and IPv6 addresses. @default none */
  readonly ipAddresses?: readonly string[] | undefined;
  /** E-mail addresses. @default none */
  readonly emails?: readonly string[] | undefined;
  /** Absolute URIs, `spiffe://example.com/web`. @default none */
  readonly uris?: readonly string[] | undefined;
  /** One of the names, or what the profile allows as `cn:<text>`. @default no subject, and a critical subjectAltName */
  readonly commonName?: string | undefined;
  /** The whole subject (RFC 4514), in place of commonName. @default as commonName says */
  readonly subject?: string | undefined;
  /** What it is for. @default serverAuth and clientAuth */
  readonly usages?: readonly NonNullable<CertificateEntry['usages']>[number][] | undefined;
  /** How long it is valid: `720h`. @default the profile's issue.duration, else the CA's own */
  readonly duration?: string | undefined;
  /** `rekey`, a new key pair, or `renew`, the same one. @default the profile's */
  readonly mode?: 'renew' | 'rekey' | undefined;
  /** A window, `8h` or `33%`: renewed when no more than this is left. @default the profile's, else a third of the validity */
  readonly expiresIn?: string | undefined;
  /** A duration: renewed when this much has passed. Excludes expiresIn. @default the profile's */
  readonly rekeyPeriod?: string | undefined;
  /** Type of new keys. @default the profile's, else as the present key, else EC */
  readonly kty?: 'EC' | 'OKP' | 'RSA' | undefined;
  /** @default P-256 with kty EC, Ed25519 with OKP */
  readonly curve?: 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | undefined;
  /** Bits, with kty RSA. @default 2048 */
  readonly size?: number | undefined;
  /** ARN, id or alias of a key in KMS, which is certified as it is and never replaced. @default a key in the secret */
  readonly kmsKeyId?: string | undefined;
  /** How a secret that is empty so far is written; `pkcs12` needs the profile's passwordSecretId. @default camel */
  readonly shape?: CertificateEntry['shape'];
  /** true: the schedule leaves it alone, and the deployment does not wait for it. @default false */
  readonly paused?: boolean | undefined;
  /** The customer key, or its ARN, that the secret is encrypted with. Its policy has to delegate to IAM. One that is taken away again stays in the renewer's encryptionKeys for that deployment. @default the key aws/secretsmanager */
  readonly encryptionKey?: IKey | Key | string | undefined;
  /** true: the secret `secretName` is there and carries the profile's tag; it keeps its shape and its encryption key. @default false */
  readonly existing?: boolean | undefined;
  /** Where it is served: `host:port` or `host:port/servername`, up to 5. @default none */
  readonly endpoints?: readonly string[] | undefined;
  /** Whether the deployment ends when the certificate is there, and fails where it can't be had. @default true */
  readonly wait?: boolean | undefined;
  /** The secret's name, known at synthesis. Another name is another secret. @default one of the construct's path */
  readonly secretName?: string | undefined;
}

/**
 * A certificate that is there when the deployment ends, renewed from then on, and issued anew when its declaration changes. Its
 * secret is made by the deployment, and outlives this construct and the stack. Throws ConfigError for options that are wrong.
 */
export class Certificate extends Construct {
  /** Its secret: what uses it by this is deployed after the certificate was issued. */
  readonly secret: ISecret;
  /** The secret's name, as the deployment tells it. */
  readonly secretName: string;

  constructor(scope: Construct, id: string, props: CertificateProps) {
    super(scope, id);
    const { renewer, secretName, encryptionKey, ...fields } = props;
    const name = secretName ?? Names.uniqueResourceName(this, { maxLength: 512, separator: '-' });
    const keyArn = typeof encryptionKey === 'object' ? encryptionKey.keyArn : encryptionKey;
    const given = Object.entries({ ...fields, encryptionKey: keyArn }).filter(([, value]) => value !== undefined);
    const entry = Object.fromEntries(given) as CertificateEntry;
    const { serviceToken, configHash, dependencies } = renewer.bindCertificate(this, name, entry);
    const certificates = Stack.of(this).toJsonString({ [name]: entry });
    const resource = declare(this, 'Declared', { serviceToken, configHash, certificates });
    resource.node.addDependency(...dependencies);
    this.secret = this.secretOf(resource, encryptionKey);
    this.secretName = resource.getAttString('SecretName');
  }

  /** Lets a role read the secret's value, and decrypt it where it has a customer key, whose policy has to delegate to IAM. */
  grantRead(grantee: IGrantable): Grant {
    const reading = this.secret.grantRead(grantee);
    const { encryptionKey } = this.secret;
    if (!encryptionKey) return reading;
    // The library writes it into the key's policy, which it can't where the key is somebody else's.
    const { actions, resources, conditions } = throughSecrets(this, [encryptionKey.keyArn], ['kms:Decrypt']);
    return reading.combine(Grant.addToPrincipal({ grantee, actions, resourceArns: resources, conditions }));
  }

  private secretOf(resource: CustomResource, encryptionKey: CertificateProps['encryptionKey']): ISecret {
    const key =
      typeof encryptionKey === 'string' ? Key.fromKeyArn(this, 'EncryptionKey', encryptionKey) : encryptionKey;
    return Secret.fromSecretAttributes(this, 'Secret', {
      secretCompleteArn: resource.getAttString('SecretArn'),
      ...(key && { encryptionKey: key as IKey }), // class and interface differ only in what may be undefined
    });
  }
}
