/** Who may do what with the stack's own authorities: exactly these secrets and keys, by ARN. */
import type { Role } from 'aws-cdk-lib/aws-iam';
import { noRoomLabel, statusTags } from '../../lambdas/domain/tags.ts';
import { acknowledgeSuffixes, allow, allowReading, secretArn, signingAlgorithms } from '../functions/permissions.ts';

/** What the permissions need of an authority. */
export interface KnownAuthority {
  /** ARN or name. */
  readonly secretId: string;
  readonly keyArn: string | undefined;
  readonly passwordSecretId?: string | undefined;
}

/** The scan: names and tags. */
export function allowDescribing(role: Role, sid: string, authorities: readonly KnownAuthority[]): void {
  const secrets = arnsOf(role, authorities);
  role.addToPolicy(allow(sid, ['secretsmanager:DescribeSecret'], secrets));
  acknowledgeSuffixes(role, secrets);
}

/** The workers and the API: read and renew their certificates, and sign with their keys. To describe them is not in it. */
export function allowAuthorities(role: Role, authorities: readonly KnownAuthority[]): void {
  const secrets = arnsOf(role, authorities);
  allowWriting(role, 'Authority', secrets, [...stages, noRoomLabel]);
  role.addToPolicy(
    allow('AuthorityTag', ['secretsmanager:TagResource', 'secretsmanager:UntagResource'], secrets, {
      'ForAllValues:StringEquals': { 'aws:TagKeys': [...statusTags] },
      Null: { 'aws:TagKeys': 'false' },
    }),
  );
  allowPublicKeys(role, authorities);
  allowSigning(role, authorities);
  allowPasswords(role, authorities);
}

const stages: readonly string[] = ['AWSCURRENT', 'AWSPENDING'];

/** New versions of these secrets, staged and promoted. */
export function allowWriting(role: Role, sid: string, secrets: string[], labels = stages): void {
  role.addToPolicy(allow(`${sid}Secrets`, ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'], secrets));
  role.addToPolicy(
    allow(`${sid}Promote`, ['secretsmanager:UpdateSecretVersionStage'], secrets, {
      StringEquals: { 'secretsmanager:VersionStage': [...labels] },
    }),
  );
  acknowledgeSuffixes(role, secrets);
}

/** With the keys that are in KMS, as soon as allowPublicKeys lets it see whose they are. */
export function allowSigning(role: Role, authorities: readonly KnownAuthority[]): void {
  const keys = keysOf(authorities);
  if (keys.length === 0) return;
  role.addToPolicy(
    allow('AuthoritySign', ['kms:Sign'], keys, { StringEquals: { 'kms:SigningAlgorithm': signingAlgorithms } }),
  );
}

export function allowPublicKeys(role: Role, authorities: readonly KnownAuthority[]): void {
  const keys = keysOf(authorities);
  if (keys.length > 0) role.addToPolicy(allow('AuthorityPublicKey', ['kms:GetPublicKey'], keys));
}

export function allowPasswords(role: Role, authorities: readonly KnownAuthority[]): void {
  const ids = authorities.map(({ passwordSecretId }) => passwordSecretId);
  allowReading(
    role,
    'AuthorityPasswords',
    ids.filter((id) => id !== undefined),
  );
}

/** Each once. */
function keysOf(authorities: readonly KnownAuthority[]): string[] {
  return [...new Set(authorities.flatMap(({ keyArn }) => (keyArn === undefined ? [] : [keyArn])))];
}

export function arnsOf(role: Role, authorities: readonly KnownAuthority[]): string[] {
  return authorities.map(({ secretId }) => secretArn(role, secretId));
}
