/** `pause` and `resume`: one tag, which the scan follows. */
import { tags } from '../../lambdas/domain/tags.ts';
import { command } from '../command.ts';
import { describeOurs, each } from '../each.ts';
import { describeSecrets, findStack, readAuthorities, readProfiles, readSettings } from '../permissions.ts';

const argument = { name: '<names...>', description: 'names or ARNs of secrets' };
const whenAuthority = 'the secret is an authority of the stack';

export const pause = command({
  name: 'pause',
  summary: 'exclude secrets from the schedule',
  description: ['Sets the tag cert-renewer:paused. `cert-renewer renew --force` still renews a paused secret.'],
  argument,
  options: {},
  examples: [{ command: 'cert-renewer pause web/tls', says: 'until cert-renewer resume web/tls' }],
  needs: [
    describeSecrets,
    { actions: ['secretsmanager:TagResource'], on: 'secrets' },
    ...[findStack, readSettings, readAuthorities].map((need) => ({ ...need, when: whenAuthority })),
  ],
  winds: true,
  run: (context, names) =>
    each(context, names, async (name) => {
      const { session } = context;
      const { arn: secretArn, name: secretName, tags: found } = await describeOurs(session, name);
      const was = found.get(tags.paused) === 'true';
      if (!was) await session.store.tag(secretArn, { [tags.paused]: 'true' }, []);
      const says = was ? 'is paused already' : `paused until cert-renewer resume ${secretName}`;
      return { says, record: { secretArn, paused: true, changed: !was } };
    }),
});

export const resume = command({
  name: 'resume',
  summary: 'return secrets to the schedule',
  description: ['Removes the tag cert-renewer:paused. A certificate that is due is renewed after the next scan.'],
  argument,
  options: {},
  examples: [{ command: 'cert-renewer resume web/tls', says: 'then see cert-renewer plan web/tls' }],
  needs: [
    describeSecrets,
    { actions: ['secretsmanager:UntagResource'], on: 'secrets' },
    ...[findStack, readSettings, readProfiles],
    { ...readAuthorities, when: whenAuthority },
  ],
  winds: true,
  run: (context, names) =>
    each(context, names, async (name) => {
      const { session } = context;
      const { arn: secretArn, tags: found } = await describeOurs(session, name);
      const was = found.has(tags.paused);
      if (was) await session.store.tag(secretArn, {}, [tags.paused]);
      const profile = await (await session.deployment()).profiles.find(found.get(tags.profile) ?? '');
      const still = profile?.paused === true;
      const also = still ? `; its profile ${profile.name} is paused too, so the schedule still excludes it` : '';
      const says = `${was ? 'resumed' : 'was not paused'}${also}`;
      return { says, record: { secretArn, paused: still, changed: was } };
    }),
});
