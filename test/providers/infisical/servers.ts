import { afterEach } from 'vitest';
import type { CaProvider, IssuedChain } from '../../../lambdas/domain/ports.ts';
import { renewWith } from '../../../testkit/fakes/asking.ts';
import { credential, type FakeInfisical, fakeInfisical } from '../../../testkit/fakes/infisical.ts';

interface Closable {
  close(): Promise<void>;
}

/** Servers that are stopped at the end of their test. */
export function servers(): {
  keep<T extends Closable>(server: T): T;
  started(options?: Parameters<typeof fakeInfisical>[0]): Promise<FakeInfisical>;
} {
  const open: Closable[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
  });
  const keep = <T extends Closable>(server: T): T => {
    open.push(server);
    return server;
  };
  return { keep, started: async (options) => keep(await fakeInfisical(options)) };
}

export const renew = (provider: CaProvider): Promise<IssuedChain> => renewWith(provider, credential());

/** Returns the error of a renewal that must fail. */
export async function failureOf(renewal: Promise<unknown>): Promise<Error> {
  const thrown = await renewal.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof Error) return thrown;
  throw new Error('it did not fail');
}
