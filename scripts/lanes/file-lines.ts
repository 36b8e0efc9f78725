/** A vitest reporter that writes one line for each file to the descriptor that programs.ts reads. */
import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { projectRoot } from '../../testkit/tools/cache.ts';
import { LINES } from './programs.ts';

export default class FileLines implements Reporter {
  onTestModuleEnd(module: TestModule): void {
    const states = [...module.children.allTests()].map((test) => test.result().state);
    const count = (state: string): number => states.filter((each) => each === state).length;
    const mark = module.ok() ? '✓' : '✗';
    const tests = [
      `${states.length} ${states.length === 1 ? 'test' : 'tests'}`,
      ...(count('failed') > 0 ? [`${count('failed')} failed`] : []),
      ...(count('skipped') > 0 ? [`${count('skipped')} left out`] : []),
    ];
    const seconds = (module.diagnostic().duration / 1000).toFixed(1);
    const file = relative(projectRoot, module.moduleId);
    writeSync(LINES, `${mark} ${module.project.name.padEnd(8)} ${file} (${tests.join(', ')}) ${seconds} s\n`);
  }
}
