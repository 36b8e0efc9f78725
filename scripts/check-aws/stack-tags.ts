/** Group 7: what an update of a stack does to a secret of the stack that was written since. */
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { group } from './group.ts';
import { asDocumented, otherwise } from './outcome.ts';
import type { Room } from './room.ts';

/** The stack's secret starts as `{}`, like that of an authority. */
const template = (Name: string): string =>
  JSON.stringify({
    Resources: { Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name, SecretString: '{}' } } },
    Outputs: { Ref: { Value: { Ref: 'Secret' } } },
  });

const tagged = (value: string) => [{ Key: 'check', Value: value }];

/** Waits for a status of the stack. Throws at another final status. */
async function settled(room: Room, StackName: string, wanted: string): Promise<void> {
  const cloudFormation = room.client(CloudFormationClient);
  const status = await room.until(240, async () => {
    const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return stack?.StackStatus?.endsWith('_IN_PROGRESS') ? undefined : stack?.StackStatus;
  });
  if (status !== wanted) throw new Error(`the stack ${StackName} is ${status ?? 'not done'}, not ${wanted}`);
}

async function newStack(room: Room): Promise<string> {
  const cloudFormation = room.client(CloudFormationClient);
  const secrets = room.client(SecretsManagerClient);
  // The secret belongs to the stack. It is deleted even if deleting the stack fails.
  const name = await room.make(
    'secret',
    'of-stack',
    async (Name) => Name,
    (SecretId) => secrets.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true })),
  );
  await room.make(
    'stack',
    'stack',
    (StackName) =>
      cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody: template(name), Tags: tagged('before') })),
    async (StackName) => {
      await cloudFormation.send(new DeleteStackCommand({ StackName }));
      const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
      if (stack && stack.StackStatus !== 'DELETE_COMPLETE') throw new Error(`it is ${stack.StackStatus}`);
    },
  );
  await settled(room, room.name('stack'), 'CREATE_COMPLETE');
  return name;
}

export const stackTags = group({
  makes: [
    { kind: 'secret', part: 'of-stack' },
    { kind: 'stack', part: 'stack' },
  ],
  setUp: newStack,
  behaviours: [
    {
      line: '7.1',
      says: "an update of a stack's tags alone leaves the value that was written into its secret since",
      observe: async (room, SecretId) => {
        const cloudFormation = room.client(CloudFormationClient);
        const secrets = room.client(SecretsManagerClient);
        const SecretString = 'written since';
        const { VersionId } = await secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
        const StackName = room.name('stack');
        await cloudFormation.send(
          new UpdateStackCommand({ StackName, TemplateBody: template(SecretId), Tags: tagged('after') }),
        );
        await settled(room, StackName, 'UPDATE_COMPLETE');
        await room.pause(room.limit(5));
        const found = await secrets.send(new GetSecretValueCommand({ SecretId }));
        return found.VersionId === VersionId && found.SecretString === SecretString
          ? asDocumented()
          : otherwise(`the value is ${JSON.stringify(found.SecretString)}`);
      },
    },
    {
      line: '7.2',
      says: 'Ref of a secret in a template is its ARN',
      observe: async (room, SecretId) => {
        const describe = new DescribeStacksCommand({ StackName: room.name('stack') });
        const { Stacks: [stack] = [] } = await room.client(CloudFormationClient).send(describe);
        const { ARN } = await room.client(SecretsManagerClient).send(new DescribeSecretCommand({ SecretId }));
        const ref = stack?.Outputs?.find(({ OutputKey }) => OutputKey === 'Ref')?.OutputValue;
        return ref === ARN ? asDocumented() : otherwise(`it is ${ref}`);
      },
    },
  ],
});
