/** Group 9: a secret under a customer key, read by a role that may not use the key. */
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  KMSClient,
  ListKeysCommand,
  type ListKeysCommandOutput,
  ScheduleKeyDeletionCommand,
} from '@aws-sdk/client-kms';
import { DescribeSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsError } from '../../lambdas/aws/errors.ts';
import { group } from './group.ts';
import { errorText, judged, otherwise } from './outcome.ts';
import { actAs, isDenied, secret } from './resources.ts';
import type { Room } from './room.ts';

/** Makes a key. KMS deletes a key seven days after the request at the earliest. */
async function newKey(room: Room): Promise<string> {
  const kms = room.client(KMSClient);
  let isCertain = false;
  const create = async (Description: string) => {
    try {
      const answer = await kms.send(new CreateKeyCommand({ Description }));
      isCertain = isOnlyAnswer(answer);
      return answer;
    } catch (error) {
      isCertain = isOnlyAnswer(error);
      throw error;
    }
  };
  const { KeyMetadata } = await room.make('KMS key', 'key', create, async (name, made) => {
    const known = made?.KeyMetadata?.KeyId;
    const found = isCertain ? { ids: [], unseen: undefined } : await keysDescribedAs(kms, name);
    for (const KeyId of new Set([...(known === undefined ? [] : [known]), ...found.ids])) {
      await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    }
    if (found.unseen !== undefined) {
      throw new Error(`CreateKey did not answer, and whether there is a key can't be told: ${found.unseen}`);
    }
    if (!isCertain && known === undefined && found.ids.length === 0) {
      throw Object.assign(new Error(`no key has the description ${name}`), { name: 'NotFoundException' });
    }
  });
  return KeyMetadata?.Arn ?? '';
}

/** Tells whether the first attempt got an answer from KMS. An attempt without an answer may have made a key too. */
function isOnlyAnswer(answer: unknown): boolean {
  const { $metadata = {} } = answer as Partial<ListKeysCommandOutput>;
  const { attempts, httpStatusCode = 500 } = $metadata;
  return attempts === 1 && httpStatusCode < 500;
}

interface Found {
  readonly ids: readonly string[];
  /** Why a key could not be described. */
  readonly unseen: string | undefined;
}

/** Returns the keys with this description that are not scheduled for deletion. Throws what ListKeys throws. */
async function keysDescribedAs(kms: KMSClient, description: string): Promise<Found> {
  const ids: string[] = [];
  let unseen: string | undefined;
  let Marker: string | undefined;
  do {
    const page: ListKeysCommandOutput = await kms.send(new ListKeysCommand({ Marker }));
    for (const { KeyId } of page.Keys ?? []) {
      try {
        const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
        const isOurs = KeyMetadata?.Description === description && KeyMetadata.KeyState !== 'PendingDeletion';
        if (isOurs && KeyId !== undefined) ids.push(KeyId);
      } catch (error) {
        unseen = `key ${KeyId}: ${errorText(error)}`;
      }
    }
    Marker = page.Truncated ? page.NextMarker : undefined;
  } while (Marker !== undefined);
  return { ids, unseen };
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
    // One policy allows both. If the role may describe the secret, it may also read it.
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
