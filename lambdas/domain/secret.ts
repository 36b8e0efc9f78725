import type { Instant } from './instant.ts';

/** What a version holds: SecretString or SecretBinary. */
export type SecretValue =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array };

export interface SecretVersion {
  readonly versionId: string;
  readonly value: SecretValue;
  readonly createdAt: Instant;
}

/** A secret's metadata, as ListSecrets and DescribeSecret give it; no value. */
export interface SecretSummary {
  readonly arn: string;
  readonly name: string;
  readonly tags: ReadonlyMap<string, string>;
  /** When the secret was made; undefined where AWS does not say. */
  readonly createdAt?: Instant;
  /** Staging labels by version id; versions without a label are not listed. */
  readonly versions: ReadonlyMap<string, readonly string[]>;
  /** The version with AWSCURRENT; undefined for a secret without a value. */
  readonly currentVersionId: string | undefined;
  /** True of a copy that another Region writes: this one can't be written here. */
  readonly isReplica: boolean;
  readonly rotation: { readonly enabled: boolean; readonly functionArn?: string };
  /** The AWS service that made it and owns it, such as `rds`. */
  readonly owningService?: string;
  /** The customer key in KMS that it is encrypted with; undefined: the account's own for Secrets Manager. */
  readonly encryptionKey?: string;
  /** Set while the secret is in its recovery window. */
  readonly deletedAt?: Instant;
}

/** The version with this staging label, such as AWSPREVIOUS. */
export function versionWithStage(secret: SecretSummary, stage: string): string | undefined {
  for (const [versionId, stages] of secret.versions) if (stages.includes(stage)) return versionId;
  return undefined;
}
