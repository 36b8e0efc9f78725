/** Step 2: decides whether to renew, rekey, issue or skip, and gives the reason. The rules are in policy/due-checks.ts. Pure. */
import type { Decision, Warning } from '../../domain/decision.ts';
import type { Instant } from '../../domain/instant.ts';
import { orderOf } from '../../domain/order-id.ts';
import { tags } from '../../domain/tags.ts';
import { checkDue, checkVacancy } from '../../policy/due-checks.ts';
import { belowSchedule, type RenewalTime, renewalTime } from '../../policy/renewal-time.ts';
import type { Job } from '../job.ts';
import { isOrderFor, type Place, type Subject, type Vacancy } from '../place.ts';

export interface Decided {
  readonly decision: Decision;
  /** When the certificate is due by this request. Undefined if there is no certificate. */
  readonly time: RenewalTime | undefined;
  readonly warnings: readonly Warning[];
}

/** The time to the next scan, and the longest time between two scans, in milliseconds. */
export interface Schedule {
  readonly untilNextScan: (now: Instant) => number;
  readonly longestGap: number;
}

/** Decides. Throws InvalidRequest if the request's window is not shorter than the validity. */
export function decide(place: Place, job: Job, { untilNextScan, longestGap }: Schedule, now: Instant): Decided {
  const { profile, settings, version, secret } = place;
  const { force } = job;
  if (place.leaf === undefined) return decideVacancy(place, force);
  const { validity, endsWith, isAsDeclared } = place;
  const time = renewalTime(validity, settings.asked, secret.arn, place.suggested);
  const checked = checkDue({
    profile,
    settings: settings.asked,
    validity,
    endsWith,
    time,
    versionId: version.versionId,
    versionCreatedAt: version.createdAt,
    origin: job.request ? 'request' : 'schedule',
    windowAsked: job.request?.timing !== undefined,
    isAsDeclared,
    force,
    now,
    step: job.request ? 0 : untilNextScan(now),
  });
  // A request with a window is for a certificate that is due by it, and for no other.
  const decision = job.request?.timing === undefined && isOrdered(place, checked) ? ordered(place) : checked;
  // The request's window does not apply to an issuance, which does not depend on the time.
  const lasting = decision.action === 'issue' ? renewalTime(validity, settings.usual, secret.arn) : time;
  const below = belowSchedule(lasting, longestGap);
  const gone = place.declared === undefined && secret.tags.has(tags.declared) ? [declarationMissing] : [];
  return { decision, time, warnings: [...gone, ...lasting.warnings, ...(below ? [below] : [])] };
}

/** Returns whether an order is open that was placed for a reason that does not hold any more, such as a request. */
function isOrdered(place: Subject, { code }: Decision): boolean {
  const order = orderOf(place.secret);
  const isOpen = (code === 'NotDue' || code === 'RecentlyRenewed') && order?.stage === 'order';
  return isOpen && isOrderFor(place, order);
}

const ordered = ({ settings }: Place): Decision => ({
  action: settings.asked.mode,
  code: 'Requested',
  message: 'An order for it is open at the CA, and is continued.',
});

function decideVacancy({ profile, settings, content }: Vacancy, force: boolean): Decided {
  const found = content
    ? 'The private key in the secret does not match the certificate.'
    : 'The secret has no certificate.';
  return { decision: checkVacancy({ profile, settings: settings.asked, force }, found), time: undefined, warnings: [] };
}

const declarationMissing: Warning = {
  code: 'DeclarationMissing',
  message: `The secret has the tag ${tags.declared}, but no certificate is declared for it any more: the present certificate is renewed unchanged. Declare it again, or remove the tag.`,
};
