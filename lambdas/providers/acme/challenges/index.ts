/** The ways to validate names. A new one is a file and a line here. */
import type { AcmeChallenge } from '../config.ts';
import { dns01 } from './dns-01.ts';
import { dnsPersist01 } from './dns-persist-01.ts';
import { approved } from './none.ts';
import type { ChallengeWay } from './way.ts';

export function challengeWay(challenge: AcmeChallenge): ChallengeWay {
  switch (challenge.type) {
    case 'dns-01':
      return dns01(challenge.zones);
    case 'dns-persist-01':
      return dnsPersist01;
    case 'none':
      return approved;
  }
}
