import {
  ACMClient,
  CreateAcmeExternalAccountBindingCommand,
  GetAcmeExternalAccountBindingCredentialsCommand,
} from '@aws-sdk/client-acm';
import {
  type Change,
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
  type RRType,
} from '@aws-sdk/client-route-53';
import { type Credentials, client, type Endpoint, ROOT, uniqueName } from '../../testkit/local-aws/client.ts';
import { type Behaviour, outcome } from './behaviour.ts';
import { userWith } from './iam.ts';

interface Zone {
  readonly id: string;
  readonly domain: string;
}

/** Makes a hosted zone of its own. */
export async function hostedZone(aws: Endpoint): Promise<Zone> {
  const domain = `${uniqueName('zone')}.example`;
  const create = new CreateHostedZoneCommand({ Name: domain, CallerReference: domain });
  const { HostedZone } = await client(Route53Client, aws).send(create);
  return { id: HostedZone?.Id?.replace('/hostedzone/', '') ?? '', domain };
}

const record = (Name: string, value: string, Type: RRType = 'TXT', Action: Change['Action'] = 'CREATE'): Change => ({
  Action,
  ResourceRecordSet: { Name, Type, TTL: 60, ResourceRecords: [{ Value: value }] },
});

/** Returns 'ok' or the reasons without the names. */
async function changed(
  aws: Endpoint,
  { id, domain }: Zone,
  Changes: Change[],
  who: Credentials = ROOT,
): Promise<string> {
  const call = new ChangeResourceRecordSetsCommand({ HostedZoneId: id, ChangeBatch: { Changes } });
  try {
    await client(Route53Client, aws, who).send(call);
    return 'ok';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.name === 'InvalidChangeBatch' ? error.message.replaceAll(domain, '<zone>') : error.name;
  }
}

const allOf = (key: string, ...values: string[]) => ({ [`route53:ChangeResourceRecordSets${key}`]: values });
const DENIED = 'AccessDenied';

export const DNS: readonly Behaviour[] = [
  {
    patch: 'dns-all-reasons',
    observe: async (aws) => {
      const zone = await hostedZone(aws);
      const both = [record(`a.${zone.domain}`, '"1"'), record(`b.${zone.domain}`, '"1"')];
      return [await changed(aws, zone, both), await changed(aws, zone, both)];
    },
    withPatch: [
      'ok',
      "[Tried to create resource record set [name='a.<zone>.', type='TXT'] but it already exists, Tried to create resource record set [name='b.<zone>.', type='TXT'] but it already exists]",
    ],
    without: ['ok', 'Tried to create resource record set a.<zone>. type TXT but it already exists.'],
  },
  {
    patch: 'dns-names',
    observe: async (aws) => {
      const zone = await hostedZone(aws);
      const seen = [
        await changed(aws, zone, [record('a.elsewhere.example', '"1"')]),
        await changed(aws, zone, [record(`C.${zone.domain}`, 'a.example', 'CNAME')]),
        await changed(aws, zone, [record(`c.${zone.domain}`, '"1"')]),
        await changed(aws, zone, [record(`*.${zone.domain}`, '"1"')]),
      ];
      const list = new ListResourceRecordSetsCommand({ HostedZoneId: zone.id });
      const { ResourceRecordSets = [] } = await client(Route53Client, aws).send(list);
      const names = ResourceRecordSets.filter(({ Type }) => Type === 'TXT' || Type === 'CNAME').map(({ Name }) => Name);
      return [...seen, ...names.map((name) => name?.replace(zone.domain, '<zone>')).sort()];
    },
    withPatch: [
      '[RRSet with DNS name a.elsewhere.example. is not permitted in zone <zone>.]',
      'ok',
      '[RRSet of type TXT with DNS name c.<zone>. is not permitted as it conflicts with other records with the same DNS name in zone <zone>.]',
      'ok',
      '\\052.<zone>.',
      'c.<zone>.',
    ],
    without: ['ok', 'ok', 'ok', 'ok', '*.<zone>.', 'C.<zone>.', 'a.elsewhere.example.', 'c.<zone>.'],
  },
  {
    patch: 'dns-text-format',
    observe: async (aws) => {
      const zone = await hostedZone(aws);
      const texts = ['text', `"${'x'.repeat(255)}" "\\042\\""`, `"${'x'.repeat(256)}"`, '"a"b"'];
      const seen: boolean[] = [];
      for (const [index, text] of texts.entries()) {
        seen.push((await changed(aws, zone, [record(`t${index}.${zone.domain}`, text)])) === 'ok');
      }
      return seen;
    },
    withPatch: [false, true, false, false],
    without: [true, true, true, true],
  },
  {
    patch: 'dns-batch-limits',
    observe: async (aws) => {
      const zone = await hostedZone(aws);
      const many = (count: number, text: string, action: Change['Action'] = 'CREATE') =>
        Array.from({ length: count }, (_, index) => record(`${action}${index}.${zone.domain}`, text, 'TXT', action));
      return [
        await changed(aws, zone, many(1_000, '"x"')),
        await changed(aws, zone, many(501, '"x"', 'UPSERT')),
        await changed(aws, zone, many(140, `"${'x'.repeat(250)}"`, 'UPSERT')),
      ];
    },
    withPatch: ['ok', '[Number of records limit of 1000 exceeded.]', '[Number of characters limit of 32000 exceeded.]'],
    without: ['ok', 'ok', 'ok'],
  },
  {
    patch: 'dns-request-rate',
    observe: async (aws) => {
      const { id: HostedZoneId } = await hostedZone(aws);
      const who = await userWith(aws, { Effect: 'Allow', Action: 'route53:*', Resource: '*' });
      const { accessKeyId, secretAccessKey } = who;
      const credentials = { accessKeyId, secretAccessKey };
      const hasty = new Route53Client({ endpoint: aws.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
      const list = () => outcome(hasty.send(new ListResourceRecordSetsCommand({ HostedZoneId })));
      const seen = await Promise.all(Array.from({ length: 8 }, list));
      return { ok: seen.filter((each) => each === 'ok').length, last: seen.toSorted()[0] };
    },
    withPatch: { ok: 5, last: 'Throttling' },
    without: { ok: 8, last: 'ok' },
  },
  {
    patch: 'dns-record-conditions',
    observe: async (aws) => {
      const zone = await hostedZone(aws);
      const who = await userWith(aws, {
        Effect: 'Allow',
        Action: 'route53:ChangeResourceRecordSets',
        Resource: `arn:aws:route53:::hostedzone/${zone.id}`,
        Condition: {
          'ForAllValues:StringLike': allOf('NormalizedRecordNames', `_acme-challenge.*.${zone.domain}`),
          'ForAllValues:StringEquals': { ...allOf('RecordTypes', 'TXT'), ...allOf('Actions', 'CREATE', 'DELETE') },
        },
      });
      const named = (name: string, type?: RRType, action?: Change['Action']) =>
        record(`${name}.${zone.domain}`, type === 'A' ? '192.0.2.1' : '"1"', type, action);
      await new Promise((resolve) => setTimeout(resolve, 1_000)); // the rate of the row before
      return [
        await changed(aws, zone, [named('_ACME-challenge.a')], who),
        await changed(aws, zone, [named('www')], who),
        await changed(aws, zone, [named('_acme-challenge.b'), named('mail')], who),
        await changed(aws, zone, [named('_acme-challenge.a', 'A')], who),
        await changed(aws, zone, [named('_acme-challenge.a', 'TXT', 'UPSERT')], who),
      ];
    },
    withPatch: ['ok', DENIED, DENIED, DENIED, DENIED],
    without: ['ok', 'ok', 'ok', 'ok', 'ok'],
  },
  {
    patch: 'dns-change-resource',
    observe: async (aws) => {
      const zone = await hostedZone(aws);
      const Changes = [record(`a.${zone.domain}`, '"1"')];
      const change = new ChangeResourceRecordSetsCommand({ HostedZoneId: zone.id, ChangeBatch: { Changes } });
      const Id = (await client(Route53Client, aws).send(change)).ChangeInfo?.Id;
      const Resource = 'arn:aws:route53:::change/*';
      const who = await userWith(aws, { Effect: 'Allow', Action: 'route53:GetChange', Resource });
      return outcome(client(Route53Client, aws, who).send(new GetChangeCommand({ Id })));
    },
    withPatch: 'ok',
    without: DENIED,
  },
  {
    patch: 'acm-account-binding',
    observe: async (aws) => {
      const AcmeEndpointArn = `arn:aws:acm:us-east-1:000000000000:acme-endpoint/${uniqueName('endpoint')}`;
      const RoleArn = 'arn:aws:iam::000000000000:role/acme';
      const create = async () => {
        const call = new CreateAcmeExternalAccountBindingCommand({ AcmeEndpointArn, RoleArn });
        return (await client(ACMClient, aws).send(call)).ExternalAccountBinding?.AcmeExternalAccountBindingArn ?? '';
      };
      const [mine, other] = await Promise.all([create(), create()]).catch(() => ['x', 'x'] as const);
      const Action = 'acm:GetAcmeExternalAccountBindingCredentials';
      const who = await userWith(aws, { Effect: 'Allow', Action, Resource: mine });
      const credentials = (AcmeExternalAccountBindingArn: string) =>
        outcome(
          client(ACMClient, aws, who).send(
            new GetAcmeExternalAccountBindingCredentialsCommand({ AcmeExternalAccountBindingArn }),
          ),
        );
      return [await credentials(mine), await credentials(other)];
    },
    withPatch: ['ok', 'AccessDeniedException'],
    without: ['AccessDeniedException', 'AccessDeniedException'],
  },
];
