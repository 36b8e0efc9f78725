/** A room whose AWS gives the answers of a test. */
import { toldOf } from '../../scripts/check-aws/outcome.ts';
import { Room, type SessionCredentials } from '../../scripts/check-aws/room.ts';
import { groups } from '../../scripts/check-aws/table.ts';
import type { Left } from '../../scripts/check-aws/trail.ts';

/** `who` is the ARN of the calling role; undefined stands for the user. */
export type Answer = (input: Readonly<Record<string, unknown>>, who: string | undefined) => unknown;

/** Answers by the command's class, such as `CreateQueueCommand`. A call without an entry gets an empty answer. */
export type Answers = Readonly<Record<string, Answer>>;

interface Setting {
  readonly answers: Answers;
  readonly ask?: (question: string, interrupt: () => void) => string;
  readonly secondRegion?: string | undefined;
}

interface Tried {
  /** Result by line. */
  readonly told: Readonly<Record<string, string>>;
  readonly left: readonly Left[];
  /** The commands that were sent, in order. */
  readonly sent: readonly { readonly name: string; readonly input: Readonly<Record<string, unknown>> }[];
}

/** Builds an error as AWS's SDK throws it. */
export const thrown = (name: string, rest: object = {}): Error =>
  Object.assign(new Error('no'), { name, $metadata: { attempts: 1, httpStatusCode: 400 }, ...rest });

/** Builds an answer that throws. */
export const refuse =
  (name: string, rest: object = {}): Answer =>
  () => {
    throw thrown(name, rest);
  };

/** Runs the group with this number, and removes what it has made. Time limits are a thousandth. */
export async function tryGroup(number: number, setting: Setting): Promise<Tried> {
  const group = groups[number - 1];
  if (group === undefined) throw new Error(`there is no group ${number}`);
  const interruption = new AbortController();
  const sent: { name: string; input: Readonly<Record<string, unknown>> }[] = [];
  const answers: Answers = {
    AssumeRoleCommand: ({ RoleArn }) => ({ Credentials: { AccessKeyId: RoleArn } }),
    CreateRoleCommand: ({ RoleName }) => ({ Role: { Arn: `${RoleName}` } }),
    CreateQueueCommand: ({ QueueName }) => ({ QueueUrl: QueueName }),
    ...setting.answers,
  };
  class ScriptedRoom extends Room {
    override client<T>(_: unknown, { credentials }: { credentials?: SessionCredentials } = {}): T {
      const send = async (command: { readonly input: Readonly<Record<string, unknown>> }) => {
        const { name } = command.constructor;
        sent.push({ name, input: command.input });
        return answers[name]?.(command.input, credentials?.accessKeyId) ?? {};
      };
      return { send } as unknown as T;
    }
  }
  const room = new ScriptedRoom({
    account: {
      ...{ id: '0', region: 'us-east-1', partition: 'aws', caller: '' },
      secondRegion: 'secondRegion' in setting ? setting.secondRegion : 'us-west-2',
    },
    options: { email: 'reader@example.com', instanceTag: undefined, patience: 0.001 },
    prefix: 'check',
    makes: group.makes,
    signal: interruption.signal,
    ask: async (question) => setting.ask?.(question, () => interruption.abort()) ?? '',
  });
  const told: Record<string, string> = {};
  await group.run(room, (line, outcome) => {
    told[line] = toldOf(outcome);
  });
  return { told, left: await room.trail.undo(0), sent };
}
