/** The benchmark's quick variant with the real programs: it measures every row, and its results come from these runs. */
import { expect, it } from 'vitest';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { step, stepCa } from '../../testkit/tools/go-tools.ts';
import { run } from '../../testkit/tools/process.ts';
import { describeFound } from '../support/local.ts';

describeFound([await step(), await stepCa()], 'npm run bench -- --quick', () => {
  it('measures every row and table', { timeout: 240_000 }, async () => {
    const args = ['--import', 'tsx', 'bench/run.ts', '--quick'];
    const { code, stdout, output } = await run(process.execPath, args, { cwd: projectRoot });
    expect(code, output).toBe(0);
    for (const row of [
      'rekey: CPU per certificate, relative to a program',
      'renew: CPU per certificate, relative to a program',
      'rekey: AWS calls per renewal',
      'rekey: certificates/s',
      'wave: 60 due at once',
      'scan of 1,000',
      'rekey: run of',
      'proof that a key is the certificate',
    ]) {
      expect(stdout).toMatch(new RegExp(`^\\| ${row}.*\\*\\*[\\d.,]+`, 'm'));
    }
    for (const heading of [
      'The worker by memory size (bold: as deployed)',
      'The other functions',
      'From due to renewed',
      'Dollars a month',
    ]) {
      expect(stdout).toContain(`### ${heading}`);
    }
    expect(stdout).toMatch(/^\| \*\*\d+ MB\*\* \| .* ms/m);
    expect(stdout).toMatch(/\d+ goals met, \d+ not met/);
    expect(stdout).not.toContain('NaN');
  });
});
