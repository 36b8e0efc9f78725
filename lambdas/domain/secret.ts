import type { Instant } from './instant.ts';

/** The value of a version: SecretString or SecretBinary. */
export type SecretValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

export interface SecretVersion {
  readonly versionId: string;
  readonly value: SecretValue;
  readonly createdAt: Instant;
}

/** A secret's metadata from ListSecrets or DescribeSecret, without its value. */
export interface SecretSummary {
  readonly arn: string;
  readonly name: string;
  readonly tags: ReadonlyMap<string, string>;
  /** When the secret was created. Undefined if AWS does not say. */
  readonly createdAt?: Instant;
  /** Staging labels by version id. Versions without a label are not listed. */
  readonly versions: ReadonlyMap<string, readonly string[]>;
  /** The version with AWSCURRENT. Undefined for a secret without a value. */
  readonly currentVersionId: string | undefined;
  /** Whether it is a replica of a secret in another Region. A replica can't be written. */
  readonly isReplica: boolean;
  readonly rotation: { readonly enabled: boolean; readonly functionArn?: string };
  /** The AWS service that created and owns it, such as `rds`. */
  readonly owningService?: string;
  /** The customer KMS key that encrypts it. Undefined: the account's default key for Secrets Manager. */
  readonly encryptionKey?: string;
  /** Set while the secret is in its recovery window. */
  readonly deletedAt?: Instant;
}

/** Returns the version with this staging label, such as AWSPREVIOUS. */
export function versionWithStage(secret: Pick<SecretSummary, 'versions'>, stage: string): string | undefined {
  for (const [versionId, stages] of secret.versions) if (stages.includes(stage)) return versionId;
  return undefined;
}
