/** zlint, through `step certificate lint`, finds nothing on a renewed CA certificate that it did not find on the old one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodePem } from '../../lambdas/domain/pem.ts';
import { renewOnDemand } from '../../lambdas/renewal/entry/on-demand.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  commonNameOnly,
  der,
  extension,
  keyUsage,
  oid,
  sequence,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
  utf8,
} from '../../testkit/certificates/index.ts';
import { step } from '../../testkit/tools/go-tools.ts';
import { describeFound } from '../support/local.ts';
import { day, hour, Stack, start, year } from './world.ts';

const found = await step();

/** Returns the names of the lints that warn or fail. */
function findings(certificate: Uint8Array): string[] {
  if (!found.found) throw new Error('no step');
  const folder = mkdtempSync(join(tmpdir(), 'cert-renewer-lint-'));
  try {
    const file = join(folder, 'certificate.crt');
    writeFileSync(file, `${encodePem('CERTIFICATE', certificate)}\n`);
    const env = { PATH: process.env['PATH'], HOME: folder, STEPPATH: folder };
    const { stdout, stderr } = spawnSync(found.path, ['certificate', 'lint', file], { encoding: 'utf8', env });
    if (!stdout.startsWith('{')) throw new Error(`step certificate lint failed: ${stderr}`);
    const report: { lints: Record<string, { result: string }> } = JSON.parse(stdout);
    const results = Object.entries(report.lints);
    expect(results.length).toBeGreaterThan(50);
    return results.flatMap(([name, { result }]) => (/^(?:warn|error|fatal)$/.test(result) ? [name] : []));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describeFound([found], 'zlint', () => {
  test.each(['root', 'issuing'])('finds nothing new on the renewed certificate of the authority %s', async (name) => {
    const stack = await new Stack().hierarchy();
    const before = findings(stack.certificateOf(name).der);
    stack.clock.advance(hour);
    await renewOnDemand(stack, { secretId: `pki/${name}` });
    expect(findings(stack.certificateOf(name).der).filter((finding) => !before.includes(finding))).toEqual([]);
  });

  test('finds nothing new on that of an imported authority with every extension', async () => {
    const stack = await new Stack().hierarchy();
    const spki = spkiOf(stack.keyOf('issuing'));
    const url = (text: string) => utf8(text, 0x86);
    const imported = signCertificate(
      {
        subject: commonNameOnly('Imported'),
        spki,
        notBefore: start - 2 * year,
        notAfter: start + 100 * day,
        extensions: [
          keyUsage('keyCertSign', 'cRLSign'),
          basicConstraints(true, 0),
          extension('2.5.29.30', sequence(der(0xa0, sequence(utf8('leaf.example', 0x82)))), true),
          extension('2.5.29.32', sequence(sequence(oid('2.5.29.32.0')))),
          extension(
            '1.3.6.1.5.5.7.1.1',
            sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), url('http://pki.example/r.crt'))),
          ),
          extension('2.5.29.31', sequence(sequence(der(0xa0, der(0xa0, url('http://pki.example/r.crl')))))),
          subjectKeyIdentifier(spki),
          authorityKeyIdentifier(spkiOf(stack.keyOf('root'))),
        ],
      },
      { subject: stack.certificateOf('root').subject, key: stack.keyOf('root') },
    );
    stack.install('issuing', imported);
    const before = findings(imported);
    await renewOnDemand(stack, { secretId: 'pki/issuing' });
    expect(findings(stack.certificateOf('issuing').der).filter((finding) => !before.includes(finding))).toEqual([]);
  });

  test('finds a planted fault', () => {
    const stack = new Stack();
    stack.declare('root');
    const subject = commonNameOnly('Bad');
    const dates = { notBefore: start, notAfter: start + year };
    const key = stack.keyOf('root');
    const bad = signCertificate(
      { subject, spki: spkiOf(key), ...dates, extensions: [basicConstraints(true)] },
      { subject, key },
    );
    expect(findings(bad).length).toBeGreaterThan(0);
  });
});
