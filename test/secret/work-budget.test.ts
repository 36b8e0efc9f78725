import { describe, expect, it } from 'vitest';
import * as write from '../../lambdas/asn1/writer.ts';
import { WorkBudget } from '../../lambdas/secret/encryption/budget.ts';
import { pkcs12Key, pkcs12Rounds } from '../../lambdas/secret/encryption/pkcs12-key.ts';
import { readSecret } from '../../lambdas/secret/index.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { binary } from './material.ts';

describe('the limit of work for a secret', () => {
  const mac = (iterations: number) => ({ digest: 'sha256', iterations, length: 1 }) as const;

  it('is enough for all that OWASP advises, and for one file with all of them', () => {
    expect(new WorkBudget().pbkdf2(1_300_000)).toBe(true);
    expect(new WorkBudget().scrypt(2 ** 16, 8, 2)).toBe(true);
    const budget = new WorkBudget();
    expect([budget.pkcs12(mac(600_000)), budget.pbkdf2(600_000), budget.pbkdf2(600_000)]).toEqual([true, true, true]);
  });

  it.each<[string, (budget: WorkBudget) => boolean, boolean]>([
    ['PBKDF2, the most', (budget) => budget.pbkdf2(2_000_000), true],
    ['PBKDF2, one more', (budget) => budget.pbkdf2(2_000_001), false],
    ['PBKDF2, none', (budget) => budget.pbkdf2(0), false],
    ['PKCS#12, the most', (budget) => budget.pkcs12(mac(1_333_333)), true],
    ['PKCS#12, one more', (budget) => budget.pkcs12(mac(1_333_334)), false],
    ['PKCS#12, none', (budget) => budget.pkcs12(mac(0)), false],
    ['scrypt, the most memory', (budget) => budget.scrypt(2 ** 16, 8, 1), true],
    ['scrypt, the most memory by its blocks', (budget) => budget.scrypt(2, 2 ** 18, 1), true],
    ['scrypt, more memory', (budget) => budget.scrypt(2 ** 17, 8, 1), false],
    ['scrypt, blocks of one', (budget) => budget.scrypt(2, 1, 1), true],
    ['scrypt, a cost of one', (budget) => budget.scrypt(1, 8, 1), false],
    ['scrypt, blocks of none', (budget) => budget.scrypt(2, 0, 1), false],
    ['scrypt, never', (budget) => budget.scrypt(2, 8, 0), false],
    ['scrypt, the most often', (budget) => budget.scrypt(2 ** 16, 8, 3), true],
    ['scrypt, more often', (budget) => budget.scrypt(2 ** 16, 8, 4), false],
  ])('%s', (_, ask, answer) => {
    expect(ask(new WorkBudget())).toBe(answer);
  });

  it('adds up, and a refusal costs nothing', () => {
    const budget = new WorkBudget();
    expect(budget.pbkdf2(2_000_000)).toBe(true);
    expect(budget.pkcs12(mac(700_000))).toBe(false);
    expect(budget.pbkdf2(2_000_000)).toBe(true);
    expect(budget.pbkdf2(1)).toBe(false);
  });

  it.each([
    [{ digest: 'sha1', iterations: 10, length: 20 } as const, 10],
    [{ digest: 'sha1', iterations: 10, length: 21 } as const, 20],
    [{ digest: 'sha512', iterations: 10, length: 65 } as const, 20],
  ])('%j costs %i rounds', (request, rounds) => {
    expect(pkcs12Rounds(request)).toBe(rounds);
  });
});

describe('a PKCS#12 file that exceeds the limit', () => {
  const data = '1.2.840.113549.1.7.1';
  /** A safe with 3DES. Each is expensive, but allowed alone. */
  function safe(iterations: number): Uint8Array {
    const algorithm = write.sequence(
      write.oid('1.2.840.113549.1.12.1.3'),
      write.sequence(write.octetString(new Uint8Array(8)), write.integer(iterations)),
    );
    const encrypted = write.sequence(write.oid(data), algorithm, write.contextPrimitive(0, new Uint8Array(16)));
    return write.sequence(
      write.oid('1.2.840.113549.1.7.6'),
      write.context(0, write.sequence(write.integer(0), encrypted)),
    );
  }
  const file = (...safes: Uint8Array[]) =>
    write.sequence(
      write.integer(3),
      write.sequence(write.oid(data), write.context(0, write.octetString(write.sequence(...safes)))),
    );

  it('in one safe is refused before the work', async () => {
    const started = cpuTime();
    const read = readSecret(binary(file(safe(2 ** 31), safe(1), safe(1), safe(1))), { password: 'x' });
    await expect(read).rejects.toMatchObject({ code: 'UnsupportedSecret' });
    expect(cpuTime() - started).toBeLessThan(500);
  });

  it('lets other work run while it is read', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await pkcs12Key({
      ...{ digest: 'sha1', purpose: 'mac', password: 'x', salt: new Uint8Array(8) },
      ...{ iterations: 100_001, length: 20 },
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(4);
  });
});
