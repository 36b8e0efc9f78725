/** The deployment together with the real worker. */
import { describe, expect, it } from 'vitest';
import { type CertificatesEvent, handleCertificates } from '../../lambdas/deployment/certificates.ts';
import type { DeclarationWorld } from '../../lambdas/deployment/world.ts';
import type { FunctionAnswer } from '../../lambdas/domain/declaring.ts';
import { toRenewalError } from '../../lambdas/domain/errors.ts';
import { formatInstant } from '../../lambdas/domain/instant.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { identityOf } from '../../lambdas/providers/index.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import type { FakeCa } from '../../testkit/fakes/ca.ts';
import { FakeDeclarationKeeper } from '../../testkit/fakes/declaration-keeper.ts';
import { OrderingCa } from '../../testkit/fakes/ordering-ca.ts';
import { TimedQueue } from '../../testkit/fakes/timed-queue.ts';
import { hour, pairOf, start, issuing as stepCa, World } from '../renewal/world.ts';

const name = 'web/tls';
const issuing = { ...stepCa, ca: { type: 'offline', authority: 'issuing' } };
const web: CertificateEntry = { profile: issuing.name, dnsNames: ['web.svc.example'] };
const www: CertificateEntry = { ...web, dnsNames: ['www.svc.example'] };
type Entries = Readonly<Record<string, CertificateEntry>>;

function deployed(caOf: (worker: World) => FakeCa = ({ ca }) => ca) {
  const worker = new World(issuing);
  const ca = caOf(worker);
  // The worker and the deployment must compute the same hash, so they use the same description of the CA.
  Object.assign(ca, { identity: identityOf(issuing.ca) });
  Object.assign(worker, { providerFor: async () => ca });
  const ask = async (request: Readonly<Record<string, unknown>>): Promise<FunctionAnswer> => {
    try {
      return { kind: 'answered', answer: await renewOnDemand(worker, request) };
    } catch (thrown) {
      const { code, message } = toRenewalError(thrown);
      return { kind: 'failed', errorType: code, message };
    }
  };
  const world: DeclarationWorld & { journal: World['journal'] } = {
    store: worker.store,
    secrets: worker.store,
    declarations: new FakeDeclarationKeeper({ faults: worker.faults, source: worker.declarations }),
    profiles: worker.profiles,
    renewal: { ask, start: async (request) => void (await ask(request)) },
    clock: worker.clock,
    journal: worker.journal,
  };
  const deploy = (
    entries: Entries,
    before?: Entries,
    RequestType: CertificatesEvent['RequestType'] = before ? 'Update' : 'Create',
  ) => {
    const properties = (all: Entries | undefined) => ({ Certificates: JSON.stringify(all ?? {}) });
    const event: CertificatesEvent = {
      ...{ RequestType, ResponseURL: 'x', StackId: 's', RequestId: 'r' },
      LogicalResourceId: 'Certificates',
      ResourceProperties: properties(entries),
      OldResourceProperties: properties(before),
    };
    return handleCertificates(world, event, worker.clock.now() + 570_000);
  };
  const names = () => subjectAltNames(pairOf(worker.store.value(name)).leaf);
  return { worker, deploy, names };
}

describe('a deployment', () => {
  it('makes a secret with its certificate; a repetition changes nothing; another name is a new certificate', async () => {
    const { worker, deploy, names } = deployed();
    expect(await deploy({ [name]: web })).toMatchObject({ Status: 'SUCCESS', Reason: '1 issued' });
    expect(names()).toEqual(['dns:web.svc.example']);
    expect(worker.store.versionIds(name)).toHaveLength(2);
    expect(await deploy({ [name]: web })).toMatchObject({ Status: 'SUCCESS', Reason: '1 there' });
    expect(await deploy({ [name]: web }, { [name]: web })).toMatchObject({ Reason: '1 untouched' });
    expect(worker.store.versionIds(name)).toHaveLength(2);
    expect(await deploy({ [name]: www }, { [name]: web })).toMatchObject({ Status: 'SUCCESS', Reason: '1 issued' });
    expect(names()).toEqual(['dns:www.svc.example']);
    expect(worker.store.versionIds(name)).toHaveLength(3);
  });

  it('uses an empty secret that already exists', async () => {
    const { worker, deploy, names } = deployed();
    worker.store.add({ name, value: '{}', tags: { [tags.profile]: issuing.name } });
    expect(await deploy({ [name]: web })).toMatchObject({ Status: 'SUCCESS', Reason: '1 issued' });
    expect(names()).toEqual(['dns:web.svc.example']);
    expect(worker.store.versionIds(name)).toHaveLength(2);
  });

  it('does not renew a certificate that is as declared, and refuses one with other names', async () => {
    const { worker, deploy, names } = deployed();
    await deploy({ [name]: web });
    worker.store.setTags(name, {}, [tags.declared, tags.issued]);
    worker.clock.set(start + hour);
    expect(await deploy({ [name]: www })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/its certificate is for dns:web\.svc\.example: set "existing": true/),
    });
    expect(await deploy({ [name]: web })).toMatchObject({ Status: 'SUCCESS', Reason: '1 there' });
    expect(worker.store.versionIds(name)).toHaveLength(2);
    expect(await deploy({ [name]: { ...www, existing: true } })).toMatchObject({ Reason: '1 issued' });
    expect(names()).toEqual(['dns:www.svc.example']);
  });

  it('beside a worker of the schedule: one certificate', async () => {
    const { worker, deploy, names } = deployed();
    worker.store.faults.meanwhile('after', 'tag', async ({ args: [arn] }) => {
      const versionId = worker.versionOf(String(arn));
      await renewQueued(worker, { secretArn: String(arn), versionId }, 1, worker.clock.now());
    });
    expect(await deploy({ [name]: web })).toMatchObject({ Status: 'SUCCESS' });
    expect(names()).toEqual(['dns:web.svc.example']);
    expect(worker.store.versionIds(name)).toHaveLength(2);
  });
});

describe('a deployment at a CA that answers later', () => {
  const ordering = (turns: OrderingCa['turns']) => {
    const made: { ca?: OrderingCa; queue?: TimedQueue } = {};
    const scene = deployed((worker) => {
      made.ca = new OrderingCa({ now: start, clock: worker.clock, hierarchy: worker.ca.hierarchy });
      made.ca.turns = turns;
      return made.ca;
    });
    const queue = new TimedQueue(scene.worker.clock);
    Object.assign(scene.worker, { queue });
    /** Delivers the messages of the next minutes. Returns their number. */
    const deliver = async (minutes: number): Promise<number> => {
      const { clock } = scene.worker;
      const end = clock.now() + minutes * 60_000;
      for (let count = 0; ; count++) {
        const at = queue.nextAt;
        if (at === undefined || at > end) return count;
        clock.advance(Math.max(0, at - clock.now()));
        for (const message of queue.receive(1)) {
          await renewQueued(scene.worker, message.body, message.received, message.firstAt);
          queue.remove([message]);
        }
      }
    };
    return { ...scene, queue, deliver, placed: () => made.ca?.placed, failures: () => failuresOf(scene.worker) };
  };
  const failuresOf = ({ publisher }: World) =>
    publisher.events.filter(({ type }) => type === 'Certificate Renewal Failed');

  it('waits for it, and asks every few seconds', async () => {
    const { worker, deploy, names, placed, failures } = ordering([60_000, 60_000, 60_000, 60_000, 60_000, 'issue']);
    expect(await deploy({ [name]: web })).toMatchObject({ Status: 'SUCCESS', Reason: '1 issued' });
    expect(names()).toEqual(['dns:web.svc.example']);
    expect(worker.clock.now() - start).toBeLessThan(60_000);
    expect([placed(), failures()]).toEqual([1, []]);
  });

  it.each(['rolled back', 'left as it is'])(
    'that runs out of time is %s, and the next one gets the certificate of the same order',
    async (how) => {
      const { worker, deploy, names, deliver, placed, failures } = ordering([...Array(150).fill(60_000), 'issue']);
      const { Status, Reason } = await deploy({ [name]: web });
      expect(Status).toBe('FAILED');
      expect(Reason).toMatch(/^web\/tls: CaUnavailable: Waited (?:9|10) minutes\. .*the CA has not finished/);
      expect(Reason).toContain(`since ${formatInstant(start + 1_000)}`); // the first turn declares it
      expect(worker.clock.now() - start).toBeLessThanOrEqual(600_000);
      if (how === 'rolled back') await deploy({ [name]: web }, undefined, 'Delete');
      expect(await deliver(5)).toBeGreaterThan(2);
      expect(await deploy({ [name]: web })).toMatchObject({ Status: 'SUCCESS' });
      expect(names()).toEqual(['dns:web.svc.example']);
      expect(placed()).toBe(1);
      // After a rollback nothing is declared for the empty secret, which a message finds.
      const codes = failures().map(({ detail }) => Reflect.get(detail, 'code'));
      expect(codes).toEqual(how === 'rolled back' ? ['UnsupportedSecret'] : []);
    },
  );
});
