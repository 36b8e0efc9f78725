/** `scan`: a scan now, as the schedule starts it. */
import { count } from '../../lambdas/domain/count.ts';
import type { ScanResult } from '../../lambdas/domain/result.ts';
import { span } from '../../lambdas/inventory/words.ts';
import { FunctionFailure } from '../aws/functions.ts';
import { type Context, command } from '../command.ts';
import { UsageError } from '../exit.ts';
import { tellNotFound } from '../not-found.ts';
import { findStack, invokeScan, listProfiles, readAuthorities, readProfiles, readSettings } from '../permissions.ts';
import { checkProfile } from '../session.ts';

export const scan = command({
  name: 'scan',
  summary: 'scan now, without waiting for the schedule',
  description: [
    'Invokes the scan function as the schedule does, and prints its counts. It sends due certificates, and those that no worker has inspected yet, to the renewal queue. Workers renew them within the next minutes, so the end of the command is not the end of the renewals.',
    'With --force every certificate of the selection is renewed: also one that is not due, one that a tag or its profile pauses, and one in back-off. Without names and without --profile the selection is all enrolled certificates.',
    'The exit code is 1 if a named secret is not enrolled or does not exist. Use plan to see first what a scan would do, and renew to wait for the result of each certificate.',
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets (default: all enrolled ones)' },
  options: {
    profile: { flags: '--profile <profile>', description: 'only certificates of this profile' },
    force: {
      flags: '--force',
      description: 'renew the whole selection: also what is not due, paused or in back-off',
    },
  },
  examples: [
    { command: 'cert-renewer scan', says: 'what the schedule does, now' },
    { command: 'cert-renewer scan web/tls db/tls --force', says: 'two certificates, due or not, through the queue' },
    { command: 'cert-renewer scan --profile internal --force', says: 'a whole profile, after its CA has changed' },
  ],
  needs: [
    findStack,
    invokeScan,
    ...[readSettings, readProfiles, readAuthorities].map((need) => ({
      ...need,
      when: 'optional: to check `--profile`',
    })),
    listProfiles,
  ],
  run: async (context, names, { profile, force }) => {
    const { terminal } = context;
    if (profile !== undefined) await checkProfile(context.session, profile);
    const answer = await ask(context, {
      ...(names.length > 0 && { secretIds: [...new Set(names)] }),
      ...(profile !== undefined && { profile }),
      ...(force && { force }),
    });
    const { notFound = [] } = answer; // a stack of an earlier version has none
    if (terminal.json) terminal.record(answer);
    else {
      terminal.print(summaryOf(answer));
      tellNotFound(context, notFound, profile);
      if (answer.enqueued > 0) terminal.hint('See what became of them in a few minutes: cert-renewer status');
    }
    return notFound.length > 0 ? 'attention' : 'ok';
  },
});

/** Throws UsageError for a request that the scan refuses, such as one with an unknown profile. */
async function ask({ terminal, session }: Context, request: object): Promise<ScanResult> {
  terminal.progress('Scanning …');
  try {
    return (await session.functions.invoke(await session.output('ScanFunctionName'), request)) as ScanResult;
  } catch (thrown) {
    if (!(thrown instanceof FunctionFailure) || thrown.errorType !== 'InvalidRequest') throw thrown;
    throw new UsageError(thrown.told().message.replace(/ See docs\/invoke\.md\.$/, ''));
  } finally {
    terminal.progress('');
  }
}

/** The counts in the order of the answer, each with its words. `listed` is their sum. */
const words = {
  enqueued: 'sent to the queue',
  notDue: 'not due',
  paused: 'paused',
  backingOff: 'backing off',
  waiting: 'waiting for the CA',
  invalid: 'with an invalid tag or profile',
} as const satisfies Partial<Record<keyof ScanResult, string>>;

/** Returns one line for the counts, and one for each fact that needs a look. A count of zero is left out. */
function summaryOf(answer: ScanResult): string {
  const { listed, enqueued, unknown, overdue, durationMs, partial } = answer;
  const parts = (Object.keys(words) as (keyof typeof words)[])
    .filter((name) => answer[name] > 0)
    .map((name) => `${answer[name]} ${words[name]}`);
  const found = parts.length > 0 ? `: ${parts.join(', ')}` : '';
  const lines = [
    `${count(listed, 'certificate')} scanned in ${durationMs < 1000 ? `${durationMs}ms` : span(durationMs)}${found}.`,
  ];
  if (unknown > 0) lines.push(`${unknown} of the ${enqueued} sent: not inspected yet, so a worker decides.`);
  if (overdue > 0) lines.push(`${overdue} overdue: cert-renewer status shows which.`);
  if (partial) {
    lines.push('The scan ran out of time. Another invocation continues with the rest, and its counts are in the log.');
  }
  return lines.join('\n');
}
