/** Steps 4 to 10: what happens to a certificate that is due, in one direction. */
import type { Decision, Warning } from '../domain/decision.ts';
import { RenewalError } from '../domain/errors.ts';
import { sameKeySpec } from '../domain/key-spec.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { Settings } from '../domain/settings.ts';
import { renewalTime } from '../policy/renewal-time.ts';
import { resolveSettings } from '../policy/settings.ts';
import { readPair, type Subject } from './gather.ts';
import { issue } from './issue.ts';
import type { Plan } from './plan.ts';
import { afterwards, publishRenewed, resultOf, tagStatus } from './record.ts';
import { newVersionId, ownPending, promote, type Swap, stage } from './swap.ts';
import { type VerifiedPair, verifyIssued } from './verify.ts';
import type { RenewalWorld } from './world.ts';

export interface Performance {
  readonly decision: Decision;
  readonly settings: Settings;
  readonly plan: Plan;
  readonly warnings: readonly Warning[];
  readonly force: boolean;
}

/** Steps 4 to 10. */
export async function perform(world: RenewalWorld, subject: Subject, work: Performance): Promise<RenewalResult> {
  const started = world.clock.now();
  const { secret, version, profile } = subject;
  const left = await takeUpPending(world, subject, work);
  const { pair, to } = left ?? (await issueAndStage(world, subject, work));
  await promote(world, { secretArn: secret.arn, from: version.versionId, to });
  const validity = { notBefore: pair.leaf.notBefore, end: pair.end };
  const time = renewalTime(validity, withoutRequest(work.settings, subject), secret.arn);
  const { operation } = work.plan;
  const result = resultOf({
    outcome: operation === 'renew' ? 'renewed' : 'rekeyed',
    reason: work.decision,
    warnings: [...work.warnings, ...pair.warnings],
    secretArn: secret.arn,
    profile: profile.name,
    versionId: to,
    previousVersionId: version.versionId,
    certificate: pair.leaf,
    previous: subject.leaf,
    renewAt: time.renewAt,
  });
  await afterwards(world, secret.arn, async () => {
    await publishRenewed(world, result, operation);
    await tagStatus(world.store, secret, to, validity);
  });
  world.journal.count('Renewed', profile.name, 1);
  world.journal.measure('RenewalDuration', profile.name, world.clock.now() - started);
  return result;
}

/** The next renewal follows the tags and the profile: what one request asked for is not asked for ever. */
function withoutRequest(settings: Settings, subject: Subject): Settings {
  return settings.timingSource === 'request' ? resolveSettings(undefined, subject.tagged, subject.profile) : settings;
}

/**
 * A pair that was staged from the version that is current, still verifies and fits what is asked for, is promoted and
 * not issued again: a crash between stage and promote costs nothing.
 */
async function takeUpPending(
  world: RenewalWorld,
  subject: Subject,
  { plan, force }: Performance,
): Promise<{ pair: VerifiedPair; to: string } | undefined> {
  const pending = ownPending(subject.secret);
  if (pending === undefined || plan.givenKey) return undefined;
  try {
    const staged = await readPair(world, subject.profile, await world.store.read(subject.secret.arn, pending));
    if (plan.keySpec && !(staged.leaf.keySpec && sameKeySpec(staged.leaf.keySpec, plan.keySpec))) return undefined;
    const certificates = [staged.leaf, ...staged.chain].map(({ der }) => der);
    const pair = verifyIssued(certificates, expectation(subject, plan, staged.leaf.spki, force), world.clock.now());
    return { pair, to: pending };
  } catch (error) {
    if (error instanceof RenewalError && error.retryable) throw error;
    return undefined; // It does not fit, whatever it is: the next stage takes its label.
  }
}

function expectation(subject: Subject, plan: Plan, spki: Uint8Array, force: boolean) {
  const { leaf: before, validity, roots } = subject;
  return { operation: plan.operation, before, beforeEnd: validity.end, spki, roots, force };
}

async function issueAndStage(
  world: RenewalWorld,
  subject: Subject,
  { plan, force }: Performance,
): Promise<{ pair: VerifiedPair; to: string }> {
  const { secret, version, content, leaf } = subject;
  const issued = await issue(world, subject, plan);
  const spki = issued.key?.spki ?? leaf.spki;
  const now = world.clock.now();
  const pair = verifyIssued(issued.chain.certificates, expectation(subject, plan, spki, force), now);
  if (pair.validFrom > now) await world.clock.sleep(pair.validFrom - now);
  const newKey = plan.operation === 'rekey' ? issued.key?.privateKey : undefined;
  const value = await content.write({
    leaf: pair.leaf.der,
    chain: pair.chain.map(({ der }) => der),
    root: pair.root.der,
    key: newKey && { kind: 'private', privateKey: newKey },
  });
  const swap: Swap = {
    secretArn: secret.arn,
    from: version.versionId,
    to: newVersionId(version.versionId, world.entropy),
  };
  await stage(world.store, swap, value);
  return { pair, to: swap.to };
}
