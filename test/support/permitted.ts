import { describeStack } from '../../cli/aws/cloudformation.ts';
import { commands } from '../../cli/commands/index.ts';
import { policyFor } from '../../cli/permissions.ts';
import { ROOT } from '../../testkit/local-aws/client.ts';
import { type Emulator, REGION } from '../../testkit/local-aws/ministack.ts';
import type { Finished } from '../../testkit/tools/process.ts';
import { here } from './command-here.ts';
import { inRole } from './roles.ts';

const stackName = 'CertRenewer';

/**
 * Runs a command as a role with these tags, and with exactly the permissions that docs/cli.md lists for the command: in this process, or in
 * another one (`inPipe`).
 */
export async function permitted(
  aws: Pick<Emulator, 'endpoint'>,
  words: readonly string[],
  tags: Readonly<Record<string, string>> = {},
  start: typeof here = here,
): Promise<Finished> {
  const found = await describeStack({ endpoint: aws.endpoint, region: REGION, credentials: ROOT }, stackName);
  const needs = commands.find(({ name }) => name === words[0])?.needs ?? [];
  const statements = found ? policyFor(needs, found).Statement : [];
  const { accessKeyId, secretAccessKey, sessionToken = '' } = await inRole(aws, statements, tags);
  const who = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  };
  return start({ AWS_ENDPOINT_URL: aws.endpoint, AWS_REGION: REGION, ...who }, ...words, '--stack', stackName);
}
