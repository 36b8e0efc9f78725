/**
 * Certificates of an ACME CA: `cdk deploy` makes them, with Pebble and the records of a hosted zone. The stack runs on a local AWS of its
 * own with IAM on. Pebble refuses one good nonce of twenty. The tests run in the order of this file.
 */
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import { GetQueueAttributesCommand, type QueueAttributeName, SQSClient } from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { client, type Invocation, waitFor } from '../../testkit/local-aws/client.ts';
import type { AnsweredCall } from '../../testkit/local-aws/every-call.ts';
import { bootstrap } from '../../testkit/local-aws/stack.ts';
import { blockedName, RSA, WILDCARD, wildcardName } from '../support/acme-stack.ts';
import { checkAnswer } from '../support/answer.ts';
import { outcome } from '../support/calls.ts';
import { describeFound, describeWith } from '../support/local.ts';
import { actAs } from '../support/roles.ts';
import { type AcmeStackWorld, acmeStackWorld } from './acme/world.ts';
import { publicHalfOf, publicKeyOf } from './judges.ts';

describeWith(['stack'], 'a profile of type acme', ({ stack }) => {
  const { acme } = stack;
  describeFound([acme], 'with Pebble', () => {
    if (acme.found) suite(acmeStackWorld(acme));
  });
});

function suite(world: AcmeStackWorld): void {
  const { stack, emulator, found, bus } = world;
  const { domain } = stack;
  const web = wildcardName(domain);
  const theirs = { Name: `_acme-challenge.${web}`, Type: 'TXT', TTL: 60 } as const;
  const certificates = [WILDCARD, RSA] as const;
  let before: Awaited<ReturnType<typeof world.texts>>;
  let calls: () => Promise<AnsweredCall[]>;

  beforeAll(async () => {
    await bootstrap(emulator);
    await world.changeRecord('CREATE', { ...theirs, ResourceRecords: [{ Value: '"of somebody else"' }] });
    before = await world.texts();
    calls = await world.calls();
    await world.deployStack();
  });

  /** Checks certificate, key, tags and labels of a secret whose order has ended. */
  async function expectIssued(name: string): Promise<X509Certificate> {
    // Pebble certifies for serverAuth only.
    expect(await world.refused(name)).toEqual([expect.stringMatching(/^sslclient: /)]);
    // A worker that was overtaken may write its tag last. Its own message takes it away some seconds later.
    const settled = async () => {
      const seen = await found(name);
      return 'cert-renewer:order' in seen.tags ? undefined : seen;
    };
    const { pair, tags, labels } = await waitFor('the tag of the wait to be gone', settled, { within: 20_000 });
    expect(await publicHalfOf(pair.privateKey ?? '')).toBe(await publicKeyOf(pair.certificate));
    expect(tags['cert-renewer:issued']).toBe(tags['cert-renewer:declared']);
    expect(tags).not.toHaveProperty('cert-renewer:failure');
    const current = tags['cert-renewer:version-id'] ?? '';
    expect(labels[current]).toContain('AWSCURRENT');
    const others = Object.entries(labels).filter(([id]) => id !== current);
    expect(others.flatMap(([, some]) => some)).toEqual(['AWSPREVIOUS']);
    expect(labels[current]).not.toContain('cert-renewer-order');
    return new X509Certificate(pair.certificate);
  }

  describe('a deployment', () => {
    it.each(certificates)(
      'ends when %s is issued: openssl verifies it, and nothing is left of its order',
      async (name) => {
        const { publicKey } = await expectIssued(name);
        expect(publicKey.asymmetricKeyDetails).toMatchObject(
          name === RSA ? { modulusLength: 2048 } : { namedCurve: 'prime256v1' },
        );
      },
    );

    it('issues for a name and its wildcard, which are proved by one record', async () => {
      const { subjectAltName = '' } = await expectIssued(WILDCARD);
      expect(subjectAltName.split(', ').sort()).toEqual([`DNS:*.${web}`, `DNS:${web}`]);
    });

    it('has one account, bound by ACM, and one order for each certificate', async () => {
      expect(await world.served()).toEqual({ accounts: 1, orders: 2 });
    });

    it('adds values to a record of somebody else, and leaves the zone as it was', async () => {
      expect(await world.texts()).toEqual(before);
      const made = (await calls()).filter(({ service, role }) => service.startsWith('route53') && role !== '');
      expect(new Set(made.map(({ action }) => action))).toEqual(
        new Set(['ListResourceRecordSets', 'ChangeResourceRecordSets', 'GetChange']),
      );
    });

    it('announces each once, and no failure', async () => {
      const about = async (name: string) => {
        const { arn } = await found(name);
        await bus().next(`the event about ${name}`, ({ resources }) => resources.includes(arn));
        const events = (await bus().events()).filter(({ resources }) => resources.includes(arn));
        return events.map((event) => ({ type: event['detail-type'], operation: event.detail['operation'] }));
      };
      for (const name of certificates)
        expect(await about(name)).toEqual([{ type: 'Certificate Renewed', operation: 'issue' }]);
    });
  });

  describe('on demand', () => {
    let was: Awaited<ReturnType<typeof found>>;
    let [first, second]: Invocation<unknown>[] = [];
    let counts: Readonly<Record<string, unknown>>;

    beforeAll(async () => {
      was = await found(WILDCARD);
      first = await world.renew({ secretId: WILDCARD, force: true });
      // While the CA is at work: a forced scan, which leaves it waiting, and one question more.
      await world.scan({ secretIds: [WILDCARD], force: true });
      counts = (await world.scan({ secretIds: [WILDCARD], dryRun: true })).payload;
      second = await world.renew({ secretId: WILDCARD, force: true });
    });

    it('answers pending, which is in its schema', () => {
      for (const answer of [first, second]) {
        expect(answer?.error).toBeUndefined();
        expect(answer?.payload).toMatchObject({ outcome: 'pending', reason: { code: 'WaitingForCa' } });
        checkAnswer(answer?.payload);
      }
    });

    it('is counted as waiting by a scan', () => {
      expect(counts).toMatchObject({ listed: 1, waiting: 1, enqueued: 0 });
    });

    it('continues by itself: one new key by one order, whatever else was asked', async () => {
      const event = await bus().next(
        'the new certificate',
        ({ resources, detail }) => resources.includes(was.arn) && detail['operation'] === 'rekey',
      );
      expect(event.detail).toMatchObject({ outcome: 'rekeyed', reason: { code: 'Forced' } });
      await expectIssued(WILDCARD);
      const { pair } = await found(WILDCARD);
      expect(await publicKeyOf(pair.certificate)).not.toBe(await publicKeyOf(was.pair.certificate));
      expect(await messagesLeft()).toBe(0);
      expect(await world.served()).toEqual({ accounts: 1, orders: 3 });
      expect(await world.texts()).toEqual(before);
    });
  });

  /** Waits until the queue is empty, and returns the number of dead letters. */
  async function messagesLeft(): Promise<number> {
    const count = async (queue: string, ...AttributeNames: QueueAttributeName[]) => {
      const asked = new GetQueueAttributesCommand({ QueueUrl: world.output(queue), AttributeNames });
      const { Attributes = {} } = await client(SQSClient, emulator).send(asked);
      return Object.values(Attributes).reduce((sum, value) => sum + Number(value), 0);
    };
    const waiting = () =>
      count(
        'RenewalQueueUrl',
        ...(['', 'NotVisible', 'Delayed'] as const).map((kind) => `ApproximateNumberOfMessages${kind}` as const),
      );
    for (let left = 40; left > 0 && (await waiting()) > 0; left--) await sleep(250);
    return (await waiting()) + (await count('DeadLetterQueueUrl', 'ApproximateNumberOfMessages'));
  }

  it.each([
    ['that the CA blocks', 'CaRejected', blockedName(domain)],
    ['that is in no zone', 'IssuanceNotAllowed', 'www.other.example'],
  ])('refuses a name %s, and says which', async (_, errorType, name) => {
    await world.redeclare(RSA, [`rsa.${domain}`, name]);
    const { error } = await world.renew({ secretId: RSA });
    expect(error).toMatchObject({ errorType, errorMessage: expect.stringContaining(name) });
    expect((await found(RSA)).tags).not.toHaveProperty('cert-renewer:order');
    expect(await world.served()).toEqual({ accounts: 1, orders: 3 });
    expect(await world.texts()).toEqual(before);
  });

  it('may change TXT records of challenges only', async () => {
    const who = await actAs(emulator, world.output('RenewFunctionName'));
    const change = (action: 'CREATE' | 'UPSERT' | 'DELETE', set: Partial<ResourceRecordSet>) => {
      const text = { ...theirs, Name: `_acme-challenge.free.${domain}`, ResourceRecords: [{ Value: '"free"' }] };
      return outcome(world.changeRecord(action, { ...text, ...set }, who));
    };
    expect(await change('CREATE', {})).toBe('ok');
    expect(await change('DELETE', {})).toBe('ok');
    await sleep(1_000); // Route 53 takes five requests a second
    expect(await change('CREATE', { Name: `www.${domain}` })).toBe('denied');
    expect(await change('CREATE', { Type: 'CNAME', ResourceRecords: [{ Value: 'www.bank.example' }] })).toBe('denied');
    expect(await change('UPSERT', theirs)).toBe('denied');
    expect(await world.texts()).toEqual(before);
  });
}
