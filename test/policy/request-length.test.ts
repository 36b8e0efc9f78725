import { expect, it } from 'vitest';
import { parseOnDemandRequest } from '../../lambdas/policy/request.ts';
import { cpuTime } from '../support/cpu-time.ts';

it.each(['expiresIn', 'rekeyPeriod'])('%s of any length is refused at once', (field) => {
  const started = cpuTime();
  for (const text of ['9'.repeat(200_000), '1h'.repeat(100_000), `${'.9h'.repeat(60_000)}x`]) {
    expect(() => parseOnDemandRequest({ secretId: 'a', [field]: text })).toThrow(
      expect.objectContaining({ code: 'InvalidRequest' }),
    );
  }
  expect(cpuTime() - started).toBeLessThan(1_000);
});
