/** Secrets with so many tags of their own that the status tags do not fit. */
import {
  DescribeSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { noRoomLabel, statusTags } from '../../lambdas/domain/tags.ts';

export async function crowd(secrets: SecretsManagerClient, SecretId: string): Promise<void> {
  const Tags = Array.from({ length: 48 }, (_, n) => ({ Key: `team:${n}`, Value: 'x' }));
  // The stack's first scan may have led to an inspection already, which wrote status tags.
  await secrets.send(new UntagResourceCommand({ SecretId, TagKeys: [...statusTags] }));
  await secrets.send(new TagResourceCommand({ SecretId, Tags }));
}

/** Whether the current version carries the label for "no room". */
export async function saysNoRoom(secrets: SecretsManagerClient, SecretId: string): Promise<boolean> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  return Object.values(VersionIdsToStages).some(
    (stages) => stages.includes('AWSCURRENT') && stages.includes(noRoomLabel),
  );
}
