/** The scan's rules: what to do with an enrolled secret, by its tags alone. */
import { count } from '../domain/count.ts';
import type { Decision } from '../domain/decision.ts';
import { formatInstant, type Instant } from '../domain/instant.ts';
import { orderOf } from '../domain/order-id.ts';
import type { Profile } from '../domain/profile.ts';
import type { SecretSummary } from '../domain/secret.ts';
import type { Settings } from '../domain/settings.ts';
import { tags } from '../domain/tags.ts';
import { type Check, firstOf, skip } from './check.ts';
import { wanting } from './declared-tags.ts';
import { due, paused } from './due-checks.ts';
import { isInspectionTime } from './inspection.ts';
import { isEmergency, type RenewalTime } from './renewal-time.ts';
import { checkRoom, isToldOfNoRoom, saysNoRoom } from './room.ts';
import { retryAt, type Status } from './status.ts';
import { unannounced } from './unannounced.ts';
import { isMessageLost, readWait } from './waiting.ts';

export interface ScanInput {
  readonly secret: SecretSummary;
  readonly profile: Profile;
  readonly settings: Settings;
  readonly status: Status;
  /** Undefined if the tags do not contain the certificate's validity. */
  readonly time: RenewalTime | undefined;
  readonly force: boolean;
  readonly now: Instant;
  /** Milliseconds until the next scan. */
  readonly step: number;
}

const scanChain: readonly Check<ScanInput>[] = [
  withoutValue, // no version is current
  notAnnounced, // an event is still to be sent, even for a paused secret
  paused, // by its tag or its profile, unless forced
  waitingForCa, // a message comes to look again; force does not change that
  forced, // regardless of its time
  withoutRoom, // a worker publishes it once for each version, and sets a label
  backingOff, // after a failure; not in the last twentieth of the validity
  otherThanDeclared, // the declared certificate is missing, or another one is there
  changed, // it is new, or its tags are about another version
  neverRead, // a worker read this version and found no certificate
  dueByTags, // it becomes due before the next scan
  orderOpen, // an order was placed for another reason, and its message is lost
  withoutFingerprint, // it has endpoints, and the tags do not say what they are to serve
  inspectedDaily, // once a day, at its own time
];

export function checkScan(input: ScanInput): Decision {
  return firstOf(scanChain, input) ?? notDue(input);
}

const inspect = (code: Decision['code'], message: string): Decision => ({ action: 'inspect', code, message });

function withoutValue({ secret }: ScanInput): Decision | undefined {
  if (secret.currentVersionId !== undefined) return undefined;
  return skip('NotDue', 'The secret has no value yet: store the first certificate and its key in it.');
}

function notAnnounced({ secret }: ScanInput): Decision | undefined {
  if (unannounced(secret).length === 0 || isToldOfNoRoom(secret)) return undefined;
  return inspect('Unknown', 'The event of the last renewal was not sent yet: a worker sends it.');
}

function forced({ force, settings, ...input }: ScanInput): Decision | undefined {
  if (!force) return undefined;
  return (
    otherThanDeclared(input) ?? {
      action: settings.mode,
      code: 'Forced',
      message: 'Renewal forced by the scan request.',
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
  return inspect('Unknown', 'The secret is new, or its value was replaced: a worker reads it.');
}

function backingOff({ status, now }: ScanInput): Decision | undefined {
  if (!status.known || !status.failure) return undefined;
  const { failure, validity } = status;
  if (now >= retryAt(failure) || (validity && isEmergency(validity, now))) return undefined;
  return skip(
    'BackingOff',
    `${count(failure.count, 'try', 'tries')} failed, the last with ${failure.code}. The next try is at ${formatInstant(retryAt(failure))}. Use force to try now.`,
  );
}

/** Returns the decision while a message is to come that looks at the order again. */
export function waitingForCa({ secret, now }: Pick<ScanInput, 'secret' | 'now'>): Decision | undefined {
  const wait = readWait(secret, now);
  if (wait === undefined || isMessageLost(wait, now)) return undefined;
  return skip(
    'WaitingForCa',
    `It waits for its CA since ${formatInstant(wait.since)}. A message looks again at ${formatInstant(wait.again)}.`,
  );
}

function orderOpen({ secret }: ScanInput): Decision | undefined {
  if (orderOf(secret)?.stage !== 'order') return undefined;
  return inspect('Unknown', 'An order for it is open at its CA: a worker continues it.');
}

function neverRead({ time }: ScanInput): Decision | undefined {
  if (time !== undefined) return undefined;
  return inspect('Unknown', 'No worker has found a certificate in this version yet: a worker reads it again.');
}

function dueByTags({ status, time, ...input }: ScanInput): Decision | undefined {
  const validity = status.known ? status.validity : undefined;
  return time && validity && due({ ...input, time, validity, endsWith: 'leaf' });
}

function withoutFingerprint({ secret }: ScanInput): Decision | undefined {
  if (!secret.tags.has(tags.endpoints) || secret.tags.has(tags.fingerprint)) return undefined;
  return inspect('Unknown', 'It has endpoints, and no fingerprint of its certificate yet: a worker writes it.');
}

function inspectedDaily({ secret, now, step }: ScanInput): Decision | undefined {
  if (!isInspectionTime(secret.arn, now, step)) return undefined;
  return inspect('Unknown', 'The daily inspection: a worker reads every secret once a day.');
}

/** The message is a getter: nearly every secret gets this decision, and only a plan reads the message. */
function notDue({ time }: ScanInput): Decision {
  return {
    action: 'skip',
    code: 'NotDue',
    get message() {
      return `Not due before ${formatInstant(time?.renewAt ?? 0)}.`;
    },
  };
}
