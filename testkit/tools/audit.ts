/** npm's own audit of the production dependencies, and what its report means for a build. */
import * as z from 'zod/mini';
import { projectRoot } from './cache.ts';
import { run } from './process.ts';

export interface Audit {
  /** `unknown`: the registry has no answer to audits, which is no failure of the build. */
  readonly verdict: 'clean' | 'vulnerable' | 'unknown';
  /** One line or more, for people. */
  readonly text: string;
}

const reportSchema = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
});

/** Never throws. */
export async function audit(): Promise<Audit> {
  const args = ['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=20000'];
  try {
    return judgeAudit((await run('npm', args, { cwd: projectRoot })).stdout);
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

/** Of what `npm audit --json` printed. What is moderate or low is told, and no failure. */
export function judgeAudit(output: string): Audit {
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    return unknown('npm printed no JSON');
  }
  const report = reportSchema.safeParse(answer);
  if (!report.success) return unknown(statusOf(answer));
  const found = Object.entries(report.data.vulnerabilities);
  const lines = found.map(([name, { severity, range }]) => `  ${severity}: ${name} ${range}`);
  const grave = found.filter(([, { severity }]) => severity === 'high' || severity === 'critical').length;
  const counts = `npm audit: production dependencies with known vulnerabilities: ${found.length}, high or critical: ${grave}`;
  return { verdict: grave > 0 ? 'vulnerable' : 'clean', text: [counts, ...lines].join('\n') };
}

/** npm's message names the registry's address, which is nobody's business in a log. */
function statusOf(answer: unknown): string {
  const failure = z.object({ statusCode: z.number() }).safeParse(answer);
  return failure.success ? `the registry answers ${failure.data.statusCode}` : 'the registry gives no report';
}

function unknown(why: string): Audit {
  return { verdict: 'unknown', text: `npm audit: left out, as ${why}` };
}
