/** The stack with an ACME CA, and what a reader finds in its secrets and its zone. */
import { readFile } from 'node:fs/promises';
import { EventBridgeClient, ListEventBusesCommand } from '@aws-sdk/client-eventbridge';
import { ChangeResourceRecordSetsCommand, type ResourceRecordSet, Route53Client } from '@aws-sdk/client-route-53';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { RenewalResult } from '../../../lambdas/domain/result.ts';
import { textsOfZone } from '../../../testkit/dns/route53.ts';
import { type Credentials, client, invoke, waitFor } from '../../../testkit/local-aws/client.ts';
import { collectEvents, type EventCollector } from '../../../testkit/local-aws/events.ts';
import { callsFromNow } from '../../../testkit/local-aws/every-call.ts';
import { install } from '../../../testkit/local-aws/install.ts';
import type { Assembly } from '../../../testkit/local-aws/stack.ts';
import type { AcmeStack } from '../../support/acme-stack.ts';
import { pairIn } from '../declared/world.ts';
import { refusals } from '../judges.ts';

export type AcmeStackWorld = ReturnType<typeof acmeStackWorld>;

export function acmeStackWorld(stack: AcmeStack & { readonly assembly: Assembly }) {
  const { emulator, zoneId } = stack;
  const secrets = client(SecretsManagerClient, emulator);
  const ssm = client(SSMClient, emulator);
  let outputs: Readonly<Record<string, string>> = {};
  let bus: EventCollector | undefined;

  const output = (name: string): string => outputs[name] ?? '';

  /** The certificates are issued before a deployment returns, so their events are collected as soon as the bus is there. */
  async function collect(): Promise<void> {
    const name = await waitFor('the bus of the stack', async () => {
      const { EventBuses = [] } = await client(EventBridgeClient, emulator).send(new ListEventBusesCommand({}));
      return EventBuses.find(({ Name }) => Name !== 'default')?.Name;
    });
    bus = await collectEvents(emulator, name);
  }
  async function deployStack(): Promise<void> {
    [outputs] = await Promise.all([install(emulator, stack.assembly), collect()]);
  }

  const found = async (name: string) => {
    const [described, { SecretString = '' }] = await Promise.all([
      secrets.send(new DescribeSecretCommand({ SecretId: name })),
      secrets.send(new GetSecretValueCommand({ SecretId: name })),
    ]);
    return {
      arn: described.ARN ?? '',
      tags: Object.fromEntries((described.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
      /** The labels of each version that has some. */
      labels: described.VersionIdsToStages ?? {},
      pair: await pairIn(SecretString, ''),
    };
  };

  /** Sends a change of one record set, by default as root. */
  const changeRecord = (Action: 'CREATE' | 'UPSERT' | 'DELETE', set: ResourceRecordSet, who?: Credentials) =>
    client(Route53Client, emulator, who).send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: zoneId,
        ChangeBatch: { Changes: [{ Action, ResourceRecordSet: set }] },
      }),
    );

  /** Changes the declaration outside of a deployment. The schedule notices this by the tag. */
  async function redeclare(name: string, dnsNames: readonly string[]): Promise<void> {
    const Name = `/cert-renewer/CertRenewer/certificates/${name}`;
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
    const Value = JSON.stringify({ ...JSON.parse(Parameter?.Value ?? '{}'), dnsNames });
    await ssm.send(new PutParameterCommand({ Name, Value, Overwrite: true }));
    const Tags = [{ Key: 'cert-renewer:declared', Value: 'altered' }];
    await secrets.send(new TagResourceCommand({ SecretId: name, Tags }));
  }

  return {
    ...{ stack, emulator, output, deployStack, found, changeRecord, redeclare },
    renew: (request: object) => invoke<RenewalResult>(emulator, output('RenewFunctionName'), request),
    scan: (request: object) => invoke<Record<string, unknown>>(emulator, output('ScanFunctionName'), request),
    texts: async () => Object.fromEntries(await textsOfZone(emulator, zoneId)),
    /** Records all calls to the local AWS from now on. */
    calls: () => callsFromNow(emulator),
    bus: (): EventCollector => {
      if (bus === undefined) throw new Error('nothing is deployed yet');
      return bus;
    },
    /** Returns what openssl does not accept. */
    refused: async (name: string) => {
      const { certificate, chain } = (await found(name)).pair;
      return refusals([certificate], { root: stack.rootPem, chain });
    },
    /** Counts accounts and orders by Pebble's log. */
    served: async () => {
      const log = await readFile(stack.logFile, 'utf8');
      const lines = (pattern: RegExp) => log.match(pattern)?.length ?? 0;
      return { accounts: lines(/There are now \d+ accounts in memory/g), orders: lines(/Added order "/g) };
    },
  };
}
