/** Group 1: promoting a new version is a compare-and-swap, and a token can be used once. */

import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { secretsManagerStore } from '../../lambdas/aws/secrets-manager.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { group } from './group.ts';
import { asDocumented, errorText, judged, notTried, otherwise } from './outcome.ts';
import { isDenied, secret, token } from './resources.ts';
import type { Room } from './room.ts';

interface Versions {
  readonly arn: string;
  readonly first: string;
  /** The current version at the start. */
  readonly second: string;
  readonly third: string;
}

/** Makes a secret whose second version has replaced the first, and whose third version is staged. */
async function threeVersions(room: Room): Promise<Versions> {
  const secrets = room.client(SecretsManagerClient);
  const [first, second, third] = [token(), token(), token()];
  const arn = await secret(room, 'swap', { ClientRequestToken: first, SecretString: 'first' });
  await stage(secrets, arn, second, 'second');
  await secrets.send(
    new UpdateSecretVersionStageCommand({
      ...{ SecretId: arn, VersionStage: 'AWSCURRENT', RemoveFromVersionId: first, MoveToVersionId: second },
    }),
  );
  await stage(secrets, arn, third, 'third');
  return { arn, first, second, third };
}

const stage = (secrets: SecretsManagerClient, SecretId: string, ClientRequestToken: string, SecretString: string) =>
  secrets.send(
    new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages: ['AWSPENDING'] }),
  );

const read = (secrets: SecretsManagerClient, SecretId: string) => secrets.send(new GetSecretValueCommand({ SecretId }));

/** Tells whether AWS refused because another version has the stage. */
const isLostSwap = (thrown: unknown): boolean =>
  thrown instanceof Error && ['InvalidParameterException', 'InvalidRequestException'].includes(thrown.name);

const isThrottled = (thrown: unknown): boolean =>
  thrown instanceof Error && /Throttl|TooManyRequests|SlowDown/.test(thrown.name);

export const compareAndSwap = group({
  makes: [{ kind: 'secret', part: 'swap' }],
  setUp: threeVersions,
  behaviours: [
    {
      line: '1.1',
      says: 'AWSCURRENT is not moved from a version that no longer holds it, and the value stays',
      observe: async (room, { arn, first, second, third }) => {
        const secrets = room.client(SecretsManagerClient);
        const lost = new UpdateSecretVersionStageCommand({
          ...{ SecretId: arn, VersionStage: 'AWSCURRENT', RemoveFromVersionId: first, MoveToVersionId: third },
        });
        const refusal: unknown = await secrets.send(lost).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (isDenied(refusal) || isThrottled(refusal)) return notTried(errorText(refusal));
        const value = await room.until(30, async () => {
          const { SecretString, VersionId } = await read(secrets, arn);
          return VersionId === second ? SecretString : undefined;
        });
        const told = await asToldByTheProduct(room, { arn, first, third });
        if (told === 'Throttled' || told === 'AccessDenied') return notTried(`cert-renewer was answered ${told}`);
        return judged(
          [
            ...(refusal === undefined ? ['the label was moved'] : []),
            ...(refusal === undefined || isLostSwap(refusal) ? [] : [`it is refused otherwise: ${errorText(refusal)}`]),
            ...(value === 'second' ? [] : ['the value has changed']),
            ...(told === 'SecretChanged' ? [] : [`cert-renewer takes it for ${told}, not for a lost race`]),
          ],
          errorText(refusal),
        );
      },
    },
    {
      line: '1.2',
      says: 'AWSPREVIOUS goes by itself to the version that AWSCURRENT was taken from',
      observe: async (room, { arn, first, second }) => {
        const secrets = room.client(SecretsManagerClient);
        const labels = await room.until(30, async () => {
          const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId: arn }));
          return VersionIdsToStages[second]?.includes('AWSCURRENT') ? VersionIdsToStages : undefined;
        });
        return labels?.[first]?.includes('AWSPREVIOUS')
          ? asDocumented()
          : otherwise(`the version before has ${JSON.stringify(labels?.[first] ?? [])}`);
      },
    },
    {
      line: '1.3',
      says: 'a token again is nothing with the same content, and ResourceExistsException with other content',
      observe: async (room, { arn, third }) => {
        const secrets = room.client(SecretsManagerClient);
        const same = await stage(secrets, arn, third, 'third');
        const other = await stage(secrets, arn, third, 'other').then(
          () => 'it was written',
          (error: unknown) => (error instanceof Error ? error.name : String(error)),
        );
        return judged([
          ...(same.VersionId === third ? [] : [`the same content made version ${same.VersionId}`]),
          ...(other === 'ResourceExistsException' ? [] : [`other content: ${other}`]),
        ]);
      },
    },
  ],
});

/** Returns the code that the product's own adapter throws for a lost compare-and-swap. */
async function asToldByTheProduct(
  { account: { region } }: Room,
  { arn, first, third }: Pick<Versions, 'arn' | 'first' | 'third'>,
): Promise<string> {
  try {
    await secretsManagerStore({ region })(noLimits).promote(arn, first, third);
    return 'a success';
  } catch (error) {
    return error instanceof RenewalError ? error.code : errorText(error);
  }
}
