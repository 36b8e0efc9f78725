/** Each transition of a look at an order. */
import { describe, expect, test } from 'vitest';
import { RenewalError } from '../../../lambdas/domain/errors.ts';
import type { TxtZones } from '../../../lambdas/domain/ports.ts';
import { certificateId } from '../../../lambdas/providers/acme/renewal-info.ts';
import { parseCertificate } from '../../../lambdas/x509/certificate.ts';
import { subjectAltNames } from '../../../lambdas/x509/general-names.ts';
import { commonName } from '../../../lambdas/x509/names.ts';
import { commonNameOnly, makeKey, makeLeaf } from '../../../testkit/certificates/index.ts';
import { Refused } from '../../../testkit/fakes/acme/acme-ca.ts';
import { signerFor } from '../../../testkit/fakes/signer.ts';
import { hierarchy } from '../../../testkit/fakes/tls-server.ts';
import { ask, closeScenes, failureOf, finish, leafOf, type Scene, scene, zoneId } from './scene.ts';

closeScenes();

const minute = 60_000;
const finished = async (at: Scene, asked = {}, config = {}) => {
  const provider = at.provider(config);
  return finish(at, () => provider, asked);
};

/** Asks `looks` times. Returns the last answer and the receipt that it was asked with. */
async function looked(at: Scene, looks: number, asked: Parameters<typeof ask>[2] = {}, config = {}) {
  let receipt: string | undefined;
  for (let look = 1; ; look++) {
    const answer = await ask(at, at.provider(config), { ...asked, receipt });
    if (look === looks || answer.kind !== 'pending') return { answer, receipt };
    receipt = answer.receipt;
    at.clock.advance(answer.after);
  }
}

describe('an order is issued', () => {
  test.each(['P-256', 'P-384', 'RSA-2048'] as const)('with an account key %s', async (accountKey) => {
    const at = await scene({ accountKey, syncMs: 20_000 });
    const { answer } = await finished(at);
    expect(subjectAltNames(leafOf(answer))).toEqual(['dns:www.example.com']);
    expect(Buffer.from(leafOf(answer).spki).equals(at.key.spki)).toBe(true);
    expect(at.zones.names()).toEqual([]);
    expect(at.ca.orders.map(({ finalised }) => finalised)).toEqual([1]);
  });

  test('for an apex and its wildcard, which share a record with two values', async () => {
    const at = await scene();
    const names = ['dns:example.com', 'dns:*.example.com'];
    const { answer } = await looked(at, 3, { names });
    expect(answer.kind).toBe('pending');
    expect(at.zones.valuesOf('_acme-challenge.example.com')).toHaveLength(2);
    expect(subjectAltNames(leafOf((await finished(at, { names })).answer))).toEqual(names);
  });

  test('for a hundred names in three zones, beside values of others', async () => {
    const at = await scene();
    at.zones.addZone('Z0SUB');
    at.zones.addZone('Z0ORG');
    await at.zones.add(zoneId, [{ name: '_acme-challenge.n1.example.com', value: 'of others' }]);
    const names = Array.from(
      { length: 100 },
      (_, n) => `dns:n${n}.${['example.com', 'sub.example.com', 'example.org'][n % 3]}`,
    );
    const zones = { 'example.com': zoneId, 'sub.example.com': 'Z0SUB', 'example.org': 'Z0ORG' };
    const { answer } = await finished(at, { names }, { challenge: { type: 'dns-01', zones } });
    expect(subjectAltNames(leafOf(answer))).toHaveLength(100);
    expect(at.zones.faults.calls.filter(({ method }) => method === 'changeTexts')).toHaveLength(1 + 3 + 3);
    expect(at.zones.valuesOf('_acme-challenge.n1.example.com')).toEqual(['of others']);
    expect(at.zones.names()).toEqual(['_acme-challenge.n1.example.com']);
  });

  test('with the declared subject and nothing else', async () => {
    const at = await scene();
    const { answer } = await finished(at, { subject: commonNameOnly('www.example.com') });
    expect(commonName(leafOf(answer).subject)).toBe('www.example.com');
    expect(leafOf((await finished(await scene())).answer).subject).toEqual(Uint8Array.of(0x30, 0));
  });

  test.each([
    [{ type: 'dns-persist-01' } as const, {}],
    [{ type: 'none' } as const, { approved: true }],
  ])('without any call to Route 53: %o', async (challenge, behaviour) => {
    const txt = () => [`ca.example; accounturi=${new URL('/account/1', at.ca.directory).href}`];
    const at = await scene({ ...behaviour, txt });
    const names = ['dns:www.example.net', 'ip:192.0.2.1'];
    const { answer } = await finished(at, { names }, { challenge });
    expect(subjectAltNames(leafOf(answer))).toEqual(names);
    expect(at.zones.faults.calls).toEqual([]);
  });

  test('after the values are in sync, not before', async () => {
    const at = await scene({ syncMs: 30_000 });
    const { answer } = await looked(at, 4);
    expect(answer).toMatchObject({
      kind: 'pending',
      after: expect.toSatisfy((after) => after >= 5_000 && after <= 10_000),
    });
    expect(at.ca.orders[0]?.authorizations[0]?.challenges.every(({ told }) => told === 0)).toBe(true);
  });

  test('after the second change is in sync, where the first one was not stored', async () => {
    const at = await scene({ syncMs: 40_000 });
    const { receipt } = await looked(at, 3);
    at.clock.advance(1_000);
    const again = { receipt: '', ...(await ask(at, at.provider(), { receipt })) };
    expect(again).toMatchObject({ kind: 'pending', after: 0 });
    const before = at.clock.now();
    expect((await finished(at, { receipt: again.receipt })).answer.kind).toBe('issued');
    expect(at.clock.now() - before).toBeGreaterThan(40_000);
  });

  test('with a change that has several ids, as of many names', async () => {
    const at = await scene();
    const { zones } = at;
    const joined: TxtZones = {
      add: async (zone, texts) => `${await zones.add(zone, texts)}+C00+${'C0123456789'.repeat(9)}`,
      remove: (zone, texts) => zones.remove(zone, texts),
      isInSync: async (change) => change.includes('+'),
    };
    expect((await finish(at, () => at.provider({}, { zones: joined }))).answer.kind).toBe('issued');
    expect(zones.faults.count('changeTexts')).toBe(2);
  });

  test('by the preferred chain, or the default one without it', async () => {
    const issuerOf = (answer: Parameters<typeof leafOf>[0]) =>
      answer.kind === 'issued' && commonName(parseCertificate(answer.certificates.at(-1) ?? Uint8Array.of()).issuer);
    const at = await scene({ approved: true });
    expect(issuerOf((await finished(at)).answer)).toBe('ACME Root');
    expect(issuerOf((await finished(at, {}, { preferredChain: 'Other Root' })).answer)).toBe('Other Root');
    expect(issuerOf((await finished(at, {}, { preferredChain: 'No Root' })).answer)).toBe('ACME Root');
  });

  test('with nine bad nonces in a row', async () => {
    const at = await scene({ approved: true });
    const { receipt } = await looked(at, 2);
    at.ca.behaviour.badNonces = 9;
    expect((await finished(at, { receipt })).answer.kind).toBe('issued');
    at.ca.behaviour.badNonces = 10;
    expect(await failureOf(ask(at, at.provider(), { receipt }))).toMatchObject({ code: 'CaUnavailable' });
  });
});

describe('the present certificate is named', () => {
  const replaced = (aki = true) =>
    parseCertificate(
      aki
        ? makeLeaf({ key: makeKey(), subject: commonNameOnly('x'), notBefore: 0, notAfter: 1_000 }, hierarchy)
        : hierarchy.root,
    );

  test.each([
    ['where the CA has renewal information', {}, [true]],
    ['and left out where it is refused', { refusesReplaces: true }, [true, false]],
    ['not at all where the CA has none', { hasRenewalInfo: false }, [false]],
  ])('%s', async (_, behaviour, expected) => {
    const at = await scene({ approved: true, ...behaviour });
    const before = replaced();
    expect((await finished(at, { replaced: before })).answer.kind).toBe('issued');
    const orders = at.ca.sent.filter(({ call }) => call === 'newOrder');
    expect(orders.map(({ payload }) => payload?.['replaces'] === certificateId(before))).toEqual(expected);
  });

  test('and not left out because of a rate limit', async () => {
    const at = await scene();
    at.ca.faults.failBefore('newOrder', new Refused(429, 'rateLimited', 'slowly'), { times: 1 });
    expect(await failureOf(ask(at, at.provider(), { replaced: replaced() }))).toMatchObject({ busy: true });
    expect(at.ca.faults.count('newOrder')).toBe(1);
  });
});

describe('waiting', () => {
  test('is as long as the CA says, for at most 15 minutes, and otherwise grows with the age', async () => {
    const at = await scene({ approved: true, processingLooks: 3, retryAfter: '7' });
    const { answer, receipt } = await looked(at, 2);
    expect(answer).toMatchObject({
      kind: 'pending',
      receipt: answer.kind === 'pending' && answer.receipt,
      after: 7_000,
    });
    at.ca.behaviour.retryAfter = '86400';
    expect(await ask(at, at.provider(), { receipt })).toMatchObject({ after: 15 * minute });
    at.ca.behaviour.retryAfter = undefined;
    at.clock.advance(8 * minute);
    const { after } = { after: 0, ...(await ask(at, at.provider(), { receipt })) };
    expect(after / minute).toBeGreaterThanOrEqual(2);
    expect(after / minute).toBeLessThan(2.6);
  });

  test('tells a CA again that did not find the value, and says so', async () => {
    const at = await scene({ forgiving: true });
    const name = '_acme-challenge.www.example.com';
    let { receipt } = { receipt: '', ...(await looked(at, 3)).answer };
    const values = at.zones.valuesOf(name);
    for (const value of values) await at.zones.remove(zoneId, [{ name, value }]);
    const said: string[] = [];
    for (let look = 1; look <= 8; look++) {
      const answer = await ask(at, at.provider(), { receipt });
      if (answer.kind !== 'pending') break;
      receipt = answer.receipt ?? '';
      said.push(answer.says);
      at.clock.advance(answer.after);
    }
    expect(said.join('\n')).toMatch(/www\.example\.com.*No matching TXT record/);
    for (const value of values) await at.zones.add(zoneId, [{ name, value }]);
    expect((await finished(at, { receipt })).answer.kind).toBe('issued');
    expect(at.ca.orders).toHaveLength(1);
    expect(at.zones.names()).toEqual([]);
  });

  test('10 minutes for a validation takes few looks', async () => {
    const at = await scene({ validationLooks: 12 });
    const { answer, looks } = await finished(at);
    expect(answer.kind).toBe('issued');
    expect(looks).toBeLessThan(30);
    expect(at.ca.orders).toHaveLength(1);
  });

  test.each(['newAccount', 'newOrder', 'newNonce'])('without an order for a rate limit of %s', async (call) => {
    const at = await scene();
    at.ca.faults.failBefore(call, new Refused(429, 'rateLimited', 'too many', { 'retry-after': '3600' }));
    expect(await ask(at, at.provider())).toMatchObject({ kind: 'pending', receipt: undefined, after: 60 * minute });
  });

  test.each(['order', 'authorization', 'challenge', 'finalize', 'certificate'])(
    'with the order for a rate limit of %s',
    async (call) => {
      const at = await scene({ processingLooks: 0 });
      at.ca.faults.failBefore(call, new Refused(429, 'rateLimited', 'too many', { 'retry-after': '3600' }));
      const before = at.clock.now();
      expect((await finished(at)).answer.kind).toBe('issued');
      expect(at.clock.now() - before).toBeGreaterThan(60 * minute);
      expect(at.ca.orders).toHaveLength(1);
    },
  );

  test('for a throttled zone, at every change and look', async () => {
    const at = await scene({ syncMs: 1 });
    const busy = new RenewalError('Throttled', 'Rate exceeded');
    at.zones.faults.failBefore('changeTexts', busy, { times: 3 });
    at.zones.faults.failBefore('isInSync', busy, { times: 3 });
    const provider = at.provider();
    let removals = 0;
    at.zones.faults.meanwhile(
      'before',
      'changeTexts',
      () => {
        if (at.ca.orders[0]?.status === 'valid' && removals++ < 3) throw busy;
      },
      { times: Number.POSITIVE_INFINITY },
    );
    expect((await finish(at, () => provider)).answer.kind).toBe('issued');
    expect(removals).toBeGreaterThan(3);
    expect(at.zones.names()).toEqual([]);
  });
});

describe('an order ends', () => {
  test('with the name and the reason of the CA, and without its values', async () => {
    const at = await scene();
    at.zones.addZone('Z0OTHER');
    // The CA does not see the second zone.
    const zones = { 'example.com': zoneId, 'b.example.com': 'Z0OTHER' };
    const config = { challenge: { type: 'dns-01', zones } } as const;
    const names = ['dns:a.example.com', 'dns:x.b.example.com'];
    const { answer } = await looked(at, 3, { names }, config);
    const { receipt } = { receipt: '', ...answer };
    for (const value of at.zones.valuesOf('_acme-challenge.x.b.example.com')) {
      await at.zones.remove('Z0OTHER', [{ name: '_acme-challenge.x.b.example.com', value }]);
    }
    const error = await failureOf(finish(at, () => at.provider(config), { names, receipt }));
    expect(error.code).toBe('CaRejected');
    expect(error.message).toContain('x.b.example.com');
    expect(error.message).toContain('No matching TXT record found');
    expect(error.message).not.toContain('"a.example.com"');
    expect(at.zones.names()).toEqual([]);
  });

  test('with what the CA says of a refused CSR, and without its values', async () => {
    const at = await scene();
    at.ca.faults.failBefore(
      'finalize',
      new Refused(
        403,
        'caa',
        'CAA forbids',
        {},
        {
          subproblems: [
            {
              type: 'urn:ietf:params:acme:error:caa',
              detail: 'not us',
              identifier: { type: 'dns', value: 'www.example.com' },
            },
          ],
        },
      ),
    );
    const error = await failureOf(finished(at));
    expect(error).toMatchObject({ code: 'CaRejected', retryable: false });
    for (const part of ['CAA forbids', 'not us', 'www.example.com']) expect(error.message).toContain(part);
    expect(at.zones.names()).toEqual([]);
  });

  test.each([
    ['404', new Refused(404, 'malformed', 'No order')],
    ['410', new Refused(410, 'malformed', 'gone')],
    ['malformed', new Refused(400, 'malformed', 'order ae4 not found')],
  ])('as gone after %s', async (_, refused) => {
    const at = await scene();
    const { receipt } = await looked(at, 4);
    expect(at.zones.names()).toHaveLength(1);
    at.ca.faults.failBefore('order', refused);
    expect((await ask(at, at.provider(), { receipt })).kind).toBe('gone');
    expect(at.zones.names()).toEqual([]);
  });

  test('as gone when it has expired', async () => {
    const at = await scene({ lifetime: 60 * minute });
    const { receipt } = await looked(at, 4);
    at.clock.advance(61 * minute);
    expect((await ask(at, at.provider(), { receipt })).kind).toBe('gone');
    expect(at.zones.names()).toEqual([]);
  });

  test('with the names that were not approved', async () => {
    const at = await scene();
    const error = await failureOf(finished(at, {}, { challenge: { type: 'none' } }));
    expect(error).toMatchObject({ code: 'CaRejected', message: expect.stringContaining('www.example.com') });
  });

  const long = 'a-component-of-the-shop.an-environment-of-a-branch.eu-central-1.example.com';
  const asked = { names: [`dns:${long}`] };

  test.each<[string, (at: Scene) => Promise<unknown>]>([
    ['is not approved', (at) => finished(at, asked, { challenge: { type: 'none' } })],
    [
      'has lost its TXT value',
      async (at) => {
        const { answer } = await looked(at, 3, asked);
        const { receipt } = { receipt: '', ...answer };
        const name = `_acme-challenge.${long}`;
        await at.zones.remove(
          zoneId,
          at.zones.valuesOf(name).map((value) => ({ name, value })),
        );
        return finish(at, () => at.provider(), { ...asked, receipt });
      },
    ],
    [
      'the CA refuses',
      (at) => {
        const subproblems = [{ type: 'caa', detail: 'not us', identifier: { type: 'dns', value: long } }];
        at.ca.faults.failBefore('newOrder', new Refused(403, 'caa', 'no', {}, { subproblems }));
        return finished(at, asked);
      },
    ],
  ])('with the whole of a long name that %s', async (_, end) => {
    const error = await failureOf(end(await scene()));
    expect(error).toMatchObject({ code: 'CaRejected', message: expect.stringContaining(`"${long}"`) });
  });

  test('with the record that dns-persist-01 wants', async () => {
    const at = await scene();
    const names = ['dns:*.example.com'];
    const error = await failureOf(finished(at, { names }, { challenge: { type: 'dns-persist-01' } }));
    const account = new URL('/account/1', at.ca.directory).href;
    for (const part of ['_validation-persist.example.com', `ca.example; accounturi=${account}; policy=wildcard`]) {
      expect(error.message).toContain(part);
    }
  });

  test('when it is given up', async () => {
    const at = await scene();
    const { receipt = '' } = await looked(at, 4);
    expect(at.zones.names()).toHaveLength(1);
    await at.provider().abandon?.('no receipt');
    await at.provider().abandon?.(receipt);
    expect(at.zones.names()).toEqual([]);
  });

  test.each(['order', 'finalize', 'certificate'])('not by an error 500 of %s', async (call) => {
    const at = await scene({ processingLooks: 0, approved: true });
    const { receipt } = { receipt: '', ...(await ask(at, at.provider())) };
    at.ca.faults.failBefore(call, new Refused(503, 'serverInternal', 'later', { 'retry-after': '5' }));
    const error = await failureOf(ask(at, at.provider(), { receipt }));
    expect(error).toMatchObject({ code: 'CaUnavailable', retryable: true, retryAfter: 5 });
    expect((await finished(at, { receipt })).answer.kind).toBe('issued');
    expect(at.ca.orders).toHaveLength(1);
  });
});

describe('a request is refused before an order', () => {
  test.each([
    ['a name outside of every zone', { names: ['dns:www.example.net'] }, {}, 'IssuanceNotAllowed', 'www.example.net'],
    ['an address by dns-01', { names: ['ip:192.0.2.1'] }, {}, 'IssuanceNotAllowed', '192.0.2.1'],
    [
      'another kind of name',
      { names: ['email:a@example.com'] },
      { challenge: { type: 'none' } },
      'InvalidRequest',
      'a@example.com',
    ],
    ['a profile that the CA does not have', {}, { acmeProfile: 'short' }, 'CaRejected', 'tlsserver'],
  ])('%s', async (_, asked, config, code, part) => {
    const at = await scene({ profiles: { tlsserver: 'usual' } });
    const error = await failureOf(ask(at, at.provider(config as object), asked));
    expect(error).toMatchObject({ code, message: expect.stringContaining(part) });
    expect(at.ca.orders).toEqual([]);
  });

  test('not with a profile that it has', async () => {
    const at = await scene({ profiles: { tlsserver: 'usual' } });
    await ask(at, at.provider({ acmeProfile: 'tlsserver' }));
    expect(at.ca.orders[0]?.profile).toBe('tlsserver');
  });
});

describe('a receipt', () => {
  const attacker = signerFor(makeKey());
  const changed = (receipt: string, change: (fields: Record<string, unknown>) => object): string =>
    Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(receipt, 'base64url').toString())))).toString('base64url');

  test.each<[string, (receipt: string) => Parameters<typeof ask>[2]]>([
    ['with another key', (receipt) => ({ receipt, key: attacker })],
    ['of another order', (receipt) => ({ receipt: changed(receipt, (f) => ({ ...f, order: `${f['order']}9` })) })],
    ['without a seal', (receipt) => ({ receipt: changed(receipt, (f) => ({ ...f, seal: '' })) })],
    ['that is no receipt', () => ({ receipt: 'x' })],
    [
      'with a value elsewhere',
      (receipt) => ({
        receipt: changed(receipt, (f) => ({
          ...f,
          zones: { [zoneId]: { texts: [['other.example.com', 'A'.repeat(43)]] } },
        })),
      }),
    ],
    [
      'with another zone',
      (receipt) => ({
        receipt: changed(receipt, (f) => ({ ...f, zones: { Z9: { texts: [['www.example.com', 'A'.repeat(43)]] } } })),
      }),
    ],
  ])('%s is refused, before the CA or a zone is called', async (_, forged) => {
    const at = await scene();
    const { receipt = '' } = await looked(at, 2);
    const before = [at.ca.faults.calls.length, at.zones.faults.calls.length];
    expect(await failureOf(ask(at, at.provider(), forged(receipt)))).toMatchObject({
      code: 'CaRejected',
      retryable: false,
    });
    expect([at.ca.faults.calls.length, at.zones.faults.calls.length]).toEqual(before);
  });

  test('is printable ASCII, and changes only where there is something to store', async () => {
    const at = await scene({ syncMs: 60_000, validationLooks: 5, processingLooks: 5 });
    const { receipts } = await finished(at);
    expect(receipts).toHaveLength(4); // placed, values known, published, told
    for (const receipt of receipts) expect(receipt).toMatch(/^[!-~]+$/);
  });
});
