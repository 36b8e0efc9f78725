import { expect, it } from 'vitest';
import { parseOnDemandRequest } from '../../lambdas/policy/request.ts';

it.each(['expiresIn', 'rekeyPeriod'])('%s of any length is refused at once', (field) => {
  const started = performance.now();
  for (const text of ['9'.repeat(200_000), '1h'.repeat(100_000), `${'.9h'.repeat(60_000)}x`]) {
    expect(() => parseOnDemandRequest({ secretId: 'a', [field]: text })).toThrow(
      expect.objectContaining({ code: 'InvalidRequest' }),
    );
  }
  expect(performance.now() - started).toBeLessThan(1_000);
});
