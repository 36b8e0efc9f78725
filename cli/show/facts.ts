/** Everything that `status <name>` shows about one certificate. A part that can't be read is left out, with the reason. */
import { errorCodes, isErrorCode } from '../../lambdas/domain/errors.ts';
import type { Instant } from '../../lambdas/domain/instant.ts';
import type { SecretSummary } from '../../lambdas/domain/secret.ts';
import type { Settings } from '../../lambdas/domain/settings.ts';
import type { InventoryRow } from '../../lambdas/inventory/row.ts';
import { enrolment } from '../../lambdas/policy/enrolment.ts';
import { resolveSettings } from '../../lambdas/policy/settings.ts';
import { adviceOf } from '../../lambdas/providers/index.ts';
import type { CaAdvice } from '../../lambdas/providers/kind.ts';
import type { Shown } from '../../lambdas/renewal/entry/show.ts';
import { FunctionFailure } from '../aws/functions.ts';
import type { VersionDates } from '../aws/secrets.ts';
import { explain } from '../exit.ts';
import type { FoundCertificate } from '../inventory.ts';
import { profileMeant, type Session } from '../session.ts';
import { failureMessage, spanAround } from './failure-message.ts';

export interface Facts {
  readonly now: Instant;
  readonly row: InventoryRow;
  readonly secret: SecretSummary;
  /** Undefined without a profile, or with a tag that is not valid. */
  readonly settings: Settings | undefined;
  /** The answer of the renew function. */
  readonly shown: Shown | undefined;
  /** The error of the secret that the renew function answered instead. */
  readonly refusal: Refusal | undefined;
  /** The message of the last failure. */
  readonly message: string | undefined;
  /** Undefined if they can't be read. */
  readonly versionDates: ReadonlyMap<string, VersionDates> | undefined;
  /** What is special at the CA of its profile. */
  readonly advice: CaAdvice;
  /** Whether the stack probes endpoints. */
  readonly probes: boolean;
  /** For a profile that the stack does not have: the one whose name is nearest. */
  readonly meant: string | undefined;
  readonly notShown: readonly NotShown[];
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** A part that is left out, and why. `reason` is a clause with a full stop. */
export interface NotShown {
  readonly part: 'certificate' | 'message' | 'dates';
  readonly reason: string;
}

type Part<T> = { readonly value?: T } | { readonly reason: string };

/** Asks the renew function, its log and Secrets Manager at the same time. Never throws. */
export async function factsOf(session: Session, found: FoundCertificate): Promise<Facts> {
  const { row, candidate } = found;
  const [answer, message, dates, meant] = await Promise.all([
    attempt(() => ask(session, row.secretArn)),
    attempt(() => messageOf(session, row)),
    attempt(() => session.secrets.versionDates(row.secretArn)),
    row.reason.code === 'UnknownProfile' ? profileMeant(session, row.profile) : undefined,
  ]);
  const { shown, refusal } = ('value' in answer && answer.value) || {};
  const notShown = [
    ...('reason' in answer ? [{ part: 'certificate' as const, reason: answer.reason }] : []),
    ...('reason' in message ? [{ part: 'message' as const, reason: message.reason }] : []),
    ...('reason' in dates ? [{ part: 'dates' as const, reason: dates.reason }] : []),
  ];
  return {
    ...{ now: session.clock.now(), row, secret: candidate.secret, settings: settingsOf(found), shown, refusal },
    message: 'value' in message ? message.value : undefined,
    versionDates: 'value' in dates ? dates.value : undefined,
    ...{ advice: found.profile ? adviceOf(found.profile.ca) : {}, meant, probes: found.profile?.probe !== undefined },
    notShown,
  };
}

/** The permission for each call, by the name of the call in an error's message. */
const permissions: Readonly<Record<string, string>> = {
  Invoke: 'lambda:InvokeFunction on the renew function',
  GetFunctionConfiguration: 'lambda:GetFunctionConfiguration on the renew function',
  FilterLogEvents: 'logs:FilterLogEvents on the log of the renew function',
  ListSecretVersionIds: 'secretsmanager:ListSecretVersionIds on the secret',
};

async function attempt<T>(run: () => Promise<T>): Promise<Part<T>> {
  try {
    return { value: await run() };
  } catch (thrown) {
    if (thrown instanceof Unknown) return { reason: thrown.message };
    const { errorType, message } = explain(thrown);
    const [, call = ''] = / refused (\w+) on /.exec(message) ?? [];
    const permission = errorType === 'AccessDenied' ? permissions[call] : undefined;
    return { reason: permission === undefined ? `${errorType}: ${message}` : `It needs ${permission}.` };
  }
}

/** AWS has answered, and the part is not there. */
class Unknown extends Error {}

async function ask({ functions, output }: Session, secretArn: string) {
  try {
    const answer = await functions.invoke(await output('RenewFunctionName'), { show: secretArn });
    return { shown: answer as Shown };
  } catch (thrown) {
    if (!(thrown instanceof FunctionFailure)) throw thrown;
    const { errorType: code, message } = thrown;
    if (message.includes('unknown field "show"')) {
      throw new Unknown('The stack has an earlier version of cert-renewer: deploy it again.');
    }
    // Any other error is not about this secret.
    if (!isErrorCode(code) || code === 'Internal' || errorCodes[code].retryable) {
      throw new Unknown(`The renew function failed with ${code}: ${message}`);
    }
    return { refusal: { code, message } };
  }
}

async function messageOf({ functions, observer, output }: Session, row: InventoryRow): Promise<string | undefined> {
  const { failure, reason, secretArn } = row;
  if (failure === undefined) return undefined;
  if (failure.code === reason.code) return reason.message;
  if (failure.at === undefined) return undefined;
  const { logGroup } = await functions.settings(await output('RenewFunctionName'));
  const lines = await observer.logWith(logGroup, secretArn, spanAround(failure.at));
  const message = failureMessage(lines ?? [], secretArn, failure);
  if (message === undefined) throw new Unknown(`The log ${logGroup} has no line of this failure (any more).`);
  return message;
}

function settingsOf({ candidate, profile, rotationFunctionArn }: FoundCertificate): Settings | undefined {
  const enrolled = enrolment(candidate, profile, rotationFunctionArn);
  return enrolled.kind === 'enrolled' ? resolveSettings(undefined, enrolled.tagged, enrolled.profile) : undefined;
}
