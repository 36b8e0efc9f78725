import { TagResourceCommand } from '@aws-sdk/client-secrets-manager';
import { beforeAll, expect, it } from 'vitest';
import { waitFor } from '../../../testkit/local-aws/client.ts';
import type { AnsweredCall } from '../../../testkit/local-aws/every-call.ts';
import { here } from '../../support/command-here.ts';
import { type DeclaredWorld, versionsOf } from './world.ts';

/** One of an authority of the stack's own, and one of step-ca. */
const altered = ['declared/camel', 'declared/step'] as const;

export function itIsAltered(world: DeclaredWorld): void {
  const { secrets, found, parameter, putParameter } = world;
  const before: Record<string, { readonly text: string; readonly hash: string }> = {};
  let versions: Record<string, readonly string[]>;
  let calls: () => Promise<AnsweredCall[]>;
  let asked: number;
  let answers: Record<string, Awaited<ReturnType<DeclaredWorld['renew']>>>;

  const tag = (SecretId: string, Value: string) =>
    secrets.send(new TagResourceCommand({ SecretId, Tags: [{ Key: 'cert-renewer:declared', Value }] }));

  beforeAll(async () => {
    versions = await versionsOf(world, altered);
    [calls, asked] = [await world.calls(), await world.askedToSign()];
    for (const name of altered) {
      const text = (await parameter(name)) ?? '{}';
      before[name] = { text, hash: (await found(name)).tags['cert-renewer:declared'] ?? '' };
      await putParameter(name, JSON.stringify({ ...JSON.parse(text), dnsNames: ['www.bank.example'] }));
      // The schedule notices a change by this tag.
      await tag(name, 'altered');
    }
    await world.scan({ secretIds: altered });
    await waitFor('the refusals', async () => {
      const noted = await Promise.all(altered.map(async (name) => (await found(name)).tags['cert-renewer:failure']));
      return noted.every((failure) => failure?.includes('IssuanceNotAllowed'));
    });
    answers = Object.fromEntries(
      await Promise.all(altered.map(async (name) => [name, await world.renew({ secretId: name })] as const)),
    );
  });

  it.each(altered)('is refused on demand and by the schedule, with an event: %s', async (name) => {
    expect(answers[name]?.error).toMatchObject({
      errorType: 'IssuanceNotAllowed',
      errorMessage: expect.stringContaining('www.bank.example'),
    });
    const { arn } = await found(name);
    const event = await world
      .bus()
      .next(
        'the failure',
        (told) => told['detail-type'] === 'Certificate Renewal Failed' && told.detail['secretArn'] === arn,
      );
    expect(event.detail).toMatchObject({ name, code: 'IssuanceNotAllowed' });
  });

  it('reaches no CA and no signing key', async () => {
    expect((await calls()).filter(({ action }) => action === 'Sign')).toEqual([]);
    expect(await world.askedToSign()).toBe(asked);
    expect(await versionsOf(world, altered)).toEqual(versions);
  });

  it.each(altered)('is explained by the plan and by status: %s', async (name) => {
    const { payload } = await world.scan({ secretIds: [name], dryRun: true });
    expect(payload['plan']).toMatchObject([
      { name, reason: { message: expect.stringContaining('IssuanceNotAllowed') } },
    ]);
    const status = await here(world.emulator.env, 'status', name);
    expect(status.output).toContain('IssuanceNotAllowed');
    expect(status.code).toBe(1);
  });

  it.each(altered)('works again with the original declaration: %s', async (name) => {
    await putParameter(name, before[name]?.text ?? '');
    await tag(name, before[name]?.hash ?? '');
    const { error } = await world.renew({ secretId: name, force: true });
    expect(error).toBeUndefined();
    expect((await found(name)).tags).not.toHaveProperty('cert-renewer:failure');
  });
}
