/** Group 2: Secrets Manager is eventually consistent. This measures how late its reads are. */
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { group } from './group.ts';
import { asDocumented, otherwise } from './outcome.ts';
import { secret, token } from './resources.ts';
import type { Room } from './room.ts';

const writes = 20;

/** How often one kind of read was stale after a write, and for how long at most (ms). */
interface Lateness {
  stale: number;
  longest: number;
  /** The number of reads that were stale for more than a minute. */
  never: number;
}

/** Reads until it gets the new version. A version that is not found yet counts as stale. */
async function lateness(room: Room, sums: Lateness, isNew: () => Promise<boolean>): Promise<void> {
  const started = Date.now();
  const look = () =>
    isNew().catch((error: unknown) => {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return false;
      throw error;
    });
  if (await look()) return;
  sums.stale += 1;
  const seen = await room.until(60, async () => (await look()) || undefined);
  if (seen === undefined) sums.never += 1;
  sums.longest = Math.max(sums.longest, Date.now() - started);
}

const told = ({ stale, longest }: Lateness): string =>
  stale === 0 ? `none of ${writes} was late` : `${stale} of ${writes} late, by ${longest} ms at most`;

export const staleReads = group({
  makes: [
    { kind: 'secret', part: 'reads' },
    { kind: 'secret', part: 'listed' },
  ],
  setUp: async (room) => {
    const first = token();
    return { first, arn: await secret(room, 'reads', { ClientRequestToken: first, SecretString: 'first' }) };
  },
  behaviours: [
    {
      line: '2.1',
      says: `a version is seen at once or soon after it was put and promoted (${writes} times)`,
      observe: async (room, { arn, first }) => {
        const secrets = room.client(SecretsManagerClient);
        const sums = { put: none(), value: none(), described: none() };
        let current = first;
        for (let write = 0; write < writes; write++) {
          const next = token();
          await secrets.send(
            new PutSecretValueCommand({
              ...{ SecretId: arn, ClientRequestToken: next, SecretString: next, VersionStages: ['AWSPENDING'] },
            }),
          );
          await lateness(room, sums.put, () => isValue(secrets, next, { SecretId: arn, VersionId: next }));
          await secrets.send(
            new UpdateSecretVersionStageCommand({
              ...{ SecretId: arn, VersionStage: 'AWSCURRENT', RemoveFromVersionId: current, MoveToVersionId: next },
            }),
          );
          await Promise.all([
            lateness(room, sums.value, () => isValue(secrets, next, { SecretId: arn })),
            lateness(room, sums.described, () => isDescribed(secrets, next, arn)),
          ]);
          current = next;
          await room.pause(room.limit(1));
        }
        const seen = `GetSecretValue of the new version: ${told(sums.put)}; of AWSCURRENT: ${told(sums.value)}; DescribeSecret: ${told(sums.described)}`;
        return sums.put.never + sums.value.never + sums.described.never > 0
          ? otherwise(`not within a minute: ${seen}`)
          : asDocumented(seen);
      },
    },
    {
      line: '2.2',
      says: 'ListSecrets shows a new tag within five minutes',
      observe: async (room) => {
        const secrets = room.client(SecretsManagerClient);
        const SecretId = await secret(room, 'listed', { SecretString: 'x' });
        const key = room.name('tag');
        const started = Date.now();
        await secrets.send(new TagResourceCommand({ SecretId, Tags: [{ Key: key, Value: 'new' }] }));
        const list = new ListSecretsCommand({ Filters: [{ Key: 'tag-key', Values: [key] }] });
        const found = await room.until(330, async () => (await secrets.send(list)).SecretList?.[0]);
        const took = Math.round((Date.now() - started) / 1000);
        return found ? asDocumented(`after ${took} s`) : otherwise(`not within ${took} s`);
      },
    },
  ],
});

const none = (): Lateness => ({ stale: 0, longest: 0, never: 0 });

async function isValue(
  secrets: SecretsManagerClient,
  expected: string,
  which: { readonly SecretId: string; readonly VersionId?: string },
): Promise<boolean> {
  return (await secrets.send(new GetSecretValueCommand(which))).VersionId === expected;
}

async function isDescribed(secrets: SecretsManagerClient, expected: string, SecretId: string): Promise<boolean> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  return VersionIdsToStages[expected]?.includes('AWSCURRENT') ?? false;
}
