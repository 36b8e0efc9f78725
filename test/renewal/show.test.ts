/** `{ "show": <secret> }`: what is in a secret, without a key, and nothing is written. */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { newOrderId } from '../../lambdas/domain/order-id.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { formatWait } from '../../lambdas/policy/waiting.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { show } from '../../lambdas/renewal/entry/show.ts';
import { Stack } from '../authority/world.ts';
import { freshDates, hour, internal, issuing, newKey, pairOf, start, World } from './world.ts';

const reading = new Set(['describe', 'read', 'find', 'declaration', 'signer']);

/** Shows a secret, and checks that nothing was written, published, logged or counted. */
async function shown(world: World, secretId = 'web/tls') {
  const calls = world.faults.calls.length;
  const before = JSON.stringify([world.publisher.events, world.journal]);
  try {
    const answer = await show(world, secretId);
    const text = JSON.stringify(answer);
    expect(text).not.toMatch(/PRIVATE|BEGIN/);
    expect(JSON.parse(text)).toEqual(answer);
    return answer;
  } finally {
    const made = world.faults.calls.slice(calls).map(({ method }) => method);
    expect(made.filter((method) => !reading.has(method))).toEqual([]);
    expect(JSON.stringify([world.publisher.events, world.journal])).toBe(before);
  }
}

describe('show', () => {
  it('describes the certificate, its chain, and what the schedule would do', async () => {
    const world = new World();
    const arn = world.enrol(freshDates);
    const { leaf } = pairOf(world.store.value(arn));
    expect(await shown(world)).toMatchObject({
      ...{ secretArn: arn, profile: 'internal', versionId: 'v1', declaration: null, warnings: [], obstacle: null },
      certificate: {
        ...{
          subject: 'CN=leaf.example',
          sans: ['dns:leaf.example'],
          serialNumber: leaf.serialNumber,
          keyAlgorithm: 'EC P-256',
        },
        ...{ notBefore: '2026-11-22T11:00:00Z', notAfter: '2026-11-23T11:00:00Z', end: '2026-11-23T11:00:00Z' },
        ...{ issuer: expect.stringContaining('CN='), keyIn: 'secret', endsWith: 'leaf' },
        fingerprintSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        chain: [{ subject: expect.stringContaining('CN='), notAfter: expect.stringMatching(/Z$/) }],
      },
      renewAt: expect.stringMatching(/^2026-11-23T0[23]:/),
      decision: { action: 'skip', code: 'NotDue' },
    });
    expect(world.faults.count('tag')).toBe(0);
  });

  it('names the order by label, id and tag', async () => {
    const world = new World();
    const arn = world.enrol();
    expect(await shown(world)).toMatchObject({ order: null });
    const id = newOrderId('order', 'v1', { number: 2, declaration: undefined }, world.entropy);
    await world.store.keepOrder(arn, id, { kind: 'string', text: 'not to be read' });
    const open = { stage: 'order', number: 3, versionId: id };
    expect(await shown(world)).toMatchObject({ order: { ...open, since: null, again: null, notBefore: null } });
    const wait = { since: start - hour, again: start + 60_000, until: start + hour };
    world.store.setTags(arn, { [tags.order]: formatWait('v1', wait) });
    expect(await shown(world)).toMatchObject({
      decision: { action: 'skip', code: 'WaitingForCa' },
      order: {
        ...open,
        since: '2026-11-22T11:00:00Z',
        again: '2026-11-22T12:01:00Z',
        notBefore: '2026-11-22T13:00:00Z',
      },
    });
  });

  it('names a due certificate and its warnings', async () => {
    const world = new World();
    world.enrol({ tags: { [tags.expiresIn]: '999h' } });
    expect(await shown(world)).toMatchObject({
      decision: { action: 'rekey', code: 'Expiring' },
      warnings: [{ code: 'WindowClamped' }],
    });
  });

  it('reads a paused one, and gives another writer’s back unread', async () => {
    const world = new World();
    world.enrol({ tags: { [tags.paused]: 'true' } });
    expect(await shown(world)).toMatchObject({ certificate: {}, decision: { action: 'skip', code: 'Paused' } });
    world.store.setRotation('web/tls', { enabled: true, functionArn: 'arn:other' });
    const reads = world.faults.count('read');
    expect(await shown(world)).toMatchObject({ certificate: null, decision: { code: 'RotationEnabled' } });
    expect(world.faults.count('read')).toBe(reads);
  });

  it('says what the next try will end with, without asking the CA', async () => {
    const world = new World();
    world.enrol();
    const refusal = new RenewalError('CaUntrusted', 'It is of another CA.');
    Object.assign(world.ca, { checkFitness: () => Promise.reject(refusal) });
    const obstacle = { code: 'CaUntrusted', message: 'It is of another CA.' };
    expect(await shown(world)).toMatchObject({ decision: { code: 'Expiring' }, obstacle });
    const fresh = new World();
    fresh.enrol(freshDates);
    Object.assign(fresh.ca, { checkFitness: () => Promise.reject(refusal) });
    expect(await shown(fresh)).toMatchObject({ decision: { code: 'NotDue' }, obstacle });
    Object.assign(fresh.ca, { checkFitness: () => Promise.reject(new RenewalError('CaUnavailable', 'later')) });
    expect(await shown(fresh)).toMatchObject({ obstacle: null });
    expect([world, fresh].map(({ ca }) => ca.faults.count('ask'))).toEqual([0, 0]);
  });

  it('describes a secret without room for the status tags', async () => {
    const world = new World();
    const crowd = Object.fromEntries(Array.from({ length: 47 }, (_, index) => [`tag-${index}`, 'x']));
    world.enrol({ ...freshDates, tags: crowd });
    expect(await shown(world)).toMatchObject({ certificate: {}, obstacle: { code: 'UnsupportedSecret' } });
  });

  describe('of a declared certificate', () => {
    it('answers that it is missing', async () => {
      const world = new World(issuing);
      await world.declareCertificate({ duration: '720h', ipAddresses: ['10.0.0.7'] });
      expect(await shown(world)).toMatchObject({
        certificate: null,
        renewAt: null,
        declaration: {
          names: ['dns:web.svc.example', 'ip:10.0.0.7'],
          ...{
            usages: ['serverAuth', 'clientAuth'],
            duration: '720h',
            subject: null,
            keyAlgorithm: null,
            kmsKeyId: null,
          },
          ...{ isMet: false, differences: [] },
        },
        decision: { action: 'issue', code: 'Missing' },
        obstacle: null,
      });
    });

    it('names the obstacle of its issuance', async () => {
      const world = new World(issuing);
      await world.declareCertificate({ dnsNames: ['web.other.example'] });
      expect(await shown(world)).toMatchObject({ obstacle: { code: 'IssuanceNotAllowed' } });
    });

    it('is met after its issuance, and names each difference after a change', async () => {
      const world = new World(issuing);
      const arn = await world.declareCertificate();
      await renewQueued(world, { secretArn: arn, versionId: world.versionOf(arn) }, 1, start);
      expect(await shown(world)).toMatchObject({ certificate: {}, declaration: { isMet: true, differences: [] } });
      await world.declareCertificate({
        dnsNames: ['api.svc.example'],
        kty: 'RSA',
        size: 3072,
        duration: '7h',
      });
      const { declaration } = await shown(world);
      expect(declaration?.isMet).toBe(false);
      expect(declaration?.differences).toEqual([
        'subjectAltName: dns:api.svc.example is missing',
        'subjectAltName: dns:web.svc.example was not declared',
        'key: EC P-256; declared is RSA 3072',
        expect.stringMatching(/^duration: .*; declared is 7h$/),
      ]);
    });
  });

  it('reads an authority’s own secret, and one that waits for its certificate', async () => {
    const stack = await new Stack().hierarchy();
    expect(await shown(stack, 'pki/issuing')).toMatchObject({
      profile: 'authority:issuing',
      certificate: { subject: 'CN=Example Issuing,O=Example', issuer: 'CN=Example Root', keyIn: 'kms' },
      decision: { code: 'NotDue' },
    });
    stack.declare('next', { parent: 'root' });
    expect(await shown(stack, 'pki/next')).toMatchObject({ certificate: null, decision: { code: 'NotDue' } });
  });

  const refused: readonly [string, (world: World) => unknown][] = [
    ['SecretNotFound', () => undefined],
    ['SecretNotEnrolled', (world) => world.store.add({ name: 'web/tls', value: '{}', versionId: 'v1' })],
    ['UnknownProfile', (world) => world.enrol({ tags: { [tags.profile]: 'nowhere' } })],
    ['InvalidTag', (world) => world.enrol({ tags: { [tags.expiresIn]: 'soon' } })],
    ['UnsupportedSecret', (world) => world.store.add({ name: 'web/tls', tags: { [tags.profile]: 'internal' } })],
    [
      'UnsupportedSecret',
      (world) =>
        world.store.add({ name: 'web/tls', value: 'x', versionId: 'v1', tags: { [tags.profile]: 'internal' } }),
    ],
    [
      'KeyMismatch',
      (world) => {
        const arn = world.enrol();
        const found = world.store.value(arn);
        const value = JSON.parse(found.kind === 'string' ? found.text : '');
        const privateKey = newKey().export({ format: 'pem', type: 'pkcs8' });
        world.store.write(arn, JSON.stringify({ ...value, privateKey }));
      },
    ],
  ];
  it.each(refused)('throws %s, and notes nothing', async (code, arrange) => {
    const world = new World(internal);
    arrange(world);
    await expect(shown(world)).rejects.toMatchObject({ code });
    world.clock.advance(hour);
    await expect(shown(world)).rejects.toMatchObject({ code });
  });

  it('logs the cause of an unexpected error only', async () => {
    const world = new World();
    world.enrol();
    world.faults.failBefore('read', new TypeError('a key'));
    await expect(show(world, 'web/tls')).rejects.toMatchObject({ code: 'Internal' });
    expect(world.journal.failures).toMatchObject([{ step: 'show', error: expect.any(TypeError) }]);
  });
});
