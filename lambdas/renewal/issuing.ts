/**
 * Decides whether a declared certificate is renewed or issued. It is issued if it is missing, if its declaration has changed, and
 * if the CA refuses to renew it because of its content or its end.
 */
import type { Decision } from '../domain/decision.ts';
import { type ErrorCode, RenewalError } from '../domain/errors.ts';
import { copiesCertificates } from '../domain/ports.ts';
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

/**
 * Plans the renewal or the issuance. Throws InvalidRequest for an `out` of a certificate that is not issued yet, and the errors of
 * plan, planIssue, checkNew and of finding a key.
 */
export async function planFor(world: RenewalWorld, place: Place, job: Job, { action }: Decision): Promise<Plan> {
  refuseOutputLater(place, job);
  const givenKey = await resolveGivenKey(world, place, job.request?.privateKey);
  if (action === 'issue') {
    refuseOutput(place, job);
    return prepareIssuance(world, place, givenKey);
  }
  if (!copiesCertificates(place.provider.can)) return prepareIssuance(world, place, givenKey, action);
  const subject = requireCertificate(place);
  if (givenKey && stepsInKms(subject, givenKey)) return prepareIssuance(world, place, givenKey);
  const { asked } = place.settings;
  return plan(subject, { settings: asked, givenKey, notAfter: job.notAfter, force: job.force });
}

/** An order is stored with its secret, and no later message knows of an `out`. */
function refuseOutputLater({ provider }: Place, { request }: Job): void {
  if (request?.out === undefined || provider.can.answers === 'at once') return;
  throw new RenewalError(
    'InvalidRequest',
    'The CA of this profile answers later, so its certificates can not be written to another secret: send the request without $.out.',
    { concerns: 'request' },
  );
}

function refuseOutput({ secret }: Place, { request }: Job): void {
  if (request?.out === undefined) return;
  throw new RenewalError(
    'InvalidRequest',
    `$.out needs the declared certificate of ${secret.name}, which is not issued yet: send the request without $.out first.`,
    { concerns: 'request' },
  );
}

/** Returns whether a key in KMS is to be replaced by another one in KMS, and the CA can do that only by an issuance. */
function stepsInKms(place: Subject, givenKey: Signer): boolean {
  const isInKms = place.content.key.kind === 'kms' && givenKey.kmsKeyArn !== undefined;
  return isInKms && !place.provider.can.rekeysInKms && canBeIssued(place);
}

/** Plans an issuance. Its code is loaded on first use. Throws the errors of planIssue and of finding a key. */
export async function prepareIssuance(
  world: RenewalWorld,
  place: Place,
  givenKey?: Signer,
  action: Decision['action'] = 'issue',
): Promise<Plan> {
  const { planIssue } = await import('./steps/3-plan-issue.ts');
  const planned = planIssue(place, givenKey ?? (await keyInKms(world, place)), action);
  if (place.leaf === undefined && place.content === undefined) await checkNewValue(place, planned);
  return planned;
}

/** Checks that the new value can be written, before a certificate is issued for it. */
async function checkNewValue({ declared, profile }: Vacancy, { wanted: { key } }: Plan): Promise<void> {
  const { checkNew } = await import('../secret/new-secret.ts');
  const isInKms = key.kind === 'given' && key.signer.kmsKeyArn !== undefined;
  checkNew(declared.declaration.shape, isInKms ? 'kms' : 'private', profile.passwordSecretId !== undefined);
}

/** Returns the declaration's key in KMS. Throws KmsDenied, KmsUnavailable, UnsupportedSecret, InvalidTag, InvalidRequest. */
async function keyInKms(world: RenewalWorld, { declared, settings }: Place): Promise<Signer | undefined> {
  const kmsKeyId = declared?.declaration.kmsKeyId;
  if (kmsKeyId === undefined) return undefined;
  refuseAnotherKey(settings.asked);
  const signer = await world.vault.signer(kmsKeyId);
  await refuseAuthorityKey(world, signer, 'UnsupportedSecret', 'The kmsKeyId of the declaration');
  return signer;
}

/** Codes of a CA's refusal because of the certificate's content or end. */
const refusals: ReadonlySet<ErrorCode> = new Set(['CertificateExpired', 'CaRejected', 'InvalidRequest']);

/**
 * Returns the issuance that replaces a renewal that the CA refused. Undefined if nothing is declared, or if the reason was not the
 * certificate itself. Throws the errors of prepareIssuance.
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
  return { ...work, plan: await prepareIssuance(world, place) };
}

/** Returns whether public data confirm the refusal. A CA may have another reason, which an issuance does not solve. */
async function isObstacle({ clock }: RenewalWorld, place: Subject, planned: Plan): Promise<boolean> {
  try {
    await checkNow(place, planned, clock.now());
    return false;
  } catch (error) {
    return error instanceof RenewalError && refusals.has(error.code);
  }
}

/** Rehearses the work for a dry run. Throws the error that it would end with now. */
export async function rehearse(world: RenewalWorld, place: Place, work: Work): Promise<void> {
  if (place.leaf === undefined || work.plan.wanted.content.kind === 'declared') return;
  try {
    await checkNow(place, work.plan, world.clock.now());
  } catch (refused) {
    const instead = await issueInstead(world, place, work, refused);
    if (instead === undefined) throw refused;
  }
}
