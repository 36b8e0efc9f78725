import type { ErrorCode } from './errors.ts';
import type { Operation } from './profile.ts';

export const dueCodes = [
  'Missing',
  'Changed',
  'Expiring',
  'PeriodElapsed',
  'ChainExpiring',
  'Expired',
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

/** Why: a code for programs and a sentence for people. */
export interface Reason {
  readonly code: ReasonCode;
  readonly message: string;
}

/** What is to be done with one secret. `inspect`: its tags can't tell; a worker has to read it. */
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

/** Something that was done otherwise than asked, or that will hurt one day. */
export interface Warning {
  readonly code: WarningCode;
  readonly message: string;
}
