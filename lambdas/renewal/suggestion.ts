/** When the CA suggests to renew a certificate (RFC 9773). */
import type { Instant } from '../domain/instant.ts';
import type { CaProvider } from '../domain/ports.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { suggestedTime } from '../policy/renewal-time.ts';
import { readStatus } from '../policy/status.ts';
import type { Pair } from './pair.ts';
import type { RenewalWorld } from './world.ts';

interface Standing extends Pick<Pair, 'leaf' | 'chain'> {
  readonly secret: SecretSummary;
  readonly provider: CaProvider;
}

/** Returns the time that the CA suggests now or, without asking it, that the tags hold. A CA that can't be asked stops nothing. */
export async function suggestionFor(
  { clock, journal }: Pick<RenewalWorld, 'clock' | 'journal'>,
  { secret, provider, leaf, chain }: Standing,
  asksCa: boolean,
): Promise<Instant | undefined> {
  const now = clock.now();
  const status = readStatus(secret, now);
  const noted = status.known ? status.suggested : undefined;
  if (provider.suggestedWindow === undefined) return undefined; // the tag is of a CA before
  if (!asksCa) return noted;
  try {
    const window = await provider.suggestedWindow({ leaf, chain });
    return window && suggestedTime(window, secret.arn, leaf.notBefore, now, noted);
  } catch (error) {
    journal.failure({ secretArn: secret.arn, error, step: 'asking when to renew' });
    return noted;
  }
}
