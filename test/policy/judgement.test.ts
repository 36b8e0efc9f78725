import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Authority } from '../../lambdas/domain/authority.ts';
import { tags } from '../../lambdas/domain/tags.ts';
import { inventoryRow } from '../../lambdas/inventory/row.ts';
import { parseAuthority } from '../../lambdas/policy/authority.ts';
import { authorityProfile } from '../../lambdas/policy/authority-profile.ts';
import { judge } from '../../lambdas/policy/judgement.ts';
import { hour, internal, noon, secretWith, statusTags } from './scenes.ts';

const terms = { now: noon, step: 0, force: false };
const fresh = statusTags(noon - hour, noon + 23 * hour);
const authority: Authority = parseAuthority('issuing', '{"secretId":"pki/issuing"}');

describe('the judgement', () => {
  it('of a secret: the secret, and no authority', () => {
    const secret = secretWith(fresh);
    expect(judge({ secret }, internal, terms)).toStrictEqual({
      secret,
      profile: 'internal',
      decision: expect.objectContaining({ action: 'skip', code: 'NotDue' }),
      status: { known: true, validity: { notBefore: noon - hour, end: noon + 23 * hour }, failure: undefined },
      time: expect.objectContaining({ window: 8 * hour }),
      overdue: false,
    });
  });

  it('of an authority’s secret: with the authority, under its name', () => {
    const secret = secretWith(fresh);
    expect(judge({ secret, authority }, authorityProfile(authority), terms)).toStrictEqual({
      ...judge({ secret }, internal, terms),
      authority,
      profile: 'authority:issuing',
      decision: expect.objectContaining({ action: 'skip', code: 'NotDue' }),
    });
  });

  it('of an authority’s secret whose tag asks for a new key: InvalidTag, and when it is due', () => {
    const secret = secretWith({ ...fresh, [tags.mode]: 'rekey' });
    const { decision, time } = judge({ secret, authority }, authorityProfile(authority), terms);
    expect(decision).toEqual({
      action: 'skip',
      code: 'InvalidTag',
      message: expect.stringContaining('authority'),
    });
    expect(time?.window).toBe(8 * hour);
  });

  it('of a profile that the stack does not have: the tag, and what to do', () => {
    expect(judge({ secret: secretWith(fresh) }, undefined, terms)).toMatchObject({
      decision: {
        action: 'skip',
        code: 'UnknownProfile',
        message:
          'The tag cert-renewer:profile is "internal", but this stack has no such profile: correct the tag, or deploy the profile.',
      },
      time: undefined,
      overdue: false,
    });
  });

  it('recognises our own rotation by the ARN of the function', () => {
    const secret = secretWith(fresh, { rotation: { enabled: true, functionArn: 'ours' } });
    const codeBy = (rotationFunctionArn?: string) =>
      judge({ secret }, internal, { ...terms, rotationFunctionArn }).decision.code;
    expect([codeBy(), codeBy('other'), codeBy('ours')]).toEqual(['RotationEnabled', 'RotationEnabled', 'NotDue']);
  });

  it.each([
    ['is not due', {}, [23, -1], false],
    ['has expired', {}, [0, -24], true],
    ['has expired, in a period that leaves less than a fifth of it', { [tags.rekeyPeriod]: '22h' }, [0, -24], true],
    ['ends in a second, in such a period', { [tags.rekeyPeriod]: '22h' }, [1 / 3600, -24], false],
    ['has expired and is paused', { [tags.paused]: 'true' }, [0, -24], true],
    ['is overdue and paused', { [tags.paused]: 'true' }, [6, -18], true],
    ['has expired, with a tag that is not valid', { [tags.mode]: 'never' }, [0, -24], true],
  ])('of a certificate that %s: whether it is overdue', (_what, more, [end = 0, start = 0], overdue) => {
    const secret = secretWith({ ...statusTags(noon + start * hour, noon + end * hour), ...more });
    expect(judge({ secret }, internal, terms).overdue).toBe(overdue);
  });

  it('of a certificate: it is overdue if and only if status shows it as expired or overdue', () => {
    const ages = fc.integer({ min: -24 * 3600, max: 24 * 3600 });
    const settings = fc.constantFrom(
      {},
      { [tags.paused]: 'true' },
      { [tags.rekeyPeriod]: '22h' },
      { [tags.expiresIn]: '8h' },
      { [tags.mode]: 'never' },
    );
    fc.assert(
      fc.property(ages, settings, fc.boolean(), (age, more, isReplica) => {
        const end = noon + age * 1000;
        const secret = secretWith({ ...statusTags(end - 24 * hour, end), ...more }, { isReplica });
        const { states } = inventoryRow({ secret }, internal, { now: noon, step: 0 });
        const { overdue } = judge({ secret }, internal, terms);
        expect(overdue).toBe(states.includes('expired') || states.includes('overdue'));
      }),
    );
  });
});
