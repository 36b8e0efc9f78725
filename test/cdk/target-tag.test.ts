/** The tag of a hook's instances. It goes to SSM as `tag:<key>` of a target. */
import { describe, expect, it } from 'vitest';
import { validateConfig } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { targetKey } from '../support/ssm-target.ts';
import { config } from './fixtures.ts';

/** Returns the problem of a configuration whose hook has this tag; undefined if there is none. */
function refusal(targetTag: { key: string; value: string }): string | undefined {
  const hooks = [{ type: 'exec', command: 'x', targetTag }];
  try {
    validateConfig(
      { profiles: { internal: { ...config.profiles.internal, hooks } } },
      { source: 'test', baseDirectory: '.' },
    );
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return thrown.message;
  }
}

describe('targetTag', () => {
  it.each(['Role', 'aws:autoscaling:groupName', 'a b', 'Rolle/größe', 'x=y', 'a-b_c.d@e', 'k'.repeat(128)])(
    'accepts the key %j, as SSM does',
    (key) => {
      expect(refusal({ key, value: 'web+1' })).toBeUndefined();
      expect(`tag:${key}`).toMatch(targetKey.pattern);
      expect(`tag:${key}`.length).toBeLessThanOrEqual(targetKey.most);
    },
  );

  it('refuses a key with a +, which EC2 allows and SSM can’t target', () => {
    expect('tag:C++').not.toMatch(targetKey.pattern);
    expect(refusal({ key: 'C++', value: 'web' })).toMatch(
      /\$\.profiles\.internal\.hooks\[0\]\.targetTag\.key: expected a tag's key: letters, .*\+.*Run Command/,
    );
  });

  it.each([['k'.repeat(129)], [''], ['a,b']])('refuses the key %j', (key) => {
    expect(refusal({ key, value: 'web' })).toMatch(/targetTag\.key: expected a tag's key/);
  });
});
