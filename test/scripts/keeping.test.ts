/** What `npm run demo -- --keep` prints: each command is one that the command line takes. The demo itself runs in minutes. */
import { describe, expect, it } from 'vitest';
import { environmentText, ideas, type Kept, keptText, startingCommands } from '../../scripts/demo/keeping.ts';
import { scanText } from '../../scripts/demo/showing.ts';
import { onlyInOneVersion } from '../support/aws-command.ts';
import { parsed } from '../support/parsed-line.ts';

const folder = '/tmp/cert-renewer-demo-x';
const kept: Kept = {
  project: '/home/someone/my clone',
  configuration: `${folder}/cert-renewer.json`,
  environment: `${folder}/environment.sh`,
  caGroup: 4711,
};
const text = keptText(kept, 42);
const commandsOf = (given: Kept) => [
  ...startingCommands(given),
  ...ideas(given).flatMap((idea) => [...idea.break, ...idea.see, ...idea.mend]),
];

describe('a kept demo', () => {
  it.each(commandsOf(kept))('prints %s', (command) => {
    expect(text.split('\n').some((line) => line.endsWith(`  ${command}`))).toBe(true);
  });

  it.each(commandsOf(kept).filter((command) => command.startsWith('npx cert-renewer')))(
    '%s is parsed',
    async (line) => {
      expect(await parsed(line)).toBe(line.split(' ')[2]);
    },
  );

  it.each(commandsOf(kept).filter((command) => command.startsWith('aws ')))(
    'in both versions of the AWS CLI: %s',
    (line) => {
      expect(onlyInOneVersion(line)).toEqual([]);
    },
  );

  it('says where the configuration is, how to load the environment, and how to end it', () => {
    expect(text).toContain(kept.configuration);
    expect(text).toContain(`cd '/home/someone/my clone' && . ${folder}/environment.sh`);
    expect(text).toContain('kill 42');
  });

  it('breaks and shows in each idea, and stops the CA by its process group', () => {
    for (const idea of ideas(kept)) for (const part of [idea.break, idea.see]) expect(part).not.toEqual([]);
    expect(text).toContain('kill -s STOP -- -4711');
  });

  it('stops no CA that is not there', () => {
    const without = { ...kept, caGroup: undefined };
    expect(ideas(without)).toHaveLength(ideas(kept).length - 1);
    expect(commandsOf(without).join('\n')).not.toMatch(/kill|demo\/api/);
  });
});

it('the environment of the demo wins over a profile of the user', () => {
  expect(environmentText({ AWS_REGION: 'us-east-1', X: "it's" })).toBe(
    "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\nexport AWS_REGION=us-east-1\nexport X='it'\\''s'\n",
  );
});

const none = { listed: 0, enqueued: 0, notDue: 0, paused: 0, backingOff: 0, waiting: 0, invalid: 0 };
it.each([
  [{ ...none, listed: 5, enqueued: 1, notDue: 4 }, '5 secrets: 1 sent to the workers, 4 not due'],
  [{ ...none, listed: 1, invalid: 1 }, '1 secret: 1 with a tag that is not valid'],
  [none, '0 secrets'],
])('the counts of a scan in words: %j', (result, words) => {
  expect(scanText(result)).toBe(words);
});
