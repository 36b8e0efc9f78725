import { describe, expect, it, onTestFinished } from 'vitest';
import { parseCertificate } from '../../lambdas/x509/certificate.ts';
import { describeCertificate } from '../../lambdas/x509/facts.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { golden, goldenNames } from './golden.ts';
import * as make from './issue.ts';

const ca = make.party('CA');
const plain: make.Template = {
  issuer: ca.name,
  issuerKey: ca.key,
  subject: make.commonNameOnly('leaf'),
  spki: ca.spki,
};
const parse = (more: Partial<make.Template>) => parseCertificate(make.encodeCertificate({ ...plain, ...more }));

/** A linear congruential generator: the same mutations in every run. */
function randomSource(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutate(der: Uint8Array, random: (below: number) => number): Uint8Array {
  const at = random(der.length);
  switch (random(5)) {
    case 0: // an octet
      return der.with(at, random(256));
    case 1: // a bit
      return der.with(at, (der[at] ?? 0) ^ (1 << random(8)));
    case 2: // cut
      return der.subarray(0, at);
    case 3: // octets removed
      return Buffer.concat([der.subarray(0, at), der.subarray(at + 1 + random(4))]);
    default: // octets inserted
      return Buffer.concat([der.subarray(0, at), Uint8Array.of(random(256)), der.subarray(at)]);
  }
}

describe('hostile input', () => {
  it('200,000 mutations give a certificate or InvalidCertificate, and each certificate can be described', () => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0; // a stack trace for each refusal would be most of the work
    onTestFinished(() => {
      Error.stackTraceLimit = stackTraceLimit;
    });
    const random = randomSource(1);
    const originals = goldenNames.map(golden);
    let accepted = 0;
    for (let run = 0; run < 200_000; run++) {
      const der = mutate(originals[run % originals.length] ?? new Uint8Array(), random);
      let certificate: ReturnType<typeof parseCertificate>;
      try {
        certificate = parseCertificate(der);
      } catch (error) {
        if ((error as { code?: string }).code !== 'InvalidCertificate') throw error;
        continue;
      }
      accepted++;
      describeCertificate(certificate);
    }
    // Mutations of names, keys and signatures usually leave a certificate; most others do not.
    expect(accepted).toBeGreaterThan(20_000);
    expect(accepted).toBeLessThan(120_000);
  }, 30_000);

  it('depth and size cost in proportion to the octets', () => {
    const nested = Buffer.alloc(100_000, Uint8Array.of(0x30, 0x80));
    const deep = parse({ extensions: [make.extension('1.2.3', nested)] });
    expect(deep.extensions[0]?.value).toHaveLength(100_000);
    const many = Array.from({ length: 10_000 }, (_, i) => make.extension(`1.2.3.${i}`, Uint8Array.of()));
    const wide = make.encodeCertificate({ ...plain, extensions: many });
    const names = make.encodeCertificate({
      ...plain,
      extensions: [make.subjectAltName(...Array.from({ length: 10_000 }, () => make.dns('a.example')))],
    });
    const started = cpuTime();
    expect(parseCertificate(wide).extensions).toHaveLength(10_000);
    expect(describeCertificate(parseCertificate(names)).sans).toHaveLength(10_000);
    expect(cpuTime() - started).toBeLessThan(4_000);
  });
});
