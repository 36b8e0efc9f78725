/**
 * The renew function as the rotation function of a secret with native rotation: Secrets Manager calls it once a step, and
 * may call each step again (https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html).
 * The version's id is Secrets Manager's own token; all else is the renewal that everybody gets.
 */
import { RenewalError, toRenewalError } from '../domain/errors.ts';
import { type SecretSummary, versionWithStage } from '../domain/secret.ts';
import { tags } from '../domain/tags.ts';
import { parseRotationRequest, type RotationRequest } from '../policy/request.ts';
import { resolveSettings } from '../policy/settings.ts';
import { recordFailure } from './failure.ts';
import { enrolment, gather, type Subject } from './gather.ts';
import { announce, issueAndVerify, judgeStaged, type Performance, resultOfSwap } from './perform.ts';
import { planRenewal } from './plan.ts';
import type { Trace } from './renew.ts';
import { makeUpFor } from './settle.ts';
import { promote, stage } from './swap.ts';
import type { RenewalWorld } from './world.ts';

/** `input`: Secrets Manager's event. Throws RenewalError, after writing down what failed; Secrets Manager tries again. */
export async function rotateStep(world: RenewalWorld, input: unknown): Promise<void> {
  const trace: Trace = {};
  let announcement: Announcement | undefined;
  try {
    announcement = await rotate(world, parseRotationRequest(input), trace);
  } catch (thrown) {
    throw await recordFailure(world, trace, thrown, { counts: true, final: true });
  }
  try {
    await announcement?.();
  } catch (error) {
    // Nothing undoes the promotion; Secrets Manager calls finishSecret again, which makes up for this.
    world.journal.failure({ secretArn: trace.secret?.arn ?? null, error, step: 'after promotion' });
    throw toRenewalError(error);
  }
}

/** What is left to do after the promotion: the event and the tags. */
type Announcement = () => Promise<void>;

/**
 * One step. createSecret stages a new pair, testSecret proves it once more, finishSecret promotes it; setSecret has
 * nothing to do, as the certificate lives in the secret alone. Each may be repeated. Throws RenewalError.
 */
async function rotate(world: RenewalWorld, request: RotationRequest, trace: Trace): Promise<Announcement | undefined> {
  const secret = await world.store.describe(request.secretId);
  trace.secret = secret;
  const stages = secret.versions.get(request.token);
  if (stages?.includes('AWSCURRENT')) return request.step === 'finishSecret' ? unfinished(world, secret) : undefined;
  if (!stages?.includes('AWSPENDING')) {
    throw new RenewalError(
      'InvalidRequest',
      `Version ${request.token} of ${secret.name} is not AWSPENDING: only Secrets Manager's own rotation calls this step.`,
    );
  }
  if (request.step === 'setSecret') return undefined;
  const { subject, work } = await prepare(world, secret);
  if (request.step === 'createSecret') {
    await create(world, subject, work, request.token);
    return undefined;
  }
  const staged = await judgeStaged(world, subject, work, request.token);
  if (!staged) {
    throw new RenewalError(
      'CertificateRejected',
      `Version ${request.token} of ${secret.name} holds no pair that could replace the current one: rotate again.`,
    );
  }
  if (request.step === 'testSecret') return undefined;
  await promote(world, { secretArn: secret.arn, from: subject.version.versionId, to: request.token });
  world.journal.count('Renewed', subject.profile.name, 1);
  const result = resultOfSwap(subject, work, staged.pair, request.token);
  return () => announce(world, subject, work, { result, target: secret, pair: staged.pair, to: request.token });
}

/** finishSecret once more, after a promotion whose event or tags may be missing. */
function unfinished(world: RenewalWorld, secret: SecretSummary): Announcement | undefined {
  const previous = versionWithStage(secret, 'AWSPREVIOUS');
  const isKnown = secret.tags.get(tags.versionId) === secret.currentVersionId;
  if (isKnown || previous === undefined || !secret.rotation.enabled) return undefined;
  return async () => makeUpFor(world, await gatherCurrent(world, secret), previous);
}

/** Secrets Manager decides when: that it asks is the reason, whatever the window says. */
async function prepare(world: RenewalWorld, secret: SecretSummary): Promise<{ subject: Subject; work: Performance }> {
  const subject = await gatherCurrent(world, secret);
  const settings = resolveSettings(undefined, subject.tagged, subject.profile);
  const plan = planRenewal(subject, settings, undefined);
  const decision = {
    action: settings.mode,
    code: 'Requested',
    message: 'Secrets Manager rotates the secret.',
  } as const;
  return { subject, work: { decision, settings, plan, warnings: plan.warnings, force: false } };
}

async function gatherCurrent(world: RenewalWorld, secret: SecretSummary): Promise<Subject> {
  const enrolled = await enrolment(world, secret);
  if ('action' in enrolled) throw new RenewalError('InvalidRequest', enrolled.message);
  if (secret.currentVersionId === undefined) {
    throw new RenewalError(
      'UnsupportedSecret',
      `The secret ${secret.name} has no value yet: put the first pair into it.`,
    );
  }
  const subject = await gather(world, enrolled, secret.currentVersionId);
  if ('action' in subject) throw new RenewalError('InvalidRequest', subject.message);
  return subject;
}

async function create(world: RenewalWorld, subject: Subject, work: Performance, token: string): Promise<void> {
  if (await judgeStaged(world, subject, work, token)) return; // an earlier call got so far
  const { value } = await issueAndVerify(world, subject, work);
  const { secret, version } = subject;
  await stage(world.store, { secretArn: secret.arn, from: version.versionId, to: token }, value);
}
