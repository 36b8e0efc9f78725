/** The TXT records of the local AWS's Route 53, for the DNS server. */
import {
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { client, type Endpoint } from '../local-aws/client.ts';
import type { TextsOf } from './server.ts';

/** Reads the zone with the longest name that ends the asked name, as resolvers do: a delegated zone hides its parent's records. */
export function textsOfRoute53(aws: Endpoint): TextsOf {
  const route53 = client(Route53Client, aws);
  return async (name) => {
    const { HostedZones = [] } = await route53.send(new ListHostedZonesCommand({}));
    const dotted = `${name}.`;
    const [zone] = HostedZones.filter(({ Name = '' }) => dotted === Name || dotted.endsWith(`.${Name}`)).sort(
      (one, other) => (other.Name?.length ?? 0) - (one.Name?.length ?? 0),
    );
    if (zone === undefined) return [];
    return (await textSets(aws, zone.Id ?? '', dotted)).flatMap(valuesOf);
  };
}

/** Returns all TXT records of a zone by name, in lower case and without the dot at the end. For tests that compare before and after. */
export async function textsOfZone(aws: Endpoint, zoneId: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const sets = await textSets(aws, zoneId);
  return new Map(sets.map((set) => [(set.Name ?? '').replace(/\.$/, '').toLowerCase(), valuesOf(set)]));
}

/** Returns the TXT record sets of a zone, or of one name in it (with a dot at its end). */
export async function textSets(aws: Endpoint, zoneId: string, name?: string): Promise<ResourceRecordSet[]> {
  const from = name === undefined ? {} : ({ StartRecordName: name, StartRecordType: 'TXT', MaxItems: 1 } as const);
  const command = new ListResourceRecordSetsCommand({ HostedZoneId: zoneId, ...from });
  const { ResourceRecordSets = [], IsTruncated } = await client(Route53Client, aws).send(command);
  if (name === undefined && IsTruncated) throw new Error(`zone ${zoneId} has more records than one page`);
  return ResourceRecordSets.filter(({ Type, Name }) => Type === 'TXT' && (name === undefined || Name === name));
}

/** Route 53 holds a value as quoted character strings: `"first part" "second part"`, with \" and \\ and octal codes. */
function valuesOf({ ResourceRecords = [] }: ResourceRecordSet): string[] {
  return ResourceRecords.map(({ Value = '' }) =>
    [...Value.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, text = '']) => unescaped(text)).join(''),
  );
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3}|.)/gs, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : code,
  );
}
