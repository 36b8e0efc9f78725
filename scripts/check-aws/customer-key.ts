/** 9: a secret under a customer key, read by who may not use that key. */
import { CreateKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { DescribeSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsError } from '../../lambdas/aws/errors.ts';
import { group } from './group.ts';
import { errorText, judged, otherwise } from './outcome.ts';
import { actAs, isDenied, secret } from './resources.ts';
import type { Room } from './room.ts';

/** A new key, which KMS deletes a week after it was asked to: no sooner. */
async function newKey(room: Room): Promise<string> {
  const kms = room.client(KMSClient);
  const { KeyMetadata } = await room.make(
    'KMS key',
    'key',
    (Description) => kms.send(new CreateKeyCommand({ Description })),
    async (_, made) => {
      const KeyId = made?.KeyMetadata?.KeyId;
      if (KeyId !== undefined) await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    },
  );
  return KeyMetadata?.Arn ?? '';
}

export const customerKey = group({
  makes: [
    { kind: 'KMS key', part: 'key' },
    { kind: 'secret', part: 'sealed' },
    { kind: 'role', part: 'reader' },
  ],
  setUp: async (room) => {
    const arn = await secret(room, 'sealed', { KmsKeyId: await newKey(room), SecretString: 'sealed' });
    const Action = ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'];
    const reader = await actAs(room, 'reader', { statements: [{ Effect: 'Allow', Action, Resource: arn }] });
    const secrets = room.client(SecretsManagerClient, { credentials: reader });
    // Once it may describe, it may read as well: both are in one policy.
    await room.untilTaken(() => secrets.send(new DescribeSecretCommand({ SecretId: arn })), isDenied);
    return { arn, secrets };
  },
  behaviours: [
    {
      line: '9.1',
      says: "GetSecretValue without kms:Decrypt of the secret's key is AccessDeniedException, and names KMS",
      observe: async (_, { arn, secrets }) => {
        const refused: unknown = await secrets.send(new GetSecretValueCommand({ SecretId: arn })).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refused === undefined) return otherwise('it was read');
        const { code } = awsError(refused, { service: 'secrets', action: 'GetSecretValue', resource: arn });
        return judged(
          code === 'KmsDenied' ? [] : [`${errorText(refused)}, which cert-renewer takes for ${code}`],
          errorText(refused),
        );
      },
    },
  ],
});
