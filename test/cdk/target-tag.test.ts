/** The tag of a hook's instances, which goes to SSM as `tag:<key>` of a target. */
import { describe, expect, it } from 'vitest';
import { validateConfig } from '../../cdk/config/config.ts';
import { ConfigError } from '../../cdk/config/config-error.ts';
import { targetKey } from '../support/ssm-target.ts';
import { config } from './fixtures.ts';

/** What is wrong with a configuration whose hook has this tag; undefined where nothing is. */
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
    'takes the key %j, and SSM does',
    (key) => {
      expect(refusal({ key, value: 'web+1' })).toBeUndefined();
      expect(`tag:${key}`).toMatch(targetKey.pattern);
      expect(`tag:${key}`.length).toBeLessThanOrEqual(targetKey.most);
    },
  );

  it('takes no key with a +, which EC2 has and SSM can not target', () => {
    expect('tag:C++').not.toMatch(targetKey.pattern);
    expect(refusal({ key: 'C++', value: 'web' })).toMatch(
      /\$\.profiles\.internal\.hooks\[0\]\.targetTag\.key: expected the text of a tag: letters, .*\+.*Run Command/,
    );
  });

  it.each([['k'.repeat(129)], [''], ['a,b']])('takes no key %j', (key) => {
    expect(refusal({ key, value: 'web' })).toMatch(/targetTag\.key: expected the text of a tag/);
  });
});
