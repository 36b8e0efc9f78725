import { describe, expect, it } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import type { CommandRunner } from '../../lambdas/domain/hook.ts';
import { type CommandHook, runCommand } from '../../lambdas/hooks/run-command.ts';
import { renewedEvent, reportWorld, secretArn, versionId } from './events.ts';

const hook: CommandHook = {
  profile: 'web',
  type: 'exec',
  documentName: 'Reload',
  target: { key: 'Role', value: 'web' },
};

function setUp(failure?: Error) {
  const sent: Parameters<CommandRunner['send']>[] = [];
  const commands: CommandRunner = {
    send: async (...call) => {
      sent.push(call);
      if (failure) throw failure;
      return 'c-1';
    },
    find: async () => undefined,
  };
  return { ...reportWorld(), commands, sent };
}

describe('a command after a renewal', () => {
  it('gets the secret and its new version, and nothing else', async () => {
    const world = setUp();
    await runCommand(world, hook, renewedEvent({ subject: 'CN=$(id)', sans: ['dns:`id`'] }));
    expect(world.sent).toEqual([['Reload', { key: 'Role', value: 'web' }, { secretArn, versionId }]]);
    expect(world.journal.decisions).toMatchObject([{ secretArn, profile: 'web', commandId: 'c-1' }]);
    expect(world.publisher.events).toEqual([]);
  });

  it('gets the secret of the pair, if that was another one', async () => {
    const world = setUp();
    const out = { secretArn: secretArn.replace('web/lb', 'web/other'), versionId: versionId.replace('0123', '4567') };
    await runCommand(world, hook, renewedEvent({ out }));
    expect(world.sent[0]?.[2]).toEqual(out);
  });
});

describe('an event that is no renewal of this profile', () => {
  it.each<[string, unknown]>([
    ['another profile', renewedEvent({ profile: 'internal' })],
    ['another source', renewedEvent({}, { source: 'me' })],
    ['another event', renewedEvent({}, { 'detail-type': 'Scan Completed' })],
    ['a command for a secret', renewedEvent({ secretArn: `${secretArn};id` })],
    ['an expansion for a version', renewedEvent({ versionId: '{{ssm:password-of-the-database}}xxxx' })],
    ['a list for a version', renewedEvent({ versionId: [versionId] })],
    ['no version', renewedEvent({ versionId: null })],
    ['a bad out', renewedEvent({ out: { secretArn, versionId: 'x y' } })],
    ['nothing', undefined],
    ['a text', 'Certificate Renewed'],
    ['inherited fields', Object.create({ source: 'cert-renewer' })],
  ])('runs nothing, and is reported: %s', async (_, event) => {
    const world = setUp();
    await runCommand(world, hook, event);
    expect(world.sent).toEqual([]);
    expect(world.publisher.of('Certificate Hook Failed')).toMatchObject([
      { detail: { profile: 'web', hook: 'exec', code: 'InvalidRequest' } },
    ]);
  });
});

describe('a command that SSM refuses', () => {
  it('is an event, a metric and a log line', async () => {
    const world = setUp(new RenewalError('InvalidRequest', 'SSM refused.'));
    await runCommand(world, { ...hook, type: 'signal' }, renewedEvent());
    expect(world.publisher.events).toEqual([
      {
        type: 'Certificate Hook Failed',
        secretArn,
        detail: {
          profile: 'web',
          hook: 'signal',
          secretArn,
          versionId,
          code: 'InvalidRequest',
          message: 'SSM refused.',
        },
      },
    ]);
    expect(world.journal.total('HookFailed', 'web')).toBe(1);
    expect(world.journal.failures).toHaveLength(1);
  });

  // IAM may deny for a minute what a deployment has just allowed.
  it.each(['Throttled', 'AccessDenied', 'KmsDenied'] as const)(
    'is tried again by Lambda, if that may help, and not reported yet: %s',
    async (code) => {
      const world = setUp(new RenewalError(code, 'Later.'));
      await expect(runCommand(world, hook, renewedEvent())).rejects.toMatchObject({ code });
      expect(world.publisher.events).toEqual([]);
      expect(world.journal.total('HookFailed')).toBe(0);
    },
  );

  it('with an unexpected error reveals nothing of it', async () => {
    const world = setUp(new TypeError('U2VjcmV0'));
    await runCommand(world, hook, renewedEvent());
    expect(world.publisher.of('Certificate Hook Failed')[0]?.detail.code).toBe('Internal');
    expect(JSON.stringify(world.publisher.events)).not.toContain('U2VjcmV0');
  });
});
