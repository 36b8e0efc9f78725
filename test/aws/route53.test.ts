import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Change,
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  InvalidChangeBatch,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  Route53Client,
} from '@aws-sdk/client-route-53';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { route53Zones } from '../../lambdas/aws/route53.ts';
import { normalName, textOf, txtRecord } from '../../lambdas/aws/txt-record-sets.ts';
import { type CallPolicy, noLimits } from '../../lambdas/domain/calls.ts';
import type { TxtValue } from '../../lambdas/domain/ports.ts';
import { FakeClock } from '../../testkit/fakes/clock.ts';

const aws = mockClient(Route53Client);
const zoneId = 'Z0123';
const name = '_acme-challenge.example.com';
const text: TxtValue = { name, value: 'value' };
const hundred = Array.from({ length: 100 }, (_, index) => ({
  name: `_acme-challenge.n${index}.example.com`,
  value: `value-${index}`,
}));

let clock: FakeClock;
const open = (policy: CallPolicy = noLimits) => route53Zones({ region: 'eu-central-1', clock })(policy);
const change = () => aws.on(ChangeResourceRecordSetsCommand);
const accepted = { ChangeInfo: { Id: '/change/C1', Status: 'PENDING', SubmittedAt: new Date(0) } } as const;
const refusal = (...names: string[]) =>
  new InvalidChangeBatch({
    message: `[${names.map((each) => `Tried to create resource record set [name='${each}.', type='TXT'] but it already exists`).join(', ')}]`,
    $metadata: { httpStatusCode: 400 },
  });
const named = (error: string, more: object = {}) =>
  Object.assign(new Error('x'), { name: error, $metadata: { httpStatusCode: 400 }, ...more });
const set = (values: readonly string[], more: Partial<ResourceRecordSet> = {}, of = name): ResourceRecordSet => ({
  ...{ Name: `${of}.`, Type: 'TXT', TTL: 60 },
  ResourceRecords: values.map((value) => ({ Value: `"${value}"` })),
  ...more,
});
const lists = (...ResourceRecordSets: ResourceRecordSet[]) =>
  aws.on(ListResourceRecordSetsCommand).resolves({ ResourceRecordSets, IsTruncated: false, MaxItems: 100 });
const batches = (): Change[][] =>
  aws.commandCalls(ChangeResourceRecordSetsCommand).map(({ args }) => args[0].input.ChangeBatch?.Changes ?? []);
const create = (ResourceRecordSet: ResourceRecordSet): Change => ({ Action: 'CREATE', ResourceRecordSet });
const remove = (ResourceRecordSet: ResourceRecordSet): Change => ({ Action: 'DELETE', ResourceRecordSet });

beforeEach(() => {
  aws.reset();
  clock = new FakeClock();
  change().resolves(accepted);
});

describe('requests', () => {
  test('a hundred fresh names are added by one, and removed by one', async () => {
    expect(await open().add(zoneId, hundred)).toBe('C1');
    await open().remove(zoneId, hundred);
    const sets = hundred.map((each) => set([each.value], {}, each.name));
    expect(batches()).toEqual([sets.map(create), sets.map(remove)]);
    expect(aws.calls()).toHaveLength(2);
  });

  test('values of one name are in one record set, whatever the notation of the name', async () => {
    await open().add(zoneId, [text, { name: '_ACME-challenge.example.com.', value: 'wildcard' }, text]);
    expect(batches()).toEqual([[create(set(['value', 'wildcard']))]]);
  });

  test('no texts need none', async () => {
    expect(await open().add(zoneId, [])).toBeUndefined();
    await open().remove(zoneId, []);
    expect(aws.calls()).toHaveLength(0);
  });

  test('a record set of others is looked up and replaced by a compare-and-swap', async () => {
    change().rejectsOnce(refusal(name)).resolves(accepted);
    lists(set(['other'], { TTL: 300 }));
    const fresh = { name: '_acme-challenge.www.example.com', value: 'www' };
    expect(await open().add(zoneId, [text, fresh])).toBe('C1');
    const own = create(set(['www'], {}, fresh.name));
    const replaced = [remove(set(['other'], { TTL: 300 })), create(set(['other', 'value'], { TTL: 300 }))];
    expect(batches()).toEqual([
      [create(set(['value'])), own],
      [...replaced, own],
    ]);
    expect(aws.calls()).toHaveLength(3);
  });

  test('a removal leaves the values of others', async () => {
    change().rejectsOnce(refusal(name)).resolves(accepted);
    lists(set(['other', 'value'], { TTL: 300 }));
    await open().remove(zoneId, [text]);
    expect(batches()[1]).toEqual([remove(set(['other', 'value'], { TTL: 300 })), create(set(['other'], { TTL: 300 }))]);
  });

  test.each<[string, ResourceRecordSet[]]>([
    ['the values', [set(['other'])]],
    ['the record set', []],
    ['a TXT record', [set(['x'], { Type: 'CNAME' })]],
  ])('nothing is removed where %s are not there', async (_, found) => {
    change().rejectsOnce(refusal(name));
    lists(...found);
    await open().remove(zoneId, [text]);
    expect(batches()).toHaveLength(1);
  });

  test('values that are there get a change of their own, which tells when they are in sync', async () => {
    change().rejectsOnce(refusal(name)).resolves(accepted);
    lists(set(['value', 'other'], { TTL: 300 }));
    expect(await open().add(zoneId, [text])).toBe('C1');
    const there = set(['value', 'other'], { TTL: 300 });
    expect(batches()[1]).toEqual([remove(there), create(there)]);
  });

  test('a page answers for all names on it', async () => {
    change()
      .rejectsOnce(refusal(...hundred.map((each) => each.name)))
      .resolves(accepted);
    lists(...hundred.map((each) => set(['other'], {}, each.name)));
    await open().add(zoneId, hundred);
    expect(batches()[1]).toHaveLength(200);
    expect(aws.calls()).toHaveLength(3);
  });

  test('many values are split, and in sync when all changes are', async () => {
    const many = Array.from({ length: 600 }, (_, index) => ({ name: `n${index}.example.com`, value: 'v' }));
    change()
      .resolvesOnce(accepted)
      .resolvesOnce({ ChangeInfo: { ...accepted.ChangeInfo, Id: '/change/C2' } })
      .resolves(accepted);
    const id = (await open().add(zoneId, many)) ?? '';
    expect(batches().map(({ length }) => length)).toEqual([250, 250, 100]);
    const status = (Status: 'PENDING' | 'INSYNC') => ({ ChangeInfo: { ...accepted.ChangeInfo, Status } });
    const get = aws.on(GetChangeCommand).resolves(status('INSYNC'));
    expect(await open().isInSync(id)).toBe(true);
    expect(aws.commandCalls(GetChangeCommand).map(({ args }) => args[0].input.Id)).toEqual(['C1', 'C2', 'C1']);
    get.resolvesOnce(status('INSYNC')).resolves(status('PENDING'));
    expect(await open().isInSync(id)).toBe(false);
  });
});

describe('refusals', () => {
  test('a lost race is tried again, five times', async () => {
    change().rejects(refusal(name));
    let count = 0;
    aws.on(ListResourceRecordSetsCommand).callsFake(() => ({ ResourceRecordSets: [set([`other ${++count}`])] }));
    await expect(open().add(zoneId, [text])).rejects.toMatchObject({ code: 'Throttled', busy: true });
    expect(batches()).toHaveLength(5);
  });

  test('the same change refused twice is not allowed at all, and the error has the reason', async () => {
    const message = '[RRSet of type TXT with DNS name x conflicts with a CNAME]';
    change().rejects(new InvalidChangeBatch({ message, $metadata: {} }));
    lists(set(['a.example'], { Type: 'CNAME' }));
    const error = open().add(zoneId, [text]);
    await expect(error).rejects.toMatchObject({ code: 'InvalidRequest', retryable: false });
    await expect(error).rejects.toThrow('conflicts with a CNAME');
    expect(batches()).toHaveLength(2);
  });

  test.each<[string, Partial<ResourceRecordSet>]>([
    ['a weighted record', { SetIdentifier: 'blue', Weight: 1 }],
    ['an alias', { AliasTarget: { HostedZoneId: zoneId, DNSName: 'x', EvaluateTargetHealth: false } }],
  ])('%s takes no values', async (_, more) => {
    change().rejects(refusal(name));
    lists(set(['other'], more));
    await expect(open().add(zoneId, [text])).rejects.toMatchObject({ code: 'InvalidRequest' });
    expect(batches()).toHaveLength(1);
  });

  test('a refusal in the form that the SDK does not read is one', async () => {
    aws.restore();
    const answers: [number, string][] = [
      [400, '<InvalidChangeBatch><Messages><Message>it already exists</Message></Messages></InvalidChangeBatch>'],
      [200, '<ListResourceRecordSetsResponse><ResourceRecordSets/></ListResourceRecordSetsResponse>'],
      [200, '<R><ChangeInfo><Id>/change/C7</Id><Status>PENDING</Status></ChangeInfo></R>'],
    ];
    const server = createServer((request, response) => {
      const [status, body] = answers.shift() ?? [500, ''];
      request.resume().on('end', () => response.writeHead(status, { 'content-type': 'text/xml' }).end(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
    const zones = route53Zones({ endpoint, region: 'us-east-1', credentials, clock })(noLimits);
    expect(await zones.add(zoneId, [text]).finally(() => server.close())).toBe('C7');
    server.closeAllConnections();
  });
});

describe('pace', () => {
  test('a process makes four requests a second', async () => {
    aws.on(GetChangeCommand).resolves({ ChangeInfo: { ...accepted.ChangeInfo, Status: 'INSYNC' } });
    const started = clock.now();
    const zones = open();
    for (let count = 0; count < 9; count++) await zones.isInSync('C1');
    expect(clock.now() - started).toBe(2_000);
    clock.advance(10_000);
    await zones.isInSync('C1');
    expect(clock.sleeps).toHaveLength(8);
  });

  test('changes of one zone are made one after another, those of two zones at once', async () => {
    let running = 0;
    let most = 0;
    change().callsFake(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      return accepted;
    });
    const zones = open();
    await Promise.all([zones.add(zoneId, [text]), zones.remove(zoneId, [text]), zones.add(zoneId, [text])]);
    expect(most).toBe(1);
    await Promise.all([zones.add('Z1', [text]), zones.add('Z2', [text])]);
    expect(most).toBe(2);
  });

  test('a failure does not stop the next change of the zone', async () => {
    change().rejectsOnce(named('AccessDenied')).resolves(accepted);
    const zones = open();
    const [first, second] = await Promise.allSettled([zones.add(zoneId, [text]), zones.add(zoneId, [text])]);
    expect([first.status, second]).toEqual(['rejected', { status: 'fulfilled', value: 'C1' }]);
  });

  test('nothing is changed after the time is over', async () => {
    const over = new AbortController();
    const never = new AbortController().signal;
    let release = () => {};
    change().callsFake(() => new Promise((resolve) => (release = () => resolve(accepted))));
    const zones = open({ limits: { begin: never, work: over.signal, answer: never } });
    const both = Promise.allSettled([zones.add(zoneId, [text]), zones.remove(zoneId, [text])]);
    await expect.poll(() => batches().length).toBe(1);
    over.abort();
    release();
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(batches()).toHaveLength(1);
  });
});

describe('errors', () => {
  test.each([
    ['Throttling', 'Throttled', true],
    ['ThrottlingException', 'Throttled', true],
    ['PriorRequestNotComplete', 'Throttled', true],
    ['AccessDenied', 'AccessDenied', false],
    ['NoSuchHostedZone', 'InvalidRequest', false],
    ['InvalidDomainName', 'InvalidRequest', false],
    ['InvalidInput', 'InvalidRequest', false],
  ])('%s is %s, with the zone and the action, and is not repeated', async (error, code, busy) => {
    change().rejects(named(error));
    const failed = open().add(zoneId, [text]);
    await expect(failed).rejects.toMatchObject({ code, busy });
    await expect(failed).rejects.toThrow(/ChangeResourceRecordSets.*Z0123/);
    expect(batches()).toHaveLength(1);
  });

  test('a request is repeated once after a failure of the network, at the pace', async () => {
    change()
      .rejectsOnce(named('Error', { code: 'ECONNRESET', $metadata: undefined }))
      .resolves(accepted);
    expect(await open().add(zoneId, [text])).toBe('C1');
    expect(clock.sleeps).toEqual([250]);
    change().rejects(named('InternalError'));
    await expect(open().add(zoneId, [text])).rejects.toMatchObject({ code: 'Throttled', busy: false });
    expect(batches()).toHaveLength(4);
  });

  test('an unknown change is an error', async () => {
    aws.on(GetChangeCommand).rejects(named('NoSuchChange'));
    await expect(open().isInSync('C9')).rejects.toThrow('C9');
  });
});

describe('the format of Route 53', () => {
  test.each([
    ['abc', '"abc"'],
    ['', '""'],
    ['a "b" \\', String.raw`"a\040\042b\042\040\134"`],
    ['ü', String.raw`"\303\274"`],
    ['x'.repeat(256), `"${'x'.repeat(255)}" "x"`],
  ])('%j', (plain, record) => {
    expect(txtRecord(plain)).toBe(record);
    expect(textOf(record)).toBe(plain);
  });

  test.each([
    [String.raw`"a \"b\" \\"`, 'a "b" \\'],
    ['"one" "two"', 'onetwo'],
    ['bare', 'bare'],
  ])('%s has the text %j', (record, plain) => expect(textOf(record)).toBe(plain));

  test('every text is read as it was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (plain) => textOf(txtRecord(plain)) === plain),
    );
  });

  test.each([
    ['Example.COM', 'example.com.'],
    ['*.example.com.', String.raw`\052.example.com.`],
    [String.raw`\052.example.com`, String.raw`\052.example.com.`],
  ])('%s is listed as %s', (given, listed) => expect(normalName(given)).toBe(listed));
});
