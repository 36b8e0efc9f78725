import { expect, it } from 'vitest';
import { asWord, configWords, targetWords } from '../../cli/hints.ts';

it.each([
  ['cert-renewer.json', ' --config cert-renewer.json'],
  ['my files/cert renewer.json', ' --config "my files/cert renewer.json"'],
  ['a$HOME.json', ' --config "a\\$HOME.json"'],
  [undefined, ''],
])('a hint repeats the file %j as a shell takes it', (file, words) => {
  expect(configWords(file)).toBe(words);
});

it('repeats the stack, the Region and the AWS profile, as far as they were given', () => {
  const aws = { region: 'eu-central-1', profile: 'my login' };
  expect(targetWords({ stackName: 'Staging', aws })).toBe(
    ' --stack Staging --region eu-central-1 --profile-name "my login"',
  );
  expect(targetWords({ stackName: 'CertRenewer', aws: {} })).toBe('');
  expect(asWord('')).toBe('""');
});
