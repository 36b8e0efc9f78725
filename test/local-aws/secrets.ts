import {
  CreateSecretCommand,
  type CreateSecretCommandInput,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { client, type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Behaviour, outcome, token } from './behaviour.ts';

type Secrets = SecretsManagerClient;

const secretsOf = (aws: Endpoint): Secrets => client(SecretsManagerClient, aws);

async function create(
  secrets: Secrets,
  more: Partial<CreateSecretCommandInput> = { SecretString: 'first' },
): Promise<string> {
  const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name: uniqueName('behaviour'), ...more }));
  return ARN;
}

/** Returns the labels with the contents of their versions. */
async function labels(secrets: Secrets, SecretId: string): Promise<Record<string, string[]>> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  const found: Record<string, string[]> = {};
  for (const [VersionId, stages] of Object.entries(VersionIdsToStages)) {
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId, VersionId }));
    for (const stage of stages) found[stage] = [...(found[stage] ?? []), SecretString].sort();
  }
  return found;
}

/** Returns which of three secrets these filter values find, by the last letter (named …-a, …-b, …-c, with equal tags). */
async function filtered(
  aws: Endpoint,
  Key: 'name' | 'tag-key' | 'tag-value',
  values: (stem: string) => string[],
): Promise<string> {
  const secrets = secretsOf(aws);
  const stem = uniqueName('filter');
  for (const letter of ['a', 'b', 'c']) {
    const Tags = [{ Key: `${stem}-key-${letter}`, Value: `${stem}-value-${letter}` }];
    await create(secrets, { Name: `${stem}-${letter}`, SecretString: 'x', Tags });
  }
  const Filters = [{ Key, Values: values(stem) }];
  const { SecretList = [] } = await secrets.send(new ListSecretsCommand({ Filters }));
  const own = SecretList.filter(({ Name = '' }) => Name.startsWith(stem));
  return own.map(({ Name = '' }) => Name.at(-1)).join('');
}

export const SECRETS: readonly Behaviour[] = [
  {
    patch: 'empty-secret',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets, {});
      const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
      return Object.keys(VersionIdsToStages).length;
    },
    withPatch: 0,
    without: 1,
  },
  {
    patch: 'empty-secret',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets, {});
      const put = new PutSecretValueCommand({ SecretId, SecretString: 'put', VersionStages: ['AWSPENDING'] });
      const { VersionStages = [] } = await secrets.send(put);
      return VersionStages.sort();
    },
    withPatch: ['AWSCURRENT', 'AWSPENDING'],
    without: ['AWSPENDING'],
  },
  {
    patch: 'labels-move',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      for (const SecretString of ['second', 'third']) {
        await secrets.send(new PutSecretValueCommand({ SecretId, SecretString, VersionStages: ['AWSPENDING'] }));
      }
      return labels(secrets, SecretId);
    },
    withPatch: { AWSCURRENT: ['first'], AWSPENDING: ['third'] },
    without: { AWSCURRENT: ['first'], AWSPENDING: ['second', 'third'] },
  },
  {
    patch: 'labels-move',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      await secrets.send(
        new PutSecretValueCommand({ SecretId, SecretString: 'second', VersionStages: ['AWSPENDING', 'AWSCURRENT'] }),
      );
      return labels(secrets, SecretId);
    },
    withPatch: { AWSCURRENT: ['second'], AWSPENDING: ['second'], AWSPREVIOUS: ['first'] },
    without: { AWSCURRENT: ['second'], AWSPREVIOUS: ['first'] },
  },
  {
    patch: 'unlabelled-versions',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const VersionId = token();
      const SecretId = await create(secrets);
      await secrets.send(
        new PutSecretValueCommand({ SecretId, SecretString: 'second', ClientRequestToken: VersionId }),
      );
      for (const SecretString of ['third', 'fourth']) {
        await secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
      }
      return outcome(secrets.send(new GetSecretValueCommand({ SecretId, VersionId })));
    },
    withPatch: 'ok',
    without: 'ResourceNotFoundException',
  },
  {
    patch: 'put-token',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      const put = (SecretString: string, ClientRequestToken: string): Promise<string> =>
        outcome(secrets.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken })));
      const used = token();
      const later = token();
      // The repetition of an older call must not make its content current again.
      const outcomes = [
        await put('second', used),
        await put('third', later),
        await put('second', used),
        await put('other', used),
      ];
      return { outcomes, current: (await labels(secrets, SecretId))['AWSCURRENT'] };
    },
    withPatch: { outcomes: ['ok', 'ok', 'ok', 'ResourceExistsException'], current: ['third'] },
    without: { outcomes: ['ok', 'ok', 'ok', 'ok'], current: ['other'] },
  },
  {
    patch: 'create-token',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const ClientRequestToken = token();
      const call = new CreateSecretCommand({
        Name: uniqueName('behaviour'),
        SecretString: 'first',
        ClientRequestToken,
      });
      const { VersionId } = await secrets.send(call);
      return { tokenIsVersion: VersionId === ClientRequestToken, again: await outcome(secrets.send(call)) };
    },
    withPatch: { tokenIsVersion: true, again: 'ok' },
    without: { tokenIsVersion: false, again: 'ResourceExistsException' },
  },
  {
    patch: 'update-token',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const ClientRequestToken = token();
      const SecretId = await create(secrets);
      const { VersionId } = await secrets.send(
        new UpdateSecretCommand({ SecretId, SecretString: 'second', ClientRequestToken }),
      );
      return VersionId === ClientRequestToken;
    },
    withPatch: true,
    without: false,
  },
  {
    patch: 'token-length',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      return outcome(
        secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'x', ClientRequestToken: 'too-short' })),
      );
    },
    withPatch: 'InvalidParameterException',
    without: 'ok',
  },
  {
    patch: 'value-limit',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      const put = (length: number): Promise<string> =>
        outcome(secrets.send(new PutSecretValueCommand({ SecretId, SecretBinary: new Uint8Array(length) })));
      return [await put(65_536), await put(65_537)];
    },
    withPatch: ['ok', 'ValidationException'],
    without: ['ok', 'ok'],
  },
  {
    patch: 'tag-limits',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      const tag = (Tags: { Key: string; Value: string }[]): Promise<string> =>
        outcome(secrets.send(new TagResourceCommand({ SecretId, Tags })));
      const many = Array.from({ length: 51 }, (_, index) => ({ Key: `tag-${index}`, Value: 'x' }));
      return [
        await tag([{ Key: 'window', Value: '33%' }]),
        await tag(many),
        await tag([{ Key: 'a:b', Value: 'Az 09+-=._:/@é' }]),
      ];
    },
    withPatch: ['InvalidParameterException', 'InvalidParameterException', 'ok'],
    without: ['ok', 'ok', 'ok'],
  },
  {
    patch: 'version-and-stage',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      const { VersionId } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      return outcome(secrets.send(new GetSecretValueCommand({ SecretId, VersionId, VersionStage: 'AWSPREVIOUS' })));
    },
    withPatch: 'InvalidRequestException',
    without: 'ok',
  },
  {
    patch: 'list-filters',
    observe: (aws) => filtered(aws, 'tag-key', (stem) => [`${stem}-key`]),
    withPatch: 'abc',
    without: '',
  },
  {
    patch: 'list-filters',
    observe: (aws) => filtered(aws, 'tag-value', (stem) => [`${stem}-value`]),
    withPatch: 'abc',
    without: '',
  },
  {
    patch: 'list-filters',
    observe: (aws) => filtered(aws, 'name', (stem) => [`!${stem}-b`]),
    withPatch: 'ac',
    without: '',
  },
  {
    patch: 'list-filters',
    observe: (aws) =>
      outcome(secretsOf(aws).send(new ListSecretsCommand({ Filters: [{ Key: 'colour' as 'name', Values: ['x'] }] }))),
    withPatch: 'ValidationException',
    without: 'ok',
  },
  {
    patch: 'list-order',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const stem = uniqueName('order');
      await create(secrets, { Name: `${stem}-z`, SecretString: 'x' });
      await new Promise((resolve) => setTimeout(resolve, 1_100)); // dates have whole seconds
      await create(secrets, { Name: `${stem}-a`, SecretString: 'x' });
      const list = new ListSecretsCommand({ SortOrder: 'asc', Filters: [{ Key: 'name', Values: [stem] }] });
      const { SecretList = [] } = await secrets.send(list);
      return SecretList.map(({ Name = '' }) => Name.at(-1)).join('');
    },
    withPatch: 'za',
    without: 'az',
  },
  {
    patch: 'list-place',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const stem = uniqueName('place');
      for (const letter of 'bcde') await create(secrets, { Name: `${stem}-${letter}`, SecretString: 'x' });
      let NextToken: string | undefined;
      const page = async () => {
        const more = NextToken === undefined ? {} : { NextToken };
        const list = { MaxResults: 2, Filters: [{ Key: 'name' as const, Values: [stem] }], ...more };
        const answer = await secrets.send(new ListSecretsCommand(list));
        NextToken = answer.NextToken;
        return (answer.SecretList ?? []).map(({ Name = '' }) => Name.at(-1)).join('');
      };
      const first = await page();
      await create(secrets, { Name: `${stem}-a`, SecretString: 'x' });
      return [first, await page()];
    },
    withPatch: ['bc', 'de'],
    without: ['bc', 'cd'],
  },
  {
    patch: 'list-fields',
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const Name = `rds!${uniqueName('cluster')}`;
      await create(secrets, { Name, SecretString: 'x', KmsKeyId: 'alias/mine' });
      const { SecretList = [] } = await secrets.send(
        new ListSecretsCommand({ Filters: [{ Key: 'name', Values: [Name] }] }),
      );
      const { OwningService } = await secrets.send(new DescribeSecretCommand({ SecretId: Name }));
      return [SecretList[0]?.OwningService, SecretList[0]?.KmsKeyId, OwningService];
    },
    withPatch: ['rds', 'alias/mine', 'rds'],
    without: [undefined, undefined, undefined],
  },
];

/** Behaviour that needs no patch and must stay, because the promotion depends on it. */
export const UNPATCHED: readonly Omit<Behaviour, 'patch' | 'without'>[] = [
  {
    observe: async (aws) => {
      const secrets = secretsOf(aws);
      const SecretId = await create(secrets);
      const { VersionId: read } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      const pending = new PutSecretValueCommand({ SecretId, SecretString: 'renewed', VersionStages: ['AWSPENDING'] });
      const { VersionId: staged } = await secrets.send(pending);
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: 'of someone else' }));
      const swap = { SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: staged, RemoveFromVersionId: read };
      return outcome(secrets.send(new UpdateSecretVersionStageCommand(swap)));
    },
    withPatch: 'InvalidParameterException',
  },
];
