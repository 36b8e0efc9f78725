/** The scan's rules: what to do with a secret that is ours, by its tags alone. */
import { count } from '../domain/count.ts';
import type { Decision } from '../domain/decision.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import { type Check, firstOf, skip } from './check.ts';
import { wanting } from './declared-tags.ts';
import { due, paused } from './due-checks.ts';
import { isInspectionTime } from './inspection.ts';
import { isEmergency, type RenewalTime } from './renewal-time.ts';
import { checkRoom, isToldOfNoRoom, saysNoRoom } from './room.ts';
import { retryAt, type Status } from './status.ts';
import { unannounced } from './unannounced.ts';

export interface ScanInput {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  readonly settings: Settings;
  readonly status: Status;
  /** Undefined while the tags don't tell the certificate's window. */
  readonly time: RenewalTime | undefined;
  readonly force: boolean;
  readonly now: Instant;
  /** Until the next scan, milliseconds. */
  readonly step: number;
}

const scanChain: readonly Check<ScanInput>[] = [
  withoutValue, // no version is current
  notAnnounced, // an event is owed: it comes first, even of a paused secret
  paused, // by its tag or its profile, unless forced
  forced, // whatever its time
  withoutRoom, // a worker tells it once a version, and leaves a label
  backingOff, // it failed a while ago; the last twentieth of the validity has no pauses
  otherThanDeclared, // the certificate that is declared is not there
  changed, // it is new, or its tags tell of another version
  neverRead, // a worker has seen this version and found no certificate
  dueByTags, // its time to act comes before the next scan
  inspectedDaily, // once a day, at its own time
];

export function checkScan(input: ScanInput): Decision {
  return firstOf(scanChain, input) ?? notDue(input);
}

const inspect = (code: Decision['code'], message: string): Decision => ({ action: 'inspect', code, message });

function withoutValue({ secret }: ScanInput): Decision | undefined {
  if (secret.currentVersionId !== undefined) return undefined;
  return skip('NotDue', 'The secret has no value yet: put the first certificate and key into it.');
}

function notAnnounced({ secret }: ScanInput): Decision | undefined {
  if (unannounced(secret).length === 0 || isToldOfNoRoom(secret)) return undefined;
  return inspect('Unknown', 'Its last renewal has not been announced yet: a worker has to.');
}

function forced({ force, settings, ...input }: ScanInput): Decision | undefined {
  if (!force) return undefined;
  return (
    otherThanDeclared(input) ?? {
      action: settings.mode,
      code: 'Forced',
      message: 'The scan was asked to renew it whatever its time.',
    }
  );
}

function otherThanDeclared({ secret, status }: Pick<ScanInput, 'secret' | 'status'>): Decision | undefined {
  const found = wanting(secret, status);
  return found && { action: 'issue', ...found };
}

function withoutRoom({ secret }: ScanInput): Decision | undefined {
  const message = checkRoom(secret);
  if (message === undefined) return undefined;
  return saysNoRoom(secret) ? skip('UnsupportedSecret', message) : inspect('UnsupportedSecret', message);
}

function changed({ status }: ScanInput): Decision | undefined {
  if (status.known) return undefined;
  return inspect('Unknown', 'The secret is new, or its value was replaced: a worker has to look.');
}

function backingOff({ status, now }: ScanInput): Decision | undefined {
  if (!status.known || !status.failure) return undefined;
  const { failure, validity } = status;
  if (now >= retryAt(failure) || (validity && isEmergency(validity, now))) return undefined;
  return skip(
    'BackingOff',
    `${count(failure.count, 'try', 'tries')} failed, the last with ${failure.code}. Next try at ${formatInstant(retryAt(failure))}; force tries now.`,
  );
}

function neverRead({ time }: ScanInput): Decision | undefined {
  if (time !== undefined) return undefined;
  return inspect('Unknown', 'No certificate could be read from it so far: a worker has to look again.');
}

function dueByTags({ status, time, ...input }: ScanInput): Decision | undefined {
  const validity = status.known ? status.validity : undefined;
  return time && validity && due({ ...input, time, validity, endsWith: 'leaf' });
}

function inspectedDaily({ secret, now, step }: ScanInput): Decision | undefined {
  if (!isInspectionTime(secret.arn, now, step)) return undefined;
  return inspect('Unknown', 'The inspection that every secret gets once a day.');
}

/** A scan finds this of nearly every secret, and only a plan reads it: it is put into words where it is asked for. */
function notDue({ time }: ScanInput): Decision {
  return {
    action: 'skip',
    code: 'NotDue',
    get message() {
      return `Not due before ${formatInstant(time?.renewAt ?? 0)}.`;
    },
  };
}
