/** A hosted zone and an account key in the local AWS, for ACME servers (testkit/cas/acme-scene.ts). */
import { CreateKeyCommand, KMSClient, type KeySpec as KmsKeySpec } from '@aws-sdk/client-kms';
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  DeleteHostedZoneCommand,
  type ResourceRecordSet,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { kmsKeyVault } from '../../lambdas/aws/kms.ts';
import { route53Zones } from '../../lambdas/aws/route53.ts';
import { noLimits } from '../../lambdas/domain/calls.ts';
import { formatKeySpec } from '../../lambdas/domain/key-spec.ts';
import type { AcmeWorld, AcmeWorldOptions } from '../cas/acme-scene.ts';
import { textSets, textsOfRoute53, textsOfZone } from '../dns/route53.ts';
import { emulatorOptions, systemClock } from './adapter-options.ts';
import { client, type Endpoint, uniqueName } from './client.ts';

/** KMS's names of the kinds of keys that sign for ACME accounts. */
const kmsNames: Readonly<Record<string, KmsKeySpec>> = {
  'EC P-256': 'ECC_NIST_P256',
  'EC P-384': 'ECC_NIST_P384',
  'RSA 2048': 'RSA_2048',
};

/** Makes the zone and the key. Its adapters are the product's own. Default domain: a new one under example.com. */
export async function acmeWorldOn(
  aws: Endpoint,
  { domain = `${uniqueName('zone')}.example.com`, accountKey = { kty: 'EC', curve: 'P-256' } }: AcmeWorldOptions = {},
): Promise<AcmeWorld & { remove(): Promise<void> }> {
  const route53 = client(Route53Client, aws);
  const { HostedZone } = await route53.send(
    new CreateHostedZoneCommand({ Name: domain, CallerReference: uniqueName('zone') }),
  );
  const zoneId = (HostedZone?.Id ?? '').replace('/hostedzone/', '');
  const { KeyMetadata } = await client(KMSClient, aws).send(
    new CreateKeyCommand({ KeySpec: kmsNames[formatKeySpec(accountKey)], KeyUsage: 'SIGN_VERIFY' }),
  );
  const texts = async () => Object.fromEntries(await textsOfZone(aws, zoneId));
  const change = (Action: 'UPSERT' | 'DELETE', ResourceRecordSet: ResourceRecordSet) => {
    const ChangeBatch = { Changes: [{ Action, ResourceRecordSet }] };
    return route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zoneId, ChangeBatch }));
  };
  return {
    domain,
    zoneId,
    accountKeyArn: KeyMetadata?.Arn ?? '',
    tools: {
      zones: route53Zones({ ...emulatorOptions(aws), clock: systemClock })(noLimits),
      vault: kmsKeyVault({ ...emulatorOptions(aws), clock: systemClock })(noLimits),
    },
    textsOf: textsOfRoute53(aws),
    texts,
    put: async (name, ...values) => {
      const all = [...((await texts())[name] ?? []), ...values];
      const records = all.map((value) => ({ Value: `"${value}"` }));
      await change('UPSERT', { Name: name, Type: 'TXT', TTL: 60, ResourceRecords: records });
    },
    remove: async () => {
      for (const set of await textSets(aws, zoneId)) await change('DELETE', set);
      await route53.send(new DeleteHostedZoneCommand({ Id: zoneId }));
    },
  };
}
