import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot } from '../../scripts/local/cache.ts';
import { type Emulator, startEmulator } from '../../scripts/local/ministack.ts';
import { client, type Endpoint, uniqueName } from '../support/aws.ts';
import { describeWith } from '../support/local.ts';
import { ENCRYPTED } from './encrypted.ts';
import { FUNCTIONS, stackOf } from './functions.ts';
import { IAM, userWith } from './iam.ts';
import { LIMITS } from './limits.ts';
import { MONITORING } from './monitoring.ts';
import { SECRETS, UNPATCHED } from './secrets.ts';
import { STACKS } from './stacks.ts';
import { TARGETS } from './targets.ts';
import { TOPICS } from './topics.ts';

/**
 * Each patch of the local AWS, seen from outside: with it AWS's behaviour, without it ministack's own.
 * Where the second changes, ministack has learnt it, and the patch can go.
 */
const BEHAVIOURS = [
  ...SECRETS,
  ...ENCRYPTED,
  ...IAM,
  ...FUNCTIONS,
  ...TARGETS,
  ...TOPICS,
  ...MONITORING,
  ...LIMITS,
  ...STACKS,
];

describeWith(['emulator'], 'the patches of the local AWS', () => {
  let patched: Emulator;
  let stock: Emulator;
  beforeAll(async () => {
    // Both of their own: one test fills them with secrets.
    [patched, stock] = await Promise.all([startEmulator(), startEmulator({ without: ['all'] })]);
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
    'a promotion fails once the version read is no longer current, without any patch',
    async ({ observe, withPatch }) => {
      expect(await Promise.all([observe(patched, 0), observe(stock, 0)])).toEqual([withPatch, withPatch]);
    },
  );

  it('lookup: many secrets do not slow a call down', async () => {
    const [fast, slow] = await Promise.all([patched, stock].map(amongManySecrets));
    const times = { fast: [] as number[], slow: [] as number[] };
    for (let index = 0; index < 30; index++) {
      times.fast.push((await fast?.()) ?? 0);
      times.slow.push((await slow?.()) ?? 0);
    }
    // The best of each: what else this machine does can only add to it.
    expect(Math.min(...times.fast) * 1.3).toBeLessThan(Math.min(...times.slow));
  });

  it('every patch is in the table', async () => {
    const folder = join(projectRoot, 'scripts', 'local', 'patches');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.py') && name !== '__init__.py');
    const source = (await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))).join('\n');
    const names = [...source.matchAll(/^@patch\("(.+)"\)$/gm)].map(([, name]) => name);
    expect(new Set([...BEHAVIOURS.map(({ patch }) => patch), 'lookup'])).toEqual(new Set(names));
  });
});

/** Make 1,500 secrets, and return a call that reads one by ARN, as a user for whom its tags count, and says how long it took. */
async function amongManySecrets(aws: Endpoint): Promise<() => Promise<number>> {
  const many = Array.from({ length: 500 }, (_, index) => [`S${index}`, { Type: 'AWS::SecretsManager::Secret' }]);
  for (let index = 0; index < 3; index++) await stackOf(aws, Object.fromEntries(many));
  const Tags = [{ Key: 'cert-renewer:profile', Value: 'internal' }];
  const create = new CreateSecretCommand({ Name: uniqueName('one-of-many'), SecretString: 'x', Tags });
  const { ARN: SecretId } = await client(SecretsManagerClient, aws).send(create);
  const Condition = { Null: { 'aws:ResourceTag/cert-renewer:profile': 'false' } };
  const who = await userWith(aws, {
    Effect: 'Allow',
    Action: 'secretsmanager:GetSecretValue',
    Resource: '*',
    Condition,
  });
  const reader = client(SecretsManagerClient, aws, who);
  return async () => {
    const started = performance.now();
    await reader.send(new GetSecretValueCommand({ SecretId }));
    return performance.now() - started;
  };
}
