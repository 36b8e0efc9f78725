/** How a build judges `npm audit`: reports in the documented format of npm, and the answers of a registry without audits. */
import { expect, it } from 'vitest';
import { judgeAudit } from '../../testkit/tools/audit.ts';

const names = new Set(['p0', 'p1']);
const report = (...severities: readonly string[]) =>
  JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities: Object.fromEntries(
      severities.map((severity, n) => [`p${n}`, { name: `p${n}`, severity, isDirect: true, via: [], range: '<1.2.3' }]),
    ),
    metadata: { vulnerabilities: { total: severities.length } },
  });

it.each([
  [report(), 'clean', /known vulnerabilities: 0, high or critical: 0$/],
  [report('low', 'moderate'), 'clean', /: 2, high or critical: 0\n {2}low: p0 <1.2.3\n {2}moderate: p1 <1.2.3$/],
  [report('high'), 'vulnerable', /high or critical: 1\n {2}high: p0/],
  [report('moderate', 'critical'), 'vulnerable', /: 2, high or critical: 1/],
  [report('low', 'low', 'critical'), 'clean', /: 2, high or critical: 0/], // the third belongs to a tool
] as const)('%s', (output, verdict, text) => {
  const judged = judgeAudit(output, names);
  expect(judged.verdict).toBe(verdict);
  expect(judged.text).toMatch(text);
});

it.each([
  [
    JSON.stringify({ message: '405 Method Not Allowed - POST https://registry.example/x', statusCode: 405, error: {} }),
    'npm audit: left out, as the registry answers 405',
  ],
  [JSON.stringify({ message: 'getaddrinfo', error: {} }), 'npm audit: left out, as the registry gives no report'],
  ['', 'npm audit: left out, as npm printed no JSON'],
  ['null', 'npm audit: left out, as the registry gives no report'],
])('no report: %s', (output, text) => {
  expect(judgeAudit(output, names)).toEqual({ verdict: 'unknown', text });
});
