/** The deployment together with the real worker. */
import { describe, expect, it } from 'vitest';
import { type CertificatesEvent, handleCertificates } from '../../lambdas/deployment/certificates.ts';
import type { DeclarationWorld } from '../../lambdas/deployment/world.ts';
import type { FunctionAnswer } from '../../lambdas/domain/declaring.ts';
import { toRenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';
import { identityOf } from '../../lambdas/providers/index.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import { FakeDeclarationKeeper } from '../../testkit/fakes/declaration-keeper.ts';
import { hour, pairOf, start, issuing as stepCa, World } from '../renewal/world.ts';

const name = 'web/tls';
const issuing = { ...stepCa, ca: { type: 'offline', authority: 'issuing' } };
const web: CertificateEntry = { profile: issuing.name, dnsNames: ['web.svc.example'] };
const www: CertificateEntry = { ...web, dnsNames: ['www.svc.example'] };
type Entries = Readonly<Record<string, CertificateEntry>>;

function deployed() {
  const worker = new World(issuing);
  // The worker and the deployment must compute the same hash, so they use the same description of the CA.
  Object.assign(worker.ca, { identity: identityOf(issuing.ca) });
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
  const deploy = (entries: Entries, before?: Entries) => {
    const properties = (all: Entries | undefined) => ({ Certificates: JSON.stringify(all ?? {}) });
    const event: CertificatesEvent = {
      ...{ RequestType: before ? 'Update' : 'Create', ResponseURL: 'x', StackId: 's', RequestId: 'r' },
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
