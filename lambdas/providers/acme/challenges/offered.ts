/** Finds the challenge of a type. */
import { RenewalError } from '../../../domain/errors.ts';
import { quoted, quotedName } from '../../ca-answer.ts';
import { type Authorization, type Challenge, nameOf } from '../order.ts';

/** Returns the challenge of a type. Throws CaRejected if the CA does not offer it. */
export function offered(authorization: Authorization, type: string): Challenge {
  const found = authorization.challenges.find((each) => each.type === type);
  if (found !== undefined) return found;
  const types = authorization.challenges.map((each) => each.type).join(', ');
  const name = quotedName(nameOf(authorization));
  throw new RenewalError(
    'CaRejected',
    `The CA does not offer the challenge ${type} for ${name}, only ${quoted(types)}: set another challenge in the ca of the profile.`,
  );
}
