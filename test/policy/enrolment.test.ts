import { describe, expect, it } from 'vitest';
import { tags } from '../../lambdas/domain/tags.ts';
import { parseAuthority } from '../../lambdas/policy/authority.ts';
import {
  type Candidate,
  type Enrolment,
  enrolment,
  profileNameOf,
  profileToFind,
} from '../../lambdas/policy/enrolment.ts';
import { internal, noon, secretWith } from './scenes.ts';

const authority = parseAuthority('issuing', '{"secretId":"pki/issuing","disabled":true}');
const untagged = { ...secretWith(), tags: new Map<string, string>() };
const jwt = `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}`;

/** Returns the result in one line. */
function told(found: Enrolment): string {
  switch (found.kind) {
    case 'enrolled':
      return `enrolled by ${found.profile.name}, ${found.tagged.mode ?? 'no mode'}`;
    case 'left':
      return `left: ${found.decision.code}`;
    case 'refused':
      return `refused: ${found.error.code}, ${found.error.concerns}`;
  }
}

const rotated = (functionArn: string) => ({ rotation: { enabled: true, functionArn } });

describe('whose a secret is', () => {
  it.each<[name: string, candidate: Candidate, expected: string, finds: string | undefined]>([
    ['enrolled', { secret: secretWith({ [tags.mode]: 'renew' }) }, 'enrolled by internal, renew', 'internal'],
    ['without the tag', { secret: untagged }, 'refused: SecretNotEnrolled, foreign', undefined],
    [
      'without the tag, deleted',
      { secret: { ...untagged, deletedAt: noon } },
      'refused: SecretNotEnrolled, foreign',
      undefined,
    ],
    ['being deleted', { secret: secretWith({}, { deletedAt: noon }) }, 'refused: SecretNotFound, foreign', undefined],
    ['a replica', { secret: secretWith({}, { isReplica: true }) }, 'left: Replica', undefined],
    ['a service’s', { secret: secretWith({}, { owningService: 'rds' }) }, 'left: ManagedByService', undefined],
    ['rotated by others', { secret: secretWith({}, rotated('other')) }, 'left: RotationEnabled', undefined],
    ['rotated by us', { secret: secretWith({}, rotated('ours')) }, 'enrolled by internal, no mode', 'internal'],
    [
      'of another profile',
      { secret: secretWith({ [tags.profile]: 'lost' }) },
      'refused: UnknownProfile, foreign',
      'lost',
    ],
    [
      'of a token by mistake',
      { secret: secretWith({ [tags.profile]: jwt }) },
      'refused: UnknownProfile, foreign',
      undefined,
    ],
    ['with a bad tag', { secret: secretWith({ [tags.mode]: 'x' }) }, 'refused: InvalidTag, certificate', 'internal'],
    ['an authority’s', { secret: untagged, authority }, 'enrolled by authority:issuing, no mode', undefined],
    ['an authority’s, a replica', { secret: { ...untagged, isReplica: true }, authority }, 'left: Replica', undefined],
    [
      'an authority’s, with a profile’s tag',
      { secret: secretWith(), authority },
      'enrolled by authority:issuing, no mode',
      undefined,
    ],
    [
      'an authority’s, to be rekeyed',
      { secret: secretWith({ [tags.mode]: 'rekey' }), authority },
      'refused: InvalidTag, certificate',
      undefined,
    ],
  ])('%s', (_, candidate, expected, finds) => {
    expect(profileToFind(candidate, 'ours')).toBe(finds);
    expect(told(enrolment(candidate, finds === 'internal' ? internal : undefined, 'ours'))).toBe(expected);
  });

  it('has the profile beside a bad tag: it determines when the certificate is due', () => {
    const secret = secretWith({ [tags.mode]: 'rekey', [tags.profile]: 'internal' });
    expect(enrolment({ secret, authority }, undefined, undefined)).toMatchObject({
      kind: 'refused',
      profile: { name: 'authority:issuing', paused: true },
    });
    expect(enrolment({ secret }, undefined, undefined)).not.toHaveProperty('profile');
  });

  it.each([
    [
      { secret: untagged },
      'The secret web/tls has no tag cert-renewer:profile. To enrol it, add the tag with the name of a profile of this stack.',
    ],
    [
      { secret: secretWith() },
      'The tag cert-renewer:profile is "internal", but this stack has no such profile: correct the tag, or deploy the profile.',
    ],
    [
      { secret: secretWith({ [tags.profile]: jwt }) },
      `The tag cert-renewer:profile is a text of ${jwt.length} characters that looks like a private key or a token, but this stack has no such profile: correct the tag, or deploy the profile.`,
    ],
  ])('has a message with what was found and what to do: %#', (candidate, message) => {
    expect(enrolment(candidate, undefined, undefined)).toMatchObject({ error: { message } });
  });
});

describe('the name of the profile', () => {
  it('is the tag’s, the authority’s, or undefined', () => {
    expect(profileNameOf({ secret: secretWith() })).toBe('internal');
    expect(profileNameOf({ secret: secretWith(), authority })).toBe('authority:issuing');
    expect(profileNameOf({ secret: untagged })).toBe('');
  });

  it('is not quoted if it is a key or a token by mistake', () => {
    expect(profileNameOf({ secret: secretWith({ [tags.profile]: jwt }) })).toMatch(/^a text of \d+ characters/);
  });
});
