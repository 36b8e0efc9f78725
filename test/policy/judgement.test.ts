import { describe, expect, it } from 'vitest';
import type { Authority } from '../../lambdas/domain/authority.ts';
import { tags } from '../../lambdas/domain/tags.ts';
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
});
