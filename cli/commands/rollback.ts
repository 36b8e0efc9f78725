/** `rollback`: makes the previous pair current again, and pauses the secret. */
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import { type SecretSummary, versionWithStage } from '../../lambdas/domain/secret.ts';
import { foreignIssue, hasRoomFor, orderTags, servingTags, statusTags, tags } from '../../lambdas/domain/tags.ts';
import { checkRoom } from '../../lambdas/policy/room.ts';
import { formatServing, keyTypes, newServing } from '../../lambdas/policy/served.ts';
import type { Shown, ShownCertificate } from '../../lambdas/renewal/entry/show.ts';
import { type Context, command } from '../command.ts';
import { describeOurs, each } from '../each.ts';
import { describeSecrets, findStack, invokeRenew, readAuthorities, readSettings } from '../permissions.ts';
import type { Session } from '../session.ts';

export const rollback = command({
  name: 'rollback',
  summary: 'make the pair from before the last renewal current again',
  description: [
    'Pauses the secret, so that the schedule does not undo the rollback. Then moves AWSCURRENT to the version with AWSPREVIOUS in one step: a reader sees one pair or the other, never a mixture. If another writer has changed the secret meanwhile, nothing is moved and the command fails.',
    'A second rollback restores the newer pair. `cert-renewer resume` ends the pause; the secret then gets a new pair when it is due.',
  ],
  argument: { name: '<names...>', description: 'names or ARNs of secrets' },
  options: {},
  examples: [{ command: 'cert-renewer rollback web/tls', says: 'later: cert-renewer resume web/tls' }],
  needs: [
    describeSecrets,
    { actions: ['secretsmanager:TagResource', 'secretsmanager:UntagResource'], on: 'secrets' },
    { actions: ['secretsmanager:UpdateSecretVersionStage'], on: 'secrets' },
    findStack,
    { ...invokeRenew, when: 'optional: to write the validity of the pair to the tags' },
    ...[readSettings, readAuthorities].map((need) => ({ ...need, when: 'the secret is an authority of the stack' })),
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
    throw new RenewalError('InvalidRequest', 'The secret has no AWSPREVIOUS: there is no pair to go back to.');
  }
  if (secret.tags.get(tags.paused) !== 'true') await store.tag(secret.arn, { [tags.paused]: 'true' }, []);
  try {
    await store.promote(secret.arn, from, to);
  } catch (thrown) {
    // After a lost answer the promotion may have succeeded.
    if ((await store.describe(secret.arn)).currentVersionId !== to) throw thrown;
  }
  // With AWSPENDING the worker would promote this version again.
  if (secret.versions.get(from)?.includes('AWSPENDING')) await store.discard(secret.arn, from);
  const end = await retag(session, secret, to);
  return {
    says: `back to version ${to}${end === undefined ? '' : `, valid until ${end}`}; paused until cert-renewer resume ${secret.name}`,
    record: { secretArn: secret.arn, versionId: to, previousVersionId: from, notAfter: end ?? null, paused: true },
  };
}

/**
 * Updates the status tags to this version and returns its end. The renew function reads the certificate, so that the caller needs
 * no right to. If it can't, the tags are removed, and a worker inspects the secret once it is resumed. The tag `issued` is about the
 * version before: this version was issued for the declaration, or for another one. The tags of an order and of the CA's suggestion are
 * about the version that is not current any more. The probe begins anew, because the servers are to present this pair now.
 */
async function retag(session: Session, secret: SecretSummary, versionId: string): Promise<string | undefined> {
  const stale = statusTags.filter((tag) => secret.tags.has(tag));
  const found = await shownIn(session, secret.arn).catch(() => undefined);
  if (found?.versionId !== versionId || !found.certificate) {
    if (stale.length > 0) await session.store.tag(secret.arn, {}, stale);
    return undefined;
  }
  const { notBefore, end } = found.certificate;
  const declared = secret.tags.get(tags.declared) ?? foreignIssue;
  const set = {
    ...{ [tags.versionId]: versionId, [tags.notBefore]: notBefore, [tags.notAfter]: end },
    ...(found.declaration && { [tags.issued]: found.declaration.isMet ? declared : foreignIssue }),
    ...servingOf(secret, found.certificate, session.clock.now()),
  };
  await session.store.tag(
    secret.arn,
    set,
    stale.filter((tag) => aboutTheOther.has(tag) && !(tag in set)),
  );
  return end;
}

/** Returns the tags for the probe of a secret with endpoints, as a worker begins them, if there is room for them beside the pause. */
function servingOf(
  secret: SecretSummary,
  { fingerprintSha256, keyAlgorithm }: ShownCertificate,
  now: Instant,
): Readonly<Record<string, string>> {
  const found = new Map(secret.tags).set(tags.paused, 'true');
  if (!found.has(tags.endpoints) || checkRoom({ tags: found }) !== undefined) return {};
  const fingerprint = { [tags.fingerprint]: fingerprintSha256 };
  if (!hasRoomFor(found, tags.served)) return fingerprint;
  const keyType = keyTypes.find((type) => keyAlgorithm?.startsWith(`${type} `));
  return { ...fingerprint, [tags.served]: formatServing(fingerprintSha256, found, newServing(now, keyType)) };
}

/** Other tags are written anew. */
const aboutTheOther: ReadonlySet<string> = new Set([tags.failure, ...orderTags, ...servingTags]);

async function shownIn({ functions, output }: Session, secretId: string): Promise<Shown> {
  const answer = await functions.invoke(await output('RenewFunctionName'), { show: secretId });
  return answer as Shown; // docs/invoke.md
}
