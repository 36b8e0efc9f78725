/** The worker with real ACME servers: declared certificates from Pebble as it misbehaves by default, and from step-ca. */
import { createPublicKey, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Profile } from '../../lambdas/domain/profile.ts';
import { orderLabel, tags } from '../../lambdas/domain/tags.ts';
import type { DeclarationDocument } from '../../lambdas/policy/declaration.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import {
  type AcmeReference,
  type AcmeScene,
  acmeWorld,
  pebbleScene,
  stepCaScene,
} from '../../testkit/cas/acme-scene.ts';
import { pem } from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { TimedQueue } from '../../testkit/fakes/timed-queue.ts';
import { pebble, stepCa } from '../../testkit/tools/go-tools.ts';
import { describeFound } from '../support/local.ts';
import { pairOf, World } from './world.ts';

type Scene<Server = unknown> = AcmeScene<ReturnType<typeof acmeWorld>, Server>;

let open: Pick<AcmeScene, 'close'> | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** A worker whose clock is the machine's, with one opened CA as a warm process has it. */
async function workerAt<Server>(scene: Scene<Server>, more: Partial<AcmeReference> & { acmeProfile?: string } = {}) {
  open = scene;
  const ca = { ...(await scene.ca()), ...more };
  const profile: Profile = { name: 'public', ca, mode: 'rekey', issue: { allow: ['dns:example.com'] }, paused: false };
  const world = new World(profile);
  world.clock.now = () => Date.now();
  world.clock.sleep = (milliseconds) => sleep(milliseconds);
  const entropy = (length: number) => new Uint8Array(randomBytes(length));
  const tools = { clock: world.clock, store: world.store, entropy, ...scene.world.tools };
  const provider = await providerFor(ca, tools);
  const queue = new TimedQueue(world.clock);
  Object.assign(world, { providerFor: async () => provider, queue, entropy });
  const declare = (name: string, document: Partial<DeclarationDocument>) =>
    world.declareCertificate({ secretName: name, profile: 'public', usages: ['serverAuth'], ...document });
  return { scene, world, queue, declare };
}
type Worker = Awaited<ReturnType<typeof workerAt>>;

/** Delivers messages side by side, as SQS does, until there is none. */
async function drain({ world, queue }: Worker): Promise<void> {
  for (let at = queue.nextAt; at !== undefined; at = queue.nextAt) {
    await sleep(Math.max(0, at - Date.now()));
    const batch = queue.receive(20);
    await Promise.all(
      batch.map(async (message) => {
        const { retryAfter } = await renewQueued(world, message.body, message.received, message.firstAt);
        if (retryAfter === undefined) queue.remove([message]);
        else await queue.changeVisibility(message.receiptHandle, retryAfter);
      }),
    );
  }
}

/** Checks what is stored, and returns the leaf. */
function held({ world }: Worker, arn: string) {
  const { leaf, key } = pairOf(world.store.value(arn));
  expect(createPublicKey(key).export({ format: 'der', type: 'spki' })).toEqual(Buffer.from(leaf.spki));
  expect(Object.values(world.labels(arn)).flat()).not.toContain(orderLabel);
  expect(world.store.tagsOf(arn)).not.toHaveProperty([tags.order]);
  return leaf;
}

const failures = ({ world }: Worker) =>
  world.publisher.events.filter(({ type }) => type === 'Certificate Renewal Failed');
const quick = { env: { PEBBLE_VA_NOSLEEP: '1' }, config: { retryAfter: { authz: 1, order: 1 } } };
const tools = [await pebble(), await stepCa()] as const;

describeFound([tools[0]], 'Pebble', () => {
  test('as it misbehaves by default issues fifty certificates, each by one order, and leaves the zone as it was', async () => {
    const scene = await pebbleScene(acmeWorld({ syncMs: 700 }));
    const worker = await workerAt(scene);
    await scene.world.put('_acme-challenge.example.com', 'of somebody else');
    const before = await scene.world.texts();
    const documents = Array.from({ length: 50 }, (_, n): Partial<DeclarationDocument> => {
      const name = `c${n}.example.com`;
      if (n === 0) return { dnsNames: Array.from({ length: 100 }, (__, m) => `n${m}.example.com`) };
      if (n % 5 === 1) return { dnsNames: [name, `*.${name}`] };
      if (n % 5 === 2) return { dnsNames: [name], kty: 'RSA', size: 2048 };
      if (n === 3) return { dnsNames: ['example.com', '*.example.com'] };
      return { dnsNames: [name], commonName: name };
    });
    const arns = await Promise.all(documents.map((document, n) => worker.declare(`c${n}`, document)));
    expect(await scan(worker.world, { force: false, dryRun: false })).toMatchObject({ enqueued: 50 });
    await drain(worker);
    for (const [n, arn] of arns.entries()) {
      const leaf = held(worker, arn);
      const names = (documents[n]?.dnsNames ?? []).map((name) => `dns:${name}`);
      expect([...subjectAltNames(leaf)].sort()).toEqual(names.sort());
      expect(leaf.keySpec).toMatchObject(documents[n]?.kty === 'RSA' ? { kty: 'RSA' } : { kty: 'EC' });
    }
    expect(failures(worker)).toEqual([]);
    expect(await scene.server.counts()).toMatchObject({ accounts: 1, orders: 50, finalizations: 50, issued: 50 });
    expect(await scene.world.texts()).toEqual(before);
    expect(worker.queue.deadLetters).toEqual([]);
  }, 180_000);

  test('suggests when to renew: a window in the past is due at the next inspection, and the order says what it replaces', async () => {
    const scene = await pebbleScene(acmeWorld(), quick);
    const worker = await workerAt(scene);
    const arn = await worker.declare('web', { dnsNames: ['web.example.com'] });
    const look = async () => {
      await worker.queue.send([{ secretArn: arn, versionId: worker.world.versionOf(arn) }]);
      await drain(worker);
    };
    await look();
    const first = held(worker, arn);
    await look();
    const noted = Date.parse(worker.world.store.tagsOf(arn)[tags.renewAt] ?? '');
    expect(noted).toBeGreaterThan(Date.now());
    expect(noted).toBeLessThan(first.notAfter);
    const [start, end] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'];
    await scene.server.setRenewalInfo(pem(first.der), { suggestedWindow: { start, end } });
    // Minutes later, because a version that is new is left alone.
    const version = worker.world.versionOf(arn);
    worker.world.clock.now = () => Date.now() + 660_000;
    await worker.queue.send([{ secretArn: arn, versionId: version }]);
    await drainAhead(worker, 660_000);
    const second = held(worker, arn);
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect(worker.world.publisher.events.at(-1)).toMatchObject({
      type: 'Certificate Renewed',
      detail: { operation: 'rekey', outcome: 'rekeyed', reason: { code: 'Suggested' } },
    });
    expect(worker.world.store.tagsOf(arn)).not.toHaveProperty([tags.renewAt]);
  }, 60_000);

  test('issues for six days instead of ninety: a forced rekey warns, and is accepted', async () => {
    const profiles = {
      classic: { description: 'ninety days', validityPeriod: 7_776_000 },
      short: { description: 'six days', validityPeriod: 518_400 },
    };
    const scene = await pebbleScene(acmeWorld(), { ...quick, config: { ...quick.config, profiles } });
    const worker = await workerAt(scene, { acmeProfile: 'classic' });
    const arn = await worker.declare('web', { dnsNames: ['web.example.com'] });
    const ask = async () => {
      let answer = await renewOnDemand(worker.world, { secretId: arn, force: true });
      while (answer.outcome === 'pending') {
        await sleep(300);
        answer = await renewOnDemand(worker.world, { secretId: arn });
      }
      return answer;
    };
    expect(await ask()).toMatchObject({ outcome: 'issued', warnings: [] });
    const long = held(worker, arn);
    const ca = { ...(await scene.ca()), acmeProfile: 'short' };
    const entropy = (length: number) => new Uint8Array(randomBytes(length));
    const provider = await providerFor(ca, {
      clock: worker.world.clock,
      store: worker.world.store,
      entropy,
      ...scene.world.tools,
    });
    Object.assign(worker.world, { providerFor: async () => provider });
    const answer = await ask();
    expect(answer.warnings.map(({ code }) => code)).toContain('ValidityShortened');
    const short = held(worker, arn);
    expect(short.notAfter).toBeLessThan(long.notAfter);
    expect(Buffer.compare(short.spki, long.spki)).not.toBe(0);
  }, 60_000);

  test('takes names that were approved beforehand, without any change of a zone', async () => {
    const scene = await pebbleScene(acmeWorld(), {
      ...quick,
      env: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_AUTHZREUSE: '100' },
    });
    const first = await workerAt(scene);
    const names = { dnsNames: ['web.example.com', '*.web.example.com'] };
    await first.queue.send([{ secretArn: await first.declare('web', names), versionId: 'v1' }]);
    await drain(first);
    const calls = scene.world.tools.zones.faults.calls.length;
    const approved = await workerAt(scene, { challenge: { type: 'none' } });
    const arn = await approved.declare('other', names);
    await approved.queue.send([{ secretArn: arn, versionId: 'v1' }]);
    await drain(approved);
    held(approved, arn);
    expect(scene.world.tools.zones.faults.calls).toHaveLength(calls);
    const refused = await approved.declare('refused', { dnsNames: ['unknown.example.com'] });
    await approved.queue.send([{ secretArn: refused, versionId: 'v1' }]);
    await drain(approved);
    expect(failures(approved)).toMatchObject([
      { detail: { code: 'CaRejected', message: expect.stringContaining('unknown.example.com') } },
    ]);
  }, 60_000);
});

/** Like drain, with a clock that is ahead. */
async function drainAhead(worker: Worker, ahead: number): Promise<void> {
  const { world, queue } = worker;
  for (let at = queue.nextAt; at !== undefined; at = queue.nextAt) {
    await sleep(Math.max(0, at - ahead - Date.now()));
    for (const message of queue.receive(1)) {
      await renewQueued(world, message.body, message.received, message.firstAt);
      queue.remove([message]);
    }
  }
}

describeFound([tools[1]], 'step-ca', () => {
  test('issues by its own ACME, and leaves the zone as it was', async () => {
    const scene = await stepCaScene(acmeWorld({ syncMs: 300 }));
    const worker = await workerAt(scene);
    const before = await scene.world.texts();
    const arn = await worker.declare('web', {
      dnsNames: ['web.example.com', '*.web.example.com'],
      usages: ['serverAuth', 'clientAuth'],
    });
    await worker.queue.send([{ secretArn: arn, versionId: 'v1' }]);
    await drain(worker);
    expect([...subjectAltNames(held(worker, arn))].sort()).toEqual(['dns:*.web.example.com', 'dns:web.example.com']);
    expect(failures(worker)).toEqual([]);
    expect(await scene.world.texts()).toEqual(before);
  }, 60_000);
});
