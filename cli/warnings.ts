/** The warnings about the window of a certificate, as the worker gives them at its next inspection. From tags alone. */
import type { Warning } from '../lambdas/domain/decision.ts';
import type { Instant } from '../lambdas/domain/instant.ts';
import type { Profile } from '../lambdas/domain/profile.ts';
import type { Settings } from '../lambdas/domain/settings.ts';
import { type Candidate, enrolment } from '../lambdas/policy/enrolment.ts';
import { belowSchedule, foreseeableWarnings, renewalTime, type Validity } from '../lambdas/policy/renewal-time.ts';
import { resolveSettings } from '../lambdas/policy/settings.ts';
import { readStatus } from '../lambdas/policy/status.ts';
import type { Deployment } from './session.ts';

/**
 * Returns the warnings of these settings. `validity` is undefined if no worker has read the certificate yet. `suggested`: when its CA
 * suggests to renew it.
 */
export function windowWarnings(
  settings: Settings,
  validity: Validity | undefined,
  secretArn: string,
  longestGap: number,
  suggested?: Instant,
): readonly Warning[] {
  if (validity === undefined) return foreseeableWarnings(settings, longestGap);
  const time = renewalTime(validity, settings, secretArn, suggested);
  const below = belowSchedule(time, longestGap);
  return [...time.warnings, ...(below ? [below] : [])];
}

/** Returns the warnings of a secret. None for one that the stack leaves alone or can't judge. */
export function warningsOf(
  candidate: Candidate,
  profile: Profile | undefined,
  { rotationFunctionArn, longestGap }: Pick<Deployment, 'rotationFunctionArn' | 'longestGap'>,
  now: Instant,
): readonly Warning[] {
  const found = enrolment(candidate, profile, rotationFunctionArn);
  if (found.kind !== 'enrolled') return [];
  const status = readStatus(candidate.secret, now);
  const settings = resolveSettings(undefined, found.tagged, found.profile);
  const { validity, suggested } = status.known ? status : {};
  return windowWarnings(settings, validity, candidate.secret.arn, longestGap, suggested);
}

/** Returns the warnings for the line of a secret: ` (WindowClamped: The window …)`. */
export const warningText = (warnings: readonly Warning[]): string =>
  warnings.map(({ code, message }) => ` (${code}: ${message})`).join('');
