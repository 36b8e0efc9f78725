/** Runs `npm audit` on the production packages (production.ts), and judges its report for a build. */
import * as z from 'zod/mini';
import { projectRoot } from './cache.ts';
import { run } from './process.ts';
import { nameOf, productionPaths } from './production.ts';

export interface Audit {
  /** `unknown` means that the registry offers no audits. This does not fail the build. */
  readonly verdict: 'clean' | 'vulnerable' | 'unknown';
  /** One line or more, for the user. */
  readonly text: string;
}

const reportSchema = z.object({
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string(), range: z.string() })),
});

/** Never throws. */
export async function audit(): Promise<Audit> {
  const args = ['audit', '--json', '--fetch-retries=0', '--fetch-timeout=20000'];
  try {
    return judgeAudit(
      (await run('npm', args, { cwd: projectRoot })).stdout,
      new Set([...productionPaths()].map(nameOf)),
    );
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Judges the output of `npm audit --json` for these packages, by name. Moderate and low vulnerabilities are
 * reported and fail no build.
 */
export function judgeAudit(output: string, packages: ReadonlySet<string>): Audit {
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    return unknown('npm printed no JSON');
  }
  const report = reportSchema.safeParse(answer);
  if (!report.success) return unknown(statusOf(answer));
  const found = Object.entries(report.data.vulnerabilities).filter(([name]) => packages.has(name));
  const lines = found.map(([name, { severity, range }]) => `  ${severity}: ${name} ${range}`);
  const grave = found.filter(([, { severity }]) => severity === 'high' || severity === 'critical').length;
  const counts = `npm audit: production dependencies with known vulnerabilities: ${found.length}, high or critical: ${grave}`;
  return { verdict: grave > 0 ? 'vulnerable' : 'clean', text: [counts, ...lines].join('\n') };
}

/** Removes the registry's address from npm's message, because a log must not show it. */
function statusOf(answer: unknown): string {
  const failure = z.object({ statusCode: z.number() }).safeParse(answer);
  return failure.success ? `the registry answers ${failure.data.statusCode}` : 'the registry gives no report';
}

function unknown(why: string): Audit {
  return { verdict: 'unknown', text: `npm audit: left out, as ${why}` };
}
