/** Account and Region, as the SDK finds them. */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Account } from './room.ts';

/** Two Regions of each partition. */
const regions: Readonly<Record<string, readonly [string, string]>> = {
  aws: ['us-east-1', 'us-west-2'],
  'aws-cn': ['cn-north-1', 'cn-northwest-1'],
  'aws-us-gov': ['us-gov-west-1', 'us-gov-east-1'],
};

/** Without credentials or Region it throws the error of the SDK. */
export async function findAccount(): Promise<Account> {
  const sts = new STSClient();
  const region = await sts.config.region();
  const { Account: id = '', Arn: caller = '' } = await sts.send(new GetCallerIdentityCommand());
  const partition = caller.split(':')[1] ?? 'aws';
  return { id, region, secondRegion: otherRegion(partition, region), partition, caller };
}

/** Returns undefined for a partition that is not in the table. */
export function otherRegion(partition: string, region: string): string | undefined {
  const [first, second] = regions[partition] ?? [];
  return region === first ? second : first;
}
