/** For CAs that approve names beforehand, such as ACM's endpoints: orders come with valid authorisations. */
import { RenewalError } from '../../../domain/errors.ts';
import { quotedName } from '../../ca-answer.ts';
import { nameOf } from '../order.ts';
import type { ChallengeWay } from './way.ts';

const advice = 'Approve it at the CA beforehand (at ACM by a domain validation of the endpoint)';

export const approved: ChallengeWay = {
  checkNames: () => {},
  choose: (authorization) => {
    throw new RenewalError(
      'CaRejected',
      `The CA has not approved the name ${quotedName(nameOf(authorization))}. ${advice}, or set another challenge in the ca of the profile.`,
    );
  },
  textsFor: () => new Map(),
  mayHold: () => false,
  adviceFor: () => `${advice}.`,
};
