/** Go itself makes the golden durations again, if it is installed. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeFound } from '../support/local.ts';
import { go } from '../support/programs.ts';

const golden = new URL('../golden/domain/', import.meta.url);
const goTool = await go();

describeFound([goTool], 'time.ParseDuration', () => {
  it('makes of durations.input.txt what durations.json holds', async () => {
    const { code, stdout, stderr } = await goRun();
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(new URL('durations.json', golden), 'utf8')));
  }, 120_000); // the first run compiles the standard library
});

function goRun(): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', ['run', 'durations.go'], { cwd: fileURLToPath(golden), stdio: ['pipe', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(readFileSync(new URL('durations.input.txt', golden)));
  });
}
