import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { route53Zones } from '../../lambdas/aws/route53.ts';
import { textOf, txtRecord } from '../../lambdas/aws/txt-record-sets.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { emulatorOptions, systemClock } from '../../testkit/local-aws/adapter-options.ts';
import { client, type Endpoint, uniqueName } from '../../testkit/local-aws/client.ts';
import { describeWith } from '../support/local.ts';
import { txtZoneSuite, type ZoneWorld } from './txt-zones.ts';

describeWith(['emulator'], 'Route 53', ({ emulator }) => {
  txtZoneSuite('Route 53 on the emulator', () => openWorld(emulator));
});

/** Time without the pauses between requests: the emulator takes more from root. */
const clock = { ...systemClock, sleep: async () => {} };

async function openWorld(emulator: Endpoint): Promise<ZoneWorld> {
  const route53 = client(Route53Client, emulator);
  const domain = `${uniqueName('conformance')}.example`;
  const { HostedZone } = await route53.send(new CreateHostedZoneCommand({ Name: domain, CallerReference: domain }));
  const HostedZoneId = HostedZone?.Id?.replace('/hostedzone/', '') ?? '';
  const open = () => route53Zones({ ...emulatorOptions(emulator), clock })(noLimits);
  return {
    ...{ zoneId: HostedZoneId, domain, zones: open(), elsewhere: open() },
    async put(Name, { keptFor, values }) {
      const ResourceRecords = values.map((value) => ({ Value: txtRecord(value) }));
      const ResourceRecordSet = { Name, Type: 'TXT', TTL: keptFor, ResourceRecords } as const;
      const ChangeBatch = { Changes: [{ Action: 'CREATE', ResourceRecordSet } as const] };
      await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch }));
    },
    async read(name) {
      const from = { HostedZoneId, StartRecordName: name, StartRecordType: 'TXT', MaxItems: 1 } as const;
      const { ResourceRecordSets: [set] = [] } = await route53.send(new ListResourceRecordSetsCommand(from));
      if (set?.Name !== `${name}.` || set.Type !== 'TXT') return undefined;
      const values = (set.ResourceRecords ?? []).map(({ Value = '' }) => textOf(Value));
      return { keptFor: set.TTL ?? 0, values: values.sort() };
    },
    settle: async () => {}, // the emulator's second answer is INSYNC
    close: async () => {},
  };
}
