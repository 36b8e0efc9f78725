/** docs/cost.md counts the alarms and the metrics that the stack has. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { config, synthesize } from '../cdk/fixtures.ts';
import { rowsOf } from './tables.ts';

const page = readFileSync(new URL('../../docs/cost.md', import.meta.url), 'utf8');
const metrics = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const words = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

it('docs/cost.md counts the alarms of a profile and of the stack', () => {
  const hooks = [{ type: 'exec', command: 'true', targetTag: { key: 'Role', value: 'web' } } as const];
  const alarms = (profiles: Parameters<typeof synthesize>[0]) => {
    const found = Object.values(synthesize(profiles).template.findResources('AWS::CloudWatch::Alarm'));
    const ofProfile = found.filter(({ Properties }) => JSON.stringify(Properties).includes('"Name":"Profile"'));
    return [ofProfile.length, found.length - ofProfile.length].map((count) => words[count]);
  };
  const [plain, ofStack] = alarms({});
  const [hooked, withHooks] = alarms({ profiles: { internal: { ...config.profiles.internal, hooks } } });
  const [probed] = alarms({ probe: { allow: ['dns:example.com'] } });
  expect(words.indexOf(probed ?? '')).toBe(words.indexOf(plain ?? '') + 1);
  expect(page).toContain('With `probe` one more for each profile');
  expect(page).toContain(
    `${plain} for each profile and authority (${hooked} with hooks), and ${ofStack} for the stack (${withHooks} with hooks)`,
  );
});

it('docs/cost.md names every metric', () => {
  const names = rowsOf(metrics, 'Metrics').map(({ name }) => name);
  expect(page).toContain(
    `at most ${words[names.length]} for each profile, ${words[names.length - 1]} for each authority`,
  );
  for (const name of names) expect(page).toContain(`\`${name}\``);
});
