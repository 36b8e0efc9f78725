/** `rollback`: the pair from before the last renewal is current again, and stays so. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { RenewalResult } from '../../lambdas/domain/result.ts';
import { type SecretSummary, versionWithStage } from '../../lambdas/domain/secret.ts';
import { statusTags, tags } from '../../lambdas/domain/tags.ts';
import { type Context, command } from '../command.ts';
import { describeOurs, each } from '../each.ts';
import { describeSecrets, findStack, invokeRenew, readAuthorities, readSettings } from '../permissions.ts';
import type { Session } from '../session.ts';

export const rollback = command({
  name: 'rollback',
  summary: 'back to the pair from before the last renewal',
  description: [
    'Pauses the secret, so that the schedule does not undo it, then moves AWSCURRENT back to AWSPREVIOUS in one step: a reader finds either pair whole. Where somebody else has written meanwhile nothing is moved, and it says so.',
    'Once more rolls forward again. `cert-renewer resume` ends the pause: when it is due, it gets a new pair.',
  ],
  argument: { name: '<names...>', description: 'names or ARNs of secrets' },
  options: {},
  examples: [
    { command: 'cert-renewer rollback web/tls', says: 'then cert-renewer resume web/tls, when it may be renewed' },
  ],
  needs: [
    describeSecrets,
    { actions: ['secretsmanager:TagResource', 'secretsmanager:UntagResource'], on: 'secrets' },
    { actions: ['secretsmanager:UpdateSecretVersionStage'], on: 'secrets' },
    findStack,
    { ...invokeRenew, when: 'its tags shall tell how long the pair is valid' },
    ...[readSettings, readAuthorities].map((need) => ({ ...need, when: 'it is an authority of the stack' })),
  ],
  winds: true,
  run: (context, names) => each(context, names, (name) => rollBack(context, name)),
});

async function rollBack({ session }: Context, name: string) {
  const { store } = session;
  const secret = await describeOurs(session, name);
  const from = secret.currentVersionId;
  const to = versionWithStage(secret, 'AWSPREVIOUS');
  if (from === undefined || to === undefined || from === to) {
    throw new RenewalError('InvalidRequest', 'It has no AWSPREVIOUS: there is no pair to go back to.');
  }
  if (secret.tags.get(tags.paused) !== 'true') await store.tag(secret.arn, { [tags.paused]: 'true' }, []);
  try {
    await store.promote(secret.arn, from, to);
  } catch (thrown) {
    // An answer that was lost looks like a refusal.
    if ((await store.describe(secret.arn)).currentVersionId !== to) throw thrown;
  }
  // What was rolled back from must not be found as a pair that only has to be promoted.
  if (secret.versions.get(from)?.includes('AWSPENDING')) await store.discard(secret.arn, from);
  const end = await retag(session, secret, to);
  return {
    says: `back to version ${to}${end === undefined ? '' : `, valid until ${end}`}; paused: cert-renewer resume ${secret.name} ends it`,
    record: { secretArn: secret.arn, versionId: to, previousVersionId: from, notAfter: end ?? null, paused: true },
  };
}

/**
 * The tags told of the version before: now of this one, whose window the renew function reads (nobody here needs to),
 * or of none, and then a worker looks when it is resumed. Gives its end.
 */
async function retag(session: Session, secret: SecretSummary, versionId: string): Promise<string | undefined> {
  const stale = statusTags.filter((tag) => secret.tags.has(tag));
  const found = await windowOf(session, secret.arn).catch(() => undefined);
  if (found?.versionId !== versionId || found.notBefore === null || found.notAfter === null) {
    if (stale.length > 0) await session.store.tag(secret.arn, {}, stale);
    return undefined;
  }
  const { notBefore, notAfter } = found;
  const set = { [tags.versionId]: versionId, [tags.notBefore]: notBefore, [tags.notAfter]: notAfter };
  await session.store.tag(
    secret.arn,
    set,
    stale.filter((tag) => tag === tags.failure),
  );
  return notAfter;
}

/** A dry run tells of the certificate that is there, and touches nothing. */
async function windowOf({ functions, output }: Session, secretId: string): Promise<RenewalResult> {
  const answer = await functions.invoke(await output('RenewFunctionName'), { secretId, dryRun: true });
  return answer as RenewalResult; // schemas/renew-answer.schema.json
}
