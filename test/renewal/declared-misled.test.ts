/** An attacker who may write only the value of a declared secret gets no certificate for its names with a key of their own. */
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { newVersionId } from '../../lambdas/domain/version-id.ts';
import type { DeclarationDocument } from '../../lambdas/policy/declaration.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import { subjectAltNames } from '../../lambdas/x509/general-names.ts';
import {
  clientAuth,
  commonNameOnly,
  extendedKeyUsage,
  keyUsage,
  makeHierarchy,
  makeLeaf,
  serverAuth,
  spkiOf,
  subjectAltName,
} from '../../testkit/certificates/index.ts';
import { freshDates, hour, issuing, newKey, pairOf, pairValue, start, World } from './world.ts';

const look = (world: World, arn: string) =>
  renewQueued(world, { secretArn: arn, versionId: world.versionOf(arn) }, 1, start);

async function issued(more: Record<string, string> = {}) {
  const world = new World(issuing);
  const arn = await world.declareCertificate();
  world.store.setTags(arn, more);
  await look(world, arn);
  world.publisher.events.length = 0;
  world.clock.set(start + hour);
  const found = () => pairOf(world.store.value(arn)).leaf;
  const names = () => subjectAltNames(found());
  return { world, arn, found, names };
}

const declaredName = [subjectAltName('dns:web.svc.example')];

/** A pair of the profile's CA, for other names. */
function ofTheCa(world: World, key: KeyObject): string {
  const { leaf, chain } = world.ca.issueLeaf({ key, subject: commonNameOnly('leaf.example'), ...freshDates });
  return pairValue(leaf, chain, key);
}

/** A pair of an untrusted CA, for the declared names. */
function ofNobody(key: KeyObject, dates: { readonly notBefore: number; readonly notAfter: number }): string {
  const hierarchy = makeHierarchy(start - 1000 * hour, start + 1000 * hour);
  const leaf = makeLeaf({ key, subject: commonNameOnly(''), ...dates, extensions: declaredName }, hierarchy);
  return pairValue(leaf, [hierarchy.intermediate], key);
}

describe('another pair instead of the declared one', () => {
  it('is replaced if it has other names, although the tags say that it was issued', async () => {
    const { world, arn, names } = await issued();
    world.store.write(arn, ofTheCa(world, newKey()));
    await look(world, arn);
    expect(names()).toEqual(['dns:web.svc.example']);
    expect(world.publisher.events).toMatchObject([{ detail: { operation: 'issue', reason: { code: 'Changed' } } }]);
  });

  it('is replaced if it is of an earlier declaration, after a rollback', async () => {
    const { world, arn, names } = await issued();
    const first = world.versionOf(arn);
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    await look(world, arn);
    world.store.moveStage(arn, 'AWSCURRENT', first);
    await look(world, arn);
    expect(names()).toEqual(['dns:api.svc.example']);
  });

  it('stays if it is the same pair in another layout, and nothing is issued', async () => {
    const { world, arn } = await issued();
    const value = world.store.value(arn);
    world.store.write(arn, JSON.stringify({ note: 'mine', ...JSON.parse(value.kind === 'string' ? value.text : '') }));
    await look(world, arn);
    expect(world.ca.issued).toHaveLength(1);
    expect(world.store.tagsOf(arn)[tags.issued]).toBe(world.store.tagsOf(arn)[tags.declared]);
  });
});

describe('an untrusted pair with the declared names and usages, far from its end', () => {
  /** Looks like the declared certificate in all of its contents. */
  const lookalike = (key: KeyObject): string => {
    const hierarchy = makeHierarchy(start - 1000 * hour, start + 100_000 * hour);
    const dates = { notBefore: start - hour, notAfter: start + 50_000 * hour };
    const extensions = [
      keyUsage('digitalSignature'),
      extendedKeyUsage(serverAuth, clientAuth),
      { ...subjectAltName('dns:web.svc.example'), critical: true },
    ];
    const leaf = makeLeaf({ key, subject: commonNameOnly(''), ...dates, extensions }, hierarchy);
    return pairValue(leaf, [hierarchy.intermediate], key);
  };

  it('is replaced at the first inspection; its key is certified neither then nor when the declaration changes', async () => {
    const { world, arn, found } = await issued({ [tags.mode]: 'renew' });
    const key = newKey();
    const versionId = world.store.write(arn, lookalike(key));
    await look(world, arn);
    expect(world.versionOf(arn)).not.toBe(versionId);
    expect(found().spki).not.toEqual(spkiOf(key));
    expect(world.publisher.events).toMatchObject([{ detail: { operation: 'issue', reason: { code: 'Changed' } } }]);
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    await look(world, arn);
    expect(found().spki).not.toEqual(spkiOf(key));
  });

  /** The writer of a value chooses its version id. This id says that it is ours, and issued for this declaration. */
  const writeAsOurs = (world: World, arn: string, key: KeyObject): string => {
    const id = newVersionId(world.versionOf(arn), world.entropy, world.store.tagsOf(arn)[tags.declared]);
    return world.store.write(arn, lookalike(key), id);
  };

  it('is replaced under an id like ours', async () => {
    const { world, arn, found } = await issued({ [tags.mode]: 'renew' });
    const key = newKey();
    const versionId = writeAsOurs(world, arn, key);
    await look(world, arn);
    expect(world.versionOf(arn)).not.toBe(versionId);
    expect(found().spki).not.toEqual(spkiOf(key));
  });

  it('is replaced under such an id if the CA is away at the first inspection, and the declaration changes', async () => {
    const { world, arn, found } = await issued({ [tags.mode]: 'renew' });
    const key = newKey();
    writeAsOurs(world, arn, key);
    world.ca.faults.failBefore('issue', new RenewalError('CaUnavailable', 'Away.'), { times: 3 });
    for (const delivery of [1, 2, 3]) {
      await renewQueued(world, { secretArn: arn, versionId: world.versionOf(arn) }, delivery, start);
      expect(world.store.tagsOf(arn)[tags.issued]).not.toBe(world.store.tagsOf(arn)[tags.declared]);
    }
    world.clock.set(start + 2 * hour);
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    await look(world, arn);
    expect(found().spki).not.toEqual(spkiOf(key));
    expect(subjectAltNames(found())).toEqual(['dns:api.svc.example']);
  });

  it('is not certified, although the declaration changes before the first inspection', async () => {
    const { world, arn, found } = await issued({ [tags.mode]: 'renew' });
    const key = newKey();
    world.store.write(arn, lookalike(key));
    await world.declareCertificate({ dnsNames: ['api.svc.example'] });
    await look(world, arn);
    expect(found().spki).not.toEqual(spkiOf(key));
  });

  it('is replaced although the attacker leaves the tags as they were, by the schedule too', async () => {
    const { world, arn, found } = await issued();
    const key = newKey();
    world.store.write(arn, lookalike(key));
    const { plan } = await scan(world, { force: false, dryRun: true });
    expect(plan).toMatchObject([{ action: 'inspect' }]);
    await look(world, arn);
    expect(found().spki).not.toEqual(spkiOf(key));
  });
});

describe('mode renew does not certify another writer’s key', () => {
  const changed: Partial<DeclarationDocument> = { dnsNames: ['api.svc.example'] };

  it.each<[string, (world: World, key: KeyObject) => string, Partial<DeclarationDocument>]>([
    ['beside a certificate of the CA for other names', ofTheCa, {}],
    ['beside such a certificate, and the declaration changes', ofTheCa, changed],
    [
      'beside an untrusted certificate for the declared names, without clientAuth',
      (_, key) => ofNobody(key, freshDates),
      {},
    ],
    [
      'beside an untrusted certificate that has expired',
      (_, key) => ofNobody(key, { notBefore: start - 9 * hour, notAfter: start - hour }),
      {},
    ],
  ])('%s', async (_, valueWith, more) => {
    const { world, arn, found } = await issued({ [tags.mode]: 'renew' });
    const key = newKey();
    world.store.write(arn, valueWith(world, key));
    await world.declareCertificate(more);
    await look(world, arn);
    expect(world.ca.issued).toHaveLength(2);
    expect(found().spki).not.toEqual(spkiOf(key));
  });

  it('after a try that failed', async () => {
    const { world, arn, found } = await issued({ [tags.mode]: 'renew' });
    const key = newKey();
    world.store.write(arn, ofTheCa(world, key));
    world.ca.faults.failBefore('issue', new RenewalError('CaRejected', 'No.'));
    await look(world, arn);
    expect(world.store.tagsOf(arn)).toMatchObject({ [tags.versionId]: world.versionOf(arn), [tags.issued]: '-' });
    await look(world, arn);
    expect(found().spki).not.toEqual(spkiOf(key));
    expect(world.store.tagsOf(arn)[tags.issued]).toBe(world.store.tagsOf(arn)[tags.declared]);
  });

  it('but keeps its own key, in another layout too', async () => {
    const { world, arn, found } = await issued({ [tags.mode]: 'renew' });
    const { spki } = found();
    const value = world.store.value(arn);
    world.store.write(arn, JSON.stringify({ note: 'mine', ...JSON.parse(value.kind === 'string' ? value.text : '') }));
    await look(world, arn);
    await world.declareCertificate(changed);
    await look(world, arn);
    expect(subjectAltNames(found())).toEqual(['dns:api.svc.example']);
    expect(found().spki).toEqual(spki);
  });
});
