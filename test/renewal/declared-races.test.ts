/**
 * Concurrent work on declared certificates, and declarations that change meanwhile: one new version, and never the certificate
 * of another declaration.
 */
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { DeclarationDocument } from '../../lambdas/policy/declaration.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { extendedKeyUsages } from '../../lambdas/x509/extensions.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { oids } from '../../lambdas/x509/oids.ts';
import { extendedKeyUsage } from '../../testkit/certificates/index.ts';
import { hour, issuing, pairOf, World } from './world.ts';

const minute = 60_000;
type Declared = Partial<DeclarationDocument>;
const web: Declared = { dnsNames: ['web.svc.example'] };
const api: Declared = { dnsNames: ['api.svc.example'] };

const fromQueue = (world: World, arn: string, versionId = world.versionOf(arn), delivery = 1) =>
  renewQueued(world, { secretArn: arn, versionId }, delivery);
const namesIn = (world: World, arn: string) => subjectAltNames(pairOf(world.store.value(arn)).leaf);
const marks = (world: World, arn: string) => {
  const { [tags.declared]: declared, [tags.issued]: issued } = world.store.tagsOf(arn);
  return { declared, issued };
};

async function scanAndWork(world: World, rounds = 2): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const from = world.queue.sent.length;
    await scan(world, { force: false, dryRun: false });
    for (const message of world.queue.sent.slice(from)) await renewQueued(world, message, 1);
  }
}

/** `web` was declared and issued a minute ago. */
async function issued(declared: Declared = web, prepare: (world: World) => void = () => undefined) {
  const world = new World(issuing);
  prepare(world);
  const arn = await world.declareCertificate(declared);
  await fromQueue(world, arn);
  expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
  world.clock.advance(minute);
  world.ca.issued.length = 0;
  world.publisher.events.length = 0;
  return { world, arn, before: world.versionOf(arn) };
}

function expectOne(world: World, arn: string, before: string): void {
  expect(world.labels(arn)[before]).toEqual(['AWSPREVIOUS']);
  expect([undefined, world.versionOf(arn)]).toContain(world.pending(arn));
  const { declared, issued: noted } = marks(world, arn);
  expect(noted).toBe(declared);
  const told = world.publisher.of('Certificate Renewed');
  expect(told.map(({ detail }) => detail)).toEqual([
    expect.objectContaining({ operation: 'issue', versionId: world.versionOf(arn) }),
  ]);
  expect(world.publisher.of('Certificate Renewal Failed')).toEqual([]);
  expect([world.journal.total('Renewed'), world.journal.total('Failed')]).toEqual([1, 0]);
}

describe.each([2, 5, 20])('%d at once', (workers) => {
  it.each(['first', 'changed'])('leave one new version of the declared certificate, %s', async (kind) => {
    const { world, arn, before } = kind === 'changed' ? await issued() : await empty();
    if (kind === 'changed') await world.declareCertificate(api);
    const [renewed, ca] = [world.journal.total('Renewed'), world.ca.issued.length];
    await Promise.all(Array.from({ length: workers }, () => fromQueue(world, arn, before)));
    expect(world.journal.total('Renewed') - renewed).toBe(1);
    expect(world.ca.issued.length - ca).toBeLessThanOrEqual(workers);
    expect(world.labels(arn)[before]).toEqual(['AWSPREVIOUS']);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
    expect(world.journal.total('Failed')).toBe(0);
  });

  it('on demand: all but one are AlreadyRenewed', async () => {
    const { world, arn, before } = await empty();
    const results = await Promise.all(
      Array.from({ length: workers }, () => renewOnDemand(world, { secretId: 'web/tls' })),
    );
    const said = results.map(({ outcome, reason }) => `${outcome} ${reason.code}`).sort();
    expect(said).toEqual(['issued Missing', ...Array(workers - 1).fill('skipped AlreadyRenewed')]);
    for (const { versionId } of results) expect(versionId).toBe(world.versionOf(arn));
    expect(world.labels(arn)[before]).toEqual(['AWSPREVIOUS']);
  });
});

async function empty() {
  const world = new World(issuing);
  const arn = await world.declareCertificate(web);
  return { world, arn, before: 'v1' };
}

it('a worker, the deployment and two scans at once leave one new version', async () => {
  const { world, arn, before } = await empty();
  await Promise.all([
    fromQueue(world, arn, before),
    renewOnDemand(world, { secretId: arn }),
    scanAndWork(world, 1),
    scanAndWork(world, 1),
  ]);
  await scanAndWork(world);
  expectOne(world, arn, before);
  const enqueued = world.queue.sent.length;
  await scanAndWork(world);
  expect(world.queue.sent.length).toBe(enqueued); // no new message
});

describe('for one staged pair', () => {
  it('a second worker promotes it: its maker has lost, and one certificate was issued', async () => {
    const { world, arn, before } = await empty();
    let winner: RenewalResult | undefined;
    world.faults.meanwhile('after', 'stage', async () => {
      winner = await renewOnDemand(world, { secretId: arn });
    });
    const loser = await renewOnDemand(world, { secretId: arn });
    expect(winner).toMatchObject({ outcome: 'issued', versionId: world.versionOf(arn) });
    expect(loser).toMatchObject({ outcome: 'skipped', reason: { code: 'AlreadyRenewed' } });
    expect(world.ca.issued).toHaveLength(1);
    expectOne(world, arn, before);
  });

  it('a second worker ignores it if it is of another declaration', async () => {
    const { world, arn, before } = await issued();
    await world.declareCertificate({ ...web, usages: ['serverAuth'] });
    let winner: RenewalResult | undefined;
    world.faults.meanwhile('after', 'stage', async () => {
      await world.declareCertificate({ ...web, usages: ['serverAuth', 'clientAuth'], duration: '12h' });
      winner = await renewOnDemand(world, { secretId: arn });
    });
    await fromQueue(world, arn, before);
    expect(winner).toMatchObject({ outcome: 'issued', reason: { code: 'Changed' }, versionId: world.versionOf(arn) });
    expect(extendedKeyUsages(pairOf(world.store.value(arn)).leaf)).toEqual([oids.serverAuth, oids.clientAuth]);
    expect(world.labels(arn)[before]).toEqual(['AWSPREVIOUS']);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
  });
});

const calls = ['declaration', 'read', 'stage', 'promote', 'publish', 'tag'] as const;

describe.each(calls)('a declaration that changes before %s', (call) => {
  it.each([false, true])('is the one that is issued in the end (first: %s)', async (isFirst) => {
    const { world, arn } = isFirst ? await empty() : await issued({ dnsNames: ['old.svc.example'] });
    if (!isFirst) await world.declareCertificate(web);
    world.faults.meanwhile('before', call, () => world.declareCertificate(api));
    await fromQueue(world, arn);
    await scanAndWork(world);
    expect(namesIn(world, arn)).toEqual(['dns:api.svc.example']);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
    expect(world.publisher.of('Certificate Renewal Failed')).toEqual([]);
  });

  it('while the CA is asked, too', async () => {
    const { world, arn } = await empty();
    world.ca.faults.meanwhile('before', 'issue', () => world.declareCertificate(api));
    await fromQueue(world, arn);
    expect(namesIn(world, arn)).toEqual(['dns:web.svc.example']);
    expect(marks(world, arn).issued).not.toBe(marks(world, arn).declared);
    await scanAndWork(world);
    expect(namesIn(world, arn)).toEqual(['dns:api.svc.example']);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
  });
});

/** Ends the worker's process: its later calls have no effect. */
async function stoppedBefore(world: World, arn: string, call: 'publish' | 'tag'): Promise<void> {
  world.faults.meanwhile('before', call, () => {
    world.faults.crashAt(1, 'before');
    throw new Error('the process ended');
  });
  await fromQueue(world, arn).catch(() => undefined);
  world.faults.restart();
}

describe.each(['publish', 'tag'] as const)('a worker that is stopped before %s', (call) => {
  it('and a declaration that is changed back: the other certificate is replaced', async () => {
    const { world, arn } = await issued(web);
    await world.declareCertificate(api);
    await stoppedBefore(world, arn, call);
    expect(namesIn(world, arn)).toEqual(['dns:api.svc.example']);
    await world.declareCertificate(web); // the tag issued still says so
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
    await scanAndWork(world);
    expect(namesIn(world, arn)).toEqual(['dns:web.svc.example']);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
    expect(world.ca.issued).toHaveLength(2);
  });

  it('then another one that reports it and is stopped before it can issue', async () => {
    const { world, arn } = await issued(web);
    await world.declareCertificate(api);
    await stoppedBefore(world, arn, call);
    await world.declareCertificate(web);
    world.ca.faults.failBefore('issue', new RenewalError('CaUnavailable', 'It is down.'));
    await fromQueue(world, arn);
    expect(marks(world, arn).issued).not.toBe(marks(world, arn).declared);
    world.clock.advance(hour);
    await scanAndWork(world);
    expect(namesIn(world, arn)).toEqual(['dns:web.svc.example']);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
  });

  it('then one that can’t read it, which reports and notes what it knows', async () => {
    const { world, arn } = await issued(web);
    await world.declareCertificate(api);
    await stoppedBefore(world, arn, call);
    world.faults.failBefore('read', new RenewalError('KmsDenied', 'No.'));
    await fromQueue(world, arn);
    expect(world.store.tagsOf(arn)).toMatchObject({ [tags.versionId]: world.versionOf(arn) });
    // It is the certificate of the current declaration, so it stays.
    world.clock.advance(2 * hour);
    const versionId = world.versionOf(arn);
    await scanAndWork(world);
    expect(world.versionOf(arn)).toBe(versionId);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
    expect(world.ca.issued).toHaveLength(1);
  });

  it('then one that can’t read it, and a declaration that is changed back', async () => {
    const { world, arn } = await issued(web);
    await world.declareCertificate(api);
    await stoppedBefore(world, arn, call);
    await world.declareCertificate(web);
    world.faults.failBefore('read', new RenewalError('KmsDenied', 'No.'));
    await fromQueue(world, arn);
    world.clock.advance(2 * hour);
    await scanAndWork(world);
    expect(namesIn(world, arn)).toEqual(['dns:web.svc.example']);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
  });

  it('and a declaration that is gone: reported, and replaced when the previous one is declared again', async () => {
    const { world, arn } = await issued(web);
    await world.declareCertificate(api);
    await stoppedBefore(world, arn, call);
    world.declarations.remove('web/tls');
    await scanAndWork(world);
    expect(namesIn(world, arn)).toEqual(['dns:api.svc.example']);
    await world.declareCertificate(web);
    await scanAndWork(world);
    expect(namesIn(world, arn)).toEqual(['dns:web.svc.example']);
  });

  it.each([
    ['a duration', { ...web, duration: '12h' }, { ...web, duration: '20h' }],
    ['no duration', { ...web, duration: '12h' }, web],
    ['a usage', { ...web, usages: ['serverAuth' as const] }, web],
  ])('and a declaration that differs by %s: the certificate is replaced', async (_, then, now) => {
    const { world, arn } = await issued({ dnsNames: ['old.svc.example'] });
    await world.declareCertificate(then);
    await stoppedBefore(world, arn, call);
    await world.declareCertificate(now);
    await scanAndWork(world);
    expect(marks(world, arn).issued).toBe(marks(world, arn).declared);
    expect(world.ca.issued).toHaveLength(2);
  });
});

describe('a bus that is down for hours', () => {
  /** For example, a template of step-ca for servers only. */
  const withoutClientAuth = (world: World) => {
    world.ca.tamper = (template) => ({
      ...template,
      extensions: template.extensions.map((each) =>
        each.oid === oids.extendedKeyUsage ? extendedKeyUsage(oids.serverAuth) : each,
      ),
    });
  };
  const shorter = (world: World) => {
    world.ca.tamper = (template) => ({ ...template, notAfter: template.notBefore + 12 * hour });
  };

  it.each([
    ['leaves a usage out', withoutClientAuth, web],
    ['issues for less', shorter, { ...web, duration: '20h' }],
  ])('does not cause repeated issuance, if the CA %s', async (_, prepare, declared) => {
    const { world, arn } = await issued({ dnsNames: ['old.svc.example'] }, prepare);
    world.faults.failBefore('publish', new RenewalError('Throttled', 'The bus is down.'), {
      times: Infinity,
      matches: ({ args: [event] }) => (event as { type: string }).type === 'Certificate Renewed',
    });
    await world.declareCertificate(declared);
    for (let round = 0; round < 4; round++) {
      await scanAndWork(world, 1);
      world.clock.advance(20 * minute);
    }
    expect(world.ca.issued).toHaveLength(1);
    expect(world.store.versionIds(arn)).toHaveLength(3);
  });
});
