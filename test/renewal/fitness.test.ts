/** If the profile can never renew a certificate, the first inspection and a dry run report that, long before it is due. */
import { describe, expect, it } from 'vitest';
import type { Authority } from '../../lambdas/domain/authority.ts';
import type { Extension } from '../../lambdas/domain/certificate.ts';
import type { ErrorCode } from '../../lambdas/domain/errors.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { inventoryRow } from '../../lambdas/inventory/row.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import { renewQueued } from '../../lambdas/renewal/entry/queued.ts';
import { scan } from '../../lambdas/renewal/scan/scan.ts';
import {
  basicConstraints,
  commonNameOnly,
  extendedKeyUsage,
  keyUsage,
  makeHierarchy,
  makeLeaf,
  serverAuth,
  subjectAltName,
} from '../../testkit/certificates/index.ts';
import { providerFor } from '../../testkit/fakes/asking.ts';
import { authority } from '../../testkit/fakes/authorities.ts';
import { rootPem } from '../../testkit/fakes/tls-server.ts';
import { day, offline, Stack, year } from '../authority/world.ts';
import { freshDates, hour, internal, newKey, pairValue, start, World } from './world.ts';

const serverOnly = [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth), subjectAltName('dns:leaf.example')];
const ofCa = [keyUsage('keyCertSign'), basicConstraints(true, 0)];

/** A world without a reachable CA: its step-ca is a real provider with an address that does not exist. */
async function atStepCa(extensions?: readonly Extension[], more: Readonly<Record<string, string>> = {}, inKms = false) {
  const world = new World(internal);
  const real = await providerFor({ type: 'step-ca', url: 'https://ca.invalid', root: rootPem }, world);
  Object.assign(world, { providerFor: async () => ({ ...real, roots: () => world.ca.roots() }) });
  const key = newKey();
  const arn = world.enrol({ ...freshDates, key, ...(extensions && { extensions }), tags: more });
  if (inKms) toKms(world, arn, key);
  return { world, arn };
}

function toKms(world: World, arn: string, privateKey: ReturnType<typeof newKey>): void {
  const { text } = world.store.value(arn) as { text: string };
  const { privateKey: _, ...rest } = JSON.parse(text);
  const kmsKeyId = world.vault.add({ spec: { kty: 'EC', curve: 'P-256' }, privateKey });
  world.store.write(arn, JSON.stringify({ ...rest, kmsKeyId }), 'v1');
}

/** `issuing`: changes of the authority's configuration, after it was made. */
async function atOwnAuthority(
  dates: { readonly notBefore: number; readonly notAfter: number; readonly extensions?: readonly Extension[] },
  issuing: Partial<Authority> = {},
) {
  const world = await new Stack(offline).hierarchy();
  const present = world.authorities.all.get('issuing');
  if (present) world.authorities.set({ ...present, ...issuing });
  const { arn } = world.enrolLeaf(dates);
  return { world, arn };
}

async function ofAnother() {
  const { world, arn } = await atOwnAuthority(freshDates);
  const key = newKey();
  const namesake = makeHierarchy(start - day, start + year, 'Other');
  const issuer = { ...namesake, intermediateName: world.certificateOf('issuing').subject };
  const leaf = makeLeaf({ key, subject: commonNameOnly('leaf.example'), ...freshDates }, issuer);
  world.store.write(arn, pairValue(leaf, [], key), 'v1');
  return { world, arn };
}

/** Certificates that can't be renewed with these tags and this profile. None of them is due. */
const unfit: [string, () => { world: World; arn: string } | Promise<{ world: World; arn: string }>, ErrorCode][] = [
  ['no clientAuth at step-ca', () => atStepCa(serverOnly), 'InvalidRequest'],
  ['no clientAuth at step-ca, to be renewed', () => atStepCa(serverOnly, { [tags.mode]: 'renew' }), 'CaRejected'],
  ['no clientAuth, and a key in KMS', () => atStepCa(serverOnly, {}, true), 'CaRejected'],
  ['a key in KMS that is to be rekeyed', () => atStepCa(undefined, { [tags.mode]: 'rekey' }, true), 'InvalidTag'],
  ['a key in KMS that can sign no token', () => atStepCa([keyUsage('keyEncipherment')], {}, true), 'CaRejected'],
  ['a CA’s certificate that is to be rekeyed', () => atStepCa(ofCa, { [tags.mode]: 'rekey' }), 'InvalidTag'],
  ['a CA’s certificate, offline', () => atOwnAuthority({ ...freshDates, extensions: ofCa }), 'CaUntrusted'],
  ['one of another issuer of the same name, offline', ofAnother, 'CaUntrusted'],
  [
    'one whose provisioner is gone, offline',
    () => atOwnAuthority(freshDates, { provisionerClaims: new Map([['other', {}]]) }),
    'CaRejected',
  ],
  [
    'one that may not be renewed, offline',
    () => atOwnAuthority(freshDates, { claims: { disableRenewal: true } }),
    'CaRejected',
  ],
  [
    'one that is longer than allowed, offline',
    () => atOwnAuthority(freshDates, { claims: { maxDuration: hour } }),
    'CaRejected',
  ],
];

describe.each(unfit)('%s', (_, make, code) => {
  it('fails in a dry run as in a real one, and nothing is written', async () => {
    const { world, arn } = await make();
    await expect(renewOnDemand(world, { secretId: arn, dryRun: true })).rejects.toMatchObject({ code });
    expect(world.store.tagsOf(arn)[tags.failure]).toBeUndefined();
    expect(world.publisher.events).toEqual([]);
    // Without a reachable CA, step-ca's own refusal can't be tested.
    if (code === 'CaRejected' && !(world instanceof Stack)) return;
    await expect(renewOnDemand(world, { secretId: arn })).rejects.toMatchObject({ code });
    expect(world.versionOf(arn)).toBe('v1');
  });

  it('fails from the first inspection on, is reported once, and backed off', async () => {
    const { world, arn } = await make();
    const profile = await world.profiles.find(world.store.tagsOf(arn)[tags.profile] ?? '');
    const state = () =>
      inventoryRow({ secret: world.store.summary(arn) }, profile, {
        now: world.clock.now(),
        step: hour,
        rotationFunctionArn: undefined,
      });
    const [signed, asked] = [world.faults.count('sign'), world.ca.issued.length];
    await scan(world, { force: false, dryRun: false, secretIds: [arn] });
    expect(world.queue.sent).toHaveLength(1);
    for (const message of world.queue.sent) expect(await renewQueued(world, message, 1)).toEqual({});
    expect(state()).toMatchObject({ state: 'failing', failure: { code, count: 1 } });
    expect(state().notAfter).toBe(freshDates.notAfter);
    expect(world.publisher.of('Certificate Renewal Failed').map(({ detail }) => detail.code)).toEqual([code]);
    expect([world.faults.count('sign'), world.ca.issued.length]).toEqual([signed, asked]);
    expect(await scan(world, { force: false, dryRun: true, secretIds: [arn] })).toMatchObject({ backingOff: 1 });
    expect(world.versionOf(arn)).toBe('v1');
  });
});

describe('a certificate that can be renewed', () => {
  it.each<[string, () => { world: World; arn: string } | Promise<{ world: World; arn: string }>]>([
    ['at step-ca', () => atStepCa()],
    ['with a key in KMS', () => atStepCa(undefined, {}, true)],
    ['offline, without clientAuth', () => atOwnAuthority({ ...freshDates, extensions: serverOnly })],
    ['by an authority that is disabled today', () => atOwnAuthority(freshDates, { disabled: true })],
  ])('is left alone until it is due: %s', async (_, make) => {
    const { world, arn } = await make();
    await renewQueued(world, { secretArn: arn, versionId: 'v1' }, 1);
    expect(world.store.tagsOf(arn)).toMatchObject({ [tags.versionId]: 'v1' });
    expect(world.store.tagsOf(arn)[tags.failure]).toBeUndefined();
    expect(world.publisher.events).toEqual([]);
  });

  it('is planned', async () => {
    for (const { world, arn } of [
      await atStepCa(),
      await atStepCa(undefined, {}, true),
      await atOwnAuthority(freshDates),
    ]) {
      expect(await renewOnDemand(world, { secretId: arn, dryRun: true })).toMatchObject({ outcome: 'planned' });
    }
  });
});

it('a dry run also reports a temporary obstacle', async () => {
  const { world, arn } = await atOwnAuthority(freshDates, { disabled: true });
  const request = { secretId: arn };
  await expect(renewOnDemand(world, { ...request, dryRun: true })).rejects.toMatchObject({ code: 'CaRejected' });
  await expect(renewOnDemand(world, request)).rejects.toMatchObject({ code: 'CaRejected' });
});

it('a request with expiresIn is answered NotDue first, and a paused secret causes no event', async () => {
  const { world, arn } = await atStepCa(serverOnly);
  for (const dryRun of [true, false]) {
    const answer = await renewOnDemand(world, { secretId: arn, expiresIn: '1h', dryRun });
    expect(answer).toMatchObject({ outcome: 'skipped', reason: { code: 'NotDue' } });
  }
  const paused = await atStepCa(serverOnly, { [tags.paused]: 'true' });
  await renewQueued(paused.world, { secretArn: paused.arn, versionId: 'v1' }, 1);
  expect(paused.world.publisher.events).toEqual([]);
  expect(paused.world.store.tagsOf(paused.arn)[tags.failure]).toBeUndefined();
});

it('an authority whose parent is elsewhere fails on request, and not at every inspection', async () => {
  const world = await new Stack(offline).hierarchy();
  const { parent: _, ...elsewhere } = world.authorities.all.get('issuing') ?? authority('issuing');
  world.authorities.set(elsewhere);
  const { arn, currentVersionId = '' } = world.store.summary('pki/issuing');
  await renewQueued(world, { secretArn: arn, versionId: currentVersionId }, 1);
  expect(world.publisher.of('Certificate Renewal Failed')).toEqual([]);
  for (const dryRun of [true, false]) {
    await expect(renewOnDemand(world, { secretId: arn, dryRun })).rejects.toMatchObject({ code: 'CaRejected' });
  }
});
