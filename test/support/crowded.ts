/** Secrets with so many tags of their own that there is no room for the status tags. */
import {
  DescribeSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { noRoomLabel, statusTags } from '../../lambdas/domain/tags.ts';

export async function crowd(secrets: SecretsManagerClient, SecretId: string): Promise<void> {
  const Tags = Array.from({ length: 48 }, (_, n) => ({ Key: `team:${n}`, Value: 'x' }));
  // The first scan of the stack may have had it inspected.
  await secrets.send(new UntagResourceCommand({ SecretId, TagKeys: [...statusTags] }));
  await secrets.send(new TagResourceCommand({ SecretId, Tags }));
}

/** Whether its current version carries the label that says so. */
export async function saysNoRoom(secrets: SecretsManagerClient, SecretId: string): Promise<boolean> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  return Object.values(VersionIdsToStages).some(
    (stages) => stages.includes('AWSCURRENT') && stages.includes(noRoomLabel),
  );
}
