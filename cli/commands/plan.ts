/** `plan`: what the next scan would do, asked of the scan itself. */
import type { PlanEntry, ScanResult } from '../../lambdas/domain/result.ts';
import { command } from '../command.ts';
import { findStack, invokeScan } from '../permissions.ts';
import { GrowingTable } from '../table.ts';

export const plan = command({
  name: 'plan',
  summary: 'what the next scan would do, and why',
  description: [
    "The scan's dry run: a line and a reason for each certificate. Nothing is sent and nothing changes.",
    'What it would do: renew, rekey, inspect (a worker has to look), skip, or issue, for a declared certificate that is missing (Missing) or is still as it was declared before (Changed).',
    'One that is named and not in the plan is not enrolled, or not there: exit code 1.',
  ],
  argument: { name: '[names...]', description: 'names or ARNs of secrets (default: all that are enrolled)' },
  options: {
    profile: { flags: '--profile <profile>', description: 'of this profile only' },
    force: { flags: '--force', description: 'as a scan with force would: not due, paused and backing off ones too' },
  },
  examples: [
    { command: 'cert-renewer plan', says: 'for all of them' },
    { command: 'cert-renewer plan web/tls', says: 'for one' },
    { command: 'cert-renewer plan --profile internal --json', says: 'for a program' },
  ],
  needs: [findStack, invokeScan],
  run: async ({ session, terminal }, names, { profile, force }) => {
    terminal.progress('Asking the scan …');
    const request = {
      dryRun: true,
      ...(names.length > 0 && { secretIds: [...new Set(names)] }),
      ...(profile !== undefined && { profile }),
      ...(force && { force }),
    };
    const answer = await session.functions.invoke(await session.output('ScanFunctionName'), request);
    terminal.progress('');
    const { plan: entries, planTruncated, listed, notFound } = answer as ScanResult;
    if (terminal.json) for (const entry of entries) terminal.record(entry);
    else new GrowingTable(terminal, columns).add(entries.map(cellsOf));
    if (planTruncated) terminal.note(`The plan holds ${entries.length} of ${listed}: ask by --profile or by name.`);
    // A stack of an earlier version does not say it.
    const isPlanned = (name: string) => entries.some((entry) => entry.name === name || entry.secretArn === name);
    const missing = notFound ?? names.filter((name) => !isPlanned(name));
    for (const name of missing) {
      const error = {
        errorType: 'SecretNotEnrolled',
        message: `It is not enrolled, not there${profile === undefined ? '' : `, or not of the profile ${profile}`}: cert-renewer status ${name} says which.`,
      };
      if (terminal.json) terminal.record({ name, error });
      else terminal.note(`${name}: ${error.errorType}: ${error.message}`);
    }
    return missing.length > 0 ? 'attention' : 'ok';
  },
});

const columns = [{ head: 'NAME', least: 16 }, { head: 'PROFILE' }, { head: 'ACTION' }, { head: 'REASON', least: 20 }];

const cellsOf = ({ name, profile, action, reason }: PlanEntry) => [
  { text: name },
  { text: profile },
  { text: action, style: action === 'skip' ? ('dim' as const) : undefined },
  { text: `${reason.code}: ${reason.message}` },
];
