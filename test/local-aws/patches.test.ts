import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { client, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Emulator, emulatorPython, startEmulator } from '../../testkit/local-aws/ministack.ts';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { run } from '../../testkit/tools/process.ts';
import { required } from '../../testkit/tools/tool.ts';
import { describeWith } from '../support/local.ts';
import { logEntries } from '../support/logs.ts';
import { DNS } from './dns.ts';
import { ENCRYPTED } from './encrypted.ts';
import { FUNCTIONS } from './functions.ts';
import { IAM } from './iam.ts';
import { LIMITS } from './limits.ts';
import { MONITORING } from './monitoring.ts';
import { QUEUES } from './queues.ts';
import { SECRETS, UNPATCHED } from './secrets.ts';
import { STACKS } from './stacks.ts';
import { TARGETS } from './targets.ts';
import { TOPICS } from './topics.ts';

/**
 * Each patch of the local AWS, tested from outside: AWS's behaviour with it, and ministack's own without it. If the latter
 * changes, ministack has the behaviour, and the patch can be removed.
 */
const BEHAVIOURS = [
  ...SECRETS,
  ...ENCRYPTED,
  ...IAM,
  ...DNS,
  ...FUNCTIONS,
  ...TARGETS,
  ...QUEUES,
  ...TOPICS,
  ...MONITORING,
  ...LIMITS,
  ...STACKS,
];

describeWith(['emulator'], 'the patches of the local AWS', () => {
  let patched: Emulator;
  let stock: Emulator;
  /** From outside, only a clock would show these two. */
  let counted: CountedInside;
  beforeAll(async () => {
    [patched, stock, counted] = await Promise.all([
      startEmulator(),
      startEmulator({ without: ['all'] }),
      countedInside(),
    ]);
  });
  afterAll(async () => {
    await Promise.all([patched?.stop(), stock?.stop()]);
  });

  for (const [index, { patch, observe, withPatch, without }] of BEHAVIOURS.entries()) {
    it(`${index + 1}. ${patch}`, async () => {
      const [seen, seenWithout] = await Promise.all([observe(patched, 25_000), observe(stock, 2_000)]);
      expect({ withPatch: seen, without: seenWithout }).toEqual({ withPatch, without });
    });
  }

  it.each(UNPATCHED)(
    'a promotion fails when the version that was read is not current any more, without any patch',
    async ({ observe, withPatch }) => {
      expect(await Promise.all([observe(patched, 0), observe(stock, 0)])).toEqual([withPatch, withPatch]);
    },
  );

  it('lookup: finds a secret without a pass over all secrets', () => {
    expect(counted.withPatches.lookup).toEqual({ arn: 0, 'free name': 0, tags: 0 });
    expect(counted.without.lookup).toEqual({ arn: 1_000, 'free name': 1_000, tags: 1_000 });
  });

  it('whole-log: includes a line that comes late', () => {
    expect([counted.withPatches.log, counted.without.log]).toEqual(['first\nsecond', 'first']);
  });

  it('its logs are read even if a group disappears between listing and reading', async () => {
    const logs = client(CloudWatchLogsClient, patched);
    const [stays, goes] = [uniqueName('stays'), uniqueName('goes')];
    for (const logGroupName of [stays, goes]) {
      await logs.send(new CreateLogGroupCommand({ logGroupName }));
      await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 'stream' }));
      const logEvents = [{ timestamp: Date.now(), message: JSON.stringify({ message: logGroupName }) }];
      await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 'stream', logEvents }));
    }
    const told = async () => (await logEntries(patched, 1)).map(({ message }) => message);
    expect((await told()).toSorted()).toEqual([goes, stays]);
    await logs.send(new DeleteLogGroupCommand({ logGroupName: goes }));
    expect(await told()).toEqual([stays]);
  });

  it('every patch is in the table', async () => {
    const folder = join(projectRoot, 'testkit', 'local-aws', 'patches');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.py') && name !== '__init__.py');
    const source = (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
    const names = [...source.matchAll(/^@patch\("(.+)"\)$/gm)].map(([, name]) => name);
    expect(new Set([...BEHAVIOURS.map(({ patch }) => patch), 'lookup', 'whole-log'])).toEqual(new Set(names));
  });
});

interface Counted {
  readonly lookup: Readonly<Record<string, number>>;
  readonly log: string;
}
type CountedInside = Readonly<Record<'withPatches' | 'without', Counted>>;

/** Returns what inside.py finds. */
async function countedInside(): Promise<CountedInside> {
  const { code, stdout, output } = await run(
    required(await emulatorPython()),
    [join(import.meta.dirname, 'inside.py')],
    {
      env: {
        ...process.env,
        PYTHONPATH: join(projectRoot, 'testkit', 'local-aws'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    },
  );
  if (code !== 0) throw new Error(output);
  return JSON.parse(stdout) as CountedInside;
}
