/** The benchmark's small variant on the real programs: it measures every row, and what it says comes from what ran. */
import { expect, it } from 'vitest';
import { projectRoot } from '../../scripts/local/cache.ts';
import { step, stepCa } from '../../scripts/local/go-tools.ts';
import { run } from '../../scripts/local/process.ts';
import { describeFound } from '../support/local.ts';

describeFound([await step(), await stepCa()], 'npm run bench -- --quick', () => {
  it('measures every row beside step', { timeout: 240_000 }, async () => {
    const args = ['--import', 'tsx', 'bench/run.ts', '--quick'];
    const { code, stdout, output } = await run(process.execPath, args, { cwd: projectRoot });
    expect(code, output).toBe(0);
    for (const row of [
      'rekey: CPU',
      'renew: CPU',
      'rekey: certificates/s',
      'scan of 1,000',
      'first renewal',
      'rekey: run of',
    ]) {
      expect(stdout).toMatch(new RegExp(`^\\| ${row}.*\\*\\*[\\d.,]+`, 'm'));
    }
    expect(stdout).toMatch(/\d+ reached, \d+ not/);
    expect(stdout).not.toContain('NaN');
  });
});
