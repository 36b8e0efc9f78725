import { ListCommandsCommand, SendCommandCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { ssmCommands } from '../../lambdas/aws/ssm-commands.ts';

const aws = mockClient(SSMClient);
const commands = ssmCommands({ region: 'eu-central-1' });
const parameters = { secretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf', versionId: 'v' };
const named = (name: string) => Object.assign(new Error('x'), { name, $metadata: { httpStatusCode: 400 } });

beforeEach(() => {
  aws.reset();
});

test('send: this document, on all instances with the tag, with the two parameters', async () => {
  aws.on(SendCommandCommand).resolves({ Command: { CommandId: 'c-1' } });
  expect(await commands.send('Reload', { key: 'Role', value: 'web' }, parameters)).toBe('c-1');
  expect(aws.commandCalls(SendCommandCommand).map(({ args }) => args[0].input)).toEqual([
    {
      DocumentName: 'Reload',
      DocumentVersion: '$DEFAULT',
      Targets: [{ Key: 'tag:Role', Values: ['web'] }],
      Parameters: { secretArn: [parameters.secretArn], versionId: ['v'] },
      Comment: expect.stringMatching(/^.{1,100}$/),
      TimeoutSeconds: 600,
      MaxErrors: '100%',
    },
  ]);
});

test.each([
  ['InvalidDocument', 'Internal'],
  ['InvalidParameters', 'Internal'],
  ['AccessDeniedException', 'AccessDenied'],
  ['ThrottlingException', 'Throttled'],
])('send: %s is %s', async (name, code) => {
  aws.on(SendCommandCommand).rejects(named(name));
  await expect(commands.send('Reload', { key: 'a', value: 'b' }, parameters)).rejects.toMatchObject({
    code,
    message: expect.stringContaining('Reload'),
  });
});

test('find: for which secret, and on how many instances it failed', async () => {
  aws.on(ListCommandsCommand, { CommandId: 'c-1' }).resolves({
    Commands: [
      {
        CommandId: 'c-1',
        Parameters: { secretArn: [parameters.secretArn], versionId: ['v'] },
        ErrorCount: 2,
        DeliveryTimedOutCount: 1,
      },
    ],
  });
  expect(await commands.find('c-1')).toEqual({ parameters, failedOn: 3 });
});

test('find: nothing for a command that AWS has forgotten', async () => {
  aws.on(ListCommandsCommand).resolves({ Commands: [] });
  expect(await commands.find('c-2')).toBeUndefined();
  aws.on(ListCommandsCommand).rejects(named('InvalidCommandId'));
  expect(await commands.find('rubbish')).toBeUndefined();
  aws.on(ListCommandsCommand).rejects(named('ThrottlingException'));
  await expect(commands.find('c-1')).rejects.toMatchObject({ code: 'Throttled' });
});

test('find: another owner’s command has none of the parameters', async () => {
  aws.on(ListCommandsCommand).resolves({ Commands: [{ CommandId: 'c-3', Parameters: { commands: ['x'] } }] });
  expect(await commands.find('c-3')).toEqual({ parameters: {}, failedOn: 0 });
});
