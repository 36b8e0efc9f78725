import { expect, it } from 'vitest';
import { invoke } from '../support/aws.ts';
import { describeWith } from '../support/local.ts';
describeWith(['stack'], 'smoke', ({ emulator, outputs }) => {
  it('scans', async () => { console.log(outputs); const r = await invoke(emulator, outputs['ScanFunctionName'] ?? '', {dryRun: true}); console.log(r); expect(r.error).toBeUndefined(); });
});
