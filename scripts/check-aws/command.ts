/** Group 5: SendCommand by tag, with a role that may use it for one tag only. */
import { ListCommandsCommand, SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
import { group } from './group.ts';
import { asDocumented, notTried, type Outcome, otherwise } from './outcome.ts';
import { actAs, isDenied } from './resources.ts';
import type { Room, SessionCredentials } from './room.ts';

const DocumentName = 'AWS-RunShellScript';

/** Returns a role that may run the document on instances with this tag value, once its permissions are in effect. */
async function commander(room: Room, part: string, key: string, value: string): Promise<SessionCredentials> {
  const { partition, region } = room.account;
  // AWS's own documents belong to no account. On a local AWS they belong to the caller's account.
  const document = `arn:${partition}:ssm:${region}:*:document/${DocumentName}`;
  const instances = [room.arn('ec2', 'instance/*'), room.arn('ssm', 'managed-instance/*')];
  const who = await actAs(room, part, {
    statements: [
      { Effect: 'Allow', Action: 'ssm:ListCommands', Resource: '*' },
      { Effect: 'Allow', Action: 'ssm:SendCommand', Resource: document },
      {
        Effect: 'Allow',
        Action: 'ssm:SendCommand',
        Resource: instances,
        Condition: { StringEquals: { [`ssm:resourceTag/${key}`]: value } },
      },
    ],
  });
  const ssm = room.client(SSMClient, { credentials: who });
  await room.untilTaken(() => ssm.send(new ListCommandsCommand({ MaxResults: 1 })), isDenied);
  return who;
}

/** Returns the refusal, or undefined if AWS accepted the command. */
async function refusal(
  room: Room,
  credentials: SessionCredentials,
  key: string,
  value: string,
): Promise<string | undefined> {
  const Targets = [{ Key: `tag:${key}`, Values: [value] }];
  const Parameters = { commands: ['true'] };
  try {
    await room.client(SSMClient, { credentials }).send(new SendCommandCommand({ DocumentName, Targets, Parameters }));
    return undefined;
  } catch (error) {
    if (isDenied(error)) return error instanceof Error ? error.name : 'AccessDenied';
    throw error;
  }
}

const withTag =
  (observe: (room: Room, key: string, value: string) => Promise<Outcome>) =>
  async (room: Room): Promise<Outcome> => {
    const { instanceTag } = room.options;
    return instanceTag ? observe(room, instanceTag.key, instanceTag.value) : notTried('no --instance-tag was given');
  };

export const command = group({
  makes: [
    { kind: 'role', part: 'commander' },
    { kind: 'role', part: 'stranger' },
  ],
  setUp: async () => {},
  behaviours: [
    {
      line: '5.1',
      says: 'SendCommand by a tag is allowed to a role with that tag in its condition ssm:resourceTag',
      observe: withTag(async (room, key, value) => {
        const refused = await refusal(room, await commander(room, 'commander', key, value), key, value);
        return refused === undefined ? asDocumented() : otherwise(refused);
      }),
    },
    {
      line: '5.2',
      says: 'and denied to a role with another value in it',
      observe: withTag(async (room, key, value) => {
        const refused = await refusal(room, await commander(room, 'stranger', key, `not ${value}`), key, value);
        return refused === undefined ? otherwise('it was taken') : asDocumented(refused);
      }),
    },
  ],
});
