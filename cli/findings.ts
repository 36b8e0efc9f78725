/** The checks of `doctor`, one function each. A finding says what to do. */

import { count } from '../lambdas/domain/count.ts';
import { RenewalError } from '../lambdas/domain/errors.ts';
import { formatInstant } from '../lambdas/domain/instant.ts';
import { tagPrefix, tags } from '../lambdas/domain/tags.ts';
import { needsAttention } from '../lambdas/inventory/row.ts';
import { relative } from '../lambdas/inventory/words.ts';
import { isSecretOf } from '../lambdas/renewal/authority.ts';
import { codeOf, FunctionFailure } from './aws/functions.ts';
import { inventory } from './inventory.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** `unknown`: the check was not possible. */
export type Grade = 'ok' | 'fault' | 'note' | 'unknown';

export interface Finding {
  readonly grade: Grade;
  readonly says: string;
  /** What to do; undefined if all is well. */
  readonly fix?: string;
}

export interface Check {
  readonly name: string;
  readonly look: (session: Session, terminal: Terminal) => Promise<readonly Finding[]>;
}

const ok = (says: string): Finding => ({ grade: 'ok', says });
const fault = (says: string, fix: string): Finding => ({ grade: 'fault', says, fix });
const note = (says: string, fix: string): Finding => ({ grade: 'note', says, fix });

const deployAgain = 'Deploy it again: cert-renewer deploy --config <your configuration>.';

async function stack({ stack: find }: Session): Promise<readonly Finding[]> {
  const { name, status, updatedAt } = await find();
  const when = updatedAt === undefined ? '' : `, ${formatInstant(updatedAt)}`;
  if (/ROLLBACK|FAILED/.test(status)) {
    return [
      fault(
        `The last deployment of ${name} did not succeed (${status}${when}).`,
        `See its events in CloudFormation. ${deployAgain}`,
      ),
    ];
  }
  if (status.endsWith('IN_PROGRESS'))
    return [note(`${name} is being deployed (${status}).`, 'Run cert-renewer doctor again when that is done.')];
  return [ok(`${name} is deployed (${status}${when}).`)];
}

async function functions({ functions: asked, output, version }: Session): Promise<readonly Finding[]> {
  const names = [await output('ScanFunctionName'), await output('RenewFunctionName')];
  return Promise.all(
    names.map(async (name) => {
      const { state, lastUpdate, environment } = await asked.settings(name);
      if (state !== 'Active' || lastUpdate !== 'Successful') {
        return fault(
          `The function ${name} is ${state}, its last update ${lastUpdate}.`,
          `See the function in the Lambda console. ${deployAgain}`,
        );
      }
      const { CERT_RENEWER_VERSION: deployed } = environment;
      if (deployed !== version) {
        const says = `${name} has version ${deployed ?? 'unknown'}; this command line has version ${version}.`;
        return fault(says, `${deployAgain} Or use the command line of the deployed version.`);
      }
      return ok(`${name} is active and has version ${version}.`);
    }),
  );
}

async function schedule({ observer, resources }: Session): Promise<readonly Finding[]> {
  const [found] = (await resources()).filter(({ type }) => type === 'AWS::Scheduler::Schedule');
  if (!found) return [fault('The stack has no schedule.', deployAgain)];
  const state = await observer.scheduleState(found.id);
  if (state === 'ENABLED') return [ok('The schedule is on.')];
  if (state === undefined) return [fault(`The schedule ${found.id} was deleted.`, deployAgain)];
  return [
    fault(
      'The schedule is off: nothing is renewed automatically.',
      'If the configuration has "paused": true, remove it and deploy. Otherwise somebody disabled the schedule: enable it in EventBridge Scheduler.',
    ),
  ];
}

async function lastScan(session: Session): Promise<readonly Finding[]> {
  const { observer, functions: asked, output, deployment, clock } = session;
  const name = await output('ScanFunctionName');
  const { logGroup } = await asked.settings(name);
  const { longestGap } = await deployment();
  const now = clock.now();
  const lines = await observer.logSince(logGroup, now - 2 * longestGap - 300_000);
  const last = lines?.at(-1);
  if (last === undefined) {
    return [
      fault(
        `There was no scan in the last two periods of the schedule (since ${relative(now - 2 * longestGap, now)}).`,
        'See NoScan in docs/operations.md. Try the scan with cert-renewer plan. A new stack has no scan yet.',
      ),
    ];
  }
  const failed = lines?.filter(({ text }) => /"level":"ERROR"/.test(text) && /"secretArn":null/.test(text)).at(-1);
  if (failed && failed.at >= last.at - 60_000) {
    return [
      fault(
        `The scan of ${relative(failed.at, now)} failed.`,
        `See the end of the log group ${logGroup}, and ScanDeadLetters in docs/operations.md.`,
      ),
    ];
  }
  return [ok(`The last scan was ${relative(last.at, now)}.`)];
}

async function deadLetters({ observer, output }: Session): Promise<readonly Finding[]> {
  const [dead, waiting] = await Promise.all([
    observer.waiting(await output('DeadLetterQueueUrl')),
    observer.waiting(await output('RenewalQueueUrl')),
  ]);
  const inQueue = ok(`${count(waiting, 'renewal')} in the queue.`);
  if (dead === 0) return [ok('There are no dead letters.'), inQueue];
  const fix = 'Remove the cause, then redrive them or wait for the next scan: see DeadLetters in docs/operations.md.';
  return [
    fault(
      `${count(dead, 'renewal')} failed three times: ${dead === 1 ? 'it is a dead letter' : 'they are dead letters'}.`,
      fix,
    ),
    inQueue,
  ];
}

/** Finds overdue and failing certificates; asks the CA of each profile that has certificates, and counts its failures. */
async function renewals(session: Session, terminal: Terminal): Promise<readonly Finding[]> {
  const byProfile = new Map<string, { total: number; codes: Map<string, number> }>();
  let alarming = 0;
  let toIssue = 0;
  for await (const { rows } of inventory(session, terminal, { names: [] })) {
    for (const row of rows) {
      if (needsAttention(row)) alarming += 1;
      else if (row.state === 'missing' || row.state === 'changed') toIssue += 1;
      if (notAsked.has(row.reason.code)) continue;
      const seen = byProfile.get(row.profile) ?? { total: 0, codes: new Map<string, number>() };
      seen.total += 1;
      if (row.failure) seen.codes.set(row.failure.code, (seen.codes.get(row.failure.code) ?? 0) + 1);
      byProfile.set(row.profile, seen);
    }
  }
  if (byProfile.size === 0) {
    return [
      note(
        'No secret is enrolled.',
        'Enrol one with cert-renewer enrol <name> --profile <profile>, or declare one in "certificates" of the configuration.',
      ),
    ];
  }
  const asked = await Promise.all([...byProfile.keys()].map((profile) => caOf(session, profile)));
  const failures = [...byProfile].flatMap(([profile, { total, codes }]) =>
    [...codes].map(([code, number]) =>
      fault(
        `${profile}: the last attempt failed with ${code} for ${number} of ${total}.`,
        causes[code] ?? whatTheCodeAsksFor,
      ),
    ),
  );
  const fix = 'See which, and why: cert-renewer status.';
  const attention = alarming === 0 ? [] : [fault(`${count(alarming, 'certificate')} overdue or failing.`, fix)];
  return [...attention, ...awaited(toIssue), ...asked, ...failures];
}

/** Neither failed nor overdue: the next scan may issue it. */
function awaited(toIssue: number): readonly Finding[] {
  if (toIssue === 0) return [];
  const says = `${count(toIssue, 'declared certificate')} missing or changed, and not issued yet.`;
  return [note(says, 'The next scan has them issued. cert-renewer renew <name> does it now.')];
}

const whatTheCodeAsksFor = 'See which: cert-renewer status. docs/invoke.md says what to do for the code.';

/** The renew function asks the CA, as only its network reaches it. */
async function caOf({ functions: lambda, output }: Session, profile: string): Promise<Finding> {
  try {
    await lambda.invoke(await output('RenewFunctionName'), { askCa: profile });
    return ok(`${profile}: its CA answers.`);
  } catch (thrown) {
    if (!(thrown instanceof FunctionFailure)) throw thrown;
    const code = codeOf(thrown);
    return fault(
      `${profile}: the request to its CA failed (${code}). ${thrown.message}`,
      causes[code] ?? whatTheCodeAsksFor,
    );
  }
}

const notAsked: ReadonlySet<string> = new Set([
  ...['UnknownProfile', 'Replica', 'RotationEnabled', 'ManagedByService', 'SecretNotFound', 'InvalidTag'],
]);

const causes: Readonly<Record<string, string>> = {
  CaUnavailable:
    'The CA does not answer. Check that it runs and that the function reaches it (url, network, its TLS certificate).',
  CaRejected: 'The CA refuses the request. See its log, and check its provisioner and claims.',
  CaUntrusted: 'The root of the profile is not that of the CA. Correct root in the configuration and deploy.',
  IssuanceNotAllowed:
    'issue.allow or issue.maxDuration of the profile does not permit the declaration. The event names the reason. Correct the profile or the declaration, and deploy.',
  NotDeclared:
    'This CA issues declared certificates only. Declare the certificate in "certificates" of the configuration and deploy.',
  AccessDenied: 'The function’s role lacks a permission, or a resource policy denies it. The log names the permission.',
  KmsDenied: 'The function may not sign with the key. Check the key’s policy and its tag cert-renewer:profile.',
};

const known: ReadonlySet<string> = new Set(Object.values(tags));

/** Finds tags without effect. */
async function strayTags({ secrets, deployment }: Session): Promise<readonly Finding[]> {
  const { profiles, authorities } = await deployment();
  const own = await Promise.all((authorities?.names ?? []).map((name) => authorities?.find(name)));
  const findings: Finding[] = [];
  for await (const page of secrets.tagged()) {
    for (const { arn, name, tags: found } of page) {
      const strange = [...found.keys()].filter((tag) => tag.startsWith(tagPrefix) && !known.has(tag));
      if (strange.length > 0) {
        const allowed = Object.values(tags)
          .map((tag) => tag.slice(tagPrefix.length))
          .join(', ');
        findings.push(
          fault(
            `${name} has ${strange.join(', ')}, which has no meaning.`,
            `Correct or remove it. Tags with a meaning: ${allowed}.`,
          ),
        );
      }
      const profile = found.get(tags.profile);
      if (profile === undefined) {
        // An authority's secret has status tags only.
        if (own.some((authority) => authority && isSecretOf(authority, { arn, name }))) continue;
        findings.push(
          fault(
            `${name} has tags of cert-renewer but no ${tags.profile}: it is not enrolled.`,
            `Enrol it with cert-renewer enrol ${name} --profile <profile>, or remove the tags.`,
          ),
        );
      } else if (!(await profiles.find(profile))) {
        findings.push(
          note(
            `${name} is in the profile ${profile}, which this stack does not have.`,
            'If it does not belong to another stack, correct the tag or deploy the profile.',
          ),
        );
      }
    }
  }
  return findings.length > 0 ? findings : [ok('There are no stray tags.')];
}

export const checks: readonly Check[] = [
  { name: 'stack', look: stack },
  { name: 'functions', look: functions },
  { name: 'schedule', look: schedule },
  { name: 'last scan', look: lastScan },
  { name: 'queues', look: deadLetters },
  { name: 'renewals', look: renewals },
  { name: 'tags', look: strayTags },
];

/** Runs a check. A check that is not possible is a finding too. */
export async function findingsOf(
  check: Check,
  session: Session,
  terminal: Terminal,
  explained: (thrown: unknown) => string,
): Promise<readonly Finding[]> {
  try {
    return await check.look(session, terminal);
  } catch (thrown) {
    const isDenied = thrown instanceof RenewalError && thrown.code === 'AccessDenied';
    const fix = isDenied
      ? 'Ask for the permission, or run doctor as a user who has it. docs/cli.md lists the permissions.'
      : 'Try again.';
    return [{ grade: 'unknown', says: `The check was not possible: ${explained(thrown)}`, fix }];
  }
}
