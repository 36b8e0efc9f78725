/** The workflow that publishes: pinned actions, and the right to publish only where no other package's code runs. */
import { expect, it } from 'vitest';
import { read } from './lock-file.ts';

const workflow = read('.github/workflows/publish.yml');
/** The text of each job, by name. */
const jobs = new Map(
  (workflow.split(/^jobs:\n/m)[1] ?? '').split(/^(?= {2}[\w-]+:$)/m).flatMap((text) => {
    const [, name] = /^ {2}([\w-]+):$/m.exec(text) ?? [];
    return name === undefined ? [] : [[name, text] as const];
  }),
);

it('pins each action to a commit, and names its version', () => {
  const uses = workflow.match(/uses: .*/g) ?? [];
  expect(uses.length).toBeGreaterThan(5);
  expect(uses.filter((line) => !/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
});

it('gives a right to write to the one job that neither checks out nor installs, builds or tests', () => {
  expect([...jobs.keys()]).toEqual(['build', 'publish']);
  expect([...jobs].filter(([, text]) => /: write\b/.test(text)).map(([name]) => name)).toEqual(['publish']);
  expect(jobs.get('publish')).not.toMatch(/actions\/checkout|npm (?:ci|i|install|run|test|pack)\b|npx/);
  expect(workflow.split(/^jobs:$/m)[0]).toMatch(/^permissions:\n {2}contents: read$/m);
});
