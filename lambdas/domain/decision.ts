import type { ErrorCode } from './errors.ts';
import type { Operation } from './profile.ts';

export const dueCodes = [
  'Missing',
  'Changed',
  'Expiring',
  'PeriodElapsed',
  'ChainExpiring',
  'Expired',
  'Suggested',
  'Forced',
  'Requested',
  'Unknown',
] as const;
export type DueCode = (typeof dueCodes)[number];

export const skipCodes = [
  'NotDue',
  'Paused',
  'BackingOff',
  'WaitingForCa',
  'RecentlyRenewed',
  'AlreadyRenewed',
  'Replica',
  'RotationEnabled',
  'ManagedByService',
] as const;
export type SkipCode = (typeof skipCodes)[number];

export type ReasonCode = DueCode | SkipCode | ErrorCode;

/** The reason of a decision: a code for programs and a sentence for people. */
export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
}

/** What to do with one secret. `inspect`: the tags are not enough, so a worker has to read the secret. */
export type Action = Operation | 'inspect' | 'skip';

export interface Decision extends Reason {
  readonly action: Action;
}

export const warningCodes = [
  'WindowClamped',
  'WindowBelowSchedule',
  'KeyUpgraded',
  'NotExtended',
  'ValidityShortened',
  'UsageMissing',
  'DeclarationMissing',
] as const;
export type WarningCode = (typeof warningCodes)[number];

/** A difference from what was asked for, or a setting that may cause trouble later. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}
