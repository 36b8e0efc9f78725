/**
 * Where a certificate is declared: whether it is renewed, as any other, or issued by its declaration. It is issued where it is not
 * there, where another one is declared, and where the CA will not renew it for what it is.
 */
import type { Decision } from '../domain/decision.ts';
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import type { Signer } from '../domain/signer.ts';
import { refuseAuthorityKey } from './authority-key.ts';
import { checkNow } from './fitness.ts';
import { resolveGivenKey } from './given-key.ts';
import type { Job } from './job.ts';
import { refuseAnotherKey } from './next-key.ts';
import { canBeIssued, type Place, requireCertificate, type Subject, type Vacancy } from './place.ts';
import type { Work } from './renewed.ts';
import { type Plan, plan } from './steps/3-plan.ts';
import type { RenewalWorld } from './world.ts';

/** Throws what plan, planIssue and checkNew throw, InvalidRequest for an `out` of what is not there yet, and what finding a key throws. */
export async function planFor(world: RenewalWorld, place: Place, job: Job, { action }: Decision): Promise<Plan> {
  const givenKey = await resolveGivenKey(world, place, job.request?.privateKey);
  if (action === 'issue') {
    refuseOutput(place, job);
    return prepareIssuance(world, place, givenKey);
  }
  const subject = requireCertificate(place);
  if (givenKey && stepsInKms(subject, givenKey)) return prepareIssuance(world, place, givenKey);
  const { asked } = place.settings;
  return plan(subject, { settings: asked, givenKey, notAfter: job.notAfter, force: job.force });
}

function refuseOutput({ secret }: Place, { request }: Job): void {
  if (request?.out === undefined) return;
  throw new RenewalError(
    'InvalidRequest',
    `$.out takes a copy of the certificate in ${secret.name}, and the one that is declared for it is not there yet: leave $.out out to have it issued first.`,
    { concerns: 'request' },
  );
}

/** From one key in KMS to another, which this CA can't do by a rekey. */
function stepsInKms(place: Subject, givenKey: Signer): boolean {
  const isInKms = place.content.key.kind === 'kms' && givenKey.kmsKeyArn !== undefined;
  return isInKms && !place.provider.can.rekeysInKms && canBeIssued(place);
}

/** What judges a declaration is loaded where one is issued. */
async function prepareIssuance(world: RenewalWorld, place: Place, givenKey: Signer | undefined): Promise<Plan> {
  const { planIssue } = await import('./steps/3-plan-issue.ts');
  const planned = planIssue(place, givenKey ?? (await keyInKms(world, place)));
  if (place.leaf === undefined && place.content === undefined) await checkNewValue(place, planned);
  return planned;
}

/** A certificate whose value can't be written would be issued in vain. */
async function checkNewValue({ declared, profile }: Vacancy, { wanted: { key } }: Plan): Promise<void> {
  const { checkNew } = await import('../secret/new-secret.ts');
  const isInKms = key.kind === 'given' && key.signer.kmsKeyArn !== undefined;
  checkNew(declared.declaration.shape, isInKms ? 'kms' : 'private', profile.passwordSecretId !== undefined);
}

/** The key that the declaration names, which stays in KMS. Throws KmsDenied, KmsUnavailable, UnsupportedSecret, InvalidTag, InvalidRequest. */
async function keyInKms(world: RenewalWorld, { declared, settings }: Place): Promise<Signer | undefined> {
  const kmsKeyId = declared?.declaration.kmsKeyId;
  if (kmsKeyId === undefined) return undefined;
  refuseAnotherKey(settings.asked);
  const signer = await world.vault.signer(kmsKeyId);
  await refuseAuthorityKey(world, signer, 'UnsupportedSecret', 'The kmsKeyId of the declaration');
  return signer;
}

/** What a CA refuses a certificate with for what it is, and for its end. */
const refusals: ReadonlySet<ErrorCode> = new Set(['CertificateExpired', 'CaRejected', 'InvalidRequest']);

/**
 * What is carried out in the place of a renewal that the CA refused: undefined where nothing is declared, or where it was refused
 * for something else than what the certificate is. Throws what prepareIssuance throws.
 */
export async function issueInstead(
  world: RenewalWorld,
  place: Place,
  work: Work,
  refused: unknown,
): Promise<Work | undefined> {
  if (!(refused instanceof RenewalError) || !refusals.has(refused.code) || work.output) return undefined;
  if (place.leaf === undefined || work.plan.wanted.content.kind === 'declared' || !canBeIssued(place)) return undefined;
  if (refused.code !== 'CertificateExpired' && !(await isObstacle(world, place, work.plan))) return undefined;
  return { ...work, plan: await prepareIssuance(world, place, undefined) };
}

/** As far as public data tell: a CA may refuse for a reason of its own, which another certificate does not mend. */
async function isObstacle({ clock }: RenewalWorld, place: Subject, planned: Plan): Promise<boolean> {
  try {
    await checkNow(place, planned, clock.now());
    return false;
  } catch (error) {
    return error instanceof RenewalError && refusals.has(error.code);
  }
}

/** For a dry run. Throws what carrying it out would end with now. */
export async function rehearse(world: RenewalWorld, place: Place, work: Work): Promise<void> {
  if (place.leaf === undefined || work.plan.wanted.content.kind === 'declared') return;
  try {
    await checkNow(place, work.plan, world.clock.now());
  } catch (refused) {
    const instead = await issueInstead(world, place, work, refused);
    if (instead === undefined) throw refused;
  }
}
