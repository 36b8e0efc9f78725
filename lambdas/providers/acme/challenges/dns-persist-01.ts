/** The challenge dns-persist-01 (draft-ietf-acme-dns-persist): a standing TXT record that names CA and account, made by the user. */

import { offered } from './offered.ts';
import type { ChallengeWay } from './way.ts';

const type = 'dns-persist-01';

export const dnsPersist01: ChallengeWay = {
  checkNames: () => {},
  choose: (authorization) => offered(authorization, type),
  textsFor: () => new Map(),
  mayHold: () => false,
  adviceFor: ({ value, wildcard, challenges }, account) => {
    const issuer = challenges.find((each) => each.type === type)?.issuers[0] ?? "<the CA's issuer domain name>";
    const policy = wildcard ? '; policy=wildcard' : '';
    const record = JSON.stringify(`${issuer}; accounturi=${account}${policy}`);
    return `The TXT record _validation-persist.${value} must have the value ${record}.`;
  },
};
