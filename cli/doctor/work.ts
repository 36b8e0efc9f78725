/** The last scan and the last probe, the renewals that wait, and the dead letters. */
import { count } from '../../lambdas/domain/count.ts';
import { docs } from '../../lambdas/domain/docs.ts';
import { relative, span } from '../../lambdas/inventory/words.ts';
import type { LogLine } from '../aws/observe.ts';
import { type QueueName, queueNames, urlsOf } from '../dead-letter-queues.ts';
import type { Session } from '../session.ts';
import { type Finding, fault, note, ok, type Remedy } from './finding.ts';

export async function lastScan(session: Session): Promise<readonly Finding[]> {
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
        {
          fix: 'Start one now, and see its answer: cert-renewer scan. In a new stack the first scan begins when the deployment ends.',
          link: docs('operations.md', 'noscan'),
        },
      ),
    ];
  }
  const failed = failureIn(lines);
  if (failed) {
    return [
      fault(`The scan of ${relative(failed.at, now)} failed.`, {
        fix: `Start one now, and see its answer: cert-renewer scan. The end of the log group ${logGroup} says more.`,
        link: docs('operations.md', 'scandeadletters'),
      }),
    ];
  }
  return [ok(`The last scan was ${relative(last.at, now)}.`)];
}

/** Milliseconds. The probe runs every minute, and a line may appear in CloudWatch some minutes late. */
const longWithoutProbe = 15 * 60_000;

/** Returns nothing for a stack that does not probe. */
export async function lastProbe({ observer, functions: asked, stack, clock }: Session): Promise<readonly Finding[]> {
  const { outputs, updatedAt = 0 } = await stack();
  const name = outputs.get('ProbeFunctionName');
  if (name === undefined) return [];
  const { logGroup } = await asked.settings(name);
  const now = clock.now();
  const lines = await observer.logSince(logGroup, now - longWithoutProbe);
  const last = lines?.at(-1);
  const remedy = {
    fix: `Start one now, and see its answer: cert-renewer probe. The end of the log group ${logGroup} says more.`,
    link: docs('served.md', 'when-it-probes'),
  };
  if (last === undefined) {
    const isNew = now - updatedAt < longWithoutProbe;
    return [(isNew ? note : fault)(`The probe has not run for ${span(longWithoutProbe)}.`, remedy)];
  }
  const failed = failureIn(lines);
  if (failed) return [fault(`The probe of ${relative(failed.at, now)} failed.`, remedy)];
  return [ok(`The last probe was ${relative(last.at, now)}.`)];
}

/** Returns the line that says that the last invocation failed as a whole. */
function failureIn(lines: readonly LogLine[] | undefined): LogLine | undefined {
  const [last, failed] = [lines?.at(-1), lines?.filter(({ text }) => isFailedRun(text)).at(-1)];
  return last && failed && invocationOf(failed.text) === invocationOf(last.text) ? failed : undefined;
}

/**
 * The id of the invocation that wrote a line: a line of Lambda itself, as text or JSON
 * (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html), or of the function.
 */
function invocationOf(text: string): unknown {
  const { requestId, record } = fieldsOf(text);
  return /^[A-Z]+ RequestId: (\S+)/.exec(text)?.[1] ?? requestId ?? Object(record).requestId;
}

/**
 * Returns whether a log line says that a whole run failed: it names no secret, and no part of the run. A request that somebody typed
 * wrong says nothing about the runs of the schedule.
 */
function isFailedRun(text: string): boolean {
  const { level, secretArn, step, reason } = fieldsOf(text);
  if (level !== 'ERROR' && level !== 'WARN') return false;
  return !secretArn && !step && Object(reason).code !== 'InvalidRequest';
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {}; // lines of Lambda itself are no JSON
  }
}

type Letters = Record<QueueName, { readonly says: (number: number) => string; readonly remedy: Remedy }>;

const emptied = (queue: QueueName) =>
  `cert-renewer dead-letters --queue ${queue} shows why. Remove the cause, then empty the queue: cert-renewer dead-letters --queue ${queue} --purge.`;

const letters: Letters = {
  renewals: {
    says: (number) =>
      `${count(number, 'renewal')} failed three times: ${number === 1 ? 'it is a dead letter' : 'they are dead letters'}.`,
    remedy: {
      fix: 'See which ones: cert-renewer dead-letters. Remove the cause. Then move them back to the queue: cert-renewer redrive. Or wait: the schedule tries each secret again.',
      link: docs('operations.md', 'deadletters'),
    },
  },
  scan: {
    says: (number) => `${count(number, 'scan')} could not be started, or failed twice.`,
    remedy: { fix: emptied('scan'), link: docs('operations.md', 'scandeadletters') },
  },
  notices: {
    says: (number) => `${count(number, 'e-mail')} could not be sent.`,
    remedy: { fix: emptied('notices'), link: docs('operations.md', 'noticedeadletters') },
  },
  hooks: {
    says: (number) =>
      `${count(number, 'hook')} failed, and ${number === 1 ? 'its event is a dead letter' : 'their events are dead letters'}.`,
    remedy: { fix: emptied('hooks'), link: docs('operations.md', 'hookdeadletters') },
  },
};

export async function queues(session: Session): Promise<readonly Finding[]> {
  const { observer, output } = session;
  const urls = await urlsOf(session, queueNames);
  const dead = await Promise.all([...urls].map(async ([name, url]) => ({ name, number: await observer.waiting(url) })));
  const waiting = await observer.waiting(await output('RenewalQueueUrl'));
  const faults = dead
    .filter(({ number }) => number > 0)
    .map(({ name, number }) => fault(letters[name].says(number), letters[name].remedy));
  const found = faults.length > 0 ? faults : [ok('There are no dead letters.')];
  return [...found, ok(`${count(waiting, 'renewal')} in the queue.`)];
}
