/** Permissions for the stack's own authorities, for exactly their secrets and keys, by ARN. */
import type { Role } from 'aws-cdk-lib/aws-iam';
import { noRoomLabel, statusTags } from '../../lambdas/domain/tags.ts';
import { acknowledgeSuffixes, allow, allowReading, secretArn, signingAlgorithms } from '../functions/permissions.ts';

/** The fields of an authority that the permissions need. */
export interface KnownAuthority {
  /** ARN or name. */
  readonly secretId: string;
  readonly keyArn: string | undefined;
  readonly passwordSecretId?: string | undefined;
}

/** Lets the role read names and tags. */
export function allowDescribing(role: Role, sid: string, authorities: readonly KnownAuthority[]): void {
  const secrets = arnsOf(role, authorities);
  role.addToPolicy(allow(sid, ['secretsmanager:DescribeSecret'], secrets));
  acknowledgeSuffixes(role, secrets);
}

/** Lets the role read and renew the certificates, and sign with the keys, but not describe the secrets. */
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

/** Lets the role read, stage and promote versions of these secrets. */
export function allowWriting(role: Role, sid: string, secrets: string[], labels = stages): void {
  role.addToPolicy(allow(`${sid}Secrets`, ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'], secrets));
  role.addToPolicy(
    allow(`${sid}Promote`, ['secretsmanager:UpdateSecretVersionStage'], secrets, {
      StringEquals: { 'secretsmanager:VersionStage': [...labels] },
    }),
  );
  acknowledgeSuffixes(role, secrets);
}

/** Lets the role sign with the authorities' KMS keys. Needs allowPublicKeys too: the functions check a key before they sign with it. */
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

/** Returns the ARNs of the keys, without duplicates. */
function keysOf(authorities: readonly KnownAuthority[]): string[] {
  return [...new Set(authorities.flatMap(({ keyArn }) => (keyArn === undefined ? [] : [keyArn])))];
}

export function arnsOf(role: Role, authorities: readonly KnownAuthority[]): string[] {
  return authorities.map(({ secretId }) => secretArn(role, secretId));
}
