/** The ports of the probe. It has none for a secret's value, a key or a CA. */
import type { Clock, Journal, ProfileSource, Publisher, Store } from '../domain/ports.ts';
import type { Profile } from '../domain/profile.ts';
import type { ProbeNetwork } from '../domain/serving.ts';
import type { Anchors } from './chain.ts';

export interface ProbeWorld {
  /** ARN of the renew function. cert-renewer may write a secret that Secrets Manager rotates with this function. */
  readonly rotationFunctionArn?: string | undefined;
  readonly store: Pick<Store, 'list' | 'describe' | 'tag'>;
  readonly profiles: ProfileSource;
  readonly publisher: Publisher;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly network: ProbeNetwork;
  /** Returns where a chain of the profile's CA ends. Undefined if the configuration does not say. */
  readonly anchorsOf: (profile: Profile) => Promise<Anchors | undefined>;
}
