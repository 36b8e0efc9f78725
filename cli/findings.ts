/** What the doctor looks at, one check a function; each finding says what to do. */

import { count } from '../lambdas/domain/count.ts';
import { RenewalError } from '../lambdas/domain/errors.ts';
import { formatInstant } from '../lambdas/domain/instant.ts';
import { tagPrefix, tags } from '../lambdas/domain/tags.ts';
import { needsAttention } from '../lambdas/inventory/row.ts';
import { relative } from '../lambdas/inventory/words.ts';
import { codeOf, FunctionFailure } from './aws/functions.ts';
import { inventory } from './inventory.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** `unknown`: it could not be looked at. */
export type Grade = 'ok' | 'fault' | 'note' | 'unknown';

export interface Finding {
  readonly grade: Grade;
  readonly says: string;
  /** What to do; undefined for what is well. */
  readonly fix?: string;
}

export interface Check {
  readonly name: string;
  readonly look: (session: Session, terminal: Terminal) => Promise<readonly Finding[]>;
}

const ok = (says: string): Finding => ({ grade: 'ok', says });
const fault = (says: string, fix: string): Finding => ({ grade: 'fault', says, fix });
const note = (says: string, fix: string): Finding => ({ grade: 'note', says, fix });

const deployAgain = 'Deploy it again: npx cdk deploy -c config=<your configuration>.';

async function stack({ stack: find }: Session): Promise<readonly Finding[]> {
  const { name, status, updatedAt } = await find();
  const when = updatedAt === undefined ? '' : `, of ${formatInstant(updatedAt)}`;
  if (/ROLLBACK|FAILED/.test(status)) {
    return [
      fault(
        `The last deployment of ${name} did not succeed (${status}${when}).`,
        `See its events in CloudFormation. ${deployAgain}`,
      ),
    ];
  }
  if (status.endsWith('IN_PROGRESS'))
    return [note(`${name} is being deployed (${status}).`, 'Ask again when that is done.')];
  return [ok(`${name} is deployed (${status}${when}).`)];
}

async function functions({ functions: asked, output, version }: Session): Promise<readonly Finding[]> {
  const names = [await output('ScanFunctionName'), await output('RenewFunctionName')];
  return Promise.all(
    names.map(async (name) => {
      const { state, lastUpdate, environment } = await asked.settings(name);
      if (state !== 'Active' || lastUpdate !== 'Successful') {
        return fault(
          `${name} is ${state}, its last update ${lastUpdate}.`,
          `See the function in Lambda. ${deployAgain}`,
        );
      }
      const { CERT_RENEWER_VERSION: deployed } = environment;
      if (deployed !== version) {
        const says = `${name} is of version ${deployed ?? 'unknown'}, and this command line of ${version}.`;
        return fault(says, `${deployAgain} Or use the command line of its version.`);
      }
      return ok(`${name} is active, of version ${version}.`);
    }),
  );
}

async function schedule({ observer, resources }: Session): Promise<readonly Finding[]> {
  const [found] = (await resources()).filter(({ type }) => type === 'AWS::Scheduler::Schedule');
  if (!found) return [fault('The stack has no schedule.', deployAgain)];
  const state = await observer.scheduleState(found.id);
  if (state === 'ENABLED') return [ok('The schedule is on.')];
  if (state === undefined) return [fault(`The schedule ${found.id} was removed.`, deployAgain)];
  return [
    fault(
      'The schedule is off: nothing is renewed by itself.',
      'Take "paused": true out of the configuration and deploy; or someone switched it off in EventBridge Scheduler: enable it there.',
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
        `No scan for two periods of the schedule (since ${relative(now - 2 * longestGap, now)}).`,
        'See docs/operations.md, NoScan; cert-renewer plan asks the scan by hand. A stack that was just deployed waits for its first.',
      ),
    ];
  }
  const failed = lines?.filter(({ text }) => /"level":"ERROR"/.test(text) && /"secretArn":null/.test(text)).at(-1);
  if (failed && failed.at >= last.at - 60_000) {
    return [
      fault(
        `The scan of ${relative(failed.at, now)} failed.`,
        `See its last lines in the log ${logGroup}; docs/operations.md, ScanDeadLetters.`,
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
  if (dead === 0) return [ok('No dead letters.'), inQueue];
  const fix = 'When its cause is gone, send them again or let a scan find them: docs/operations.md, DeadLetters.';
  return [
    fault(`${count(dead, 'renewal')} failed three times and ${dead === 1 ? 'waits' : 'wait'} as dead letters.`, fix),
    inQueue,
  ];
}

/** What is overdue or failing, and for each profile that has certificates: whether its CA answers, and how it failed. */
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
        'cert-renewer enrol <name> --profile <profile> enrols one; "certificates" of the configuration declares one.',
      ),
    ];
  }
  const asked = await Promise.all([...byProfile.keys()].map((profile) => caOf(session, profile)));
  const failures = [...byProfile].flatMap(([profile, { total, codes }]) =>
    [...codes].map(([code, number]) =>
      fault(
        `${profile}: the last try failed with ${code} for ${number} of ${total}.`,
        causes[code] ?? whatTheCodeAsksFor,
      ),
    ),
  );
  const fix = 'cert-renewer status shows which, and why.';
  const attention = alarming === 0 ? [] : [fault(`${count(alarming, 'certificate')} overdue or failing.`, fix)];
  return [...attention, ...awaited(toIssue), ...asked, ...failures];
}

/** Nothing has failed, and it is not overdue: it may come with the next scan. */
function awaited(toIssue: number): readonly Finding[] {
  if (toIssue === 0) return [];
  const says = `${count(toIssue, 'declared certificate')} missing or changed, and not issued yet.`;
  return [note(says, 'The next scan has them issued; cert-renewer renew <name> does it now.')];
}

const whatTheCodeAsksFor = 'cert-renewer status shows which; docs/invoke.md says what the code asks for.';

/** Asked by the renew function, which alone gets to the CA. */
async function caOf({ functions: lambda, output }: Session, profile: string): Promise<Finding> {
  try {
    await lambda.invoke(await output('RenewFunctionName'), { askCa: profile });
    return ok(`${profile}: its CA answers.`);
  } catch (thrown) {
    if (!(thrown instanceof FunctionFailure)) throw thrown;
    const code = codeOf(thrown);
    return fault(`${profile}: its CA can't be asked (${code}). ${thrown.message}`, causes[code] ?? whatTheCodeAsksFor);
  }
}

const notAsked: ReadonlySet<string> = new Set([
  ...['UnknownProfile', 'Replica', 'RotationEnabled', 'ManagedByService', 'SecretNotFound', 'InvalidTag'],
]);

const causes: Readonly<Record<string, string>> = {
  CaUnavailable:
    'The CA does not answer: see that it runs, and that the function gets to it (url, network, its TLS certificate).',
  CaRejected: 'The CA refuses: see its log; provisioner and claims decide.',
  CaUntrusted: 'The root of the profile is not the CA’s: correct root in the configuration and deploy.',
  IssuanceNotAllowed:
    'The declaration asks for what issue.allow or issue.maxDuration of the profile does not permit: the message of the event names it. Correct the one or the other, and deploy.',
  NotDeclared: 'This CA issues declared certificates only: put it into "certificates" of the configuration and deploy.',
  AccessDenied:
    'The function’s role lacks a permission, or a resource policy denies it: the message in the log names it.',
  KmsDenied: 'The key’s policy or its tag cert-renewer:profile does not let the function sign.',
};

const known: ReadonlySet<string> = new Set(Object.values(tags));

/** Tags that nothing will ever act on. */
async function strayTags({ secrets, deployment }: Session): Promise<readonly Finding[]> {
  const { profiles } = await deployment();
  const findings: Finding[] = [];
  for await (const page of secrets.tagged()) {
    for (const { name, tags: found } of page) {
      const strange = [...found.keys()].filter((tag) => tag.startsWith(tagPrefix) && !known.has(tag));
      if (strange.length > 0) {
        const allowed = Object.values(tags)
          .map((tag) => tag.slice(tagPrefix.length))
          .join(', ');
        findings.push(
          fault(
            `${name} has ${strange.join(', ')}, which means nothing.`,
            `Correct or remove it; there are ${allowed}.`,
          ),
        );
      }
      const profile = found.get(tags.profile);
      if (profile === undefined) {
        findings.push(
          fault(
            `${name} has tags of cert-renewer and no ${tags.profile}: it is not enrolled.`,
            `cert-renewer enrol ${name} --profile <profile>, or take the tags away.`,
          ),
        );
      } else if (!(await profiles.find(profile))) {
        findings.push(
          note(
            `${name} is in the profile ${profile}, which this stack has not.`,
            'Correct the tag, or deploy the profile; or it is another stack’s.',
          ),
        );
      }
    }
  }
  return findings.length > 0 ? findings : [ok('No stray tags.')];
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

/** A check that could not be made is a finding too. */
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
      ? 'Ask for the permission (docs/cli.md, doctor), or look as somebody who has it.'
      : 'Try again.';
    return [{ grade: 'unknown', says: `It could not be looked at: ${explained(thrown)}`, fix }];
  }
}
