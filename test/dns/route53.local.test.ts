/** A DNS server that answers from the local AWS's Route 53. */
import { Resolver } from 'node:dns/promises';
import { ChangeResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { textsOfZone } from '../../testkit/dns/route53.ts';
import { type DnsServer, startDnsServer } from '../../testkit/dns/server.ts';
import { acmeWorldOn } from '../../testkit/local-aws/acme-world.ts';
import { client } from '../../testkit/local-aws/client.ts';
import { describeWith } from '../support/local.ts';

describeWith(['emulator'], 'DNS by Route 53', ({ emulator }) => {
  let world: Awaited<ReturnType<typeof acmeWorldOn>>;
  let dns: DnsServer;
  const resolver = new Resolver({ tries: 1, timeout: 5_000 });
  beforeAll(async () => {
    world = await acmeWorldOn(emulator);
    dns = await startDnsServer(world.textsOf);
    resolver.setServers([dns.address]);
  });
  afterAll(() => Promise.all([dns?.close(), world?.remove()]));

  const texts = async (name: string) => (await resolver.resolveTxt(name)).map((parts) => parts.join('')).sort();

  test('a name has the values of its record, and no others', async () => {
    const name = `_acme-challenge.${world.domain}`;
    await world.put(name, 'one');
    await world.put(name, 'two');
    await world.put(`a.${name}`, 'of another name');
    expect(await texts(name)).toEqual(['one', 'two']);
    await expect(texts(`_acme-challenge.b.${world.domain}`)).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(texts('_acme-challenge.elsewhere.test')).rejects.toMatchObject({ code: 'ENODATA' });
    expect(await world.texts()).toEqual({ [name]: ['one', 'two'], [`a.${name}`]: ['of another name'] });
  });

  test('a value in several quoted strings, with escapes, is one text', async () => {
    const name = `escaped.${world.domain}`;
    const Value = String.raw`"v=1; a\"b\\c" "\101nd more"`;
    const record = { Name: name, Type: 'TXT' as const, TTL: 60, ResourceRecords: [{ Value }] };
    const ChangeBatch = { Changes: [{ Action: 'CREATE' as const, ResourceRecordSet: record }] };
    await client(Route53Client, emulator).send(
      new ChangeResourceRecordSetsCommand({ HostedZoneId: world.zoneId, ChangeBatch }),
    );
    expect(await texts(name)).toEqual([String.raw`v=1; a"b\cAnd more`]);
  });

  test('a delegated zone hides the records of its parent', async () => {
    const parent = `_acme-challenge.sub.${world.domain}`;
    await world.put(parent, 'in the parent');
    const child = await acmeWorldOn(emulator, { domain: `sub.${world.domain}` });
    await expect(texts(parent)).rejects.toMatchObject({ code: 'ENODATA' });
    await child.put(parent, 'in the child');
    expect(await texts(parent)).toEqual(['in the child']);
    expect((await textsOfZone(emulator, world.zoneId)).get(parent)).toEqual(['in the parent']);
    await child.remove();
    expect(await texts(parent)).toEqual(['in the parent']);
  });
});
