/** The work of one renewal, and the answer after it was carried out. */
import type { Reason, Warning } from '../domain/decision.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { SecretSummary } from '../domain/secret.ts';
import { operationOf } from '../domain/wanted.ts';
import { renewalTime } from '../policy/renewal-time.ts';
import type { Unannounced } from '../policy/unannounced.ts';
import type { Place } from './place.ts';
import { outcomeOf, resultOf } from './result.ts';
import type { Staged } from './staged.ts';
import type { Plan } from './steps/3-plan.ts';

export interface Work {
  readonly reason: Reason;
  readonly plan: Plan;
  readonly warnings: readonly Warning[];
  /** Owed events of earlier renewals. */
  readonly owed: readonly Unannounced[];
  /** The `out` secret. Undefined: the pair goes to the source itself. */
  readonly output?: SecretSummary | undefined;
}

/** Returns the answer for the source. `renewAt` follows the tags and the profile, not this request. */
export function renewed(
  place: Place,
  { plan: planned, reason, warnings, output }: Work,
  { pair, to }: Staged,
): RenewalResult {
  const { secret, version, profile, leaf, settings } = place;
  const validity = { notBefore: pair.leaf.notBefore, end: pair.end };
  const operation = operationOf(planned.wanted);
  const time = renewalTime(validity, settings.usual, (output ?? secret).arn);
  // The warnings of a copy are those of the certificate before, which has the same duration. A declared one may have another.
  const told = new Set(warnings.map(({ code }) => code));
  const isDeclared = planned.wanted.content.kind === 'declared';
  const ofTime = isDeclared ? time.warnings.filter(({ code }) => !told.has(code)) : [];
  const result = resultOf({
    outcome: outcomeOf(operation),
    reason,
    warnings: [...warnings, ...pair.warnings, ...ofTime],
    secretArn: secret.arn,
    profile: profile.name,
    versionId: output ? version.versionId : to,
    // The first certificate replaces none, so all fields about the previous one are null.
    previousVersionId: output || isFirst(place) ? null : version.versionId,
    certificate: pair.leaf,
    previous: leaf,
    renewAt: time.renewAt,
  });
  return output ? { ...result, out: { secretArn: output.arn, versionId: to } } : result;
}

const isFirst = ({ leaf, content }: Place): boolean => leaf === undefined && content === undefined;
