/** Renewals at a CA that copies no certificates: the plan, the answer, and the late event. */
import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { declarationIn, newVersionId } from '../../lambdas/domain/version-id.ts';
import { operationOf } from '../../lambdas/domain/wanted.ts';
import { unannounced } from '../../lambdas/policy/unannounced.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { operationBetween } from '../../lambdas/renewal/operation-between.ts';
import { makeUpFor } from '../../lambdas/renewal/owed.ts';
import { issuedFor, type Place, requireCertificate } from '../../lambdas/renewal/place.ts';
import { renewed } from '../../lambdas/renewal/renewed.ts';
import { enrolmentOf, gather } from '../../lambdas/renewal/steps/1-gather.ts';
import { planIssue } from '../../lambdas/renewal/steps/3-plan-issue.ts';
import { parseCertificate, parseIssuer } from '../../lambdas/x509/certificate.ts';
import { makePublicLeaf, type PublicStyle, publicStyles } from '../../testkit/certificates/index.ts';
import { hour, issuing, newKey, pairValue, start, World } from './world.ts';

const day = 24 * hour;
const { classic, tlsserver } = publicStyles;

/** Its CA issues every certificate by its declaration. */
function publicWorld(profile = issuing) {
  const world = new World(profile);
  Object.defineProperty(world.ca, 'can', { value: { ...world.ca.can, renews: false, rekeys: false } });
  return world;
}

async function placeOf(world: World, arn: string): Promise<Place> {
  const found = await enrolmentOf(world, world.store.summary(arn), undefined);
  if (found.kind !== 'enrolled') throw new Error(found.kind);
  const gathered = await gather(world, found.enrolled, world.versionOf(arn));
  if (gathered.kind !== 'read') throw new Error(gathered.kind);
  return gathered.place;
}

/** A declared certificate that was issued and announced, of mode `mode`. */
async function issued(mode: 'rekey' | 'renew' = 'rekey') {
  const world = publicWorld({ ...issuing, mode });
  const arn = await world.declareCertificate();
  await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1, start);
  world.publisher.events.length = 0;
  return { world, arn, place: await placeOf(world, arn) };
}

/** A leaf of a public CA for the declared names. */
const publicLeaf = (world: World, key: ReturnType<typeof newKey>, style: PublicStyle, notBefore = start - hour) =>
  makePublicLeaf({ key, names: ['dns:web.svc.example'], notBefore, style }, world.ca.hierarchy);

describe('the plan', () => {
  it.each([
    ['rekey', 'rekey', 'new'],
    ['renew', 'renew', 'same'],
  ] as const)('of a due certificate with the mode %s is a %s', async (mode, operation, key) => {
    const { place } = await issued(mode);
    const { wanted } = planIssue(place, undefined, mode);
    expect(wanted).toMatchObject({ content: { kind: 'declared', names: ['dns:web.svc.example'] }, key: { kind: key } });
    expect(operationOf(wanted)).toBe(operation);
    // So the id of its version has the declaration's hash, as that of an issuance.
    expect(issuedFor(place, operationOf(wanted))).toBe(place.declared?.hash);
    expect(place.declared?.hash).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is a rekey where the mode renew has no key to keep', async () => {
    const { world, arn } = await issued('renew');
    await world.declareCertificate({ kty: 'EC', curve: 'P-384' });
    world.store.setTags(arn, { [tags.issued]: world.store.tagsOf(arn)[tags.declared] ?? '' });
    const place = await placeOf(world, arn);
    expect(place).toMatchObject({ isAsDeclared: true });
    expect(operationOf(planIssue(place, undefined, 'renew').wanted)).toBe('rekey');
  });

  it('is an issuance for a changed declaration, whatever the action is', async () => {
    const { world, arn } = await issued();
    await world.declareCertificate({ dnsNames: ['www.svc.example'] });
    const place = await placeOf(world, arn);
    for (const action of ['issue', 'rekey'] as const) {
      expect(operationOf(planIssue(place, undefined, action).wanted)).toBe('issue');
    }
  });

  it('is an issuance where there is no certificate', async () => {
    const world = publicWorld();
    const place = await placeOf(world, await world.declareCertificate());
    expect(operationOf(planIssue(place, undefined, 'rekey').wanted)).toBe('issue');
  });

  it('says why a certificate must be declared, and how', async () => {
    const world = publicWorld();
    const place = await placeOf(world, world.enrol());
    expect(() => planIssue(place, undefined, 'rekey')).toThrow(
      expect.objectContaining({
        code: 'NotDeclared',
        message: expect.stringMatching(
          /web\/tls.*internal issues only declared.*"certificates".*cert-renewer declare web\/tls --profile internal --dns/,
        ),
      }),
    );
    const other = new World(issuing);
    const copied = await placeOf(other, other.enrol());
    expect(() => planIssue(copied, undefined)).toThrow(
      expect.objectContaining({ code: 'NotDeclared', message: expect.not.stringContaining('only declared') }),
    );
  });
});

describe('the answer', () => {
  it('has the operation as its outcome, and warns of a window that no longer fits', async () => {
    const { world, arn } = await issued();
    world.store.setTags(arn, { [tags.expiresIn]: '240h' }); // of 90 days before, and of 6 now
    const place = await placeOf(world, arn);
    const planned = planIssue(place, undefined, 'rekey');
    const leaf = parseCertificate(publicLeaf(world, newKey(), publicStyles.shortlived));
    const pair = { leaf, chain: [], root: undefined, end: leaf.notAfter, validFrom: start, warnings: [] };
    const work = { reason: { code: 'Suggested', message: '' }, plan: planned, warnings: [], owed: [] } as const;
    const result = renewed(place, work, { pair, to: 'v2' });
    expect(result).toMatchObject({ outcome: 'rekeyed', warnings: [{ code: 'WindowClamped' }] });
    // A third of its validity applies instead.
    expect(Date.parse(result.renewAt ?? '')).toBeLessThanOrEqual(leaf.notAfter - (160 * hour) / 3 + 1000);
  });
});

interface Scene {
  readonly versions: { readonly versionId: string; readonly previousVersionId: string };
  readonly sameKey: boolean;
  readonly otherNames: boolean;
  readonly usages: boolean;
  readonly first: boolean;
  readonly copies: boolean;
}

describe('the operation of an earlier try', () => {
  const key = newKey();
  const declaredBy = '0123456789abcdef0123456789abcdef';
  const ids = (came: string | undefined, was: string | undefined) => {
    const { entropy } = new World();
    const before = was === undefined ? 'v1' : newVersionId('v0', entropy, was);
    return { versionId: newVersionId(before, entropy, came), previousVersionId: before };
  };
  const both = ids(declaredBy, declaredBy);

  it.each<[string, string, Partial<Scene>]>([
    ['another key', 'rekey', { versions: both }],
    ['the same key', 'renew', { versions: both, sameKey: true }],
    ['another declaration', 'issue', { versions: ids(declaredBy, 'fedcba98'.repeat(4)) }],
    [
      'a version before that is not of ours, of the declared content',
      'rekey',
      { versions: ids(declaredBy, undefined) },
    ],
    ['one of other names', 'issue', { versions: ids(declaredBy, undefined), otherNames: true }],
    ['one with fewer usages', 'issue', { versions: ids(declaredBy, undefined), usages: true }],
    ['no certificate before', 'issue', { versions: both, first: true }],
    ['a CA that copies, and other extensions', 'issue', { versions: both, copies: true }],
  ])('%s: %s', async (_, operation, scene) => {
    const { world, place } = await issued();
    const was = { ...tlsserver, usages: scene.usages ? tlsserver.usages : classic.usages };
    const names = scene.otherNames ? ['dns:www.svc.example'] : ['dns:web.svc.example'];
    const notBefore = start - 60 * day;
    const previous = makePublicLeaf({ key, names, notBefore, style: was }, world.ca.hierarchy);
    const certificate = publicLeaf(world, scene.sameKey ? key : newKey(), classic);
    const can = { ...world.ca.can, renews: scene.copies ?? false };
    const found = operationBetween(
      { declared: place.declared, provider: { can } },
      parseCertificate(certificate),
      scene.first ? undefined : parseIssuer(previous),
      scene.versions ?? both,
    );
    expect(found).toBe(operation);
  });

  it('is in its late event', async () => {
    const { world, arn, place } = await issued();
    const before = world.versionOf(arn);
    const versionId = newVersionId(before, world.entropy, place.declared?.hash);
    const renewedKey = newKey();
    const leaf = publicLeaf(world, renewedKey, classic);
    await world.store.stage(arn, versionId, {
      kind: 'string',
      text: pairValue(leaf, [world.ca.hierarchy.intermediate], renewedKey),
    });
    await world.store.promote(arn, before, versionId);
    const subject = requireCertificate(await placeOf(world, arn));
    await makeUpFor(world, subject, unannounced(subject.secret));
    expect(world.publisher.of('Certificate Renewed').map(({ detail }) => detail)).toMatchObject([
      { outcome: 'rekeyed', operation: 'rekey', versionId, previousVersionId: before },
    ]);
    expect(declarationIn(versionId)).toBe(world.store.tagsOf(arn)[tags.issued]?.slice(0, 8));
  });
});
